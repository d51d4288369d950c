"""Lexicons that ship with the package: what the mouth does with the signs of a sign language, and where that is known from."""
