"""Who is seen: a head with the Gaussians that ride on it, from what a user calls them (`--head`, `--flame`, `--avatar`)."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from slp_mouthing.errors import HeadError

if TYPE_CHECKING:
    from slp_mouthing.avatar.binding import Avatar
    from slp_mouthing.avatar.folder import StoredAvatar
    from slp_mouthing.avatar.splats import SplatAvatar
    from slp_mouthing.head.rig import Head


@dataclass(frozen=True, slots=True)
class CastOptions:
    """Which head, and who it is."""

    head: str = "builtin"
    """`builtin`, `flame`, or the path of a GLB file with ARKit's shapes."""
    flame: Path | None = None
    """Folder of the user's FLAME; None: the configured one."""
    flame_shape: int | None = None
    """Where the expression starts among FLAME's directions; None: 300, as published."""
    avatar: str = "default"
    """A person of the built-in head by name, or the folder of a Gaussian avatar that was fitted or imported."""


def find_head(options: CastOptions) -> Head:
    """The head, as the person that the avatar is of. Raises `HeadError`, `InputError`."""
    from slp_mouthing.head.builtin import load_builtin
    from slp_mouthing.head.choose import resolve_head
    from slp_mouthing.head.identities import IDENTITIES

    if options.flame_shape is not None and options.head != "flame":
        hint = "choose FLAME with --head flame, or leave --flame-shape out"
        raise HeadError(f"--flame-shape is of FLAME, and the head is {options.head}", hint=hint)
    stored = stored_avatar(options.avatar)
    if options.head == "builtin":
        return load_builtin(IDENTITIES.get(options.avatar))
    if stored is None and options.avatar != "default":
        raise HeadError(f"'{options.avatar}' is a person of the built-in head, not of {options.head}", hint="leave --avatar out")
    person = stored.person if stored else None
    return resolve_head(
        options.head,
        options.flame,
        shape=person.shape if person else None,
        static_offset=person.static_offset if person else None,
        shape_count=options.flame_shape,
    )


def find_gaussians(options: CastOptions, head: Head) -> Avatar | SplatAvatar:
    """The Gaussians that pictures of `head` show. Raises `HeadError` when they are bound to another mesh."""
    from slp_mouthing.avatar.default import default_avatar

    stored = stored_avatar(options.avatar)
    if stored is None:
        return default_avatar(head)
    card = stored.card
    if card.triangles != len(head.triangles) or (card.head != head.name and card.head.startswith("flame")):
        choice = "--head flame --flame DIR" if card.head.startswith("flame") else f"--head {card.head}"
        raise HeadError(
            f"the avatar is bound to {card.head} with {card.triangles} triangles, the head {head.name} has {len(head.triangles)}",
            where=options.avatar,
            hint=f"choose its head with {choice}",
        )
    return stored.gaussians


@lru_cache(maxsize=2)
def stored_avatar(name: str) -> StoredAvatar | None:
    """The avatar in a folder; None when `name` is a person of the built-in head. Raises `HeadError` when it is neither."""
    from slp_mouthing.avatar.folder import load_avatar
    from slp_mouthing.head.identities import IDENTITIES

    if name in IDENTITIES:
        return None
    if Path(name).is_dir():
        return load_avatar(name)
    near = difflib.get_close_matches(name, IDENTITIES, n=1)
    people = ", ".join(IDENTITIES)
    raise HeadError(f"no avatar '{name}': neither a folder nor one of {people}", hint=f"did you mean {near[0]}?" if near else "")
