"""Kinds and spelled words from ID-glosses, dirt of real files among them."""

from __future__ import annotations

import pytest

from slp_mouthing.notation.glosses import classify, spelled_word


@pytest.mark.parametrize(
    ("gloss", "kind"),
    [
        ("WHY", "lexical"),
        ("BROWN2", "lexical"),
        ("LOOK/THINK", "lexical"),
        ("A^B", "lexical"),
        ("?HOME", "lexical"),
        ("HOME?", "lexical"),
        ("SIXTEEN(A*z", "lexical"),
        ("TEN05=1", "lexical"),
        ("CLASS", "lexical"),
        ("CLEAN", "lexical"),
        ("INDEX-FINGER", "lexical"),
        ("GOOD", "lexical"),
        ("PT:PRO1SG", "pointing"),
        ("?PT:LOC", "pointing"),
        ("PT:LBUOY", "pointing"),
        ("IX-1p", "pointing"),
        ("FS:WORD(WRD)", "fingerspelling"),
        ("fs-PET", "fingerspelling"),
        ("%(New York)", "fingerspelling"),
        ("SN:PETER", "name"),
        ("DSEW(2)-MOVE", "depicting"),
        ("DSEP(1)-PIVOT", "depicting"),
        ("DSS(FLAT)", "depicting"),
        ("DSH", "depicting"),
        ("CLM", "depicting"),
        ("CLSS(2)", "depicting"),
        ("G:WELL", "gesture"),
        ("G:CA:LOOK-AROUND", "gesture"),
        ("G(NMS):SHOCKED", "gesture"),
        ("LBUOY", "buoy"),
        ("FBUOY(2)", "buoy"),
        ("ADD-TO-SIGNBANK(X)", "unknown"),
        ("FALSE-START", "unknown"),
        ("INDECIPHERABLE", "unknown"),
        ("M:WHY", "unknown"),
        ("?", "unknown"),
    ],
)
def test_kind(gloss: str, kind: str) -> None:
    assert classify(gloss) == kind


@pytest.mark.parametrize(
    ("gloss", "word"),
    [
        ("FS:WORD", "WORD"),
        ("FS:WORD(WRD)", "WORD"),
        ("FS:F-FORTUNE", "FORTUNE"),
        ("FS:J-O-H-N", "JOHN"),
        ("FS:NEW-YORK", "NEW YORK"),
        ("FS:T-SHIRT", "T SHIRT"),
        ("FS:INDECIPHERABLE(GTH)", None),
        ("FS:", None),
        ("fs-PET", "PET"),
        ("?FS:LEEDS", "LEEDS"),
        ("SN:PETER", "PETER"),
        ("SN:PETER(FS:PETER(PR))", "PETER"),
        ("%(New York)", "New York"),
        ("PETER", None),
    ],
)
def test_spelled_word(gloss: str, word: str | None) -> None:
    assert spelled_word(gloss, classify(gloss)) == word
