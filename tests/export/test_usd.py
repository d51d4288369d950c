"""The USD file is played by USD's own skinning, and compared with the head."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("pxr", reason="usd-core is not installed")

from pxr import Gf, Sdf, Usd, UsdGeom, UsdShade, UsdSkel, UsdValidation

from slp_mouthing.errors import MissingExtra, OutputError
from slp_mouthing.export.shapes import shape_clip, surfaces
from slp_mouthing.export.usd import write_usd
from slp_mouthing.head.builtin import load_builtin
from slp_mouthing.types import ARKIT_NAMES, TONGUE_NAMES

PROMISED_M = 1e-4


def opened(take, folder) -> Usd.Stage:
    write_usd(take, folder / "take.usd")
    return Usd.Stage.Open(str(folder / "take.usd"))


@pytest.fixture(scope="module")
def stage(take, tmp_path_factory) -> Usd.Stage:
    return opened(take, tmp_path_factory.mktemp("usd"))


def mesh_of(stage: Usd.Stage) -> UsdGeom.Mesh:
    (prim,) = [prim for prim in stage.Traverse() if prim.IsA(UsdGeom.Mesh)]
    return UsdGeom.Mesh(prim)


def animation_of(stage: Usd.Stage) -> UsdSkel.Animation:
    (prim,) = [prim for prim in stage.Traverse() if prim.IsA(UsdSkel.Animation)]
    return UsdSkel.Animation(prim)


def played_m(stage: Usd.Stage, frames: int) -> np.ndarray:
    """What USD's own skinning makes of the file, in the world. -> [T, V, 3]"""
    copy = Sdf.Layer.CreateAnonymous(".usdc")
    copy.TransferContent(stage.GetRootLayer())
    baked = Usd.Stage.Open(copy)
    root = UsdSkel.Root(baked.GetDefaultPrim())
    assert UsdSkel.BakeSkinning(root, Gf.Interval(0, frames - 1))
    mesh = mesh_of(baked)
    points = [np.array(mesh.GetPointsAttr().Get(frame)) for frame in range(frames)]
    return np.stack(points) * UsdGeom.GetStageMetersPerUnit(stage)


def true_m(take) -> np.ndarray:
    return take.head.pose(take.track.blendshapes, take.track.tongue, take.track.eyes_pose)


def furthest_m(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.linalg.norm(a - b, axis=2).max())


def test_played_mesh_equals_the_heads_own(stage, take):
    assert furthest_m(played_m(stage, len(take.track)), true_m(take)) <= PROMISED_M


def test_the_built_in_head_is_played_within_the_promise(perform, tmp_path):
    spoken = perform(frames=8, actor=load_builtin())
    stage = opened(spoken, tmp_path)
    assert furthest_m(played_m(stage, 8), true_m(spoken)) <= PROMISED_M
    corners = np.array(mesh_of(stage).GetFaceVertexIndicesAttr().Get()).reshape(-1, 3)
    assert sorted(map(tuple, corners)) == sorted(map(tuple, spoken.head.triangles)), "every triangle once"


def test_usd_finds_nothing_wrong(stage):
    registry = UsdValidation.ValidationRegistry()
    errors = UsdValidation.ValidationContext(registry.GetOrLoadAllValidators()).Validate(stage)
    assert [error.GetMessage() for error in errors] == []


def test_units_axes_and_clock_are_said(perform, tmp_path):
    stage = opened(perform(12, fps=25.0), tmp_path)
    assert UsdGeom.GetStageMetersPerUnit(stage) == 1.0
    assert UsdGeom.GetStageUpAxis(stage) == "Y"
    assert (stage.GetTimeCodesPerSecond(), stage.GetFramesPerSecond()) == (25.0, 25.0)
    assert (stage.GetStartTimeCode(), stage.GetEndTimeCode()) == (0.0, 11.0)
    assert stage.GetDefaultPrim().GetPath() == "/signer"


def test_shapes_are_named_and_complete_for_live_driving(stage, take):
    shapes = {prim.GetName(): UsdSkel.BlendShape(prim) for prim in stage.Traverse() if prim.IsA(UsdSkel.BlendShape)}
    names = list(animation_of(stage).GetBlendShapesAttr().Get())
    assert names == list(UsdSkel.BindingAPI(mesh_of(stage)).GetBlendShapesAttr().Get()) == list(shapes)
    assert names[:58] == [*ARKIT_NAMES, *TONGUE_NAMES]
    jaw = np.zeros_like(take.head.neutral_m)
    jaw[np.array(shapes["jawOpen"].GetPointIndicesAttr().Get())] = shapes["jawOpen"].GetOffsetsAttr().Get()
    assert np.abs(jaw - take.head.target("jawOpen")).max() <= 1e-6
    blink = shapes["eyeBlinkLeft"].GetPointIndicesAttr().Get()
    assert len(blink) < len(take.head.neutral_m) / 2, "shapes hold only what they move"


def test_weights_are_the_tracks_at_its_frames(stage, take):
    attribute = animation_of(stage).GetBlendShapeWeightsAttr()
    assert attribute.GetTimeSamples() == list(range(len(take.track)))
    played = np.array([attribute.Get(frame) for frame in range(len(take.track))])
    np.testing.assert_array_equal(played[:, :58], take.track.curves.values)
    assert played[:, 58:].min() >= 0.0 and played[:, 58:].max() <= 1.0


def test_normals_follow_the_shapes(stage, take):
    neutral = np.array(mesh_of(stage).GetNormalsAttr().Get())
    np.testing.assert_allclose(np.linalg.norm(neutral, axis=1), 1.0, atol=1e-5)
    shape = UsdSkel.BlendShape(stage.GetPrimAtPath("/signer/head/jawOpen"))
    assert len(shape.GetNormalOffsetsAttr().Get()) == len(shape.GetOffsetsAttr().Get())


def test_colours_and_materials(stage, take):
    mesh = mesh_of(stage)
    np.testing.assert_array_equal(np.array(mesh.GetDisplayColorAttr().Get()), take.head.colors)
    subsets = UsdShade.MaterialBindingAPI(mesh).GetMaterialBindSubsets()
    assert [subset.GetPrim().GetName() for subset in subsets] == ["skin", "lips", "eyes"]
    corners = np.array(mesh.GetFaceVertexIndicesAttr().Get()).reshape(-1, 3)
    for subset, (material, triangles) in zip(subsets, surfaces(take.head).items(), strict=True):
        np.testing.assert_array_equal(corners[np.array(subset.GetIndicesAttr().Get())], triangles)
        bound, _ = UsdShade.MaterialBindingAPI(subset).ComputeBoundMaterial()
        surface, _, _ = bound.ComputeSurfaceSource()
        assert surface.GetIdAttr().Get() == "UsdPreviewSurface"
        assert surface.GetInput("roughness").Get() == pytest.approx(material.roughness)


def test_materials_of_a_users_head_may_be_called_anything(head, perform, tmp_path):
    stage = opened(perform(2, actor=replace(head, region_names=("Skin.001", "Skin 001", "2nd", "Skin-001"))), tmp_path)
    subsets = UsdShade.MaterialBindingAPI(mesh_of(stage)).GetMaterialBindSubsets()
    assert [subset.GetPrim().GetName() for subset in subsets] == ["Skin_001", "Skin_001_2", "_nd"]


def test_origin_is_told(stage, take):
    assert stage.GetRootLayer().customLayerData == {"generator": "slp-mouthing", "meta": take.track.meta}


@pytest.mark.parametrize("frames", [1, 2])
def test_shortest_clips(perform, tmp_path, frames):
    short = perform(frames)
    assert furthest_m(played_m(opened(short, tmp_path), frames), true_m(short)) <= PROMISED_M


def test_same_take_same_bytes(perform, tmp_path):
    take = perform(6)
    for name in ("a.usd", "b.usd"):
        write_usd(take, tmp_path / name)
    assert (tmp_path / "a.usd").read_bytes() == (tmp_path / "b.usd").read_bytes()


def test_without_usd_core_the_extra_is_named(take, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pxr", None)
    with pytest.raises(MissingExtra, match=r"slp-mouthing\[usd\]"):
        write_usd(take, tmp_path / "a.usd")
    assert not list(tmp_path.iterdir())


def test_a_folder_in_the_way_is_reported(take, tmp_path):
    (tmp_path / "a.usd").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        write_usd(take, tmp_path / "a.usd")


def test_glb_and_usd_play_the_same_shapes(stage, take):
    assert list(animation_of(stage).GetBlendShapesAttr().Get()) == list(shape_clip(take.track, take.head).names)
