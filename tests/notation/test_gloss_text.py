"""Gloss text: what it says, what it refuses and where, and that reading inverts writing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slp_mouthing.errors import InputError
from slp_mouthing.notation import READERS, format_utterance, parse, read, read_all
from slp_mouthing.types import MouthOverride, MouthSpan, Sign, Utterance

if TYPE_CHECKING:
    from pathlib import Path


def one(text: str) -> Utterance:
    (utterance,) = parse(text)
    return utterance


def slots(text: str) -> list[tuple[float, float]]:
    return [(sign.start_s, sign.end_s) for sign in one(text).signs]


def test_duration_and_start_end() -> None:
    assert slots("WHY@0.48 BECAUSE@0.60-1.1 LATE@.5") == [(0.0, 0.48), (0.6, 1.1), (1.1, 1.6)]


def test_untimed_signs_take_defaults_by_kind() -> None:
    durations = {sign.kind: sign.duration_s for sign in one("HOME PT:PRO1SG SN:PETER FS:LEEDS DSEW(2)-MOVE").signs}
    assert durations["pointing"] < durations["lexical"] < durations["name"] < durations["fingerspelling"]


def test_spelling_takes_longer_for_longer_words() -> None:
    short, long = one("%(Jo) %(Christopher)").signs
    assert short.duration_s < long.duration_s


def test_clock_runs_on_after_a_timed_sign() -> None:
    first, second, third = slots("A@1.0-1.5 HOME B@3-4")
    assert first == (1.0, 1.5)
    assert second[0] == 1.5
    assert third == (3.0, 4.0)


def test_untimed_signs_share_a_gap_that_is_too_short_for_them() -> None:
    first, second, third = slots("HOME HOME LATE@0.40-0.90")
    assert first == pytest.approx((0.0, 0.2))
    assert second == pytest.approx((0.2, 0.4))
    assert third == (0.4, 0.9)


@pytest.mark.parametrize(
    ("braces", "expected"),
    [
        ("{why}", MouthOverride("text", "why")),
        ("{get up # now}", MouthOverride("text", "get up # now")),
        ("{/waɪ/}", MouthOverride("ipa", "waɪ")),
        ("{%puffed-cheeks}", MouthOverride("gesture", "puffed-cheeks")),
        ("{%C01}", MouthOverride("gesture", "C01")),
        ("{}", MouthOverride("none")),
        ("{ }", MouthOverride("none")),
    ],
)
def test_overrides_in_either_order(braces: str, expected: MouthOverride) -> None:
    for token in (f"WHY{braces}@0.3", f"WHY@0.3{braces}"):
        (sign,) = one(token).signs
        assert (sign.gloss, sign.duration_s, sign.override) == ("WHY", 0.3, expected)


def test_span_covers_its_signs_and_shares_its_time() -> None:
    utterance = one("HOME@0.4 ⌘cornwall(CORNWALL AREA@0.26)@0.4-1.18 PT:LOC")
    assert utterance.spans == (MouthSpan(MouthOverride("text", "cornwall"), 1, 2),)
    assert [s.start_s for s in utterance.signs] == pytest.approx([0.0, 0.4, 0.92, 1.18])


def test_span_without_its_own_time_leaves_its_signs_theirs() -> None:
    assert slots("⌘/diː/(A@0.3 B@0.4-0.9)") == [(0.0, 0.3), (0.4, 0.9)]


def test_bracketed_glosses_within_a_span() -> None:
    assert [s.gloss for s in one("⌘x(DSEW(2)-MOVE %(New York) B)").signs] == ["DSEW(2)-MOVE", "%(New York)", "B"]


def test_fingerspelling_with_spaces_and_timing() -> None:
    (sign,) = one("%(New York)@0.9{new york}").signs
    assert (sign.kind, sign.text, sign.duration_s) == ("fingerspelling", "New York", 0.9)


def test_comments_blank_lines_and_line_ends() -> None:
    utterances = parse("# heading\r\n\r\nWHY # why\rBECAUSE#no space\n  \n")
    assert [[s.gloss for s in u.signs] for u in utterances] == [["WHY"], ["BECAUSE"]]
    assert [u.signs[0].line for u in utterances] == [3, 4]


def test_unicode_is_composed_and_columns_count_characters() -> None:
    first, second = one("CAFE\u0301{cafe\u0301} \U0001f600X").signs
    assert first.gloss == "CAFÉ"
    assert first.override == MouthOverride("text", "café")
    assert second.column == 12


def test_names_with_slashes_are_only_glosses() -> None:
    assert [s.gloss for s in one("../../etc/passwd LOOK/THINK").signs] == ["../../etc/passwd", "LOOK/THINK"]


@pytest.mark.parametrize(
    ("text", "where", "said"),
    [
        ("WHY LATE{late", "1:9", "not closed"),
        ("WHY\nLATE}", "2:5", "}"),
        ("WHY{a{b}}", "1:4", "not closed"),
        ("WHY@", "1:4", "not a time"),
        ("WHY@0,5", "1:4", "not a time"),
        ("WHY@nan", "1:4", "not a time"),
        ("WHY@1e3", "1:4", "not a time"),
        ("WHY@-0.5", "1:4", "-0.5"),
        ("WHY@0", "1:4", "duration of 0"),
        ("WHY@601", "1:4", "601"),
        ("WHY@1-700", "1:4", "699"),
        ("WHY@" + "9" * 400, "1:4", "inf"),
        ("WHY@0.68-0.20", "1:4", "0.68"),
        ("WHY@-0.1-0.2", "1:4", "-0.1"),
        ("A@0.1-0.5 B@0.4-0.8", "1:11", "overlap"),
        ("A@0.5 B@0.4-0.8", "1:7", "overlap"),
        ("A B@0.01-0.8", "1:3", "overlap"),
        ("A@9000-9001", "1:1", "7200"),
        ("WHY@1@2", "1:6", "second timing"),
        ("WHY{a}{b}", "1:7", "second mouth"),
        ("WHY{a}LATE", "1:7", "after a token"),
        ("{why}", "1:1", "gloss is expected"),
        ("WHY{/waɪ}", "1:5", "IPA"),
        ("WHY{//}", "1:5", "IPA"),
        ("WHY{%}", "1:5", "gesture"),
        ("%()", "1:1", "spelled"),
        ("%(Leeds", "1:2", "not closed"),
        ("A ⌘x(B C", "1:5", "not closed"),
        ("⌘x WHY", "1:1", "bracket"),
        ("⌘x()", "1:1", "no sign"),
        ("⌘x(A # b)", "1:9", "comment"),
        ("⌘x(A ⌘y(B))", "1:6", "within"),
        ("⌘x(A{y})", "1:4", "override"),
        ("⌘x(A@0-1 B)@2", "1:4", "timed"),
        ("WHY\x07", "1:4", "U+0007"),
        ("A" * 201, "1:1", "201"),
        ("WHY{" + "a" * 201 + "}", "1:5", "201"),
    ],
)
def test_errors_say_where(text: str, where: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text)
    assert caught.value.where == where
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment", "\ufeff"])
def test_nothing_to_sign_is_an_error(text: str) -> None:
    with pytest.raises(InputError, match="no sign"):
        parse(text)


def test_a_bad_line_leaves_the_others(tmp_path: Path) -> None:
    path = tmp_path / "talk.txt"
    path.write_text("HOME\nWHY{\nLATE\n", encoding="utf-8")
    utterances = read(path)
    assert [(u.name, u.signs[0].gloss) for u in utterances] == [("talk-001", "HOME"), ("talk-003", "LATE")]
    assert f"{path}:2:4" in utterances[0].warnings[0]
    with pytest.raises(InputError, match="2:4"):
        read(path, strict=True)
    assert [problem.where for problem in read_all(path)[1]] == [f"{path}:2:4"]


def test_a_file_without_a_good_line_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "bad.gloss"
    path.write_text("WHY{\nLATE}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"bad\.gloss:1:4"):
        read(path)


def test_one_utterance_is_named_after_its_file(tmp_path: Path) -> None:
    path = tmp_path / "why.TXT"
    path.write_text("WHY\n", encoding="utf-8")
    (utterance,) = read(path)
    assert (utterance.name, utterance.input) == ("why", str(path))


@pytest.mark.parametrize(("name", "said"), [("a.txt", "no such file"), ("a.docx", "no such file"), (".", "folder")])
def test_files_that_are_not_there(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read(tmp_path / name)


def test_an_unknown_suffix_names_those_that_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_text("WHY")
    with pytest.raises(InputError, match=", ".join(READERS)):
        read(tmp_path / "a.docx")


@pytest.mark.parametrize("content", [b"WHY\0LATE", b"\x89PNG\r\n\x1a\n\xff\xfe", b"\xff\xfeW\0H\0Y\0"])
def test_binary_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(InputError):
        read(tmp_path / "a.txt")


def test_ten_thousand_signs_on_a_line() -> None:
    assert len(one("WHY LATE{x} " * 5000).signs) == 10_000


# ---- properties -----------------------------------------------------------------------------------------------------------
grammar = st.text(st.sampled_from("AB?^:/-@.019{}%()⌘# \n\tɪé\u0301\0\u2028\ud800"), max_size=60)


@given(st.one_of(st.text(max_size=60), grammar))
@settings(deadline=None, max_examples=300)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        utterances = parse(text, strict=False)
    except InputError:
        return
    for utterance in utterances:
        ends = [0.0, *(sign.end_s for sign in utterance.signs)]
        assert all(end <= sign.start_s < sign.end_s for end, sign in zip(ends, utterance.signs, strict=False))
        assert _bare(one(format_utterance(utterance))) == _bare(utterance)


glosses = st.sampled_from(["WHY", "PT:PRO1SG", "%(New York)", "FS:LEEDS(LDS)", "DSEW(2)-MOVE", "?HOME", "A^B", "../x"])
mouths = st.sampled_from([None, "{}", "{get up}", "{/waɪ/}", "{%C01}"])
times = st.integers(1, 10**7).map(lambda x: x / 10**6)


@given(st.lists(st.tuples(glosses, times, mouths), min_size=1, max_size=8), st.integers(0, 3))
@settings(deadline=None, max_examples=100)
def test_reading_inverts_writing(tokens: list[tuple[str, float, str | None]], grouped: int) -> None:
    plain = " ".join(f"{gloss}@{time:.6f}" for gloss, time, _ in tokens[:grouped])
    rest = " ".join(f"{gloss}@{time:.6f}{mouth or ''}" for gloss, time, mouth in tokens[grouped:])
    utterance = one(f"⌘word({plain}) {rest}" if plain else rest)
    assert _bare(one(format_utterance(utterance))) == _bare(utterance)


def _bare(utterance: Utterance) -> Utterance:
    def bare(sign: Sign) -> Sign:
        # What was laid out by default is written with its times.
        return replace(sign, line=0, column=0, timed=True)

    return replace(utterance, signs=tuple(bare(sign) for sign in utterance.signs), name="", warnings=())


def test_a_full_stop_is_half_a_second_of_rest() -> None:
    (utterance,) = parse("TEA@0.5 WANT@0.5 . HOME@0.5 GO@0.5 .")
    assert [(sign.gloss, sign.start_s) for sign in utterance.signs] == [("TEA", 0.0), ("WANT", 0.5), ("HOME", 1.5), ("GO", 2.0)]


def test_a_full_stop_gives_way_to_times_that_are_given() -> None:
    (utterance,) = parse(". TEA@0-0.5 . ⌘home(GO@0.5-0.7 . HOME@0.7-1)")
    assert [(sign.gloss, sign.start_s) for sign in utterance.signs] == [("TEA", 0.0), ("GO", 0.5), ("HOME", 0.7)]
    assert [(span.first, span.last) for span in utterance.spans] == [(1, 2)]
