"""Small ELAN files made of nothing but tiers."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    Rows = Sequence[tuple[int | None, int | None, str]]

SCHEMA = (
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd"'
)


def eaf_text(tiers: Mapping[str, Rows], more: str = "", schema: str = SCHEMA, version: str = "3.0") -> str:
    """An EAF whose annotations are (start, end in ms, value); `more` goes behind the tiers."""
    slots: list[str] = []
    bodies: list[str] = []
    for name, rows in tiers.items():
        bodies.append(f'<TIER TIER_ID={quoteattr(name)} LINGUISTIC_TYPE_REF="lt">')
        for *times, value in rows:
            for time in times:
                given = "" if time is None else f' TIME_VALUE="{time}"'
                slots.append(f'<TIME_SLOT TIME_SLOT_ID="ts{len(slots) + 1}"{given}/>')
            number = len(slots)
            bodies.append(
                f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a{number}" TIME_SLOT_REF1="ts{number - 1}" '
                f'TIME_SLOT_REF2="ts{number}"><ANNOTATION_VALUE>{escape(value)}</ANNOTATION_VALUE>'
                "</ALIGNABLE_ANNOTATION></ANNOTATION>"
            )
        bodies.append("</TIER>")
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<ANNOTATION_DOCUMENT AUTHOR="" DATE="2020-01-01T00:00:00+00:00" FORMAT="{version}" VERSION="{version}" {schema}>',
        '<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds"><PROPERTY NAME="lastUsedAnnotationId">9</PROPERTY></HEADER>',
        "<TIME_ORDER>", *slots, "</TIME_ORDER>", *bodies, more,
        '<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="lt" TIME_ALIGNABLE="true" GRAPHIC_REFERENCES="false"/>',
        "</ANNOTATION_DOCUMENT>",
    ]  # fmt: skip
    return "\n".join(lines)


@pytest.fixture
def eaf(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file as `eaf_text` says and gives its path."""

    def write(tiers: Mapping[str, Rows], name: str = "talk.eaf", **settings: str) -> Path:
        path = tmp_path / name
        path.write_text(eaf_text(tiers, **settings), encoding="utf-8")
        return path

    return write
