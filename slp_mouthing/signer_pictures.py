"""Pictures of a signer: the Gaussians of head and body together, the light on both, and a camera that sees the hands."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.avatar.binding import Avatar, together, triangle_shapes
from slp_mouthing.avatar.default import body_avatar
from slp_mouthing.avatar.faraway import from_afar
from slp_mouthing.cast import find_gaussians
from slp_mouthing.errors import HeadError
from slp_mouthing.figure.skinning import joint_places
from slp_mouthing.render.camera import picture_size, signing
from slp_mouthing.render.gaussians import CapturedDrawable, LitDrawable
from slp_mouthing.render.joined import JoinedDrawable
from slp_mouthing.render.lit_signer import LitSigner
from slp_mouthing.render.scene import make_renderer

if TYPE_CHECKING:
    from slp_mouthing.avatar.splats import SplatAvatar
    from slp_mouthing.cast import CastOptions
    from slp_mouthing.render.gaussians import Drawable
    from slp_mouthing.render.scene import SceneRenderer
    from slp_mouthing.signer import Signer
    from slp_mouthing.types import Array, JointMotion

_FINGERS = ("index3", "middle3", "pinky3", "thumb3", "wrist")


def make_signer_renderer(signer: Signer, cast: CastOptions, *, size: int, view: str, style: str) -> SceneRenderer:
    """Raises `HeadError`."""
    lit = LitSigner(signer)
    return make_renderer(
        lit, None if style == "mesh" else _drawable(lit, signer, cast, size, view), size=size, view=view, style=style
    )


def seeing_hands(renderer: SceneRenderer, signer: Signer, motion: JointMotion, size: int) -> SceneRenderer:
    """The renderer with the camera for signing, wide enough for the hands of a motion."""
    return renderer.seen_by(signing(signer, *picture_size("signing", size), hands_m=hand_places(signer, motion)))


def hand_places(signer: Signer, motion: JointMotion) -> Array:
    """Where wrists and the last joints of fingers go. -> [N, 3] m"""
    index = [signer.skeleton.index(f"{side}_{name}") for side in ("left", "right") for name in _FINGERS]
    places = joint_places(signer.skeleton, motion.rotations_wxyz, motion.root_m)
    return np.asarray(places[:, index, :, 3].reshape(-1, 3))


def signer_gaussians(signer: Signer, cast: CastOptions) -> Avatar:
    """Of head and body, both of which take the scene's light. Raises `HeadError` for a head with a light of its own."""
    head = find_gaussians(cast, signer.head)
    if not isinstance(head, Avatar):
        raise HeadError(
            "an avatar that was captured has its own light, and the body has not", where=cast.avatar, hint="leave --body out"
        )
    return together(head.rebound(_numbers(signer)), body_avatar(signer))


def _drawable(lit: LitSigner, signer: Signer, cast: CastOptions, size: int, view: str) -> Drawable:
    head, body = find_gaussians(cast, signer.head), body_avatar(signer)
    if not isinstance(head, Avatar):
        return JoinedDrawable(_captured(head, signer), LitDrawable(body, lit))
    both = together(head.rebound(_numbers(signer)), body)
    if view == "signing":
        camera = signing(signer, *picture_size(view, size))
        px_per_m = float(camera.intrinsics[1, 1] / np.linalg.norm(camera.position_m))
        both = from_afar(both, signer.neutral_m, signer.triangles, px_per_m)
    return LitDrawable(both, lit)


def _captured(head: SplatAvatar, signer: Signer) -> Drawable:
    numbers = _numbers(signer)[head.binding]
    kept = numbers >= 0
    names = ("position", "rotation_wxyz", "log_scale", "opacity_logit", "sh")
    local = replace(head.local, **{name: getattr(head.local, name)[kept] for name in names})
    avatar = replace(head, local=local, binding=numbers[kept].astype(np.int32))
    rest_shape = triangle_shapes(signer.neutral_m, signer.triangles)[avatar.binding]
    return CapturedDrawable(avatar, signer.triangles, rest_shape)


def _numbers(signer: Signer) -> np.ndarray:
    """The signer's number of each of the head's triangles, -1 for those that it lacks. -> [F]"""
    return np.where(signer.kept_triangles, np.cumsum(signer.kept_triangles) - 1, -1)
