"""Drivers on recordings of real people: the motion they make of each against the rules' motion of its aligned phones.

    python benchmarks/bench_recordings.py FOLDER [--gather POCKETSPHINX_SOURCE] [--network DECODER.npz]

FOLDER holds pairs NAME.wav and NAME.txt (what is said; any sound file, words in any case). The words are found by forced
alignment; their phones, on the recording's clock, are what the rule driver plays as the true motion. No recordings come with this
project. With `--gather`, FOLDER is first filled from the source distribution of pocketsphinx (the library that aligns; its test
data are 14 recordings of English with their texts, 47 s):

    pip download --no-deps --no-binary pocketsphinx pocketsphinx && tar xf pocketsphinx-*.tar.gz
    python benchmarks/bench_recordings.py recordings --gather pocketsphinx-5.1.1

Rows: what the driver is given. Columns: mean correlation of the controls within words and with the rests; recall and precision of
lip closures (/p b m/) and of the contact of lip and teeth (/f v/), at the lips of the posed head. Intervals are over recordings.
"""

from __future__ import annotations

import argparse
import re
import wave
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from slp_mouthing import drivers
from slp_mouthing.articulation import Style, articulate
from slp_mouthing.articulation import perform as faced
from slp_mouthing.articulation.likeness import moments
from slp_mouthing.articulation.motion import frame_times_s, presence
from slp_mouthing.errors import MouthError
from slp_mouthing.evaluation import closures, curves
from slp_mouthing.evaluation.lip_measures import onlooker
from slp_mouthing.head.builtin import load_builtin
from slp_mouthing.speech.alignment import Word, align, words_of
from slp_mouthing.speech.espeak import Espeak
from slp_mouthing.speech.recording import Recording, read_recording, read_transcript
from slp_mouthing.types import MouthScore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from slp_mouthing.evaluation.statistics import Estimate
    from slp_mouthing.types import ControlCurves, Floats, Speech

FPS = 30.0
PAUSE_S = 0.25
"""Between words that are this far apart the mouth rests."""
RAW_RATE_HZ = 16000
SPOKEN = {
    "goforward.raw": "go forward ten meters",
    "something.raw": "go somewhere and do something",
    "numbers.raw": "thirty three four or six ninety two",
    "tidigits/dhd.2934z.raw": "two nine three four zero",
}
"""Of pocketsphinx's headerless recordings, what is said."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A recording with its phones."""

    name: str
    speech: Speech
    score: MouthScore


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--gather", type=Path, metavar="POCKETSPHINX_SOURCE")
    parser.add_argument("--network", type=Path, help="a decoder.npz; default: the shipped one")
    options = parser.parse_args()
    if options.folder is None:
        print("no recordings given: see --help for where to find some")
        return
    if options.gather:
        gather(options.gather, options.folder)
    found = list(samples(options.folder))
    if not found:
        parser.error(f"no pairs of sound and text in {options.folder}")
    seconds, phones = sum(s.speech.duration_s for s in found), sum(len(s.score.phones) for s in found)
    print(f"{len(found)} recordings, {seconds:.0f} s, {phones} phones")
    for name, move in ways(network(options.network)).items():
        print(f"{name:42} " + "  ".join(f"{label} {value:.2f}" for label, value in measured(found, move).items()))


def network(path: Path | None) -> drivers.Neural:
    from slp_mouthing.assets import checksum
    from slp_mouthing.decoder.light import LightNetwork

    return drivers.Neural(LightNetwork.load(path), checksum(path)) if path else drivers.shipped()


def ways(driver: drivers.Neural) -> dict[str, Callable[[Sample], ControlCurves]]:
    """What is measured, by name."""

    def heard(sample: Sample) -> Floats:
        return driver.predict(frame_times_s(sample.score, FPS), FPS, sample.speech)

    def heard_with_rests(sample: Sample) -> Floats:
        values = heard(sample)
        values[:, -1] = presence(sample.score, FPS)
        return values

    def told(sample: Sample) -> Floats:
        return driver(sample.score, lambda: sample.speech, FPS, Style())

    each = {"sound and phones": told, "sound alone": heard, "sound alone, rests given": heard_with_rests}
    return {name: lambda sample, move=move: faced(move(sample), sample.score, FPS) for name, move in each.items()}


def measured(found: list[Sample], move: Callable[[Sample], ControlCurves]) -> dict[str, Estimate]:
    watching = onlooker(load_builtin())
    within, throughout = [], []
    tallies: dict[closures.Kind, list[closures.Tally]] = {"lips": [], "teeth": []}
    for sample in found:
        made, real = move(sample), articulate(sample.score, FPS)
        mouthing = curves.mouthing(sample.score, FPS, len(real))
        within.append(moments(made.values, real.values, mouthing))
        throughout.append(moments(made.values, real.values))
        seen, truth = watching(made), watching(real)
        for kind, tally in tallies.items():
            tally.append(closures.tally(kind, sample.score, seen, truth, FPS))
    return {
        "r within": curves.correlation(within),
        "r": curves.correlation(throughout),
        **{f"{kind} recall": closures.recall(tally) for kind, tally in tallies.items()},
        **{f"{kind} precision": closures.precision(tally) for kind, tally in tallies.items()},
    }


# ---- recordings -----------------------------------------------------------------------------------------------------------
def samples(folder: Path) -> Iterator[Sample]:
    voice = Espeak("en-gb")
    for text in sorted(folder.glob("*.txt")):
        sounds = [path for path in text.parent.glob(f"{text.stem}.*") if path.suffix != ".txt"]
        try:
            yield aligned(read_recording(sounds[0], read_transcript(str(text))), voice)
        except (MouthError, IndexError) as error:
            print(f"{text.stem}: left out: {error or 'no sound file'}")


def aligned(recording: Recording, voice: Espeak) -> Sample:
    """The recording with the phones of the words that are found in it."""
    words = words_of(recording.transcript)
    alignment = align(recording, [Word(word, voice.pronounce(word)) for word in words])
    if missing := [word for word, spoken in zip(words, alignment.words, strict=True) if spoken is None]:
        print(f"{recording.name}: not found: {' '.join(missing)}")
    spans: list[tuple[float, float]] = []
    phones, syllables = [], 0
    for spoken in filter(None, alignment.words):
        phones += [replace(phone, syllable=phone.syllable + syllables) for phone in spoken.phones]
        syllables = phones[-1].syllable + 1
        joined = spans and spoken.start_s - spans[-1][1] < PAUSE_S
        spans[-1:] = [(spans[-1][0], spoken.end_s)] if joined else [*spans[-1:], (spoken.start_s, spoken.end_s)]
    return Sample(recording.name, recording.cut(), MouthScore(tuple(phones), (), recording.duration_s, tuple(spans)))


def gather(source: Path, folder: Path) -> None:
    """Pairs of sound and text from pocketsphinx's test data."""
    folder.mkdir(parents=True, exist_ok=True)
    data = source / "test" / "data"
    for part, listed in (("cards", "cards.transcription"), ("librivox", "transcription")):
        for line in (data / part / listed).read_text(encoding="utf-8").splitlines():
            if match := re.fullmatch(r"<s> (.*?) *</s> \((.*)\)", line):
                (folder / f"{part}-{match[2]}.wav").write_bytes((data / part / f"{match[2]}.wav").read_bytes())
                (folder / f"{part}-{match[2]}.txt").write_text(match[1] + "\n", encoding="utf-8")
    for name, text in SPOKEN.items():
        stem = Path(name).stem
        with wave.open(str(folder / f"{stem}.wav"), "wb") as file:
            file.setparams((1, 2, RAW_RATE_HZ, 0, "NONE", ""))
            file.writeframes((data / name).read_bytes())
        (folder / f"{stem}.txt").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
