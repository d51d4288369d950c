"""How the input writes what the mouth does: words, `/IPA/`, `%gesture`, or nothing."""

from __future__ import annotations

from slp_mouthing.errors import InputError
from slp_mouthing.types import MouthOverride


def read_mouth(text: str, *, lenient: bool = False) -> MouthOverride:
    """What stands in braces in gloss text. Raises `InputError` without a place."""
    if not text:
        return MouthOverride("none", lenient=lenient)
    if text.startswith("/"):
        if len(text) < 3 or not text.endswith("/") or not text[1:-1].strip():
            raise InputError(f"'{text}' is not IPA between slashes", hint="write {/waɪ/}")
        return MouthOverride("ipa", text[1:-1].strip(), lenient)
    if text.startswith("%"):
        if not text[1:].strip():
            raise InputError("% without a mouth gesture", hint="write {%puffed-cheeks}")
        return MouthOverride("gesture", text[1:].strip(), lenient)
    return MouthOverride("text", text, lenient)


def write_mouth(override: MouthOverride) -> str:
    """The text that `read_mouth` reads as `override`."""
    form = {"text": "{}", "ipa": "/{}/", "gesture": "%{}", "none": ""}[override.kind]
    return form.format(override.value)
