"""What of a text a voice can read: espeak-ng spells foreign scripts out as "Chinese letter", and lone marks as "exclamation"."""

from __future__ import annotations

import unicodedata

_LANGUAGES = {
    "CYRILLIC": "ru uk be bg mk sr bs hr kk ky tt ba cv nog kaa uz tk az mn",
    "GREEK": "el grc", "ARMENIAN": "hy hyw", "GEORGIAN": "ka", "HEBREW": "he", "ARABIC": "ar fa ur sd ug ku ms",
    "ETHIOPIC": "am ti", "DEVANAGARI": "hi mr ne kok", "BENGALI": "bn as bpy", "GUJARATI": "gu", "GURMUKHI": "pa",
    "ORIYA": "or", "TAMIL": "ta", "TELUGU": "te", "KANNADA": "kn", "MALAYALAM": "ml", "SINHALA": "si", "THAI": "th",
    "MYANMAR": "my shn", "CHEROKEE": "chr", "SHAVIAN": "en-Shaw", "HANGUL": "ko", "CJK": "cmn hak yue", "BOPOMOFO": "cmn",
    "HIRAGANA": "ja", "KATAKANA": "ja", "KATAKANA-HIRAGANA": "ja",
}  # fmt: skip
"""Languages of espeak-ng's voices by the script that they are written in, as Unicode's names of letters call it."""
_EVERYWHERE = ("LATIN", "FULLWIDTH", "FEMININE", "MASCULINE", "MICRO", "MODIFIER")
"""What every voice reads: Latin, and what is written among Latin letters, such as ª and º."""


def readable(text: str, identifier: str) -> str:
    """`text` without letters that the voice cannot read; empty when neither a letter nor a number is left.

    Args:
        identifier: espeak-ng's, such as `gmw/en-GB-scotland`.
    """
    text = "".join(c if _reads(c, identifier) else " " for c in unicodedata.normalize("NFC", text))
    return text if any(unicodedata.category(c)[0] in "LN" for c in text) else ""


def _reads(character: str, identifier: str) -> bool:
    if character.isascii() or unicodedata.category(character)[0] != "L":
        return True
    # The name of a letter begins with its script.
    script = unicodedata.name(character, "").split(" ")[0]
    language = identifier.rpartition("/")[2]
    return script in _EVERYWHERE or not {language, language.partition("-")[0]}.isdisjoint(_LANGUAGES.get(script, "").split())
