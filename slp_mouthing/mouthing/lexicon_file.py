"""Lexicon files: YAML checked against the schema, every error with its line and column.

    lexicon:                      # optional in a lexicon of your own
      name: bsl
      language: bfi               # ISO 639-3; another than what lies below: the file stands alone
      voice: en-gb                # espeak-ng voice
      defaults: {confidence: medium, source: editorial}
      sources: {editorial: where it comes from}
      upper_face: {wh: [WHO, WHY], negation: [NOT]}   # what the brows go along with
    entries:
      HOME: home                  # words; /IPA/, "%gesture" or nothing as in gloss text
      READ-PAST: {mouthing: read, ipa: rɛd}
      NOT-YET: {gesture: shh, confidence: high}
      FEEL: {type: None}          # no mouth action
    groups:                       # entries that share attributes
      - topic: food
        confidence: low
        entries: {TEA: tea}

The nodes of the YAML are read directly: no value is turned into anything but text, so that NO, ON and 1 are glosses.
"""

from __future__ import annotations

import difflib
import hashlib
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import yaml

from slp_mouthing.errors import InputError, LexiconError, MouthError
from slp_mouthing.files import decode_text, read_text
from slp_mouthing.mouthing import gestures
from slp_mouthing.mouthing.lexicon import Confidence, Lexicon, LexiconEntry
from slp_mouthing.types import ActionType, Meaning, MouthOverride, Reduction

if TYPE_CHECKING:
    from collections.abc import Callable

    from slp_mouthing.types import Phone

    Pronounce = Callable[[str, str | None], tuple[Phone, ...]]
    Voices = Callable[[str], Pronounce]
    """A voice by name: what says text, or IPA where the second argument gives it."""

_A = TypeVar("_A")
_R = TypeVar("_R")

MAX_REPEAT = 6
_MAX_DEPTH = 8
"""Deepest nesting of brackets that is parsed: the schema needs three."""

_Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


@lru_cache
def builtin_names() -> tuple[str, ...]:
    """The lexicons of this package."""
    names = (entry.name for entry in resources.files("slp_mouthing.lexicons").iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


@lru_cache
def builtin(name: str = "bsl") -> Lexicon:
    """A lexicon of this package, one of `builtin_names`."""
    path = resources.files("slp_mouthing.lexicons") / f"{name}.yaml"
    return parse(decode_text(path.read_bytes(), path.name), path.name)


def read(path: str | Path, voices: Voices | None = None) -> Lexicon:
    """The lexicon of one file, or of this package by its name, with `voices` every entry tried out.

    Raises `InputError` when it is no text and `LexiconError` when it is no lexicon.
    """
    if str(path) in builtin_names() and not Path(path).exists():
        packaged = resources.files("slp_mouthing.lexicons") / f"{path}.yaml"
        return parse(decode_text(packaged.read_bytes(), packaged.name), packaged.name, voices)
    if not Path(path).suffix and not Path(path).exists():
        raise LexiconError(f"no lexicon '{path}'", hint=f"give a file, or one of {', '.join(builtin_names())}")
    text = read_text(path)
    _refuse_deep_nesting(text, str(path))
    return parse(text, str(path), voices)


def parse(text: str, where: str, voices: Voices | None = None) -> Lexicon:
    """The lexicon in `text`; `where` names it in messages. Raises `LexiconError`."""
    return _Reader(where, voices).lexicon(_compose(text, where), hashlib.sha256(text.encode()).hexdigest())


def _compose(text: str, where: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{where}:{mark.line + 1}:{mark.column + 1}" if mark else where
        raise LexiconError(
            f"is not YAML: {error.problem}", where=place, hint="quote values that begin with % or hold ': '"
        ) from error
    except yaml.YAMLError as error:
        raise LexiconError(f"is not YAML: {error}", where=where) from error


def _refuse_deep_nesting(text: str, where: str) -> None:
    """The C parser's composer recurses, and takes the process with it at 100,000 brackets."""
    depth = 0
    try:
        for event in yaml.parse(text, Loader=_Loader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _MAX_DEPTH:
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise LexiconError("is nested too deeply", where=f"{where}:{line}")
    except yaml.YAMLError:
        return  # `_compose` reports it, with its place


# ---- schema ---------------------------------------------------------------------------------------------------------------
@dataclass(slots=True)
class _Reader:
    """Reads the nodes of one file."""

    where: str
    voices: Voices | None = None
    pronounce: Pronounce | None = None
    """Says what entries ask for, when they are tried out."""
    defaults: dict[str, Any] = field(default_factory=dict)
    """Attributes of an entry that does not give them itself."""
    sources: dict[str, str] = field(default_factory=dict)

    def lexicon(self, root: yaml.Node | None, checksum: str) -> Lexicon:
        if root is None:
            raise LexiconError("is empty", where=self.where, hint="write entries: and below it GLOSS: word")
        parts = self.table(root, ("lexicon", "entries", "groups"))
        header = self.table(parts["lexicon"], _HEADER) if "lexicon" in parts else {}
        texts = {key: self.text(header[key], key) if key in header else "" for key in ("name", "language", "voice")}
        if self.voices:
            self.pronounce = self.tried(self.voices, header.get("voice", root), texts["voice"] or builtin().voice)
        if "sources" in header:
            self.sources = {key: self.text(node, key) for key, node in self.table(header["sources"]).items()}
        if "defaults" in header:
            self.defaults = self.attributes(self.table(header["defaults"], _DEFAULTS))
        if "entries" not in parts and "groups" not in parts:
            raise self.error("lacks entries", root, "write entries: and below it GLOSS: word")
        entries = self.entries(parts["entries"], {}) if "entries" in parts else {}
        for group in self.sequence(parts["groups"], "groups") if "groups" in parts else ():
            self.group(group, entries)
        meanings = self.meanings(header["upper_face"]) if "upper_face" in header else {}
        return Lexicon(texts["name"] or self.where, texts["language"], texts["voice"], entries, self.sources, checksum, meanings)

    def meanings(self, node: yaml.Node) -> dict[str, Meaning]:
        """Glosses by what they mean for the brows: `upper_face: {wh: [WHO], negation: [NOT]}`."""
        names: tuple[Meaning, ...] = get_args(Meaning)
        cells = self.table(node, names)
        return {self.text(gloss, key).upper(): key for key in names if key in cells for gloss in self.sequence(cells[key], key)}

    def group(self, node: yaml.Node, entries: dict[str, LexiconEntry]) -> None:
        """Adds the entries of a group, with its attributes where they give none."""
        cells = self.table(node, ("topic", *_DEFAULTS, "entries"))
        if "entries" not in cells:
            raise self.error("a group without entries", node)
        inner = replace(self, defaults=self.defaults | self.attributes({k: v for k, v in cells.items() if k in _DEFAULTS}))
        entries |= inner.entries(cells["entries"], entries)

    def entries(self, node: yaml.Node, known: dict[str, LexiconEntry]) -> dict[str, LexiconEntry]:
        found: dict[str, LexiconEntry] = {}
        # As they are looked up: in any case.
        places = {gloss.upper(): entry.where for gloss, entry in known.items()}
        for gloss, cell in self.table(node).items():
            if (first := places.get(gloss.upper())) is not None:
                raise self.error(f"'{gloss}' is given twice, first at {first}", cell, "keep one")
            found[gloss] = self.entry(gloss, cell)
            places[gloss.upper()] = found[gloss].where
        return found

    def entry(self, gloss: str, node: yaml.Node) -> LexiconEntry:
        where = f"{self.where}:{node.start_mark.line + 1}"
        if isinstance(node, yaml.ScalarNode):
            mouth = self.sayable(self.short_mouth(node), node)
            return LexiconEntry(gloss, mouth, type=_type_of(mouth), where=where, **self.defaults)
        cells = self.table(node, _KEYS)
        mouth = self.sayable(self.mouth(cells, node), cells.get("ipa") or cells.get("mouthing") or node)
        given = {**self.defaults, **self.attributes({key: cell for key, cell in cells.items() if key not in _MOUTH_KEYS})}
        fits, stated = _type_of(mouth), given.setdefault("type", _type_of(mouth))
        if stated == "None" and fits != "None":
            raise self.error(f"{gloss} has type None and a mouth action", node, "leave out one of them")
        if (fits, stated) in _MISFITS:
            has = "a word" if fits == "Mouthing" else "a gesture"
            raise self.error(f"{gloss} has type {stated} and {has}", cells["type"], "leave out the type")
        if fits == "None" and stated != "None":
            raise self.error(f"{gloss} says nothing of the mouth", node, "give mouthing, ipa or gesture, or type: None")
        word = self.text(cells["mouthing"], "mouthing") if mouth.kind == "ipa" and "mouthing" in cells else ""
        return LexiconEntry(gloss, mouth, where=where, word=word, **given)

    def short_mouth(self, node: yaml.ScalarNode) -> MouthOverride:
        """`WHY: why`, in the notation of gloss text's braces."""
        text: str = node.value.strip()
        if not text or text == "~":
            return MouthOverride("none")
        if text.startswith("%"):
            return self.gesture(text[1:], node)
        if len(text) > 1 and text.startswith("/") and text.endswith("/"):
            return self.ipa(text, node)
        return MouthOverride("text", text)

    def mouth(self, cells: dict[str, yaml.Node], node: yaml.Node) -> MouthOverride:
        values = {key: self.text(cells[key], key) for key in _MOUTH_KEYS if key in cells}
        if "gesture" in values:
            if len(values) > 1:
                raise self.error("a gesture and a mouthing", node, "leave out one of them")
            return self.gesture(values["gesture"], cells["gesture"])
        if "ipa" in values:
            return self.ipa(values["ipa"], cells["ipa"])
        return MouthOverride("text", values["mouthing"]) if "mouthing" in values else MouthOverride("none")

    def ipa(self, text: str, node: yaml.Node) -> MouthOverride:
        if not (symbols := text.strip("/ ")):
            raise self.error("ipa is empty, expected symbols", node)
        return MouthOverride("ipa", symbols)

    def sayable(self, mouth: MouthOverride, node: yaml.Node) -> MouthOverride:
        """`mouth`, tried out when there is a voice to."""
        if self.pronounce and mouth.kind in ("text", "ipa"):
            text, ipa = (mouth.value, None) if mouth.kind == "text" else ("", mouth.value)
            if not self.tried(partial(self.pronounce, text), node, ipa):
                raise self.error(f"nothing to mouth in '{mouth.value}'", node, "give a word that the voice can read")
        return mouth

    def tried(self, call: Callable[[_A], _R], node: yaml.Node, value: _A) -> _R:
        """The call's result, its error told with the node's place."""
        try:
            return call(value)
        except MouthError as error:
            raise self.error(error.what, node, error.hint) from error

    def gesture(self, name: str, node: yaml.Node) -> MouthOverride:
        try:
            return MouthOverride("gesture", gestures.find(name).name)
        except InputError as error:
            raise self.error(error.what, node, error.hint) from error

    def attributes(self, cells: dict[str, yaml.Node]) -> dict[str, Any]:
        return {key: _ATTRIBUTES[key](self, key, node) for key, node in cells.items()}

    # -- values
    def table(self, node: yaml.Node, allowed: tuple[str, ...] = ()) -> dict[str, yaml.Node]:
        """A mapping by key, its keys checked and unique."""
        if not isinstance(node, yaml.MappingNode):
            raise self.error(f"is {_shown(node)}, expected a table of keys", node)
        cells: dict[str, yaml.Node] = {}
        for key_node, value in node.value:
            key = self.text(key_node, "a key")
            if allowed and key not in allowed:
                near = difflib.get_close_matches(key, allowed, n=1, cutoff=0.5)
                hint = f"did you mean {near[0]}?" if near else f"allowed: {', '.join(allowed)}"
                raise self.error(f"unknown key '{key}'", key_node, hint)
            if key in cells:
                raise self.error(f"'{key}' is given twice, first on line {cells[key].start_mark.line + 1}", key_node, "keep one")
            cells[key] = value
        return cells

    def text(self, node: yaml.Node, key: str) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise self.error(f"{key} is {_shown(node)}, expected text", node)
        if not (text := str(node.value).strip()):
            raise self.error(f"{key} is empty, expected text", node)
        return text

    def choice(self, key: str, node: yaml.Node, allowed: tuple[str, ...]) -> str:
        value = self.text(node, key)
        if value not in allowed:
            raise self.error(f"{key} is '{value}', allowed: {', '.join(allowed)}", node)
        return value

    def flag(self, key: str, node: yaml.Node) -> bool:
        return self.choice(key, node, ("true", "false")) == "true"

    def count(self, key: str, node: yaml.Node) -> int:
        return int(self.choice(key, node, tuple(str(n) for n in range(1, MAX_REPEAT + 1))))

    def source(self, key: str, node: yaml.Node) -> str:
        value = self.text(node, key)
        if self.sources and value not in self.sources:
            raise self.error(f"source '{value}' is not among the file's sources: {', '.join(self.sources)}", node, "add it there")
        return value

    def glosses(self, key: str, node: yaml.Node) -> tuple[str, ...]:
        return tuple(self.text(item, key) for item in self.sequence(node, key))

    def sequence(self, node: yaml.Node, key: str) -> list[yaml.Node]:
        if not isinstance(node, yaml.SequenceNode):
            raise self.error(f"{key} is {_shown(node)}, expected a list", node)
        items: list[yaml.Node] = node.value
        return items

    def error(self, what: str, node: yaml.Node, hint: str = "") -> LexiconError:
        mark = node.start_mark
        return LexiconError(what, where=f"{self.where}:{mark.line + 1}:{mark.column + 1}", hint=hint)


_MISFITS = {
    *(("Mouthing", stated) for stated in ("MG", "Anticipation-MG", "Perseveration-MG")),
    *(("MG", stated) for stated in ("Mouthing", "Anticipation-M", "Perseveration-M")),
}
"""What an entry does with the type that it states, where the two contradict each other."""
_MOUTH_KEYS = ("mouthing", "ipa", "gesture")
_ATTRIBUTES: dict[str, Callable[[_Reader, str, yaml.Node], object]] = {
    "type": lambda reader, key, node: reader.choice(key, node, get_args(ActionType)),
    "reduction": lambda reader, key, node: reader.choice(key, node, get_args(Reduction)),
    "repeat": _Reader.count,
    "spreads": _Reader.flag,
    "takes_spread": _Reader.flag,
    "contrasts": _Reader.glosses,
    "region": lambda reader, key, node: reader.text(node, key),
    "confidence": lambda reader, key, node: reader.choice(key, node, get_args(Confidence)),
    "source": _Reader.source,
}
_KEYS = (*_MOUTH_KEYS, *_ATTRIBUTES)
_DEFAULTS = ("region", "confidence", "source")
_HEADER = ("name", "language", "voice", "defaults", "sources", "upper_face")


def _type_of(mouth: MouthOverride) -> ActionType:
    return "None" if mouth.kind == "none" else "MG" if mouth.kind == "gesture" else "Mouthing"


def _shown(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return f"'{node.value[:40]}'" if node.value else "empty"
    return "a list" if isinstance(node, yaml.SequenceNode) else "a table"
