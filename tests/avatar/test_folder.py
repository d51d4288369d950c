"""An avatar's folder: imported, loaded, looked at, and refused when its parts do not fit."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from slp_mouthing.avatar.flame_param import FlameParam
from slp_mouthing.avatar.folder import FLAME_TRIANGLES, import_avatar, load_avatar
from slp_mouthing.avatar.ply import write_avatar
from slp_mouthing.avatar.splats import SplatAvatar
from slp_mouthing.cli.avatar import app
from slp_mouthing.errors import InputError, MouthError, OutputError

from .conftest import assert_same, make_avatar


def bound_to(last: int) -> SplatAvatar:
    avatar = make_avatar()
    return SplatAvatar(avatar.local, np.linspace(0, last, len(avatar)).astype(np.int32))


@pytest.fixture
def ply(tmp_path):
    write_avatar(bound_to(10143), tmp_path / "point_cloud.ply")
    return tmp_path / "point_cloud.ply"


@pytest.fixture
def flame_param(tmp_path):
    still = np.zeros((2, 3), np.float32)
    FlameParam(
        shape=np.arange(300, dtype=np.float32), expr=np.zeros((2, 100), np.float32), rotation=still, neck_pose=still,
        jaw_pose=still, eyes_pose=np.zeros((2, 6), np.float32), translation=still, static_offset=np.ones((5143, 3), np.float32),
    ).save(tmp_path / "flame_param.npz")  # fmt: skip
    return tmp_path / "flame_param.npz"


def test_import_and_load(tmp_path, ply, flame_param):
    folder = tmp_path / "ada"
    card = import_avatar(ply, folder, head="flame2023", flame_param=flame_param, source="NeRSemble 074", license="research only")
    stored = load_avatar(folder)
    assert stored.card == card
    assert (card.triangles, card.gaussians, card.sh_degree, card.source) == (10144, 40, 3, "NeRSemble 074")
    assert_same(stored.gaussians, bound_to(10143))
    np.testing.assert_array_equal(stored.person.shape, np.arange(300))
    assert stored.person.static_offset.shape == (5143, 3)
    assert (folder / "avatar.ply").read_bytes() == ply.read_bytes()


def test_importing_again_replaces_the_avatar(tmp_path, ply, flame_param):
    import_avatar(ply, tmp_path / "ada", head="flame2023", flame_param=flame_param)
    import_avatar(ply, tmp_path / "ada", head="flame2020")
    stored = load_avatar(tmp_path / "ada")
    assert stored.card.head == "flame2020" and stored.person is None


def test_a_users_folder_is_left_alone(tmp_path, ply):
    with pytest.raises(OutputError, match="other files"):
        import_avatar(ply, tmp_path, head="flame2023")


@pytest.mark.parametrize(("last", "triangles"), [(9975, 9976), (9976, 10144), (10143, 10144)])
def test_the_mesh_is_with_or_without_teeth(tmp_path, last, triangles):
    write_avatar(bound_to(last), tmp_path / "a.ply")
    assert import_avatar(tmp_path / "a.ply", tmp_path / "a", head="flame2023", triangles=FLAME_TRIANGLES).triangles == triangles


def test_a_binding_beyond_the_mesh_leaves_no_folder(tmp_path):
    write_avatar(bound_to(10144), tmp_path / "a.ply")
    with pytest.raises(InputError, match=r"a\.ply: binding_0 reaches triangle 10144, and the mesh has 10144"):
        import_avatar(tmp_path / "a.ply", tmp_path / "a", head="flame2023")
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda card: "{", "is not JSON"),
        (lambda card: "[]", "not of the format"),
        (lambda card: json.dumps(card | {"format": "slp-mouthing avatar 9"}), "not of the format"),
        (lambda card: json.dumps(card | {"triangles": "many"}), "triangles is 'many', expected a number"),
        (lambda card: json.dumps(card | {"sh_degree": True}), "sh_degree is True, expected a number"),
        (lambda card: json.dumps(card | {"head": None}), "head is None, expected text"),
        (lambda card: json.dumps(card | {"gaussians": 41}), "40 Gaussians of degree 3, and avatar.json says 41 of 3"),
        (lambda card: json.dumps(card | {"triangles": 9976}), "binding_0 reaches triangle 10143"),
    ],
)
def test_a_folder_whose_parts_do_not_fit(tmp_path, ply, change, reason):
    import_avatar(ply, tmp_path / "ada", head="flame2023")
    path = tmp_path / "ada" / "avatar.json"
    path.write_text(change(json.loads(path.read_text())))
    with pytest.raises(InputError) as error:
        load_avatar(tmp_path / "ada")
    assert reason in str(error.value) and "\n" not in str(error.value)


def test_not_a_folder_of_ours(tmp_path):
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputError, match="mouth avatar import"):
            load_avatar(path)


def run(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_commands(tmp_path, ply, flame_param):
    done = run("import", ply, "-o", tmp_path / "ada", "--flame-param", flame_param)
    assert done.exit_code == 0 and "40 Gaussians of degree 3 on flame2023, 10144 triangles" in done.output
    done = run("info", tmp_path / "ada")
    assert done.exit_code == 0
    for text in ("flame2023, 10144 triangles", "point_cloud.ply", "not stated", "300 shape coefficients", "5143 vertices"):
        assert text in done.output
    done = run("info", ply)
    assert done.exit_code == 0 and "the last is 10143" in done.output


def test_commands_say_what_is_wrong(tmp_path, ply):
    for arguments, reason in (
        (("info", tmp_path / "none"), "neither a folder nor one of default, willow"),
        (("import", ply, "-o", tmp_path / "a", "--head", "builtin", "--triangles", 9), "the mesh has 9"),
        (("import", ply, "-o", tmp_path / "a", "--head", "mine"), "unknown head 'mine'"),
    ):
        error = run(*arguments).exception
        assert isinstance(error, MouthError) and reason in str(error)
