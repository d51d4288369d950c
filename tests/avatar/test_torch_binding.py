"""The tensors' twin of the binding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from slp_mouthing.avatar.torch_binding import quaternions, to_world, triangle_frames  # noqa: E402

from .conftest import make_avatar  # noqa: E402

if TYPE_CHECKING:
    from slp_mouthing.avatar.splats import SplatAvatar


def tensors(avatar: SplatAvatar, dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, ...]:
    local = avatar.local
    arrays = (local.position, local.rotation_wxyz, local.log_scale)
    return *(torch.from_numpy(a).to(dtype) for a in arrays), torch.from_numpy(avatar.binding).long()


def test_equals_the_kernel(mesh: tuple[np.ndarray, np.ndarray]) -> None:
    vertices, triangles = mesh
    avatar = make_avatar()
    frames = triangle_frames(torch.from_numpy(vertices), torch.from_numpy(triangles).long())
    found = [t.numpy() for t in to_world(*tensors(avatar), frames)]
    expected = avatar.to_world(vertices, triangles)
    np.testing.assert_allclose(found[0], expected[0], atol=2e-7)
    # Rotation and scales together: axes may come with either sign.
    ours, theirs = (covariances(*world[1:]) for world in (found, expected))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5 * np.abs(theirs).max())


def covariances(quats: np.ndarray, scales: np.ndarray) -> np.ndarray:
    axes = rotations(quats) * scales[:, None]
    return axes @ axes.swapaxes(1, 2)


def rotations(q: np.ndarray) -> np.ndarray:
    w, x, y, z = (q / np.linalg.norm(q, axis=1, keepdims=True)).T
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    ).transpose(2, 0, 1)


def test_gradients_to_gaussians_and_mesh(mesh: tuple[np.ndarray, np.ndarray]) -> None:
    # Turned, so that no quaternion has two largest components: its sign is free there.
    turn = torch.linalg.matrix_exp(torch.tensor([[0, -0.4, 0.3], [0.4, 0, -0.5], [-0.3, 0.5, 0]], dtype=torch.float64))
    vertices, triangles = 100 * torch.from_numpy(mesh[0]).double() @ turn, torch.from_numpy(mesh[1]).long()
    position, rotation, log_scale, binding = tensors(make_avatar(12), torch.float64)
    inputs = [t.requires_grad_() for t in (position, rotation, log_scale, vertices)]

    def world(p: torch.Tensor, r: torch.Tensor, s: torch.Tensor, v: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return to_world(p, r, s, binding, triangle_frames(v, triangles))

    assert torch.autograd.gradcheck(world, inputs)


def test_quaternions_of_every_half_turn() -> None:
    generator = torch.Generator().manual_seed(0)
    q = torch.nn.functional.normalize(torch.randn(200, 4, generator=generator, dtype=torch.float64), dim=1)
    half_turns = torch.eye(4, dtype=torch.float64)
    q = torch.cat([q, half_turns])
    found = quaternions(torch.from_numpy(rotations(q.numpy())))
    assert torch.allclose((found * q).sum(1).abs(), torch.ones(len(q), dtype=torch.float64))


def test_flat_triangles_stay_finite() -> None:
    vertices = torch.zeros(3, 3, requires_grad=True)
    frames = triangle_frames(vertices, torch.tensor([[0, 1, 2]]))
    assert all(torch.isfinite(t).all() for t in frames)
