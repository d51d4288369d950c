"""What each sign got: the times that were wished for and the times that the face reached, and what the mouthing lost for room."""

from __future__ import annotations

import csv
import io
from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.articulation.measure import APART_S, VISIBLE
from slp_mouthing.errors import OutputError
from slp_mouthing.files import atomic_write
from slp_mouthing.mouthing import gestures
from slp_mouthing.mouthing.plan import PlanOptions
from slp_mouthing.phonetics import BILABIALS
from slp_mouthing.timing import TimingOptions, score
from slp_mouthing.types import CONTROL_NAMES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from slp_mouthing.types import FaceTrack, MouthAction, MouthingPlan, Phone, Take

_MOUTH = [k for k, name in enumerate(CONTROL_NAMES) if name.startswith(("jaw", "mouth", "tongue", "cheekPuff"))]


@dataclass(frozen=True, slots=True)
class SignReport:
    """One sign. Times in seconds on the signs' clock; None where there is nothing to say."""

    sign: str
    slot_start_s: float
    slot_end_s: float
    mouth: str
    """The word, a %gesture, `↳` where the mouthing of the sign before goes on, or `-`."""
    start_s: float | None = None
    """When the plan wants the mouth to start."""
    onset_s: float | None = None
    """First frame in which it is seen to; None where it comes from another mouthing, without rest between."""
    end_s: float | None = None
    """When the plan wants it to leave for rest."""
    rest_s: float | None = None
    """First frame at rest afterwards; None where it goes on into another mouthing."""
    stretch: float | None = None
    """Duration over natural duration."""
    reduction: str = ""
    phones: int = 0
    phones_compressed: int = 0
    """Those that got less than the least stretch that counts as fitting (`PlanOptions.min_stretch`)."""
    closures: int = 0
    """Sounds for which the lips must meet: /p b m/."""
    closures_kept: int = 0
    """Those in which a frame of the track shows the lips touch."""
    source: str = ""
    rule: str = ""


def report(plan: MouthingPlan, track: FaceTrack) -> list[SignReport]:
    """A row for each sign of the plan that `track` was made from; the plan has its phones."""
    phones = iter(score(plan, gestures.find, TimingOptions(fps=track.fps)).phones)
    away = np.any(track.curves.values[:, _MOUTH] > VISIBLE, axis=1)
    moving = [action for action in plan.actions if action.type != "None"]
    rows: dict[int, SignReport] = {}
    for action in plan.actions:
        placed = [next(phones) for _ in action.phones]
        first, *others = action.signs
        rows[first] = _row(plan, action, placed, moving, track, away)
        for index in others:
            sign = plan.signs[index]
            rows[index] = SignReport(sign.gloss, sign.start_s, sign.end_s, "↳" if action.type != "None" else "-")
    return [rows[index] for index in sorted(rows)]


def _row(
    plan: MouthingPlan,
    action: MouthAction,
    placed: Sequence[Phone],
    moving: Sequence[MouthAction],
    track: FaceTrack,
    away: NDArray[np.bool_],
) -> SignReport:
    sign = plan.signs[action.signs[0]]
    if action.type == "None":
        return SignReport(sign.gloss, sign.start_s, sign.end_s, "-", source=action.source, rule=action.rule)
    place = moving.index(action)
    after_rest = place == 0 or action.start_s - moving[place - 1].end_s >= APART_S
    before_rest = place == len(moving) - 1 or moving[place + 1].start_s - action.end_s >= APART_S
    least = PlanOptions().min_stretch
    closures = [phone for phone in placed if phone.symbol[:1] in BILABIALS]
    return SignReport(
        sign.gloss,
        sign.start_s,
        sign.end_s,
        f"%{action.gesture}" if action.gesture else action.text or f"/{action.ipa}/",
        action.start_s,
        _first(away, action.start_s, track.fps) if after_rest else None,
        action.end_s,
        _first(~away, action.end_s, track.fps) if before_rest else None,
        action.stretch if action.phones else None,
        action.reduction if action.phones else "",
        len(placed),
        sum(a.duration_s < least * b.duration_s - 1e-9 for a, b in zip(placed, action.phones, strict=True)),
        len(closures),
        sum(_touches(track, phone) for phone in closures),
        action.source,
        action.rule,
    )


def _first(true: NDArray[np.bool_], from_s: float, fps: float) -> float | None:
    """Time of the first true frame from the one before `from_s` on."""
    first = max(round(from_s * fps) - 1, 0)
    found = np.flatnonzero(true[first:])
    return (first + int(found[0])) / fps if len(found) else None


def _touches(track: FaceTrack, phone: Phone) -> bool:
    """Whether the lips touch in a frame whose interval overlaps the phone."""
    first, last = round(phone.start_s * track.fps), round(phone.end_s * track.fps)
    return bool(np.any(track.lip_opening_m[first : last + 1] <= 0.0))


# ---- files ----------------------------------------------------------------------------------------------------------------
def report_csv(rows: Sequence[SignReport]) -> str:
    """A header and a line per sign; empty cells for None."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(field.name for field in fields(SignReport))
    writer.writerows([_cell(value, 4) for value in astuple(row)] for row in rows)
    return text.getvalue()


def report_table(rows: Sequence[SignReport]) -> str:
    """The same for people, with what was lost in all on the last line."""
    header = ("sign", "slot", "mouth", "start", "seen", "end", "rest", "speed", "reduction", "short", "closures", "why")
    cells = [header, *(_shown(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(header))]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    kept, planned = sum(row.closures_kept for row in rows), sum(row.closures for row in rows)
    short, phones = sum(row.phones_compressed for row in rows), sum(row.phones for row in rows)
    reduced = sum(row.reduction not in ("", "full") for row in rows)
    total = f"closures kept {kept} of {planned}, phones compressed {short} of {phones}, mouthings reduced {reduced}"
    return "\n".join([*lines, "", total, ""])


def _shown(row: SignReport) -> tuple[str, ...]:
    times = [_cell(value, 2) for value in (row.start_s, row.onset_s, row.end_s, row.rest_s)]
    slot = f"{row.slot_start_s:.2f}-{row.slot_end_s:.2f}"
    short = f"{row.phones_compressed}/{row.phones}" if row.phones else ""
    closures = f"{row.closures_kept}/{row.closures}" if row.closures else ""
    speed = f"x{row.stretch:.2f}" if row.stretch is not None else ""
    return (row.sign, slot, row.mouth, *times, speed, row.reduction, short, closures, row.rule)


def _cell(value: object, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}" if isinstance(value, float) else str(value)


def write_report(take: Take, path: Path) -> None:
    """Write `.report.csv` or `.report.txt`. Raises `OutputError` for a track without its plan."""
    rows = _rows(take, path)
    atomic_write(path, report_csv(rows) if path.suffix == ".csv" else report_table(rows))


def _rows(take: Take, path: Path) -> list[SignReport]:
    if take.plan is None:
        raise OutputError("a track does not hold its plan", where=str(path), hint="use 'mouth render --report'")
    return report(take.plan, take.track)
