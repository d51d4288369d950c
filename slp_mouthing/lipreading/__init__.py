"""Reading lips from pictures: Auto-AVSR's visual network, a small reader of our own, and the lip-reading loss.

Needs the extra `torch`. Import what you need from `checkpoint`, `reader`, `autoavsr` and `loss`.
"""
