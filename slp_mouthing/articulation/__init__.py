"""Phones to control curves by rule: visemes, coarticulation, contacts, gestures, rest."""

from slp_mouthing.articulation.motion import Style, articulate

__all__ = ["Style", "articulate"]
