from __future__ import annotations

import ctypes
import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from slp_mouthing.errors import InstallationError, SpeechError
from slp_mouthing.speech import espeak
from slp_mouthing.speech.espeak import Espeak
from slp_mouthing.speech.inventories import MNEMONICS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from slp_mouthing.types import Speech

WORDS = ["why", "because", "people", "family", "church", "blue", "think", "five", "government", "really true", "20", "Dr. Smith"]


@pytest.fixture(scope="module")
def voice() -> Espeak:
    return Espeak("en-gb")


def digest(speech: Speech) -> str:
    return hashlib.sha256(speech.samples.tobytes() + repr(speech.phones).encode()).hexdigest()


def symbols(speech: Speech) -> str:
    return " ".join(phone.symbol for phone in speech.phones)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("why", "w aɪ"), ("because", "b ɪ k ɒ z"), ("people", "p iː p ə l"), ("family", "f a m ɪ l i"), ("fire", "f aɪ ə")],
)
def test_text_has_its_british_phones(voice: Espeak, text: str, expected: str) -> None:
    assert symbols(voice.speak(text)) == expected


@pytest.mark.parametrize("text", WORDS)
def test_phones_tile_the_sound(voice: Espeak, text: str) -> None:
    speech = voice.speak(text)
    assert all(phone.duration_s > 0.004 for phone in speech.phones)
    assert all(a.end_s == b.start_s for a, b in zip(speech.phones, speech.phones[1:], strict=False))
    assert speech.phones[0].start_s >= 0.0
    assert speech.phones[-1].end_s <= speech.duration_s
    assert np.abs(speech.samples).max() <= 1.0


def test_a_closure_is_silent_and_precedes_its_burst(voice: Espeak) -> None:
    speech = voice.speak("happy")
    stop = next(phone for phone in speech.phones if phone.symbol == "p")
    start, rate = round(stop.start_s * speech.sample_rate_hz), speech.sample_rate_hz
    closure, burst = speech.samples[start : start + round(0.035 * rate)], speech.samples[start : round(stop.end_s * rate)]
    assert np.abs(closure).max() < 0.002 < np.abs(burst).max()


def test_stress_and_syllables(voice: Espeak) -> None:
    phones = voice.pronounce("because")
    assert [(p.syllable, p.stress) for p in phones] == [(0, 0), (0, 0), (1, 1), (1, 1), (1, 1)]
    assert phones[0].start_s == 0.0


def test_any_order_of_calls_gives_the_same_bytes() -> None:
    forward, backward = Espeak(), Espeak()
    first = {word: digest(forward.speak(word)) for word in WORDS}
    second = {word: digest(backward.speak(word)) for word in reversed(WORDS)}
    assert first == second
    assert len(set(first.values())) == len(WORDS)


def test_a_fresh_process_gives_the_same_bytes(voice: Espeak) -> None:
    script = (
        "import hashlib; from slp_mouthing.speech.espeak import Espeak; s = Espeak().speak('people');"
        "print(hashlib.sha256(s.samples.tobytes() + repr(s.phones).encode()).hexdigest())"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    voice.speak("something else")
    assert run.stdout.strip() == digest(voice.speak("people"))


def test_threads_share_a_voice() -> None:
    alone, shared = Espeak(), Espeak()
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda word: digest(shared.speak(word)), WORDS * 3))
    assert together == [digest(alone.speak(word)) for word in WORDS] * 3


def test_another_user_of_the_library_is_neither_disturbed_nor_disturbing(voice: Espeak) -> None:
    import espeakng_loader

    other = ctypes.CDLL(espeakng_loader.get_library_path())
    data = str(espeakng_loader.get_data_path()).encode()
    other.espeak_Initialize(2, 0, ctypes.c_char_p(data), 0x8000)
    assert other.espeak_SetVoiceByName(b"gmw/de") == 0
    expected, espeak_language = digest(voice.speak("people")), other.espeak_GetCurrentVoice
    assert digest(Espeak().speak("people")) == expected
    espeak_language.restype = ctypes.POINTER(ctypes.c_char_p)
    assert espeak_language()[0] == b"German"


@pytest.mark.parametrize("ipa", ["waɪ", "bɪˈkɒz", "ˈpiːpl̩", "ˈfamɪli", "hɪə ɪz", "t͡ʃɜːt͡ʃ", "ðɐn", "ʃ", "fiːl", "tɛlt"])
def test_ipa_is_spoken_as_asked(voice: Espeak, ipa: str) -> None:
    from slp_mouthing.speech.phones import parse_ipa

    spoken = [phone.symbol for phone in voice.speak("", ipa).phones if phone.symbol != "sil"]
    assert spoken == [phone.symbol for phone in parse_ipa(ipa)]


@pytest.mark.parametrize("symbol", MNEMONICS)
def test_every_english_phone_can_be_asked_for(voice: Espeak, symbol: str) -> None:
    assert [phone.symbol for phone in voice.speak("", symbol).phones] == [symbol]


@pytest.mark.parametrize("text", ["", "   ", "...", "\0", "!!!", "日本語", "%(日本)", "привет", "ελ", "ﷺ", "😀"])
def test_nothing_to_say_has_no_phones(voice: Espeak, text: str) -> None:
    speech = voice.speak(text)
    assert speech.phones == ()
    assert len(speech.samples) == 0


@pytest.mark.parametrize(
    ("name", "text", "same_as"),
    [("en-gb", "日本 why", "why"), ("en-gb", "cafe\u0301", "café"), ("en-gb", "£5", "pound 5"), ("ru", "日本 привет", "привет")],
)
def test_what_is_readable_is_said(name: str, text: str, same_as: str) -> None:
    speaker = Espeak(name)
    assert symbols(speaker.speak(text)) == symbols(speaker.speak(same_as)) != ""


@pytest.mark.parametrize(
    ("name", "text"),
    [("ru", "привет"), ("uk", "привіт"), ("el", "γεια"), ("he", "שלום"), ("ar", "مرحبا"), ("hi", "नमस्ते"), ("ja", "こんにちは"),
     ("ko", "안녕"), ("cmn", "你好"), ("th", "สวัสดี"), ("pl", "źdźbło"), ("vi", "Việt"), ("my", "ပြည်"), ("ka", "გამარჯობა")],
)  # fmt: skip
def test_a_voice_reads_its_own_script(name: str, text: str) -> None:
    assert len(Espeak(name).speak(text).phones) >= 2


def test_a_change_of_language_is_no_phone() -> None:
    assert symbols(Espeak("ru").speak("why")) == "w aɪ"


def test_other_languages(voice: Espeak) -> None:
    assert symbols(Espeak("de").speak("schön")) == "ʃ øː n"
    assert symbols(Espeak("nl").speak("deur")) == "d øː r"
    assert symbols(Espeak("EN_GB").speak("why")) == "w aɪ"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Espeak("en-gbb"), "unknown voice 'en-gbb'; near ones: en-gb"),
        (lambda: Espeak("en+f3"), "unknown variant 'f3', or one with breath noise; near ones: "),
        (lambda: Espeak("en", pitch=100), "pitch is 100, allowed: 0 to 99"),
        (lambda: Espeak("klingon"), "unknown voice 'klingon'; give a language such as en-gb, de or nl$"),
        (lambda: Espeak("fr-fr").speak("", "waɪ"), "IPA needs a voice of British English or German or Dutch, got 'fr-fr'"),
        (lambda: Espeak().speak("a", rate_wpm=20), "rate is 20 words a minute, allowed: 80 to 450"),
    ],
)
def test_bad_requests_say_what_is_allowed(call: object, message: str) -> None:
    with pytest.raises(SpeechError, match=message):
        call()  # type: ignore[operator]


@pytest.mark.parametrize(
    "settings", [{"pitch": 30}, {"pitch": 80, "pitch_range": 90}, {"voice": "en-gb+f1"}, {"voice": "en-gb+m3"}]
)
def test_other_speakers_are_others_and_the_same_every_time(voice: Espeak, settings: dict[str, Any]) -> None:
    first, second = (Espeak(**settings).speak("really true") for _ in range(2))
    assert digest(first) == digest(second) != digest(voice.speak("really true"))
    assert symbols(first) == symbols(voice.speak("really true"))


@pytest.mark.parametrize("variant", ["f4", "m2", "announcer", "pablo"])
def test_echo_after_the_end_prolongs_no_phone(variant: str) -> None:
    last = Espeak(f"en-gb+{variant}").pronounce("break")[-1]
    assert last.symbol == "k"
    assert last.duration_s < 0.15


def test_variants_with_breath_noise_are_left_out() -> None:
    assert {"f1", "m1", "klatt", "mr serious"} <= set(espeak.variants())
    assert not {"f2", "f3", "f5", "whisper"} & set(espeak.variants())


def test_every_variant_is_the_same_whatever_memory_holds() -> None:
    code = (
        "import hashlib; from slp_mouthing.speech import espeak\n"
        "names = sorted(espeak.variants())\n"
        "sounds = [espeak.Espeak(f'en-gb+{name}').speak('people why').samples.tobytes() for name in names]\n"
        "print(*(hashlib.sha256(sound).hexdigest() for sound in sounds))"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], env={**os.environ, "MALLOC_PERTURB_": fill}, capture_output=True, check=True)
        for fill in ("0", "170")
    ]
    assert runs[0].stdout == runs[1].stdout


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A copy of espeak-ng's data that may be damaged."""
    import espeakng_loader

    copy = tmp_path / "espeak-ng-data"
    shutil.copytree(espeakng_loader.get_data_path(), copy)
    monkeypatch.setattr(espeakng_loader, "get_data_path", lambda: str(copy))
    for cache in (espeak._installation, espeak._voices):
        cache.cache_clear()
    yield copy
    for cache in (espeak._installation, espeak._voices):
        cache.cache_clear()


REINSTALL = "; pip install --force-reinstall espeakng-loader"


@pytest.mark.parametrize("name", ["phontab", "phonindex", "phondata", "intonations", "en_dict", "lang/gmw/de"])
def test_damaged_data_names_the_file_and_the_fix(data: Path, name: str) -> None:
    whole = (data / name).read_bytes()
    for kept in (0, len(whole) // 2):
        (data / name).write_bytes(whole[:kept])
        with pytest.raises(InstallationError) as caught:
            Espeak()
        assert str(caught.value) == f"{data / name}: espeak-ng's file is damaged: {kept} bytes of {len(whole)}{REINSTALL}"
    (data / name).unlink()
    with pytest.raises(InstallationError, match=f"{name}: espeak-ng's file is missing{REINSTALL}"):
        espeak.version()


def test_empty_data_is_refused_where_the_installer_kept_no_record(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "files", lambda name: None)
    (data / "phontab").write_bytes(b"")
    with pytest.raises(InstallationError, match=f"phontab: espeak-ng's file is empty{REINSTALL}"):
        Espeak()


def test_a_missing_folder_of_voices_is_no_unknown_voice(data: Path) -> None:
    shutil.rmtree(data / "lang")
    with pytest.raises(InstallationError, match=f"lang/gmw/en: espeak-ng's file is missing{REINSTALL}"):
        Espeak("en-gb")


def test_a_library_that_cannot_be_loaded_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import espeakng_loader

    broken = tmp_path / "libespeak-ng.so"
    broken.write_bytes(b"no library")
    monkeypatch.setattr(espeakng_loader, "get_library_path", lambda: str(broken))
    espeak._installation.cache_clear()
    try:
        with pytest.raises(InstallationError, match=f"libespeak-ng.so: espeak-ng cannot be loaded: .*{REINSTALL}"):
            espeak.version()
    finally:
        espeak._installation.cache_clear()


def test_what_is_known_does_not_wait_for_a_synthesis(voice: Espeak) -> None:
    known = voice.speak("why")
    with ThreadPoolExecutor(1) as pool, espeak._LIBRARY:
        assert pool.submit(voice.speak, "why").result(timeout=120) is known


def test_espeak_prints_nothing(voice: Espeak, capfd: pytest.CaptureFixture[str]) -> None:
    for text in ("ပြည် ကောင်း", "ﷺ", "你好", "ᛒᛖ", "plain words"):
        voice.speak(text)
    assert capfd.readouterr() == ("", "")


def test_faster_speech_is_shorter(voice: Espeak) -> None:
    assert voice.speak("government", rate_wpm=300).duration_s < 0.8 * voice.speak("government").duration_s


def test_samples_cannot_be_changed_through_the_cache(voice: Espeak) -> None:
    with pytest.raises(ValueError, match="read-only"):
        voice.speak("why").samples[0] = 1.0


def test_a_plan_warns_of_what_the_voice_cannot_read(tmp_path: Path) -> None:
    from slp_mouthing.mouthing.lexicon import load_lexicon
    from slp_mouthing.mouthing.plan import plan
    from slp_mouthing.notation import parse

    [utterance] = parse("WHY@0.5{日本語} WHY@0.5{!!!} WHY@0.5{привет} WHY@0.5{why}")
    made = plan(utterance, load_lexicon(), lambda text, ipa: Espeak().pronounce(text or "", ipa))
    assert [action.type for action in made.actions] == ["None", "None", "None", "Mouthing"]
    assert [warning.partition("nothing")[2] for warning in made.warnings] == [
        f" to mouth in '{text}', the mouth rests" for text in ("日本語", "!!!", "привет")
    ]
