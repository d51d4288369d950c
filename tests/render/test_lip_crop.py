"""Grey crops of a mouth and their gradients to the mesh."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from slp_mouthing.avatar.binding import Avatar, triangle_shapes  # noqa: E402
from slp_mouthing.avatar.splats import SplatAvatar, Splats  # noqa: E402
from slp_mouthing.avatar.torch_binding import to_world, triangle_frames  # noqa: E402
from slp_mouthing.errors import HeadError  # noqa: E402
from slp_mouthing.render.camera import look_at  # noqa: E402
from slp_mouthing.render.differentiable import rasterize  # noqa: E402
from slp_mouthing.render.lip_crop import GREY_MEAN, GREY_STD, Appearance, LipCrop, reader_input  # noqa: E402
from slp_mouthing.render.rasterise import rasterize_numpy  # noqa: E402

COUNT = 40
CAMERA = look_at((0.02, 0.01, 0.9), (0, 0, 0), span_m=0.1, width=96, height=96)


def bent_sheet() -> tuple[np.ndarray, np.ndarray]:
    """A curved sheet of 6 x 6 vertices, 8 cm wide, and its triangles."""
    x, y = (a.ravel() for a in np.meshgrid(np.linspace(-0.04, 0.04, 6), np.linspace(-0.04, 0.04, 6)))
    vertices = np.stack([x, y, 0.01 * np.cos(40 * x) + 0.01 * np.sin(50 * y)], axis=1).astype(np.float32)
    corner = (6 * np.arange(5)[:, None] + np.arange(5)).ravel()
    triangles = np.concatenate([np.stack([corner, corner + 1, corner + 6], 1), np.stack([corner + 1, corner + 7, corner + 6], 1)])
    return vertices, triangles.astype(np.int32)


def make_splats(seed: int = 0) -> SplatAvatar:
    """Blobs on distinct triangles, faint enough that all count."""
    rng = np.random.default_rng(seed)
    local = Splats(
        position=0.2 * rng.standard_normal((COUNT, 3)), rotation_wxyz=rng.standard_normal((COUNT, 4)),
        log_scale=np.log(rng.uniform(0.3, 0.6, (COUNT, 3))), opacity_logit=rng.uniform(-1, 0.5, COUNT),
        sh=0.4 * rng.standard_normal((COUNT, 9, 3)),
    )  # fmt: skip
    local = Splats(*(np.asarray(getattr(local, n), np.float32) for n in Splats.__dataclass_fields__))
    return SplatAvatar(local, rng.permutation(50)[:COUNT].astype(np.int32))


def make_sheared(vertices: np.ndarray, triangles: np.ndarray) -> Avatar:
    """The same blobs as discs that shear with their triangles, of one colour: which lies before which makes no jumps."""
    splats = make_splats()
    local = splats.local
    return Avatar(
        splats.binding, local.position, local.rotation_wxyz, local.log_scale, local.opacity,
        np.full((COUNT, 3), 0.9, np.float32), np.zeros(COUNT, np.uint8), ("skin",),
        triangle_shapes(vertices, triangles)[splats.binding],
    )  # fmt: skip


def splat_crop(triangles: np.ndarray) -> LipCrop:
    splats = make_splats()
    flat = replace(make_sheared(*bent_sheet()), rest_shape=np.zeros((0, 3), np.float32))
    return LipCrop(flat, Appearance(splats.opacity, sh=splats.sh), triangles)


def sheared_crop(vertices: np.ndarray, triangles: np.ndarray) -> LipCrop:
    avatar = make_sheared(vertices, triangles)
    look = Appearance(avatar.opacity, shade=lambda posed: (avatar.color, avatar.opacity))
    return LipCrop(avatar, look, triangles, rest_shape=avatar.rest_shape)


def posed(frames: int = 3) -> np.ndarray:
    """The sheet, bent and pulled. [T, V, 3]"""
    vertices, _ = bent_sheet()
    bends = [vertices + 0.004 * t * np.sin(vertices[:, [1, 2, 0]] * 60) for t in range(frames)]
    return np.stack(bends).astype(np.float32)


def test_picture_is_that_of_the_renderer() -> None:
    splats, (_, triangles) = make_splats(), bent_sheet()
    frames = posed()
    found = splat_crop(triangles).pictures(torch.from_numpy(frames), CAMERA).numpy()
    for picture, vertices in zip(found, frames, strict=True):
        means, quats, scales = splats.to_world(vertices, triangles)
        expected, _ = rasterize_numpy(
            means, quats, scales, splats.opacity, None, CAMERA.world_to_camera, CAMERA.intrinsics, 96, 96, [GREY_MEAN] * 3,
            sh=splats.sh,
        )  # fmt: skip
        np.testing.assert_allclose(picture, expected, atol=2e-4)
    assert found.std() > 0.05


def test_gaussians_shear_as_their_triangles_do() -> None:
    vertices, triangles = bent_sheet()
    pulled = (vertices @ np.array([[1.2, 0, 0], [0.5, 1, 0], [0, 0, 1]])).astype(np.float32)
    found = sheared_crop(vertices, triangles).pictures(torch.from_numpy(pulled[None]), CAMERA)[0].numpy()
    # Their covariance, from the triangles' affine map: the same picture through the plain twin.
    avatar = make_sheared(vertices, triangles)
    means, quats, scales = avatar.to_world(pulled, triangles)
    expected, _ = rasterize_numpy(
        means, quats, scales, avatar.opacity, avatar.color, CAMERA.world_to_camera, CAMERA.intrinsics, 96, 96, [GREY_MEAN] * 3
    )
    # `to_world` makes axes orthogonal in one sweep: near, not equal.
    assert np.abs(found - expected).mean() < 5e-3


def test_gradient_is_that_of_tensors_and_rasteriser() -> None:
    splats, (_, triangles) = make_splats(), bent_sheet()
    weights = torch.randn(96, 96, 3, generator=torch.Generator().manual_seed(1))
    local = [torch.from_numpy(a) for a in (splats.local.position, splats.local.rotation_wxyz, splats.local.log_scale)]
    binding, faces = torch.from_numpy(splats.binding).long(), torch.from_numpy(triangles).long()
    plain = torch.from_numpy(posed()[1]).requires_grad_()
    means, quats, scales = to_world(*local, binding, triangle_frames(plain, faces))
    view, K = torch.from_numpy(CAMERA.world_to_camera), torch.from_numpy(CAMERA.intrinsics)
    image, _ = rasterize(
        means, quats, scales, torch.from_numpy(splats.opacity), None, view, K, 96, 96, torch.full((3,), GREY_MEAN),
        sh=torch.from_numpy(splats.sh),
    )  # fmt: skip
    (image * weights).sum().backward()
    fused = torch.from_numpy(posed()[1]).requires_grad_()
    (splat_crop(triangles).pictures(fused[None], CAMERA)[0] * weights).sum().backward()
    assert torch.allclose(fused.grad, plain.grad, atol=2e-4 * float(plain.grad.abs().max()))


@pytest.mark.parametrize("kind", ["harmonics", "sheared"])
def test_gradient_reaches_the_vertices_as_finite_differences_say(kind: str) -> None:
    vertices, triangles = bent_sheet()
    crop = splat_crop(triangles) if kind == "harmonics" else sheared_crop(vertices, triangles)
    rng = np.random.default_rng(2)
    # The rasteriser cuts Gaussians off at 1/255: that edge, some 4% of what half-clear blobs contribute under smooth weights, is
    # no part of its gradient. Exact equality is the test above's.
    y, x = np.mgrid[:88, :88] / 14
    weights = torch.from_numpy(np.stack([np.sin(x + 0.5 * y), np.cos(y)])[:, None].astype(np.float32))
    mesh = torch.from_numpy(posed(2)).requires_grad_()
    (crop(mesh, CAMERA) * weights).sum().backward()
    step, pairs = 5e-5, []
    for _ in range(4):
        direction = torch.from_numpy(np.sin(posed(2) @ rng.normal(0, 50, (3, 3))).astype(np.float32))
        with torch.no_grad():
            ahead, behind = (crop(mesh + sign * step * direction, CAMERA) for sign in (1, -1))
        expected = float(((ahead - behind).double() * weights).sum()) / (2 * step)
        pairs.append((float((mesh.grad * direction).sum()), expected))
    found, expected = np.array(pairs).T
    assert np.abs(found - expected).max() < 0.06 * np.abs(expected).max()


def test_frames_do_not_depend_on_each_other() -> None:
    crop, mesh = splat_crop(bent_sheet()[1]), torch.from_numpy(posed())
    together = mesh.clone().requires_grad_()
    crop(together, CAMERA).square().sum().backward()
    for t in range(len(mesh)):
        alone = mesh[t : t + 1].clone().requires_grad_()
        crop(alone, [CAMERA]).square().sum().backward()
        assert torch.equal(alone.grad[0], together.grad[t])


def test_reader_takes_the_middle_in_normalised_grey() -> None:
    pictures = torch.full((2, 96, 96, 3), GREY_MEAN)
    pictures[:, :4] = 1
    assert reader_input(pictures).shape == (2, 1, 88, 88)
    assert reader_input(pictures).abs().max() < 1e-3
    green = torch.zeros(1, 96, 96, 3)
    green[..., 1] = 1
    assert reader_input(green)[0, 0, 0, 0] == pytest.approx((0.587 - GREY_MEAN) / GREY_STD, abs=1e-5)


def test_mesh_that_is_broken_is_refused() -> None:
    _, triangles = bent_sheet()
    crop, broken = splat_crop(triangles), torch.from_numpy(posed(1))
    broken[0, 3, 1] = torch.nan
    with pytest.raises(HeadError, match="not finite"):
        crop(broken, CAMERA)
    with pytest.raises(HeadError, match="no frames"):
        crop(broken[:0], CAMERA)
    with pytest.raises(HeadError, match="20 vertices"):
        crop(torch.zeros(1, 20, 3), CAMERA)
    with pytest.raises(HeadError, match="bound to triangle"):
        splat_crop(triangles[:3])


def test_flat_triangles_have_finite_gradients() -> None:
    _, triangles = bent_sheet()
    mesh = torch.zeros(1, 36, 3, requires_grad=True)
    splat_crop(triangles)(mesh, CAMERA).sum().backward()
    assert torch.isfinite(mesh.grad).all()
