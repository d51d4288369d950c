"""Options that several commands share, and how they become what the package wants."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from slp_mouthing.notation import ReadOptions
    from slp_mouthing.pipeline import Studio
    from slp_mouthing.speech.recording import Recording

Fps = Annotated[float, typer.Option(help="Frames per second of tracks and video.", min=1.0, max=240.0)]
Lexicons = Annotated[
    list[Path] | None,
    typer.Option(
        "--lexicon",
        metavar="FILE|NAME",
        help="Your own lexicon (YAML), layered over the built-in BSL one, or dgs, ngt in its place; repeat for several.",
    ),
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Unknown glosses and utterances that cannot be read are errors, not warnings.")
]
Voice = Annotated[str | None, typer.Option(help="espeak-ng voice; default: the lexicon's (en-gb).")]
Intensity = Annotated[float, typer.Option(help="How large the movements are; 1 is clear everyday mouthing.", min=0.0, max=2.0)]
WithoutRules = Annotated[
    list[str] | None,
    typer.Option("--without-rule", metavar="NAME", help="Turn a rule off, by its name in 'mouth plan --rules'; repeat."),
]
Report = Annotated[
    bool,
    typer.Option("--report", help="Write what each sign got: times wished and reached, reduction, closures (.csv, .txt)."),
]
Density = Annotated[
    float,
    typer.Option(help="Share of the mouthings kept that a sign could do without: signers differ.", min=0.0, max=1.0),
]


Jaw = Annotated[float, typer.Option(help="Share of the jaw in the movements.", min=0.0, max=2.0)]
Lip = Annotated[float, typer.Option(help="Share of the lips in the movements.", min=0.0, max=2.0)]
Driver = Annotated[
    str,
    typer.Option(
        metavar="NAME|FILE",
        help="What moves the mouth: neural (the trained decoder), rules (dominance functions), or a network in a file: "
        "best.npz or best.safetensors of 'mouth train', or what 'mouth model import' wrote; one of meshes takes --head flame.",
    ),
]
Subject = Annotated[
    str,
    typer.Option(metavar="NAME", help="In whose style an imported network speaks: one of its subjects, see 'mouth model info'."),
]
UpperFace = Annotated[
    str,
    typer.Option(help="Blinks, gaze, brows: previews (video and stills alone), always (tracks too), never."),
]
Seed = Annotated[
    int, typer.Option(help="Of what is left to chance: when eyes blink, which mouthings a density below 1 keeps.", min=0)
]
Vertices = Annotated[bool, typer.Option("--vertices", help="Keep the posed mesh in the track, as offsets in metres.")]
Head = Annotated[str, typer.Option(metavar="HEAD", help="builtin, flame (see --flame), or your .glb with ARKit shapes.")]
Flame = Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of your FLAME files, for --head flame.")]
FlameShape = Annotated[
    int | None, typer.Option(metavar="N", help="Where the expression starts among FLAME's directions; default: 300.", min=0)
]
Avatar = Annotated[
    str, typer.Option(metavar="NAME|FOLDER", help="A person of the built-in head (see 'mouth avatar people'), or your avatar.")
]
Tiers = Annotated[
    list[str] | None, typer.Option("--tier", metavar="NAME", help="ELAN: tier of glosses, when it is no known corpus's; repeat.")
]
MouthTiers = Annotated[
    list[str] | None, typer.Option("--mouth-tier", metavar="NAME", help="ELAN: tier that says what the mouth does; repeat.")
]
IgnoreMouthTiers = Annotated[
    bool, typer.Option("--ignore-mouth-tiers", help="ELAN: let lexicon and rules decide, whatever the file's mouth tiers say.")
]
Split = Annotated[str, typer.Option(metavar="TIER", help="ELAN: one utterance for each annotation of this tier.")]
GlossStyle = Annotated[
    str | None, typer.Option(metavar="STYLE", help="How glosses are written: bsl, phoenix, asl, dgs, ngt; default: by the file.")
]


Tts = Annotated[str, typer.Option(help="The voice: espeak, or f5 (F5-TTS, see --f5).")]
F5 = Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of your F5-TTS: checkpoint, vocoder, reference voice.")]
Audio = Annotated[
    Path | None,
    typer.Option(metavar="WAV", help="A recording of the words: signs without times and all mouthings follow it; see --sound."),
]
Transcript = Annotated[
    str | None,
    typer.Option(metavar="TEXT|FILE", help="Everything that is said in --audio; default: the mouthings and nothing else."),
]


def recorded(audio: Path | None, transcript: str | None) -> Recording | None:
    """The recording that a command's options name."""
    from slp_mouthing.errors import InputError
    from slp_mouthing.speech.recording import read_recording, read_transcript

    if audio is None:
        if transcript is not None:
            raise InputError("--transcript without a recording", hint="give one with --audio")
        return None
    return read_recording(audio, read_transcript(transcript or ""))


def read_options(
    tier: list[str] | None, mouth_tier: list[str] | None, ignore_mouth_tiers: bool, split: str, gloss_style: Any
) -> ReadOptions:
    """How input files are read, from the options of a command."""
    from slp_mouthing.notation import ReadOptions

    return ReadOptions(
        tiers=tuple(tier or ()),
        mouth_tiers=tuple(mouth_tier or ()),
        heed_mouth=not ignore_mouth_tiers,
        split=split,
        gloss_style=gloss_style,
    )


def with_report(formats: str, report: bool) -> list[str]:
    """The formats of a command, with those of its report."""
    return [*formats.split(","), *(("report.csv", "report.txt") if report else ())]


def studio(*, lexicon: list[Path] | None, **settings: Any) -> Studio:
    """The studio that a command's options ask for."""
    from slp_mouthing.pipeline import Studio

    return Studio(lexicons=tuple(lexicon or ()), **settings)
