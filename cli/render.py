"""`mouth render`: glosses in, a mouthing face out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import (
    F5,
    Audio,
    Avatar,
    Density,
    Driver,
    Flame,
    FlameShape,
    Fps,
    GlossStyle,
    Head,
    IgnoreMouthTiers,
    Intensity,
    Jaw,
    Lexicons,
    Lip,
    MouthTiers,
    Report,
    Seed,
    Split,
    Strict,
    Subject,
    Tiers,
    Transcript,
    Tts,
    UpperFace,
    Vertices,
    Voice,
    WithoutRules,
    read_options,
    recorded,
    studio,
    with_report,
)

if TYPE_CHECKING:
    from slp_mouthing.types import BodySequence


def render(
    input: Annotated[
        Path, typer.Argument(readable=False, help="Gloss text (.txt), ELAN (.eaf), SiGML, MMS (.csv) or JSON.", metavar="INPUT")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="DIR", help="Folder for the results.")] = Path("out"),
    formats: Annotated[str, typer.Option(help="What to write beside track and plan, separated by commas.")] = "mp4,glb",
    fps: Fps = 30.0,
    size: Annotated[
        int, typer.Option(help="Width of the video in pixels; as high, and higher with --body.", min=64, max=2160)
    ] = 512,
    view: Annotated[
        str,
        typer.Option(help="Camera: portrait, three-quarter, profile, mouth, signing; default: portrait, or signing with --body."),
    ] = "",
    style: Annotated[str, typer.Option(help="splat (Gaussians) or mesh (smooth-shaded).")] = "splat",
    captions: Annotated[bool, typer.Option("--captions", help="Burn in each sign's gloss and mouthing.")] = False,
    sound: Annotated[bool, typer.Option("--sound", help="Give the video its voice: synthesised, or --audio.")] = False,
    report: Report = False,
    tts: Tts = "espeak",
    f5: F5 = None,
    audio: Audio = None,
    transcript: Transcript = None,
    body: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Signing for the built-in half body: any body file that 'mouth merge' reads."),
    ] = None,
    body_fps: Annotated[
        float | None, typer.Option(help="The body's frame rate, where its file says none or a wrong one.")
    ] = None,
    hand_mean: Annotated[
        bool, typer.Option("--hand-mean", help="The body's hands are relative to relaxed ones (smplx's flat_hand_mean=False).")
    ] = False,
    head: Head = "builtin",
    flame: Flame = None,
    flame_shape: FlameShape = None,
    avatar: Avatar = "default",
    lexicon: Lexicons = None,
    strict: Strict = False,
    voice: Voice = None,
    driver: Driver = "neural",
    subject: Subject = "",
    intensity: Intensity = 1.0,
    jaw: Jaw = 1.0,
    lip: Lip = 1.0,
    upper_face: UpperFace = "previews",
    seed: Seed = 0,
    vertices: Vertices = False,
    density: Density = 1.0,
    without_rule: WithoutRules = None,
    tier: Tiers = None,
    mouth_tier: MouthTiers = None,
    ignore_mouth_tiers: IgnoreMouthTiers = False,
    split: Split = "",
    gloss_style: GlossStyle = None,
) -> None:
    """Render glosses to a face that mouths them.

    Writes DIR/STEM.track.npz, DIR/STEM.plan.json and DIR/STEM.FORMAT for each format; several utterances in one file become
    STEM-001, STEM-002, ...

    \b
    A line of gloss text:   WHY@0.48 PT:PRO2SG LATE@0.6
      timing                WHY@0.48 lasts 0.48 s; WHY@0.20-0.68 from 0.20 s to 0.68 s
      mouth                 WHY{why} WHY{/waɪ/} WHY{%puffed-cheeks} WHY{} (nothing)
      one over several      ⌘holiday(GO HOLIDAY)
      fingerspelling        %(Peter)
      yes or no?            YOU HAPPY ?   (raises the brows)
      comment               # to the end of the line
    """
    from slp_mouthing.formats import PictureOptions

    from .progress import steps, warn

    artist = studio(
        head=head,
        flame=flame,
        flame_shape=flame_shape,
        avatar=avatar,
        fps=fps,
        lexicon=lexicon,
        strict=strict,
        voice=voice,
        driver=driver,
        subject=subject,
        tts=tts,
        f5=f5,
        intensity=intensity,
        jaw=jaw,
        lip=lip,
        upper_face=upper_face,
        seed=seed,
        vertices=vertices,
        density=density,
        without_rules=tuple(without_rule or ()),
        read=read_options(tier, mouth_tier, ignore_mouth_tiers, split, gloss_style),
    )
    picture = PictureOptions(size=size, view=view, style=style, captions=captions, sound=sound)
    with steps() as step:
        signing = _signing(body, body_fps, hand_mean)
        done = artist.render_file(
            input,
            out,
            formats=with_report(formats, report),
            picture=picture,
            body=signing,
            recording=recorded(audio, transcript),
            on_step=step,
        )
    warn(done.warnings)
    for path in done.outputs:
        typer.echo(str(path))


def _signing(body: Path | None, fps: float | None, hand_mean: bool) -> BodySequence | None:
    from slp_mouthing.errors import InputError
    from slp_mouthing.staging import read_signing

    if body is not None:
        return read_signing(body, fps=fps, hand_mean=hand_mean)
    if fps is not None or hand_mean:
        raise InputError(f"{'--hand-mean' if fps is None else '--body-fps'} without a body", hint="give one with --body")
    return None
