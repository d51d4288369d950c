"""Avatars that ship as files: none yet.

The default avatar and its people are made by code when they are first shown (`head/builtin.py`, `head/identities.py`,
`avatar/default.py`). What training makes has its place here, in a folder each, with how it was made.
"""
