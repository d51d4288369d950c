"""The motion of a subject's mesh: channels on the head that a clip names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.articulation import compose
from slp_mouthing.errors import InputError
from slp_mouthing.head.builtin import load_builtin
from slp_mouthing.head.identities import IDENTITIES
from slp_mouthing.head.identity import draw_identity
from slp_mouthing.types import ARKIT_NAMES

if TYPE_CHECKING:
    from slp_mouthing.head.builtin import BuiltinHead
    from slp_mouthing.types import Array, Floats


def head_of(identity: str) -> BuiltinHead:
    """The built-in head of a person by name, or drawn from a seed; the last few are kept. Raises `InputError`."""
    if identity in IDENTITIES:
        return load_builtin(IDENTITIES[identity])
    if not identity.isdecimal():
        people = ", ".join(IDENTITIES)
        raise InputError(f"no person '{identity}': neither one of {people} nor the seed of a drawn one")
    return load_builtin(draw_identity(int(identity)))


def vertices_m(head: BuiltinHead, values: Floats) -> Array:
    """The head posed by channels. [T, H] -> [T, V, 3]"""
    curves = compose(np.asarray(values, np.float64)).astype(np.float32)
    return head.pose(curves[:, : len(ARKIT_NAMES)], curves[:, len(ARKIT_NAMES) :])
