"""The user's FLAME as a head: one identity with teeth, posed by FLAME's own parameters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.assets import user_folder
from slp_mouthing.errors import HeadError
from slp_mouthing.head import flame_surface as surface
from slp_mouthing.head.flame_files import JOINTS, SHAPE_COUNT, read_flame
from slp_mouthing.head.flame_teeth import TOOTH_COUNT, place_teeth, tooth_joints, tooth_triangles
from slp_mouthing.head.skinning import SkinModel, TorchSkin, skin

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch
    from numpy.typing import NDArray

    from slp_mouthing.head.flame_files import FlameFiles, Release
    from slp_mouthing.types import Array


@dataclass(frozen=True, slots=True, eq=False)
class FlameHead:
    """One identity of FLAME with teeth: 5143 vertices, 10144 triangles. Arrays are read-only; safe to share between threads."""

    name: Release
    neutral_m: Array  # [V, 3]
    triangles: NDArray[np.int32]  # [F, 3]
    regions: NDArray[np.uint8]  # [F] index into `region_names`
    region_names: tuple[str, ...]
    colors: Array  # [V, 3] linear RGB in [0, 1]
    landmarks: Mapping[str, NDArray[np.int32]]
    rig: SkinModel
    """The identity with teeth, float32; its blend shapes are the expression."""
    files: FlameFiles
    shape: Array  # [N] identity coefficients

    @property
    def expression_count(self) -> int:
        return len(self.rig.shapes)

    def pose_flame(
        self, expressions: Array, jaw_pose: Array, eyes_pose: Array | None = None, *, neck_pose: Array | None = None,
        rotation: Array | None = None, translation: Array | None = None,
    ) -> Array:  # fmt: skip
        """Vertices from FLAME's parameters; what is left out is at rest.

        Args:
            expressions: [T, <= E]
            jaw_pose: [T, 3] axis-angle, rad
            eyes_pose: [T, 6] left then right
            neck_pose: [T, 3]
            rotation: [T, 3] of the whole head about the root joint
            translation: [T, 3] metres

        Returns [T, V, 3] metres. Raises `HeadError` for shapes that do not fit, or values that are not finite.
        """
        pose = full_pose(jaw_pose, eyes_pose, neck_pose, rotation)
        self._check(expressions, pose, translation)
        return skin(self.rig, expressions, pose, translation)

    def torch_skin(self, device: torch.device | str = "cpu", dtype: torch.dtype | None = None) -> TorchSkin:
        """The same on tensors, with gradients: expressions [T, E], pose [T, 5, 3] in the order of `JOINTS`."""
        return TorchSkin(self.rig, device, dtype)

    def landmarks_m(self, vertices: Array) -> Array:
        """FLAME's 51 static landmarks on posed vertices. [T, V, 3] -> [T, 51, 3]"""
        corners = vertices[:, self.files.triangles[self.files.landmark_triangles]]
        points: Array = np.einsum("tlcx,lc->tlx", corners, self.files.landmark_weights.astype(vertices.dtype))
        return points

    def lip_measures(self, vertices: Array) -> tuple[Array, Array]:
        """Inner-lip gap at the midline, 0 when the lips touch or cross, and corner distance. [T, V, 3] -> [T] m, [T] m"""
        upper, lower, left, right = (
            vertices[:, self.landmarks[n][0]] for n in ("lip_upper_mid", "lip_lower_mid", "lip_corner_left", "lip_corner_right")
        )
        apart = np.linalg.norm(upper - lower, axis=-1) * (upper[:, 1] > lower[:, 1])
        return apart, np.linalg.norm(left - right, axis=-1)

    def _check(self, expressions: Array, pose: Array, translation: Array | None) -> None:
        if expressions.ndim != 2 or len(expressions) != len(pose) or expressions.shape[1] > self.expression_count:
            raise HeadError(
                f"expressions are {_size(expressions)}, expected {len(pose)} frames x at most {self.expression_count}",
                where=str(self.files.path),
            )
        if translation is not None and translation.shape != (len(pose), 3):
            raise HeadError(f"translation is {_size(translation)}, expected {len(pose)} x 3")
        if not all(np.isfinite(values).all() for values in (expressions, pose, translation) if values is not None):
            raise HeadError("pose or expression holds values that are not finite")


def load_flame(
    folder: str | Path | None = None, *, shape: Array | None = None, static_offset: Array | None = None,
    shape_count: int = SHAPE_COUNT, release: Release | None = None,
) -> FlameHead:  # fmt: skip
    """The user's FLAME with one identity.

    Args:
        folder: with the files that `read_flame` names; None takes the configured one, see `assets.user_folder`.
        shape: [<= shape_count] identity coefficients; None is the mean face.
        static_offset: [V, 3] m, what shape cannot say of this person, with teeth or without; see `make_head`.
        shape_count: where the expression starts among the file's directions.
        release: says which one it is when the file's and folder's names do not tell FLAME 2023.

    Raises `HeadError` when a file is missing, damaged, or not what it claims to be.
    """
    files = read_flame(user_folder("flame", folder), shape_count=shape_count, release=release)
    return make_head(files, np.zeros(0, np.float32) if shape is None else np.asarray(shape, np.float32), static_offset)


def make_head(files: FlameFiles, shape: Array, static_offset: Array | None = None) -> FlameHead:
    """One identity of the files' model, with teeth, materials and named landmarks.

    `static_offset` is added to the shaped face before the joints are found on it, as GaussianAvatars' `flame_param.npz` means it.
    Its rows beyond the model's own vertices are the teeth's; without them the teeth go with the lips. Raises `HeadError`.
    """
    mean, head_offset, tooth_offset = files.model.template, *_split_offset(files, static_offset)
    bare = files.model.with_shapes_fixed(_all_coefficients(files, shape))
    lip_shift = bare.template - mean + (head_offset if tooth_offset is None else 0)
    bare = replace(bare, template=bare.template + head_offset, joints=bare.joints + files.regressor @ head_offset)
    carriers = files.triangles[files.landmark_triangles]
    landmarks = surface.name_landmarks(bare.template, carriers, files.landmark_weights, bare)
    teeth = place_teeth(mean, lip_shift, landmarks) + (0 if tooth_offset is None else tooth_offset)
    tooth_region = np.full(TOOTH_COUNT, surface.REGION_NAMES.index("tooth"), np.uint8)
    regions = np.concatenate([surface.vertex_regions(bare.template, bare, landmarks, files.masks), tooth_region])
    triangles = np.concatenate([files.triangles, tooth_triangles() + len(mean)]).astype(np.int32)
    rig = add_rigid_vertices(bare, teeth, tooth_joints()).astype(np.float32)
    head = FlameHead(
        name=files.release, neutral_m=rig.template, triangles=triangles,
        regions=surface.triangle_regions(regions, triangles), region_names=surface.REGION_NAMES,
        colors=surface.region_colors(regions), landmarks=MappingProxyType(landmarks), rig=rig, files=files, shape=shape,
    )  # fmt: skip
    arrays: tuple[NDArray[Any], ...] = (head.neutral_m, head.triangles, head.regions, head.colors, *landmarks.values())
    for array in arrays:
        array.setflags(write=False)
    return head


def _all_coefficients(files: FlameFiles, shape: Array) -> NDArray[np.float64]:
    if shape.ndim != 1 or len(shape) > files.shape_count or not np.isfinite(shape).all():
        raise HeadError(f"shape is {_size(shape)}, expected at most {files.shape_count} finite coefficients")
    coefficients = np.zeros(files.shape_count)
    coefficients[: len(shape)] = shape
    return coefficients


def _split_offset(files: FlameFiles, static_offset: Array | None) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """The offsets of the model's own vertices and, where there are any, of the teeth. -> [V, 3], [120, 3]"""
    count = len(files.model.template)
    if static_offset is None:
        return np.zeros((count, 3)), None
    if static_offset.shape not in ((count, 3), (count + TOOTH_COUNT, 3)) or not np.isfinite(static_offset).all():
        raise HeadError(
            f"static_offset is {_size(static_offset)}, expected {count} x 3, or {count + TOOTH_COUNT} x 3 with teeth, all finite",
            where=str(files.path), hint="give the offset of a person tracked with this model",
        )  # fmt: skip
    head, teeth = np.split(static_offset.astype(np.float64), [count])
    return head, teeth if len(teeth) else None


def add_rigid_vertices(model: SkinModel, points: NDArray[Any], joints: NDArray[np.intp]) -> SkinModel:
    """The model with vertices [N, 3] that each follow one joint [N] and nothing else."""

    def padded(shapes: NDArray[Any]) -> NDArray[Any]:
        return np.pad(shapes, ((0, 0), (0, len(points)), (0, 0)))

    return SkinModel(
        template=np.concatenate([model.template, points]),
        shapes=padded(model.shapes), correctives=padded(model.correctives),
        joints=model.joints, joint_shapes=model.joint_shapes,
        weights=np.concatenate([model.weights, np.eye(len(model.parents))[joints]]), parents=model.parents,
    )  # fmt: skip


def full_pose(
    jaw_pose: Array, eyes_pose: Array | None = None, neck_pose: Array | None = None, rotation: Array | None = None
) -> Array:
    """All joints' axis-angles in the order of `JOINTS`. [T, 3], [T, 6], [T, 3], [T, 3] -> [T, 5, 3]. Raises `HeadError`."""
    left, right = (None, None) if eyes_pose is None else (eyes_pose[..., :3], eyes_pose[..., 3:])
    parts = {"rotation": rotation, "neck_pose": neck_pose, "jaw_pose": jaw_pose, "eyes_pose": left, "eyes_pose (right)": right}
    pose = np.zeros((len(jaw_pose), len(JOINTS), 3), np.float32)
    for joint, (name, values) in enumerate(parts.items()):
        if values is None:
            continue
        if values.shape != (len(pose), 3):
            raise HeadError(f"{name} is {_size(values)} per joint, expected {len(pose)} x 3")
        pose[:, joint] = values
    return pose


def _size(array: NDArray[Any]) -> str:
    return " x ".join(map(str, array.shape))
