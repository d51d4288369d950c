"""The `.plan.json` file: a plan as JSON, and back."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any, get_args

from slp_mouthing.errors import InputError
from slp_mouthing.types import ActionType, BrowAction, BrowShape, MouthAction, MouthingPlan, Reduction, Sign, SignKind, Source

VERSION = 1
"""Of the file format."""

_CHOICES: dict[str, tuple[str, ...]] = {
    "kind": get_args(SignKind),
    "type": get_args(ActionType),
    "source": get_args(Source),
    "reduction": get_args(Reduction),
    "shape": get_args(BrowShape),
}
_ACTION_KEYS = tuple(f.name for f in fields(MouthAction) if f.name != "phones")


def plan_to_json(plan: MouthingPlan) -> str:
    """The plan as one JSON object on several lines: one line per sign and per action."""
    signs = [
        {"gloss": sign.gloss, "kind": sign.kind, "start_s": _time(sign.start_s), "end_s": _time(sign.end_s)}
        for sign in plan.signs
    ]
    rows: dict[str, list[Any]] = {
        "signs": signs,
        "actions": [_action(action) for action in plan.actions],
        "brows": [{"shape": one.shape, "start_s": _time(one.start_s), "end_s": _time(one.end_s)} for one in plan.brows],
        "warnings": list(plan.warnings),
    }
    parts = [f'"version": {VERSION}', f'"name": {_dumps(plan.name)}', f'"fps": {_dumps(plan.fps)}']
    parts += ['"question": true'] if plan.question else []
    parts += [f'"offset_s": {_dumps(_time(plan.offset_s))}'] if plan.offset_s else []
    parts += [f'"{key}": {_lines(values)}' for key, values in rows.items()]
    return "{\n  " + ",\n  ".join(parts) + "\n}"


def plan_from_json(text: str, where: str = "") -> MouthingPlan:
    """The plan of a `.plan.json`, without what the file does not hold: phones (`ipa` says them), overrides, lines and columns.

    Raises `InputError` naming the value at fault.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"is not JSON ({error})", where=where) from error
    reader = _Reader(where)
    root = reader.table(content, "the plan", ("version", "signs", "actions"))
    if root["version"] != VERSION:
        raise InputError(f"plan version {root['version']!r}, read is {VERSION}", where=where, hint="plan it again")
    signs = tuple(reader.sign(value, f"signs[{i}]") for i, value in enumerate(reader.rows(root["signs"], "signs")))
    actions = tuple(
        reader.action(value, f"actions[{i}]", len(signs)) for i, value in enumerate(reader.rows(root["actions"], "actions"))
    )
    warnings = tuple(str(value) for value in reader.rows(root.get("warnings", []), "warnings"))
    fps, offset_s = (reader.number(root.get(key, default), key) for key, default in (("fps", 30.0), ("offset_s", 0.0)))
    question = root.get("question", False) is True
    brows = tuple(reader.brow(value, f"brows[{i}]") for i, value in enumerate(reader.rows(root.get("brows", []), "brows")))
    return MouthingPlan(signs, actions, warnings, str(root.get("name", "")), fps, where, offset_s, question, brows)


def _action(action: MouthAction) -> dict[str, Any]:
    values = {key: getattr(action, key) for key in _ACTION_KEYS}
    return values | {key: _time(values[key]) for key in ("start_s", "end_s", "stretch")}


def _time(value: float) -> float:
    """To a microsecond, as gloss text is read."""
    return round(value, 6)


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _lines(values: list[Any]) -> str:
    return "[\n    " + ",\n    ".join(map(_dumps, values)) + "\n  ]" if values else "[]"


class _Reader:
    """Checks values one by one; every error names the one at fault."""

    def __init__(self, where: str) -> None:
        self.where = where

    def sign(self, value: object, at: str) -> Sign:
        row = self.table(value, at, ("gloss", "kind", "start_s", "end_s"))
        kind: Any = self.choice(row["kind"], "kind", at)
        return Sign(self.text(row["gloss"], f"{at}.gloss"), kind, *self.slot(row, at))

    def action(self, value: object, at: str, sign_count: int) -> MouthAction:
        row = self.table(value, at, ("type", "start_s", "end_s", "signs", "source"))
        start_s, end_s = self.slot(row, at)
        texts: dict[str, Any] = {
            key: None if row.get(key) is None else self.text(row[key], f"{at}.{key}") for key in ("text", "ipa", "gesture")
        }
        choices: dict[str, Any] = {key: self.choice(row[key], key, at) for key in ("type", "source")}
        choices["reduction"] = self.choice(row.get("reduction", "full"), "reduction", at)
        signs = self.rows(row["signs"], f"{at}.signs")
        if not all(type(i) is int and 0 <= i < sign_count for i in signs):
            raise self.error(f"{at}.signs", signs, f"a list of indices below {sign_count}")
        stretch = self.number(row.get("stretch", 1.0), f"{at}.stretch")
        rule = self.text(row.get("rule", ""), f"{at}.rule")
        return MouthAction(start_s=start_s, end_s=end_s, signs=tuple(signs), stretch=stretch, rule=rule, **texts, **choices)

    def brow(self, value: object, at: str) -> BrowAction:
        row = self.table(value, at, ("shape", "start_s", "end_s"))
        shape: Any = self.choice(row["shape"], "shape", at)
        return BrowAction(shape, *self.slot(row, at))

    def slot(self, row: dict[str, Any], at: str) -> tuple[float, float]:
        start_s, end_s = (self.number(row[key], f"{at}.{key}") for key in ("start_s", "end_s"))
        if end_s < start_s:
            raise self.error(f"{at}.end_s", end_s, f"at least its start, {start_s:g}")
        return start_s, end_s

    def table(self, value: object, at: str, needed: tuple[str, ...]) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self.error(at, value, "an object")
        if missing := [key for key in needed if key not in value]:
            raise InputError(f"{at} lacks {', '.join(missing)}", where=self.where, hint="plan it again")
        return value

    def rows(self, value: object, at: str) -> list[Any]:
        if not isinstance(value, list):
            raise self.error(at, value, "a list")
        return value

    def text(self, value: object, at: str) -> str:
        if not isinstance(value, str):
            raise self.error(at, value, "text")
        return value

    def number(self, value: object, at: str) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.0 <= value < 1e6:
            raise self.error(at, value, "a number from 0")
        return float(value)

    def choice(self, value: object, key: str, at: str) -> str:
        if not isinstance(value, str) or value not in _CHOICES[key]:
            raise self.error(f"{at}.{key}", value, f"one of {', '.join(_CHOICES[key])}")
        return value

    def error(self, at: str, value: object, expected: str) -> InputError:
        return InputError(f"{at} is {_dumps(value)[:60]}, expected {expected}", where=self.where)
