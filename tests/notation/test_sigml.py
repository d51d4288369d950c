"""SiGML in both forms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slp_mouthing.errors import InputError
from slp_mouthing.mouthing import gestures
from slp_mouthing.notation import read
from slp_mouthing.notation.sigml import _CODES
from slp_mouthing.sampa import from_ipa, to_ipa
from slp_mouthing.speech.inventories import MNEMONICS
from slp_mouthing.types import MouthOverride

if TYPE_CHECKING:
    from pathlib import Path

SIGML = """<?xml version="1.0" encoding="UTF-8"?>
<sigml>
<hns_sign gloss="mug"><hamnosys_nonmanual><hnm_head tag="SH"/><hnm_mouthpicture picture="mVg"/></hamnosys_nonmanual>
<hamnosys_manual><hamfist/></hamnosys_manual></hns_sign>
<hamgestural_sign gloss="i"><sign_nonmanual><mouthing_tier><mouth_picture picture="a_I"/></mouthing_tier></sign_nonmanual>
</hamgestural_sign>
<hamgestural_sign gloss="why"><sign_nonmanual><mouthing_tier><mouth_gesture movement="L30"/></mouthing_tier></sign_nonmanual>
</hamgestural_sign>
<hns_sign gloss="late"><hamnosys_manual/></hns_sign>
</sigml>"""


@pytest.fixture
def sigml(tmp_path: Path) -> Path:
    path = tmp_path / "signs.sigml"
    path.write_text(SIGML, encoding="utf-8")
    return path


def test_both_forms(sigml: Path) -> None:
    (utterance,) = read(sigml)
    assert [sign.gloss for sign in utterance.signs] == ["mug", "i", "why", "late"]
    assert [sign.override for sign in utterance.signs] == [
        MouthOverride("ipa", "mʌɡ", lenient=True), MouthOverride("ipa", "aɪ", lenient=True),
        MouthOverride("gesture", "L30", lenient=True), None,
    ]  # fmt: skip
    assert [sign.line for sign in utterance.signs] == [3, 5, 7, 9]
    assert all(a.end_s == b.start_s for a, b in zip(utterance.signs, utterance.signs[1:], strict=False))


MUG = MouthOverride("ipa", "mʌɡ", lenient=True)


@pytest.mark.parametrize(
    ("old", "new", "said", "override"),
    [
        ("L30", "X99", ":7: unknown mouth gesture 'X99'", MouthOverride("none")),
        ("mVg", "m$Vg", ":3: '$' in 'm$Vg' is no SAMPA", MUG),
        ('<hnm_head tag="SH"/>', '<hnm_mouthgesture tag="L01"/>', ":3: mug has a mouth picture", MUG),
    ],
)
def test_what_is_dropped_is_told_with_its_line(sigml: Path, old: str, new: str, said: str, override: MouthOverride) -> None:
    sigml.write_text(SIGML.replace(old, new), encoding="utf-8")
    (utterance,) = read(sigml)
    (warning,) = utterance.warnings
    assert said in warning
    assert override in [sign.override for sign in utterance.signs]
    assert len(utterance.signs) == 4


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("<sigml/>", "no sign in <sigml>"),
        ('<!DOCTYPE sigml SYSTEM "http://localhost/x.dtd"><sigml/>', "document type"),
        ("<sigml>", "not well-formed"),
    ],
)
def test_what_is_no_sigml(sigml: Path, content: str, said: str) -> None:
    sigml.write_text(content)
    with pytest.raises(InputError, match=said):
        read(sigml)


def test_other_encodings_are_reported(sigml: Path) -> None:
    sigml.write_bytes(SIGML.replace("mug", "café").encode("latin-1"))
    with pytest.raises(InputError, match=r"signs\.sigml:3: byte 0xe9 is not UTF-8"):
        read(sigml)


def test_every_code_is_a_gesture_of_ours() -> None:
    codes = [f"{letter}{number:02}" for letter in "DJLCT" for number in range(40) if _CODES.fullmatch(f"{letter}{number:02}")]
    assert len(codes) > 60
    assert all(gestures.find(code) for code in codes)


@pytest.mark.parametrize(
    ("sampa", "ipa"),
    [
        ("mVg", "mʌɡ"), ('"gVv@nm@nt', "ˈɡʌvənmənt"), ("t{k@", "tækə"), ("tS3:tS", "tʃɜːtʃ"), ("D&t", "ðæt"), ("S2:n", "ʃøːn"),
        ("h9Y", "hœʏ"),
    ],
)  # fmt: skip
def test_sampa(sampa: str, ipa: str) -> None:
    assert to_ipa(sampa) == (ipa, "")


@pytest.mark.parametrize("phone", MNEMONICS)
def test_every_english_phone_comes_back_from_sampa(phone: str) -> None:
    assert to_ipa(from_ipa(phone)) == (phone, "")


@given(
    st.lists(
        st.tuples(st.floats(0, 1), st.sampled_from(["", "<", ">", '"', "&", "&#0;", "hns_sign", "\u00e9", "]]>"])), max_size=4
    )
)
@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_files_are_read_or_refused(sigml: Path, changes: list[tuple[float, str]]) -> None:
    text = SIGML
    for where, what in changes:
        at = int(where * len(text))
        text = text[:at] + what + text[at + 5 :]
    sigml.write_text(text, encoding="utf-8")
    try:
        (utterance,) = read(sigml)
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert all(sign.start_s < sign.end_s for sign in utterance.signs)
