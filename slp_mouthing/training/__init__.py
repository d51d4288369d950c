"""Corpora of speech with faces, and the training of what ships on them."""
