"""An avatar on disk: a folder that `--avatar` takes.

avatar.ply         Gaussians bound to triangles, as GaussianAvatars stores them (`avatar.ply`)
avatar.json        which head they are bound to, how many there are, where they come from
flame_param.npz    the person's FLAME parameters; only for a FLAME head, and only where they are known
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slp_mouthing.avatar.flame_param import FlameIdentity, FlameParam
from slp_mouthing.avatar.ply import read_avatar, write_avatar
from slp_mouthing.errors import InputError
from slp_mouthing.files import atomic_folder, check_folder, read_text

if TYPE_CHECKING:
    from slp_mouthing.avatar.splats import SplatAvatar

PLY, CARD, FLAME_PARAM = "avatar.ply", "avatar.json", "flame_param.npz"
FORMAT = "slp-mouthing avatar 1"
FLAME_TRIANGLES = (9976, 10144)
"""FLAME's mesh as published, and with the teeth that the field adds; the first triangles are the same."""


@dataclass(frozen=True, slots=True)
class AvatarCard:
    """What `avatar.json` says."""

    head: str
    """Name of the head whose triangles the Gaussians ride on: `builtin`, `flame2020`, `flame2023`, ..."""
    triangles: int
    """Of that head's mesh."""
    gaussians: int
    sh_degree: int
    source: str = ""
    """Where it comes from: a file, a project, a person."""
    license: str = ""
    """Under which it may be used; empty where nobody said."""


@dataclass(frozen=True, slots=True)
class StoredAvatar:
    """An avatar with what is known of it."""

    card: AvatarCard
    gaussians: SplatAvatar
    person: FlameIdentity | None = None
    """Whose FLAME head it was fitted to."""


def import_avatar(
    ply: str | Path, folder: str | Path, *, head: str, triangles: tuple[int, ...] = FLAME_TRIANGLES,
    flame_param: str | Path | None = None, source: str = "", license: str = "",
) -> AvatarCard:  # fmt: skip
    """Check a PLY of GaussianAvatars against the mesh it is bound to, and store it as a folder.

    Args:
        ply: Gaussians with `binding_0`.
        folder: new, or an avatar's; that one is replaced.
        head: name of the head.
        triangles: how many its mesh may have, in ascending order; the first that holds every binding is taken.
        flame_param: the person's `flame_param.npz`.

    Raises `InputError` for files that are damaged or do not fit, `OutputError`.
    """
    avatar = read_avatar(ply, triangles[-1])
    mesh = next(count for count in triangles if count > avatar.binding.max())
    person = None if flame_param is None else FlameParam.load(flame_param)
    card = AvatarCard(head, mesh, len(avatar), avatar.local.sh_degree, source, license)
    with atomic_folder(folder, owned=_is_ours) as new:
        write_avatar(avatar, new / PLY)
        (new / CARD).write_text(_card_text(card), encoding="utf-8")
        if person is not None:
            person.save(new / FLAME_PARAM)
    return card


def check_target(folder: str | Path) -> None:
    """Raises `OutputError` when no avatar may be stored in `folder`: it is a file, or holds what is no avatar's."""
    check_folder(folder, owned=_is_ours)


def load_avatar(folder: str | Path) -> StoredAvatar:
    """Read a folder that `import_avatar` wrote. Raises `InputError` when a part is missing, damaged, or does not fit."""
    folder = Path(folder)
    card = read_card(folder)
    gaussians = read_avatar(folder / PLY, card.triangles)
    if (found := (len(gaussians), gaussians.local.sh_degree)) != (card.gaussians, card.sh_degree):
        raise InputError(
            f"{found[0]} Gaussians of degree {found[1]}, and {CARD} says {card.gaussians} of {card.sh_degree}",
            where=str(folder / PLY), hint="import it again",
        )  # fmt: skip
    path = folder / FLAME_PARAM
    return StoredAvatar(card, gaussians, FlameIdentity.load(path) if path.exists() else None)


def read_card(folder: str | Path) -> AvatarCard:
    """Read `avatar.json` alone. Raises `InputError`."""
    path = Path(folder) / CARD
    if not path.is_file():
        raise InputError("is not an avatar's folder", where=str(folder), hint="make one with: mouth avatar import PLY -o FOLDER")
    try:
        content = json.loads(read_text(path))
    except ValueError as error:
        raise InputError(f"is not JSON ({error})", where=str(path), hint="import the avatar again") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f"is not of the format '{FORMAT}'", where=str(path), hint="import the avatar again")
    return AvatarCard(**{field.name: _entry(content, field.name, str(path)) for field in fields(AvatarCard)})


def _is_ours(entry: Path) -> bool:
    return entry.name in (PLY, CARD, FLAME_PARAM)


def _entry(content: dict[str, Any], name: str, where: str) -> Any:
    kind = int if name in ("triangles", "gaussians", "sh_degree") else str
    value = content.get(name)
    # JSON's true is an int in Python.
    if not isinstance(value, kind) or isinstance(value, bool):
        raise InputError(f"{name} is {value!r}, expected {'a number' if kind is int else 'text'}", where=where)
    return value


def _card_text(card: AvatarCard) -> str:
    return json.dumps({"format": FORMAT, **asdict(card)}, indent=2, ensure_ascii=False) + "\n"
