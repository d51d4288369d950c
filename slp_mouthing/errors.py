"""What can go wrong for a user, each with what happened, where, and what to do next.

A `MouthError` is printed as one line on stderr and ends a command with status 1; everything else is a bug and keeps its
traceback.
"""

from __future__ import annotations


class MouthError(Exception):
    """A problem the user can solve. `str(error)` is always one line.

    Args:
        what: what is wrong, with the value that was got and the values allowed.
        where: file, line and column, or the part of the input, when known.
        hint: the next step for the user.
    """

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        self.what, self.where, self.hint = what, where, hint
        super().__init__(_one_line(what, where, hint))

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword-only arguments: batch workers send errors between processes.
        return (_rebuild, (type(self), self.what, self.where, self.hint))


class InputError(MouthError):
    """The input file or text cannot be read as what it claims to be."""


class LexiconError(MouthError):
    """A lexicon file breaks its schema, or lacks what the input asks for."""


class SpeechError(MouthError):
    """The synthesiser refused the text."""


class InstallationError(SpeechError):
    """The synthesiser or its data is missing or damaged, or lacks the voice asked for: no fault of any part of the input."""


class HeadError(MouthError):
    """A head, its mesh or its parameters are unusable."""


class OutputError(MouthError):
    """The result cannot be written: folder, permissions, space, or an unknown format."""


class MissingExtra(MouthError):
    """An optional backend is not installed."""

    def __init__(self, library: str, extra: str, *, why: str) -> None:
        self.library, self.extra, self.why = library, extra, why
        super().__init__(f"{why} needs {library}, which is not installed", hint=f"pip install 'slp-mouthing[{extra}]'")

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild_extra, (self.library, self.extra, self.why))


def _one_line(what: str, where: str, hint: str) -> str:
    text = f"{where}: {what}" if where else what
    if hint:
        text = f"{text}; {hint}"
    # File content quoted in a message may hold line breaks or control characters.
    return "".join(c if c.isprintable() else " " for c in text)


def _rebuild(kind: type[MouthError], what: str, where: str, hint: str) -> MouthError:
    return kind(what, where=where, hint=hint)


def _rebuild_extra(library: str, extra: str, why: str) -> MissingExtra:
    return MissingExtra(library, extra, why=why)
