"""Every format a result can be written in: the exporters' files, the plan, video and contact sheet."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from slp_mouthing import export, parametric
from slp_mouthing.cast import CastOptions
from slp_mouthing.errors import OutputError
from slp_mouthing.files import atomic_write

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from slp_mouthing.export import Writer
    from slp_mouthing.head.rig import Head
    from slp_mouthing.pipeline import OnStep
    from slp_mouthing.render.scene import SceneRenderer
    from slp_mouthing.types import JointMotion, Take

VIEWS = ("portrait", "three-quarter", "profile", "mouth", "signing")
STYLES = ("splat", "mesh")


@dataclass(frozen=True, slots=True)
class PictureOptions:
    """How frames look: videos and contact sheets."""

    size: int = 512
    """Width in pixels; the height is the same, and more for `signing`."""
    view: str = ""
    """One of `VIEWS`; empty: `portrait`, and `signing` with a body."""
    style: str = "splat"
    """`splat`: Gaussians; `mesh`: smooth-shaded triangles."""
    captions: bool = False
    """Burn in each sign's gloss and its mouthing."""
    sound: bool = False
    """Give the video the synthesised voice."""
    frame: int | None = None
    """Of Gaussians for viewers: this frame as a file; None: every frame, in a folder."""
    cast: CastOptions = field(default_factory=CastOptions)
    """Who is seen."""

    def __post_init__(self) -> None:
        if self.view not in ("", *VIEWS):
            raise OutputError(f"unknown view '{self.view}', allowed: {', '.join(VIEWS)}")
        if self.style not in STYLES:
            raise OutputError(f"unknown style '{self.style}', allowed: {', '.join(STYLES)}")
        if not 64 <= self.size <= 4096:
            raise OutputError(f"size is {self.size} pixels, allowed: 64 to 4096")


def writers(picture: PictureOptions) -> dict[str, Writer]:
    """File suffix (without its first dot) -> what writes it."""
    return {
        **export.WRITERS,
        "plan.json": write_plan,
        "sigml": write_sigml,
        "report.csv": write_report,
        "report.txt": write_report,
        "smplx.npz": parametric.write_smplx,
        "flame.npz": partial(write_flame, picture=picture),
        "mp4": partial(write_mp4, picture=picture),
        "png": partial(write_sheet, picture=picture),
        **dict.fromkeys(BAKED, partial(write_splats, picture=picture)),
    }


def suffixes(names: Sequence[str]) -> tuple[str, ...]:
    """The suffixes that format names mean (`npz` is `track.npz`), each once. Raises `OutputError` for an unknown one."""
    table = writers(PictureOptions())
    return tuple(dict.fromkeys(export.suffix_for(name, table) for name in names if name.strip()))


BAKED = ("ply", "splat", "spz")
"""Gaussians in the world, for viewers that know no mesh."""
PICTURES = ("mp4", "png", *BAKED)
"""Formats that need the renderer."""
STAGED = ("mp4", "png", "glb", "obj", *BAKED)
"""Formats that show the body where there is one."""


def prepare(wanted: Sequence[str], on_step: OnStep) -> None:
    """Compile the renderer if one of the suffixes needs it and this installation has not done so yet."""
    from slp_mouthing.render import kernels_cached, warm_up

    if set(wanted) & set(PICTURES) and not kernels_cached():
        on_step("compiling the renderer, once for this installation (some 20 s)", slow=True)
        warm_up()


def is_whole(path: Path) -> bool:
    """Whether a file that was written here is there to its end: files are renamed into place whole, but disks lose blocks."""
    if not path.exists():
        return False
    check = next((check for suffix, check in _WHOLE.items() if path.name.endswith(suffix)), None)
    return check(path.read_bytes()) if check else path.stat().st_size > 0


def _is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except ValueError:
        return False
    return True


def _is_boxes(content: bytes) -> bool:
    """MP4: boxes of stated lengths, up to the last byte."""
    at = 0
    while at < len(content) - 7:
        at += int.from_bytes(content[at : at + 4], "big") or len(content)
    return at == len(content) > 0


_WHOLE: dict[str, Callable[[bytes], bool]] = {
    ".json": _is_json,
    ".glb": lambda content: content[:4] == b"glTF" and int.from_bytes(content[8:12], "little") == len(content),
    ".usd": lambda content: content[:8] == b"PXR-USDC" and int.from_bytes(content[16:24], "little") < len(content),
    ".png": lambda content: content.endswith(b"IEND\xaeB`\x82"),
    ".mp4": _is_boxes,
}


def save(take: Take, path: Path, picture: PictureOptions) -> tuple[str, ...]:
    """Write `path` in the format of its suffix, whole or not at all. -> what is lost in it, a line each.

    Raises `OutputError`.
    """
    if take.body is not None and path.suffix.lstrip(".") in STAGED:
        from slp_mouthing.staging import staged

        take = staged(take)
    export.export(take, path, writers(picture))
    bodiless = {"usd": _body_left_out} if take.body is not None else {}
    return export.losses(take, path, {**export.LOSSES, **bodiless, "smplx.npz": parametric.smplx_losses})


def _body_left_out(take: Take) -> tuple[str, ...]:
    return ("shows the head alone; .glb and .obj hold the body too",)


def write_plan(take: Take, path: Path) -> None:
    """Write the plan as `.plan.json`."""
    from slp_mouthing.mouthing.plan import plan_to_json

    if take.plan is None:
        raise OutputError("a track alone has no plan", where=take.name, hint="render the glosses again")
    atomic_write(path, plan_to_json(take.plan))


def write_report(take: Take, path: Path) -> None:
    """Write what each sign got, as a table for programs (`.csv`) or for people (`.txt`)."""
    from slp_mouthing import report

    report.write_report(take, path)


def write_sigml(take: Take, path: Path) -> None:
    """Write the plan as SiGML, its mouth gestures by code."""
    from slp_mouthing.export import sigml
    from slp_mouthing.mouthing import gestures

    sigml.write_sigml(take, path, code_of=lambda name: next(iter(gestures.find(name).codes), ""))


def write_flame(take: Take, path: Path, *, picture: PictureOptions) -> None:
    """Write the motion of a FLAME head as GaussianAvatars' `flame_param.npz`, as the person that the avatar is of."""
    from slp_mouthing.cast import stored_avatar

    stored = stored_avatar(picture.cast.avatar)
    parametric.write_flame(take, path, stored.person if stored else None)


def write_mp4(take: Take, path: Path, *, picture: PictureOptions) -> None:
    """Write the face as H.264 video, frames streamed."""
    from slp_mouthing.render.captions import captioned
    from slp_mouthing.render.video import write_video

    frames = renderer(take.head, picture, take.joints).frames(take.track, take.joints)
    if picture.captions and take.plan:
        frames = captioned(frames, take.plan, take.track.fps)
    write_video(frames, path, take.track.fps, sound=take.sound if picture.sound else None)


def write_sheet(take: Take, path: Path, *, picture: PictureOptions) -> None:
    """Write the key frames of each sign as one picture."""
    from slp_mouthing.render.sheet import write_sheet

    write_sheet(take, path, renderer(take.head, picture))


def write_splats(take: Take, path: Path, *, picture: PictureOptions) -> None:
    """Write the Gaussians in the world, light included: one frame, or a folder of all."""
    from slp_mouthing.baked import write_baked, write_baked_frame
    from slp_mouthing.cast import find_gaussians
    from slp_mouthing.signer import Signer
    from slp_mouthing.signer_pictures import signer_gaussians

    signer = take.head if isinstance(take.head, Signer) else None
    gaussians = signer_gaussians(signer, picture.cast) if signer else find_gaussians(picture.cast, take.head)
    if picture.frame is None:
        write_baked(take, path, gaussians=gaussians)
    else:
        write_baked_frame(take, path, gaussians=gaussians, frame=picture.frame)


@lru_cache(maxsize=4)
def _renderer(head: Head, cast: CastOptions, size: int, view: str, style: str) -> SceneRenderer:
    from slp_mouthing.cast import find_gaussians
    from slp_mouthing.render.scene import make_renderer
    from slp_mouthing.signer import Signer
    from slp_mouthing.signer_pictures import make_signer_renderer

    if isinstance(head, Signer):
        return make_signer_renderer(head, cast, size=size, view=view or "signing", style=style)
    view = view or "portrait"
    if view == "signing":
        raise OutputError("the view 'signing' shows hands, and there are none", hint="give a body with --body")
    return make_renderer(head, None if style == "mesh" else find_gaussians(cast, head), size=size, view=view, style=style)


def renderer(head: Head, picture: PictureOptions, joints: JointMotion | None = None) -> SceneRenderer:
    """The renderer of a head for these pictures; kept, so that the next utterance starts at once.

    `joints`: how the body moves that the head stands on; where it signs, the camera keeps its hands in view.
    """
    found = _renderer(head, picture.cast, picture.size, picture.view, picture.style)
    from slp_mouthing.signer import Signer

    if joints is None or not isinstance(head, Signer) or picture.view not in ("", "signing"):
        return found
    from slp_mouthing.signer_pictures import seeing_hands

    return seeing_hands(found, head, joints, picture.size)
