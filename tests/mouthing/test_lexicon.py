"""The lexicon: variants of glosses, layers, the schema and its errors, and the built-in BSL entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slp_mouthing.errors import LexiconError, MouthError
from slp_mouthing.mouthing.lexicon import Lexicon, english_words, load_lexicon, read_lexicon
from slp_mouthing.mouthing.lexicon_file import parse
from slp_mouthing.types import MouthOverride

if TYPE_CHECKING:
    from pathlib import Path

MINIMAL_SETS = (
    "WHY BECAUSE", "GOVERNMENT GARAGE", "KING QUEEN", "NEPHEW NIECE", "NUMBER DATE", "TOILET LIVE", "ABLE CAN COULD POSSIBLE",
    "AWFUL BAD SERIOUS SEVERE TERRIBLE", "BREAK COMFORTABLE RELAX REST HOLIDAY", "BELONG CHARACTER CULTURE YOURS",
)  # fmt: skip


@pytest.fixture(scope="module")
def bsl() -> Lexicon:
    return load_lexicon()


# ---- the built-in lexicon -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("signs", MINIMAL_SETS)
def test_signs_alike_on_the_hands_differ_on_the_mouth(bsl: Lexicon, signs: str) -> None:
    entries = {gloss: bsl.lookup(gloss) for gloss in signs.split()}
    assert len({entry.mouth for entry in entries.values() if entry}) == len(entries)
    for gloss, entry in entries.items():
        assert entry is not None
        assert set(entry.contrasts) == entries.keys() - {gloss}


def test_every_entry_is_sound(bsl: Lexicon) -> None:
    for gloss, entry in bsl.entries.items():
        assert gloss == gloss.upper()
        assert entry.source in bsl.sources
        assert all(other in bsl.entries for other in entry.contrasts)
        assert entry.line().startswith(gloss)
    assert (bsl.language, bsl.voice) == ("bfi", "en-gb")


def test_every_source_is_used(bsl: Lexicon) -> None:
    assert {entry.source for entry in bsl.entries.values()} == set(bsl.sources)


def test_spellings_that_mislead_have_ipa(bsl: Lexicon) -> None:
    live, past = bsl.lookup("LIVE"), bsl.lookup("READ-PAST")
    assert live is not None and past is not None
    assert (live.mouth, live.word) == (MouthOverride("ipa", "lɪv"), "live")
    assert past.mouth == MouthOverride("ipa", "ɹɛd")


# ---- lookup ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("gloss", "entry"),
    [
        ("BROWN", "BROWN"),
        ("BROWN2", "BROWN"),
        ("BROWN2b", "BROWN"),
        ("brown", "BROWN"),
        ("?BROWN", "BROWN"),
        ("BROWN?", "BROWN"),
        ("BROWNx3", "BROWN"),
        ("TEN05=1", "TEN"),
        ("SIXTEEN(A*z", "SIXTEEN"),
        ("HOME:", "HOME"),
        ("LOOK/THINK", "LOOK"),
        ("?LOOK2/THINK", "LOOK"),
        ("HOMEb", "HOME"),
    ],
)
def test_variants_of_a_gloss(bsl: Lexicon, gloss: str, entry: str) -> None:
    found = bsl.lookup(gloss)
    assert found is not None
    assert found.gloss == entry


@pytest.mark.parametrize("gloss", ["BROWNISH", "?", "", "PT:PRO1SG", "../x"])
def test_what_is_not_in_it(bsl: Lexicon, gloss: str) -> None:
    assert bsl.lookup(gloss) is None


@pytest.mark.parametrize("gloss", ["TWINS", "DIVORCED", "VEGETABLES", "RETIRED", "SHOPPING", "NOISY"])
def test_everyday_signs_are_in_it_as_people_gloss_them(bsl: Lexicon, gloss: str) -> None:
    found = bsl.lookup(gloss)
    assert found is not None
    assert (found.gloss, found.mouth.value) == (gloss, gloss.lower())


def test_near_misses(bsl: Lexicon) -> None:
    assert bsl.near("BECUASE2")[0] == "BECAUSE"
    assert "BECAUSE" in bsl.suggestion("BECUASE")
    assert "--lexicon" in bsl.suggestion("QQQQQ")


@pytest.mark.parametrize(
    ("gloss", "words"),
    [
        ("LOOK-AT2/SEE", "look at"),
        ("?RED^WHITE", "red white"),
        ("DON'T-KNOW", "don't know"),
        ("CAFÉ", "café"),
        ("x_y", "x y"),
        ("??", ""),
    ],
)
def test_words_of_a_gloss(gloss: str, words: str) -> None:
    assert english_words(gloss) == words


# ---- files ----------------------------------------------------------------------------------------------------------------
def write(folder: Path, text: str, name: str = "mine.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_every_form_of_an_entry(tmp_path: Path) -> None:
    lexicon = read_lexicon(
        write(
            tmp_path,
            "lexicon: {name: mine, voice: de, defaults: {region: Leeds, confidence: high}}\n"
            "entries:\n"
            "  HOME: home\n"
            "  READ: /ɹɛd/\n"
            "  BLOW: '%L35'\n"
            "  FEEL:\n"
            "  NO: no\n"
            "  '1': one\n"
            "  KNOCK: {mouthing: knock, repeat: 2, confidence: low, contrasts: [HOME, READ], spreads: true}\n"
            "  GO: {type: None}\n"
            "groups:\n"
            "  - topic: food\n"
            "    confidence: medium\n"
            "    entries: {TEA: tea, COOK: {mouthing: cooking, confidence: high}}\n",
        )
    )
    entries = lexicon.entries
    assert {gloss: (e.mouth.kind, e.mouth.value, e.type) for gloss, e in entries.items()} == {
        "HOME": ("text", "home", "Mouthing"),
        "READ": ("ipa", "ɹɛd", "Mouthing"),
        "BLOW": ("gesture", "blow", "MG"),
        "FEEL": ("none", "", "None"),
        "NO": ("text", "no", "Mouthing"),
        "1": ("text", "one", "Mouthing"),
        "KNOCK": ("text", "knock", "Mouthing"),
        "GO": ("none", "", "None"),
        "TEA": ("text", "tea", "Mouthing"),
        "COOK": ("text", "cooking", "Mouthing"),
    }
    assert (entries["HOME"].region, entries["HOME"].confidence) == ("Leeds", "high")
    assert (entries["KNOCK"].repeat, entries["KNOCK"].confidence, entries["KNOCK"].spreads) == (2, "low", True)
    assert entries["KNOCK"].contrasts == ("HOME", "READ")
    assert [entries[gloss].confidence for gloss in ("TEA", "COOK")] == ["medium", "high"]
    assert entries["KNOCK"].where.endswith("mine.yaml:9")


def test_user_lexicons_lie_over_ours(tmp_path: Path, bsl: Lexicon) -> None:
    first = write(tmp_path, "entries: {MOTHER: mam, ZONKED: zonked}")
    second = write(tmp_path, "lexicon: {voice: en-gb-scotland}\nentries: {MOTHER: maw}", "second.yaml")
    lexicon = load_lexicon((first, second))
    assert {g: lexicon.entries[g].mouth.value for g in ("MOTHER", "ZONKED", "FATHER")} == {
        "MOTHER": "maw",
        "ZONKED": "zonked",
        "FATHER": "father",
    }
    assert lexicon.voice == "en-gb-scotland"
    assert load_lexicon((first,)).voice == bsl.voice
    assert len({bsl.checksum, lexicon.checksum, load_lexicon((first,)).checksum}) == 3


@pytest.mark.parametrize(
    ("text", "where", "said"),
    [
        ("", "mine.yaml", "empty"),
        ("lexicon: {name: x}", "mine.yaml:1:1", "entries"),
        ("entries: [A, B]", "mine.yaml:1:10", "a list"),
        ("entries:\n  A: a\n  B: {mouthing: b, confidense: high}", "mine.yaml:3:20", "did you mean confidence"),
        ("entries:\n  A: {mouthing: a, zzz: 1}", "mine.yaml:2:20", "allowed: mouthing"),
        ("entry:\n  A: a", "mine.yaml:1:1", "did you mean entries"),
        ("entries:\n  A: a\n  B: b\n  A: c", "mine.yaml:4:3", "first on line 2"),
        ("entries:\n  A: a\ngroups: [{entries: {A: b}}]", "mine.yaml:3:24", "twice"),
        ("entries: {A: {mouthing: [a]}}", "mine.yaml:1:25", "a list"),
        ("entries: {A: {mouthing: ''}}", "mine.yaml:1:25", "empty"),
        ("entries: {A: [a, b]}", "mine.yaml:1:14", "a list"),
        ("entries: {A: {type: Mouthing}}", "mine.yaml:1:14", "says nothing"),
        ("entries: {A: {type: None, mouthing: a}}", "mine.yaml:1:14", "has type None"),
        ("entries: {A: {mouthing: a, type: Mouth}}", "mine.yaml:1:34", "Perseveration-M"),
        ("entries: {A: {mouthing: a, confidence: 0.9}}", "mine.yaml:1:40", "high, medium, low"),
        ("entries: {A: {mouthing: a, repeat: 99}}", "mine.yaml:1:36", "1, 2, 3"),
        ("entries: {A: {mouthing: a, spreads: maybe}}", "mine.yaml:1:37", "true, false"),
        ("entries: {A: {mouthing: a, contrasts: B}}", "mine.yaml:1:39", "expected a list"),
        ("entries: {A: {gesture: puffed-cheks}}", "mine.yaml:1:24", "puffed-cheeks"),
        ("entries: {A: {gesture: mm, mouthing: a}}", "mine.yaml:1:14", "a gesture and a mouthing"),
        ("lexicon: {sources: {me: I}}\nentries: {A: {mouthing: a, source: you}}", "mine.yaml:2:36", "not among"),
        ("entries:\n  foo: a\n  FOO: b", "mine.yaml:3:8", "'FOO' is given twice, first at"),
        ("entries: {foo: a}\ngroups: [{entries: {FOO: b}}]", "mine.yaml:2:26", "twice, first at"),
        ("entries: {A: {ipa: '//'}}", "mine.yaml:1:20", "ipa is empty"),
        ("entries: {A: //}", "mine.yaml:1:14", "ipa is empty"),
        ("entries: {A: {mouthing: a, type: MG}}", "mine.yaml:1:34", "A has type MG and a word"),
        ("entries: {A: {gesture: mm, type: Mouthing}}", "mine.yaml:1:34", "A has type Mouthing and a gesture"),
        ("entries: {A: a", "mine.yaml:2:1", "not YAML"),
        ("entries:\n  A: %mm", "mine.yaml:2:6", "not YAML"),
        ("a: &x [*x, b]\n*y : 1", "mine.yaml", "not YAML"),
        ("[" * 100_000, "mine.yaml:1", "nested"),
        ("- " * 100_000, "mine.yaml:1", "nested"),
        ("--- {entries: {A: a}}\n--- {}", "mine.yaml", "not YAML"),
    ],
)
def test_errors_say_where(tmp_path: Path, text: str, where: str, said: str) -> None:
    with pytest.raises(LexiconError) as caught:
        read_lexicon(write(tmp_path, text))
    assert where in caught.value.where
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"entries: {A: a\0}", b"\xff\xfe\xfa", b"entries: {A: \x07}"])
def test_binary_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    with pytest.raises(MouthError, match=r"mine\.yaml"):
        read_lexicon(path)


@given(st.text(st.sampled_from("entrisAB: {}[],-'\"%&*!|>\n#?~"), max_size=60))
@settings(deadline=None, max_examples=200)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        lexicon = parse(text, "any.yaml")
    except LexiconError as error:
        assert "any.yaml" in str(error)
    else:
        assert isinstance(lexicon.entries, dict)
