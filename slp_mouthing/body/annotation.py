"""When a body makes which sign, where its file says so: `glosses` [N] text and `sign_times_s` [N, 2], start and end.

Both are ours: no published format has them, and none minds them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.errors import InputError
from slp_mouthing.types import TimedGloss

if TYPE_CHECKING:
    from slp_mouthing.body.records import Record

GLOSSES, TIMES = "glosses", "sign_times_s"


def read_signs(record: Record) -> tuple[TimedGloss, ...]:
    """The signs in order of time; none when the file has no annotation. Raises `InputError` for one that makes no sense."""
    if GLOSSES not in record.names or TIMES not in record.names:
        return ()
    glosses, times = record.array(GLOSSES), record.array(TIMES)
    if glosses.dtype.kind != "U" or glosses.ndim != 1 or times.shape != (len(glosses), 2) or times.dtype.kind != "f":
        raise InputError(
            f"'{GLOSSES}' is {glosses.dtype}{list(glosses.shape)} and '{TIMES}' {times.dtype}{list(times.shape)}, "
            "expected text [N] and seconds [N, 2]", where=record.where,
        )  # fmt: skip
    ends = times.ravel()
    if not np.isfinite(ends).all() or (np.diff(ends) < -1e-6).any() or (ends < 0).any():
        raise InputError(f"'{TIMES}' is not in order of time", where=record.where)
    return tuple(TimedGloss(str(gloss), float(a), float(b)) for gloss, (a, b) in zip(glosses, times, strict=True))
