"""Gloss text (`.txt`, `.gloss`): one utterance per line, one token per sign.

    line     = (token | stop)* ["?"] ["#" comment]
    token    = (GLOSS | "%(" name ")" | "⌘" mouth "(" token* ")") suffix*
    suffix   = "@" duration | "@" start "-" end | "{" mouth "}"        each at most once, in either order
    stop     = "." between signs: half a second of rest, where the next sign has no start of its own
    mouth    = "" nothing | "/" IPA "/" | "%" gesture name or SiGML code | words

Times are seconds. A token without a start begins where the one before it ends; one without timing takes the default of its
kind, or its share of the room when the next start is fixed and closer than that.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, NamedTuple

from slp_mouthing.errors import InputError
from slp_mouthing.notation.conventions import read_gloss
from slp_mouthing.notation.glosses import default_duration_s
from slp_mouthing.notation.mouth import read_mouth
from slp_mouthing.types import MouthSpan, Sign, Utterance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slp_mouthing.notation.conventions import GlossStyle
    from slp_mouthing.types import MouthOverride

MAX_SIGN_S = 600.0
"""Longest slot of one sign."""
MAX_UTTERANCE_S = 7200.0
"""Latest end of an utterance: room for 10,000 signs at the default tempo."""
MIN_SLOT_S = 0.04
"""Least slot, one frame at 25 fps, to which an untimed sign is squeezed before a fixed start."""
MAX_GLOSS = 200
"""Longest gloss or mouthing, in characters; what is longer is not a gloss file."""

FULL_STOP_S = 0.5
"""Rest between two sentences of a line: asked for by a Deaf user of a comparable tool."""
_STOP = "."

_TIME_GRID = 6
"""Times are kept to a microsecond, so that what is written as decimals reads back equal."""

_GLOSS = re.compile(r"[^\s{}@#⌘]*")
_TIMING = re.compile(r"[^\s{}@#]*")
_BRACKET = re.compile(r"[()]")
_TIMES = re.compile(r"(-?(?:\d+\.?\d*|\.\d+))(?:-(-?(?:\d+\.?\d*|\.\d+)))?")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff]")
_NEW_LINE = re.compile(r"\r\n|\r|\n")


class _Timing(NamedTuple):
    start_s: float | None
    """None: where the sign before ends."""
    end_s: float
    """The duration when `start_s` is None."""

    @property
    def duration_s(self) -> float:
        return self.end_s - (self.start_s or 0.0)


@dataclass(frozen=True, slots=True)
class _Token:
    """One sign or, with `inner`, one mouthing over several."""

    gloss: str
    column: int
    timing: _Timing | None = None
    mouth: MouthOverride | None = None
    inner: tuple[_Token, ...] | None = None


def parse_lines(text: str, where: str = "", style: GlossStyle = "bsl") -> Iterator[Utterance | InputError]:
    """Each line with signs as an utterance without a name, or the problem that keeps it from being one.

    Args:
        text: gloss text of any number of lines.
        where: file name for error messages.
        style: conventions of the glosses.
    """
    for number, raw in enumerate(_NEW_LINE.split(text.removeprefix("\ufeff")), 1):
        try:
            utterance = _LineParser(unicodedata.normalize("NFC", raw), number, where, style).utterance()
        except InputError as error:
            yield error
        else:
            if utterance.signs:
                yield utterance


class _LineParser:
    """Reads one line from left to right; every character is looked at a bounded number of times."""

    def __init__(self, line: str, number: int, where: str, style: GlossStyle = "bsl") -> None:
        self.line, self.number, self.where, self.style = line, number, where, style
        self.at = 0

    def utterance(self) -> Utterance:
        if bad := _CONTROL.search(self.line):
            raise self.error(f"control character U+{ord(bad[0]):04X}", bad.start(), "give plain text in UTF-8")
        tokens = self.tokens(len(self.line), inside=False)
        question = len(tokens) > 1 and tokens[-1] == _Token("?", tokens[-1].column)
        return replace(_Clock(self).lay(tokens[:-1] if question else tokens), question=question)

    def error(self, what: str, at: int, hint: str = "") -> InputError:
        """An error at the 0-based column `at`."""
        return InputError(what, where=f"{self.where}:{self.number}:{at + 1}".lstrip(":"), hint=hint)

    def tokens(self, end: int, *, inside: bool) -> list[_Token]:
        found: list[_Token] = []
        while self.skip_space(end):
            found.append(self.token(end, inside=inside))
        return found

    def skip_space(self, end: int) -> bool:
        """Go to the next token; False at a comment or at `end`."""
        while self.at < end and self.line[self.at].isspace():
            self.at += 1
        if self.at < end and self.line[self.at] == "#":
            self.at = len(self.line)
        return self.at < end

    def token(self, end: int, *, inside: bool) -> _Token:
        start = self.at
        inner: tuple[_Token, ...] | None = None
        mouth: MouthOverride | None = None
        if self.line[start] == "⌘":
            if inside:
                raise self.error("⌘ within ⌘", start, "close the first one before it")
            mouth, inner = self.group()
        elif self.line.startswith("%(", start):
            self.at = self.closing(start + 1, end) + 1
        else:
            self.at = _GLOSS.match(self.line, start, end).end()  # type: ignore[union-attr]  # matches the empty string
        gloss = "" if inner else self.line[start : self.at]
        if not gloss and not inner:
            raise self.error(f"'{self.line[start]}' where a gloss is expected", start, "write GLOSS@timing{mouth}")
        self.check_length(gloss, start)
        if gloss.startswith("%(") and not gloss[2:-1].strip():
            raise self.error("nothing is spelled in %()", start, "write %(Name)")
        timing, own_mouth = self.suffixes(start, end)
        if own_mouth and (inner or inside):
            raise self.error("a mouth override on ⌘ or within it", start, "the word after ⌘ says what the mouth does")
        return _Token(gloss, start + 1, timing, mouth or own_mouth, inner)

    def group(self) -> tuple[MouthOverride, tuple[_Token, ...]]:
        """`⌘mouth(GLOSS GLOSS)`, up to and with the closing bracket."""
        start = self.at
        bracket = self.line.find("(", start)
        mouth = self.line[start + 1 : bracket].strip()
        if bracket < 0 or "⌘" in mouth:
            raise self.error("⌘ without an opening bracket", start, "write ⌘word(GLOSS1 GLOSS2)")
        end = self.closing(bracket, len(self.line))
        self.at = bracket + 1
        inner = tuple(self.tokens(end, inside=True))
        if not inner:
            raise self.error("⌘ over no sign", start, "write ⌘word(GLOSS1 GLOSS2)")
        if self.at > end:
            raise self.error("a comment within ⌘", end, "put # after the closing bracket")
        self.at = end + 1
        return self.mouth(mouth, start + 1), inner

    def closing(self, bracket: int, end: int) -> int:
        """Index of the `)` that belongs to the `(` at `bracket`."""
        depth = 0
        for match in _BRACKET.finditer(self.line, bracket, end):
            depth += 1 if match[0] == "(" else -1
            if depth == 0:
                return match.start()
        raise self.error("a bracket is not closed", bracket, "add )")

    def suffixes(self, start: int, end: int) -> tuple[_Timing | None, MouthOverride | None]:
        """`@timing` and `{mouth}` after a gloss or bracket, in either order."""
        timing: _Timing | None = None
        mouth: MouthOverride | None = None
        while self.at < end and not self.line[self.at].isspace() and self.line[self.at] != "#":
            at, sign = self.at, self.line[self.at]
            if sign == "@" and timing is None:
                self.at = _TIMING.match(self.line, at + 1, end).end()  # type: ignore[union-attr]  # matches the empty string
                timing = self.timing(at)
            elif sign == "{" and mouth is None:
                close = self.line.find("}", at, end)
                if close < 0 or "{" in self.line[at + 1 : close]:
                    raise self.error("a brace is not closed", at, "add }")
                self.at = close + 1
                mouth = self.mouth(self.line[at + 1 : close].strip(), at + 1)
            else:
                what = {"@": "a second timing", "{": "a second mouth override", "}": "} without {"}.get(
                    sign, f"'{sign}' after a token"
                )
                raise self.error(what, at, "write GLOSS@timing{mouth}, with spaces between signs")
        return timing, mouth

    def timing(self, at: int) -> _Timing:
        """The times of `@...` from `at` to the current column."""
        text = self.line[at + 1 : self.at]
        match = _TIMES.fullmatch(text)
        if not match or not text.isascii():
            shown = text if len(text) <= 40 else text[:40] + "…"
            raise self.error(f"'{shown}' is not a time", at, "write @0.48 (duration) or @0.20-0.68 (start and end), in seconds")
        first, second = (round(float(t), _TIME_GRID) if t else None for t in match.groups())
        assert first is not None
        if second is None:
            if not 0 < first <= MAX_SIGN_S:
                raise self.error(f"a duration of {first:g} s", at, f"it must lie above 0 and at most at {MAX_SIGN_S:g} s")
            return _Timing(None, first)
        if first < 0 or second <= first:
            raise self.error(f"start {first:g} s and end {second:g} s", at, "the start must be at least 0 and before the end")
        if second - first > MAX_SIGN_S:
            raise self.error(f"a duration of {second - first:g} s", at, f"it must be at most {MAX_SIGN_S:g} s")
        return _Timing(first, second)

    def mouth(self, text: str, at: int) -> MouthOverride:
        """What stands in braces or after ⌘, at the 0-based column `at`."""
        self.check_length(text, at)
        try:
            return read_mouth(text)
        except InputError as error:
            raise self.error(error.what, at, error.hint) from error

    def check_length(self, text: str, at: int) -> None:
        if len(text) > MAX_GLOSS:
            raise self.error(f"a token of {len(text)} characters, at most {MAX_GLOSS} are read", at, "is this a gloss file?")


class _Slot(NamedTuple):
    """A sign that waits for its start."""

    token: _Token
    duration_s: float
    given: bool
    """The duration is the input's, not a default that may shrink."""


class _Clock:
    """Lays a line's tokens out in time."""

    def __init__(self, parser: _LineParser) -> None:
        self.parser = parser
        self.signs: list[Sign] = []
        self.waiting: list[_Slot] = []
        self.warnings: list[str] = []
        self.now_s = 0.0
        self.stopped = False
        """Since the last sign."""

    def lay(self, tokens: list[_Token]) -> Utterance:
        spans: list[MouthSpan] = []
        for token in tokens:
            if token.inner is None:
                self.place(token)
                continue
            first = len(self.signs) + len(self.waiting)
            token = replace(token, inner=tuple(inner for inner in token.inner if inner.gloss != _STOP))
            for inner in self.shares(token):
                self.place(inner)
            assert token.mouth is not None
            spans.append(MouthSpan(token.mouth, first, first + len(token.inner or ()) - 1))
        self.settle()
        return Utterance(tuple(self.signs), tuple(spans), warnings=tuple(self.warnings), input=self.parser.where)

    def place(self, token: _Token) -> None:
        timing = token.timing
        if token.gloss == _STOP and timing is None:
            self.stopped = True
            return
        if self.stopped and (timing is None or timing.start_s is None) and (self.signs or self.waiting):
            self.settle()
            self.now_s = round(self.now_s + FULL_STOP_S, _TIME_GRID)
        self.stopped = False
        if timing is None:
            reading = read_gloss(token.gloss, self.parser.style)
            default_s = default_duration_s(reading.kind, reading.text)
            self.waiting.append(_Slot(token, default_s, given=False))
            return
        if timing.start_s is not None:
            self.settle(token)
            self.now_s = timing.start_s
        self.waiting.append(_Slot(token, timing.duration_s, given=True))

    def settle(self, before: _Token | None = None) -> None:
        """Give the waiting signs their times; all of them end before the start of `before`."""
        scale = 1.0 if before is None else self.squeeze(before)
        for slot in self.waiting:
            end_s = round(self.now_s + slot.duration_s * (1.0 if slot.given else scale), _TIME_GRID)
            if end_s > MAX_UTTERANCE_S:
                what = f"the utterance reaches {end_s:g} s, at most {MAX_UTTERANCE_S:g} s are read"
                raise self.parser.error(what, slot.token.column - 1, "split the line")
            self.signs.append(self.sign(slot.token, self.now_s, end_s))
            self.now_s = end_s
        self.waiting.clear()

    def squeeze(self, before: _Token) -> float:
        """Share of their default durations that the untimed waiting signs can have before the start of `before`."""
        assert before.timing is not None and before.timing.start_s is not None
        given_s = sum(slot.duration_s for slot in self.waiting if slot.given)
        free = [slot.duration_s for slot in self.waiting if not slot.given]
        room_s = round(before.timing.start_s - self.now_s - given_s, _TIME_GRID)
        if room_s < len(free) * MIN_SLOT_S:
            ends_s = before.timing.start_s - room_s + len(free) * MIN_SLOT_S
            what = f"{before.gloss} starts at {before.timing.start_s:g} s, before the sign ahead of it ends at {ends_s:g} s"
            raise self.parser.error(what, before.column - 1, "the slots of two signs must not overlap")
        return min(1.0, room_s / sum(free)) if free else 1.0

    def shares(self, group: _Token) -> list[_Token]:
        """The signs under ⌘, each with its share of the group's time when the group has one."""
        inner = list(group.inner or ())
        if group.timing is None:
            return inner
        if fixed := next((token for token in inner if token.timing and token.timing.start_s is not None), None):
            raise self.parser.error("start and end within a timed ⌘", fixed.column - 1, "time the group or its signs")
        solo = _Clock(self.parser)
        weights_s = [sign.duration_s for sign in solo.lay(inner).signs]
        edges_s = [round(group.timing.duration_s * x, _TIME_GRID) for x in _cumulative_shares(weights_s)]
        timings = [_Timing(None, round(b - a, _TIME_GRID)) for a, b in pairwise(edges_s)]
        if (start_s := group.timing.start_s) is not None:
            timings = [_Timing(round(start_s + a, _TIME_GRID), round(start_s + b, _TIME_GRID)) for a, b in pairwise(edges_s)]
        if min(timing.duration_s for timing in timings) <= 0:
            raise self.parser.error("no time for each sign under ⌘", group.column - 1, "give the group a longer duration")
        return [replace(token, timing=timing) for token, timing in zip(inner, timings, strict=True)]

    def sign(self, token: _Token, start_s: float, end_s: float) -> Sign:
        reading = read_gloss(token.gloss, self.parser.style)
        if reading.problem:
            self.warnings.append(str(self.parser.error(f"{token.gloss}: {reading.problem}", token.column - 1)))
        return Sign(
            token.gloss,
            reading.kind,
            start_s,
            end_s,
            reading.text,
            token.mouth,
            self.parser.number,
            token.column,
            lemma=reading.lemma,
            timed=token.timing is not None and token.timing.start_s is not None,
        )


def _cumulative_shares(weights: list[float]) -> list[float]:
    """0, ..., 1 in steps proportional to `weights`."""
    total = sum(weights)
    return [0.0, *(x / total for x in accumulate(weights))]
