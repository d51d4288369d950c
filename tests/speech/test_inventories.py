"""IPA input of voices in several languages: what is asked for is what the voice's own events say."""

from __future__ import annotations

import pytest

from slp_mouthing.errors import SpeechError
from slp_mouthing.phonetics import is_vowel
from slp_mouthing.speech.espeak import Espeak
from slp_mouthing.speech.inventories import DUTCH, GERMAN, Inventory, inventory_of
from slp_mouthing.speech.phones import parse_ipa

VOICES = {"de": GERMAN, "nl": DUTCH}
WORDS = {
    "de": ("Mutter", "Vater", "schön", "müde", "Haus", "Zeit", "Bücher", "Pferd", "nicht", "ich", "Deutsch", "zwölf", "Straße",
           "heute", "Mädchen", "Apfel", "Garage", "Schule"),
    "nl": ("moeder", "vader", "school", "huis", "goed", "vrouw", "leuk", "nieuw", "schrijven", "water", "bus", "zingen", "meer",
           "garage", "duw", "eeuw", "machine"),
}  # fmt: skip


@pytest.fixture(scope="module", params=VOICES)
def voice(request: pytest.FixtureRequest) -> Espeak:
    return Espeak(request.param)


def symbols(voice: Espeak, ipa: str) -> list[str]:
    return [phone.symbol for phone in voice.speak("", ipa).phones if phone.symbol != "sil"]


@pytest.mark.parametrize(("name", "symbol"), [(name, symbol) for name, found in VOICES.items() for symbol in found.mnemonics])
def test_each_phone_is_said_as_itself(name: str, symbol: str) -> None:
    from slp_mouthing.speech.espeak import _PHONEME_INPUT, _UTF8, _render, _Speaker

    mnemonic = VOICES[name].mnemonics[symbol]
    asked = f"[[t|'{mnemonic}]]" if is_vowel(symbol) else f"[['e:|{mnemonic}|e:]]"
    _, marks, _ = _render(asked, _Speaker(f"gmw/{name}", 50, 50), _UTF8 | _PHONEME_INPUT)
    assert [mark.label.strip("ˈˌ") for mark in marks if mark.label] == (
        ["t", symbol] if is_vowel(symbol) else ["eː", symbol, "eː"]
    )


@pytest.mark.parametrize("inventory", VOICES.values(), ids=VOICES)
def test_spellings_lead_to_phones(inventory: Inventory) -> None:
    assert {symbol for found in inventory.spellings.values() for symbol in found} <= set(inventory.mnemonics)
    assert not set(inventory.spellings) & set(inventory.mnemonics)


def test_what_a_voice_says_can_be_asked_of_it(voice: Espeak) -> None:
    inventory = VOICES[voice.name]
    for word in WORDS[voice.name]:
        said = "".join("ˈ" * (p.stress == 1 and is_vowel(p.symbol)) + p.symbol for p in voice.pronounce(word))
        assert symbols(voice, said) == [phone.symbol for phone in parse_ipa(said, inventory)], word


@pytest.mark.parametrize(
    ("name", "ipa", "expected"),
    [
        ("de", "ˈʃøːn", "ʃ øː n"),
        ("de", "ˈbyːçɐ", "b yː ç ɜ"),
        ("de", "t͡svœlf", "ts v œ l f"),
        ("de", "ˈhɔʏ̯tə", "h ɔø t ə"),
        ("de", "ˈʔapfl̩", "a pf ə l"),
        ("nl", "ˈɦœys", "h œy s"),
        ("nl", "ˈsxoːl", "s x oː l"),
        ("nl", "ˈʋaːtər", "ʋ aː t ə r"),
        ("nl", "ˈɣut", "ɣ u t"),
        ("nl", "ˈvrɑu", "v r ʌʊ"),
    ],
)
def test_dictionary_spellings_are_understood(name: str, ipa: str, expected: str) -> None:
    assert " ".join(symbols(Espeak(name), ipa)) == expected


def test_a_phone_of_another_language_is_named_with_its_place() -> None:
    with pytest.raises(SpeechError, match=r"'ɒ' \(U\+0252\) at position 2 of /kɒt/ is no German phone"):
        Espeak("de").speak("", "kɒt")


def test_voices_belong_to_families() -> None:
    assert inventory_of("gmw/de+f1") is GERMAN
    assert inventory_of("gmw/en-US") is not None
    assert inventory_of("roa/fr") is None
    assert inventory_of("gmw/det") is None
