"""Tables of others as lexicons of ours: columns by any name, every row accounted for, bad tables told with their line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slp_mouthing.cli.main import run
from slp_mouthing.errors import InputError, MouthError
from slp_mouthing.mouthing.lexicon import load_lexicon, read_lexicon
from slp_mouthing.mouthing.lexicon_file import parse
from slp_mouthing.mouthing.lexicon_import import Imported, import_table
from slp_mouthing.types import MouthOverride

if TYPE_CHECKING:
    from pathlib import Path

    from slp_mouthing.mouthing.lexicon import Lexicon

PLAIN = "Gloss,Mouthing,IPA,Gesture,Region\nHOLIDAY,holiday,,,\nLEAD-METAL,lead,lɛd,,\nNOT-YET,,,L01,London\n"
SIGNBANK = (
    "Signbank ID;Annotation ID Gloss (BSL);Lemma ID Gloss;Keywords (English);Mouthing;Mouth Gesture;Handedness\n"
    "12;NO;NO;no;no;;1\n"
    '13;HOME2;HOME;"home, house";;;2\n'
    "14;NOT-YET2;NOT-YET;not yet;;shh;1\n"
    "15;THING;THING;;;;1\n"
    "16;HOME2;HOME;home;;;2\n"
    "17;;LOST;lost;;;1\n"
    "18;ODD;ODD;odd;;zzqq;1\n"
)


def imported(tmp_path: Path, text: str | bytes) -> tuple[Imported, Lexicon]:
    path = tmp_path / "table.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    found = import_table(path)
    return found, parse(found.yaml, "made.yaml")


def test_a_plain_table(tmp_path: Path) -> None:
    found, lexicon = imported(tmp_path, PLAIN)
    assert (found.entries, found.skipped, found.from_keywords) == (3, (), 0)
    mouths = {gloss: entry.mouth for gloss, entry in lexicon.entries.items()}
    assert mouths["HOLIDAY"] == MouthOverride("text", "holiday")
    assert mouths["LEAD-METAL"] == MouthOverride("ipa", "lɛd")
    assert mouths["NOT-YET"] == MouthOverride("gesture", "shh")
    assert lexicon.entries["NOT-YET"].region == "London"
    assert {entry.source for entry in lexicon.entries.values()} == {"imported"}
    assert "table.csv" in lexicon.sources["imported"]


def test_a_signbank_export_accounts_for_every_row(tmp_path: Path) -> None:
    found, lexicon = imported(tmp_path, SIGNBANK)
    assert {gloss: entry.mouth.value for gloss, entry in lexicon.entries.items()} == {
        "NO": "no", "HOME2": "home", "NOT-YET2": "shh", "ODD": "odd",
    }  # fmt: skip
    assert lexicon.entries["HOME2"].confidence == "low"
    told = [text.split("table.csv:")[1] for text in found.skipped]
    assert told[0] == "5: THING says nothing of the mouth"
    assert told[1] == "6: HOME2 again, line 3 holds"
    assert told[2] == "7: no gloss"
    assert told[3].startswith("8: ODD: unknown mouth gesture 'zzqq', passed over")
    assert found.unread == ("Signbank ID", "Lemma ID Gloss", "Handedness")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_delimiters_and_byte_order_marks(tmp_path: Path, delimiter: str, start: bytes) -> None:
    text = f"ID-gloss{delimiter}translation equivalents\r\nHÄUS{delimiter}Häuser\r\n"
    found, lexicon = imported(tmp_path, start + text.encode())
    assert (found.from_keywords, lexicon.entries["HÄUS"].mouth.value) == (1, "Häuser")


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        ("gloss,mouthing\nA,a\nH\xc4US,h\n".encode("latin-1"), 3, "is not UTF-8"),
        (b"gloss,mouthing\n\0", 2, "NUL"),
        (b"word,mouthing\nA,a\n", 1, "no column is the gloss"),
        (b"gloss,handshape\nA,a\n", 1, "no column says what the mouth does"),
        (b'gloss,mouthing\nA,a\nB,"b\n', 3, "is no table"),
    ],
)
def test_bad_tables_are_told_with_their_line(tmp_path: Path, content: bytes, line: int, what: str) -> None:
    with pytest.raises(InputError, match=what) as told:
        imported(tmp_path, content)
    assert f"table.csv:{line}:" in str(told.value)


def test_an_empty_table_and_one_without_entries(tmp_path: Path) -> None:
    for content in (b"", b"\n\n", b"gloss,mouthing\n", b"gloss,mouthing\nA,\n"):
        with pytest.raises(InputError):
            imported(tmp_path, content)


def test_it_goes_over_the_built_in_lexicon(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, made = tmp_path / "mine.csv", tmp_path / "my.yaml"
    table.write_text("gloss,mouthing\nHOLIDAY,hols\nQ,\n", encoding="utf-8")
    assert run(["lexicon", "import", str(table), "-o", str(made)]) == 0
    told = capsys.readouterr()
    assert "1 entries; 1 rows or cells passed over" in told.out
    assert "mine.csv:3: Q says nothing of the mouth" in told.err
    lexicon = load_lexicon((made,))
    entries = lexicon.lookup("HOLIDAY"), lexicon.lookup("WHY")
    assert [entry.mouth.value for entry in entries if entry] == ["hols", "why"]
    assert read_lexicon(made).lookup("WHY") is None


cells = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)


@given(rows=st.lists(st.tuples(cells, cells, cells, cells), min_size=1, max_size=6))
@settings(deadline=None, max_examples=100)
def test_whatever_a_table_holds_its_lexicon_reads_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, ...]]
) -> None:
    import csv

    path = tmp_path_factory.mktemp("any") / "t.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("gloss", "mouthing", "ipa", "region"), *rows])
    try:
        found = import_table(path)
    except MouthError:
        return
    assert len(parse(found.yaml, "t.yaml").entries) == found.entries
