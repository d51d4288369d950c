"""`.usd`: the head as UsdSkel blend shapes, and a skeleton animation that plays the track.

What plays is a `ShapeClip` (see `shapes.py`): the mesh equals the head's own within its `TOLERANCE_M`. Metres, y up; time code
n is the track's frame n. A skeleton of one joint that never moves carries the shapes: readers ask for one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.errors import MissingExtra, OutputError
from slp_mouthing.export.normals import Normals, moving
from slp_mouthing.export.shapes import shape_clip, surfaces, visible
from slp_mouthing.files import atomic_path

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from slp_mouthing.export.materials import Material
    from slp_mouthing.export.shapes import ShapeClip
    from slp_mouthing.head.rig import Head
    from slp_mouthing.types import Array, FaceTrack, Take

ROOT = "/signer"
JOINT = "head"


def write_usd(take: Take, path: Path) -> None:
    """Write `take.track` on `take.head` in USD's binary form. Raises `OutputError`; `MissingExtra` without usd-core."""
    layer = usd_layer(take.track, take.head)
    with atomic_path(path) as temporary:
        if not layer.Export(str(temporary)):
            raise OutputError("cannot be written by USD", where=str(path), hint="choose another folder with -o")


def usd_layer(track: FaceTrack, head: Head) -> Any:
    """The scene as a layer in memory. The track has at least one frame. Raises `MissingExtra`."""
    try:
        from pxr import Gf, Sdf, Usd, UsdGeom, UsdSkel, Vt
    except ImportError as error:
        raise MissingExtra("usd-core", "usd", why="writing .usd") from error

    clip = shape_clip(track, head)
    layer = Sdf.Layer.CreateAnonymous(".usdc")
    stage = Usd.Stage.Open(layer)
    _set_clock(stage, track)
    root = UsdSkel.Root.Define(stage, ROOT)
    stage.SetDefaultPrim(root.GetPrim())
    skeleton = UsdSkel.Skeleton.Define(stage, f"{ROOT}/skeleton")
    still = Vt.Matrix4dArray(1, Gf.Matrix4d(1.0))
    skeleton.CreateJointsAttr([JOINT])
    skeleton.CreateBindTransformsAttr(still)
    skeleton.CreateRestTransformsAttr(still)
    animation = _animation(stage, clip)
    UsdSkel.BindingAPI.Apply(skeleton.GetPrim()).CreateAnimationSourceRel().SetTargets([animation])
    triangles_of = surfaces(head)
    mesh = _mesh(stage, head, triangles_of)
    UsdGeom.Boundable(root).CreateExtentAttr(_bounds(head.neutral_m))
    binding = UsdSkel.BindingAPI.Apply(mesh.GetPrim())
    binding.CreateSkeletonRel().SetTargets([skeleton.GetPath()])
    binding.CreateJointIndicesPrimvar(True, 1).Set([0])
    binding.CreateJointWeightsPrimvar(True, 1).Set([1.0])
    binding.CreateBlendShapesAttr(list(clip.names))
    binding.CreateBlendShapeTargetsRel().SetTargets(_blend_shapes(stage, mesh, clip, head))
    _add_materials(stage, mesh, triangles_of)
    return layer


def _set_clock(stage: Any, track: FaceTrack) -> None:
    from pxr import UsdGeom

    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
    stage.SetTimeCodesPerSecond(track.fps)
    stage.SetFramesPerSecond(track.fps)
    stage.SetStartTimeCode(0)
    stage.SetEndTimeCode(len(track) - 1)
    stage.GetRootLayer().customLayerData = {"generator": "slp-mouthing", "meta": track.meta}


def _animation(stage: Any, clip: ShapeClip) -> Any:
    from pxr import Gf, UsdSkel, Vt

    animation = UsdSkel.Animation.Define(stage, f"{ROOT}/animation")
    animation.CreateJointsAttr([JOINT])
    animation.CreateTranslationsAttr([(0, 0, 0)])
    animation.CreateRotationsAttr(Vt.QuatfArray(1, Gf.Quatf(1.0)))
    animation.CreateScalesAttr([(1, 1, 1)])
    animation.CreateBlendShapesAttr(list(clip.names))
    weights = animation.CreateBlendShapeWeightsAttr()
    for frame, row in enumerate(clip.weights):
        weights.Set(Vt.FloatArray.FromNumpy(row), frame)
    return animation.GetPath()


def _mesh(stage: Any, head: Head, triangles_of: dict[Material, NDArray[np.int32]]) -> Any:
    """The head at rest, triangles one material after the other, its albedo as vertex colours: linear in USD too."""
    from pxr import UsdGeom, Vt

    mesh = UsdGeom.Mesh.Define(stage, f"{ROOT}/head")
    mesh.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    mesh.CreatePointsAttr(_vectors(head.neutral_m))
    mesh.CreateExtentAttr(_bounds(head.neutral_m))
    mesh.CreateFaceVertexCountsAttr(Vt.IntArray(len(head.triangles), 3))
    mesh.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(np.concatenate(list(triangles_of.values())).ravel()))
    mesh.CreateNormalsAttr(_vectors(Normals(head.neutral_m, head.triangles).neutral))
    mesh.SetNormalsInterpolation(UsdGeom.Tokens.vertex)
    mesh.CreateDoubleSidedAttr(any(material.double_sided for material in triangles_of))
    mesh.CreateDisplayColorPrimvar(UsdGeom.Tokens.vertex).Set(_vectors(head.colors))
    return mesh


def _blend_shapes(stage: Any, mesh: Any, clip: ShapeClip, head: Head) -> list[Any]:
    """One prim per shape, of the vertices that it moves. -> their paths, in order."""
    from pxr import UsdSkel, Vt

    normals = Normals(head.neutral_m, head.triangles)
    paths = []
    for name, target in zip(clip.names, clip.targets, strict=True):
        turns = visible(normals.change(target))
        moved = np.flatnonzero(moving(target) | moving(turns)).astype(np.int32)
        # A shape without points would be taken for one that moves all of them.
        moved = moved if len(moved) else np.zeros(1, np.int32)
        shape = UsdSkel.BlendShape.Define(stage, mesh.GetPath().AppendChild(name))
        shape.CreateOffsetsAttr(_vectors(target[moved]))
        shape.CreateNormalOffsetsAttr(_vectors(turns[moved]))
        shape.CreatePointIndicesAttr(Vt.IntArray.FromNumpy(moved))
        paths.append(shape.GetPath())
    return paths


def _add_materials(stage: Any, mesh: Any, triangles_of: dict[Material, NDArray[np.int32]]) -> None:
    """A material per surface, bound to a subset of the mesh's triangles; its colour is the vertices'."""
    from pxr import Sdf, UsdGeom, UsdShade, Vt

    first = 0
    names = _identifiers([material.name for material in triangles_of])
    for name, (material, triangles) in zip(names, triangles_of.items(), strict=True):
        faces = Vt.IntArray.FromNumpy(np.arange(first, first + len(triangles), dtype=np.int32))
        first += len(triangles)
        kind = (UsdGeom.Tokens.face, faces, "materialBind", UsdGeom.Tokens.partition)
        subset = UsdGeom.Subset.CreateGeomSubset(mesh, name, *kind)
        surface = UsdShade.Material.Define(stage, f"{ROOT}/materials/{name}")
        shader = UsdShade.Shader.Define(stage, surface.GetPath().AppendChild("surface"))
        shader.CreateIdAttr("UsdPreviewSurface")
        shader.CreateInput("roughness", Sdf.ValueTypeNames.Float).Set(material.roughness)
        shader.CreateInput("diffuseColor", Sdf.ValueTypeNames.Color3f).ConnectToSource(_vertex_color(stage, surface))
        surface.CreateSurfaceOutput().ConnectToSource(shader.ConnectableAPI(), "surface")
        UsdShade.MaterialBindingAPI.Apply(subset.GetPrim()).Bind(surface)


def _identifiers(names: list[str]) -> list[str]:
    """Names as USD allows them, each once: those of a user's own head may hold anything."""
    from pxr import Tf

    found: list[str] = []
    for name in names:
        plain = Tf.MakeValidIdentifier(name)
        same = sum(other == plain or other.startswith(f"{plain}_") for other in found)
        found.append(f"{plain}_{same + 1}" if plain in found else plain)
    return found


def _vertex_color(stage: Any, material: Any) -> Any:
    from pxr import Sdf, UsdShade

    reader = UsdShade.Shader.Define(stage, material.GetPath().AppendChild("color"))
    reader.CreateIdAttr("UsdPrimvarReader_float3")
    reader.CreateInput("varname", Sdf.ValueTypeNames.String).Set("displayColor")
    return reader.CreateOutput("result", Sdf.ValueTypeNames.Float3)


def _vectors(values: Array) -> Any:
    from pxr import Vt

    return Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(values, np.float32))


def _bounds(vertices_m: Array) -> Any:
    return _vectors(np.stack([vertices_m.min(axis=0), vertices_m.max(axis=0)]))
