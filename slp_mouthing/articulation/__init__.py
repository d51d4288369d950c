"""Phones to control curves by rule: visemes, coarticulation, contacts, gestures, rest."""

from slp_mouthing.articulation.motion import (
    CHANNELS,
    Style,
    articulate,
    channels,
    compose,
    perform,
    presence,
    styled,
    with_gestures,
)

__all__ = ["CHANNELS", "Style", "articulate", "channels", "compose", "perform", "presence", "styled", "with_gestures"]
