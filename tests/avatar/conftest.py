"""A small mesh, avatars on it, and PLY files written by other means than ours."""

from __future__ import annotations

import numpy as np
import pytest

from slp_mouthing.avatar.splats import SplatAvatar, Splats


@pytest.fixture
def mesh() -> tuple[np.ndarray, np.ndarray]:
    """A bent strip of 12 triangles, vertices [14, 3] m."""
    x = np.repeat(np.linspace(0, 0.06, 7), 2)
    vertices = np.stack([x, np.tile([0, 0.01], 7), 0.01 * np.sin(60 * x)], axis=1).astype(np.float32)
    triangles = np.array([[i, i + 1, i + 2] if i % 2 else [i + 1, i, i + 2] for i in range(12)], np.int32)
    return vertices, triangles


def make_avatar(count: int = 40, degree: int = 3, triangles: int = 12, seed: int = 3) -> SplatAvatar:
    rng = np.random.default_rng(seed)

    def array(*shape: int) -> np.ndarray:
        return rng.standard_normal((count, *shape)).astype(np.float32)

    local = Splats(array(3), array(4), array(3) - 1, array(), 0.3 * array((degree + 1) ** 2, 3))
    return SplatAvatar(local, rng.permutation(np.arange(count) % triangles).astype(np.int32))


def field_columns(avatar: SplatAvatar) -> dict[str, np.ndarray]:
    """The file's columns as the field's code names them, gathered one by one."""
    local, names = avatar.local, {}
    for axis, name in enumerate("xyz"):
        names[name] = local.position[:, axis]
    for name in ("nx", "ny", "nz"):
        names[name] = np.zeros(len(avatar))
    for channel in range(3):
        names[f"f_dc_{channel}"] = local.sh[:, 0, channel]
    above = local.sh.shape[1] - 1
    for channel in range(3):
        for basis in range(above):
            names[f"f_rest_{channel * above + basis}"] = local.sh[:, 1 + basis, channel]
    names["opacity"] = local.opacity_logit
    for axis in range(3):
        names[f"scale_{axis}"] = local.log_scale[:, axis]
    for axis in range(4):
        names[f"rot_{axis}"] = local.rotation_wxyz[:, axis]
    return names | {"binding_0": avatar.binding}


def ply_bytes(columns: dict[str, np.ndarray], kind: str = "float", form: str = "binary_little_endian", count=None) -> bytes:
    """A PLY of one element. `kind`: the PLY's name of every property's type."""
    numpy_type = {"float": "f4", "double": "f8", "float32": "f4"}[kind]
    order = ">" if "big" in form else "<"
    size = len(next(iter(columns.values())))
    table = np.empty(size, [(name, order + numpy_type) for name in columns])
    for name, values in columns.items():
        table[name] = values
    lines = ["ply", f"format {form} 1.0", f"element vertex {size if count is None else count}"]
    lines += [f"property {kind} {name}" for name in columns] + ["end_header\n"]
    return "\n".join(lines).encode() + table.tobytes()


def assert_same(a: SplatAvatar, b: SplatAvatar) -> None:
    np.testing.assert_array_equal(a.binding, b.binding)
    for name in ("position", "rotation_wxyz", "log_scale", "opacity_logit", "sh"):
        left, right = getattr(a.local, name), getattr(b.local, name)
        assert left.dtype == right.dtype == np.float32
        np.testing.assert_array_equal(left, right, err_msg=name)
