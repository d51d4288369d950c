"""JSON: a list of signs, or a plan that was written before (`.plan.json`).

    {"signs": [{"gloss": "WHY", "start_s": 0.2, "end_s": 0.68, "mouth": "why"}, ...], "question": true}

`mouth` is what stands in braces in gloss text (`/waɪ/`, `%puffed-cheeks`, `""` for nothing); without it the lexicon decides. A
sign without `start_s` begins where the one before it ends; one without `end_s` has the default duration of its kind. A list of
such objects is one utterance each. `question` raises the brows of a question that wants yes or no.

A plan keeps its times and what its actions mouth (`ipa`, else `text`), also where they were edited. What is dropped: why it was
decided so (`source`, `rule`, `reduction`, `stretch`), and its warnings.
"""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any, get_args

from slp_mouthing.errors import InputError
from slp_mouthing.files import read_text
from slp_mouthing.notation.conventions import read_gloss
from slp_mouthing.notation.gloss_text import MAX_GLOSS, MAX_SIGN_S, MAX_UTTERANCE_S
from slp_mouthing.notation.glosses import default_duration_s
from slp_mouthing.notation.mouth import read_mouth
from slp_mouthing.types import MouthOverride, Sign, SignKind, TimedMouthing, Utterance

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from slp_mouthing.notation.conventions import GlossStyle
    from slp_mouthing.notation.options import ReadOptions

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_HINT = 'write {"signs": [{"gloss": "WHY", "start_s": 0.2, "end_s": 0.68}]}'


def read_json(path: Path, options: ReadOptions) -> Iterator[Utterance | InputError]:
    """An utterance per object. Raises `InputError` for what is no JSON."""
    where = str(path)
    try:
        content = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise InputError(f"is not JSON ({error.msg})", where=f"{where}:{error.lineno}:{error.colno}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"is not JSON that can be read ({type(error).__name__})", where=where) from error
    objects = content if isinstance(content, list) else [content]
    for number, value in enumerate(objects):
        name = f"[{number}]." if isinstance(content, list) else ""
        try:
            utterance = _Reader(where, name, options.style).utterance(value)
        except InputError as error:
            yield error
        else:
            if utterance.signs:
                yield utterance


class _Reader:
    """Checks values one by one; every error names the one at fault."""

    def __init__(self, where: str, name: str, style: GlossStyle) -> None:
        self.where, self.name, self.style = where, name, style
        self.warnings: list[str] = []

    def utterance(self, value: object) -> Utterance:
        root = self.table(value, "the utterance")
        rows = self.rows(root.get("signs"), "signs")
        signs: list[Sign] = []
        for number, row in enumerate(rows):
            signs.append(self.sign(row, f"signs[{number}]", signs[-1].end_s if signs else 0.0))
        actions = self.rows(root.get("actions", []), "actions")
        mouthings = [self.mouthing(row, f"actions[{number}]") for number, row in enumerate(actions)]
        offset_s = self.number(root.get("offset_s", 0.0), "offset_s")
        said = tuple(self.apart([mouthing for mouthing in mouthings if mouthing]))
        if actions and not said:
            signs = [Sign(s.gloss, s.kind, s.start_s, s.end_s, s.text, MouthOverride("none"), lemma=s.lemma) for s in signs]
        return Utterance(tuple(signs), warnings=tuple(self.warnings), input=self.where, mouthings=said, offset_s=offset_s,
                         question=self.flag(root.get("question", False), "question"))  # fmt: skip

    def sign(self, value: object, at: str, now_s: float) -> Sign:
        row = self.table(value, at)
        gloss = self.text(row.get("gloss"), f"{at}.gloss").strip()
        if not gloss:
            raise self.error(f"{at}.gloss", gloss, "a gloss")
        reading = read_gloss(gloss, self.style)
        if reading.problem:
            self.warnings.append(f"{self.where}: {self.name}{at}: {gloss}: {reading.problem}")
        kind = row.get("kind", reading.kind)
        if kind not in get_args(SignKind):
            raise self.error(f"{at}.kind", kind, f"one of {', '.join(get_args(SignKind))}")
        start_s = self.number(row.get("start_s", now_s), f"{at}.start_s")
        end_s = self.number(row.get("end_s", start_s + default_duration_s(reading.kind, reading.text)), f"{at}.end_s")
        if start_s < now_s:
            raise self.error(f"{at}.start_s", start_s, f"at least {now_s:g}, the end of the sign before it")
        if not 0 < end_s - start_s <= MAX_SIGN_S:
            raise self.error(f"{at}.end_s", end_s, f"above its start, {start_s:g}, and at most {MAX_SIGN_S:g} s later")
        return Sign(gloss, kind, start_s, end_s, reading.text, self.mouth(row, at), lemma=reading.lemma)

    def flag(self, value: object, at: str) -> bool:
        if not isinstance(value, bool):
            raise self.error(at, value, "true or false")
        return value

    def mouth(self, row: dict[str, Any], at: str) -> MouthOverride | None:
        if row.get("mouth") is None:
            return None
        try:
            return read_mouth(self.text(row["mouth"], f"{at}.mouth").strip())
        except InputError as error:
            raise InputError(f"{self.name}{at}.mouth: {error.what}", where=self.where, hint=error.hint) from error

    def mouthing(self, value: object, at: str) -> TimedMouthing | None:
        """The mouthing of one of a plan's actions; None for a mouth at rest."""
        row = self.table(value, at)
        start_s, end_s = (self.number(row.get(key), f"{at}.{key}") for key in ("start_s", "end_s"))
        text, ipa, gesture = (self.text(row.get(key) or "", f"{at}.{key}").strip() for key in ("text", "ipa", "gesture"))
        if not (text or ipa or gesture):
            return None
        if end_s <= start_s:
            raise self.error(f"{at}.end_s", end_s, f"above its start, {start_s:g}")
        if gesture:
            return TimedMouthing(MouthOverride("gesture", gesture), start_s, end_s)
        override = MouthOverride("ipa", ipa) if ipa else MouthOverride("text", text)
        return TimedMouthing(override, start_s, end_s, word=text)

    def apart(self, mouthings: list[TimedMouthing]) -> list[TimedMouthing]:
        """The mouthings, of which none may start before the one before it ends."""
        for before, after in pairwise(mouthings):
            if after.start_s < before.end_s:
                what = f"one starts at {after.start_s:g} s, before the one ahead of it ends at {before.end_s:g} s"
                raise InputError(f"{self.name}actions: {what}", where=self.where)
        return mouthings

    def table(self, value: object, at: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self.error(at, value, "an object")
        return value

    def rows(self, value: object, at: str) -> list[Any]:
        if not isinstance(value, list):
            raise self.error(at, value, "a list")
        return value

    def text(self, value: object, at: str) -> str:
        if not isinstance(value, str) or len(value) > MAX_GLOSS or _UNPRINTABLE.search(value):
            raise self.error(at, value, f"text of at most {MAX_GLOSS} characters")
        return value

    def number(self, value: object, at: str) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.0 <= value <= MAX_UTTERANCE_S:
            raise self.error(at, value, f"seconds from 0 to {MAX_UTTERANCE_S:g}")
        return round(float(value), 6)

    def error(self, at: str, value: object, expected: str) -> InputError:
        shown = json.dumps(value)[:60] if value is not None else "missing"
        return InputError(f"{self.name}{at} is {shown}, expected {expected}", where=self.where, hint=_HINT)
