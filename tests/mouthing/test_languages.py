"""Lexicons of other sign languages than BSL: chosen by name, alone, mouthed by their own voice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import slp_mouthing as mouth
from slp_mouthing.errors import LexiconError
from slp_mouthing.mouthing.lexicon import load_lexicon
from slp_mouthing.mouthing.lexicon_file import builtin, builtin_names
from slp_mouthing.notation.options import ReadOptions
from slp_mouthing.speech.espeak import Espeak

if TYPE_CHECKING:
    from pathlib import Path

    from slp_mouthing.notation.conventions import GlossStyle

OTHERS = [name for name in builtin_names() if name != "bsl"]


@pytest.mark.parametrize("name", OTHERS)
def test_each_skeleton_is_whole_and_can_be_said(name: str) -> None:
    lexicon = load_lexicon((name,))
    voice = Espeak(lexicon.voice)
    assert 30 <= len(lexicon.entries) <= 80
    assert lexicon.lookup("GOVERNMENT") is None
    assert {entry.source for entry in lexicon.entries.values()} == set(lexicon.sources)
    for entry in lexicon.entries.values():
        assert entry.mouth.kind == "none" or voice.pronounce(
            entry.word or entry.mouth.value, entry.mouth.value if entry.mouth.kind == "ipa" else None
        ), entry.gloss


def test_a_file_of_ones_own_goes_over_the_named_one(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("entries: {HAUS: Häuschen}\n", encoding="utf-8")
    lexicon = load_lexicon(("dgs", mine))
    assert [lexicon.lookup(gloss).mouth.value for gloss in ("HAUS", "MUTTER")] == ["Häuschen", "Mutter"]  # type: ignore[union-attr]
    assert (lexicon.language, lexicon.voice) == ("gsg", "de")


def test_a_lexicon_of_another_language_needs_a_voice(tmp_path: Path) -> None:
    path = tmp_path / "lsf.yaml"
    path.write_text("lexicon: {language: fsl}\nentries: {MERE: mère}\n", encoding="utf-8")
    with pytest.raises(LexiconError, match="no voice"):
        load_lexicon((path,))


def test_an_unknown_name_names_the_known_ones() -> None:
    with pytest.raises(LexiconError, match="bsl, dgs, ngt"):
        load_lexicon(("dsg",))


@pytest.mark.parametrize(
    ("name", "style", "text", "said"),
    [
        ("dgs", "dgs", "MUTTER1A@0.6 $INDEX1@0.3 MÜDE2@0.6 HANDY1@0.6", ["mʊtɜ", "", "myːdə", "hɛndi"]),
        ("ngt", "ngt", "MOEDER-A@0.6 PT@0.3 KOKEN@0.6 FIETS@0.6", ["mudər", "", "koːkoː", "fits"]),
    ],
)
def test_signs_are_mouthed_in_their_own_language(name: str, style: GlossStyle, text: str, said: list[str]) -> None:
    studio = mouth.Studio(lexicons=name, read=ReadOptions(gloss_style=style))
    result = studio.render(text)
    assert [(action.ipa or "").replace("ˈ", "") for action in result.plan.actions] == said
    assert (result.track.lip_opening_m.max() > 0.002) and len(result.sound.samples)


def test_built_in_lexicons_agree_on_their_form() -> None:
    assert builtin_names() == ("bsl", "dgs", "ngt")
    assert all(builtin(name).name == name and builtin(name).meanings for name in builtin_names())
