"""XML of others, read without trusting it: no document type, no entities, nothing fetched; and written back as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree
from xml.parsers import expat

from slp_mouthing.errors import InputError
from slp_mouthing.files import read_text

if TYPE_CHECKING:
    from pathlib import Path
    from xml.etree.ElementTree import Element

MAX_DEPTH = 60
"""Deepest nesting that is read; annotation files have fewer than ten levels."""


class XmlDocument:
    """A parsed file. Names keep their prefixes as written (`xsi:type`), so that what is written back is what was read."""

    def __init__(self, root: Element, lines: dict[Element, int], where: str) -> None:
        self.root, self.lines, self.where = root, lines, where

    def place(self, element: Element) -> str:
        """`file:line` of an element."""
        return f"{self.where}:{self.lines[element]}"


def read_xml(path: str | Path) -> XmlDocument:
    """Parse an XML file in UTF-8. Raises `InputError` with file and line for what is not one, or declares a document type."""
    return parse_xml(read_text(path), str(path))


def parse_xml(text: str, where: str = "") -> XmlDocument:
    """The same of a text."""
    return _Parser(where).parse(text)


def to_text(root: Element) -> str:
    """The tree as a file's text, each element on its own line unless it holds text."""
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


class _Parser:
    """Builds the tree from expat's events, which know their lines."""

    def __init__(self, where: str) -> None:
        self.where, self.depth = where, 0
        self.lines: dict[Element, int] = {}
        self.builder = ElementTree.TreeBuilder()
        # The text is decoded already: whatever encoding it declares no longer holds.
        self.expat = expat.ParserCreate("utf-8")
        self.expat.buffer_text = True
        self.expat.StartDoctypeDeclHandler = self.refuse
        self.expat.StartElementHandler = self.start
        self.expat.EndElementHandler = self.end
        self.expat.CharacterDataHandler = self.builder.data

    def parse(self, text: str) -> XmlDocument:
        try:
            self.expat.Parse(text.encode(errors="surrogatepass"), True)
        except expat.ExpatError as error:
            what = f"is not well-formed XML ({expat.errors.messages[error.code]})"
            raise InputError(what, where=f"{self.where}:{error.lineno}:{error.offset + 1}") from error
        return XmlDocument(self.builder.close(), self.lines, self.where)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(f"elements nested more than {MAX_DEPTH} deep", "is this an annotation file?")
        self.lines[self.builder.start(tag, attributes)] = self.expat.CurrentLineNumber

    def end(self, tag: str) -> None:
        self.depth -= 1
        self.builder.end(tag)

    def refuse(self, *_: object) -> None:
        raise self.error("declares a document type (DOCTYPE), which is not read: it could name other files", "delete that line")

    def error(self, what: str, hint: str) -> InputError:
        return InputError(what, where=f"{self.where}:{self.expat.CurrentLineNumber}", hint=hint)
