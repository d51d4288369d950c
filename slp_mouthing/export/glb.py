"""`.glb`: the head's mesh with every control as a named morph target, and one animation that plays the track.

A head on a body comes with its skeleton: the same animation turns the joints, and the joints carry the speaking mesh. What
plays is a `ShapeClip` (see `shapes.py`): the mesh equals the head's own within its `TOLERANCE_M`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from slp_mouthing.export import joints
from slp_mouthing.export.gltf import Accessors
from slp_mouthing.export.normals import Normals
from slp_mouthing.export.shapes import shape_clip, surfaces, visible
from slp_mouthing.files import atomic_write

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from slp_mouthing.export.materials import Material
    from slp_mouthing.head.rig import Figure, Head
    from slp_mouthing.types import Array, FaceTrack, JointMotion, Take

_FIRST_JOINT = 1
"""Number of the first joint's node, after the mesh's."""


def write_glb(take: Take, path: Path) -> None:
    """Write `take.track` on `take.head`. Raises `OutputError`."""
    atomic_write(path, glb_bytes(take.track, take.head, take.name, take.joints))


def glb_bytes(track: FaceTrack, head: Head | Figure, name: str, motion: JointMotion | None = None) -> bytes:
    """The whole file. The track has at least one frame; `motion`, for a head on a body, as many."""
    import pygltflib as gltf

    figure = None if motion is None else cast("Figure", head)
    clip = shape_clip(track, head)
    store = Accessors()
    materials = surfaces(head)
    mesh = _mesh(store, head, materials, clip.targets, {} if figure is None else joints.attributes(store, figure))
    landmarks = {name: indices.ravel().tolist() for name, indices in head.landmarks.items()}
    mesh.name, mesh.weights = head.name, [0.0] * len(clip.names)
    # Landmarks let the file come back as a head (`--head my.glb`) without guessing.
    mesh.extras = {"targetNames": list(clip.names), "landmarks": landmarks}
    animation = _animation(store, track, clip.weights)
    animation.name = name
    nodes, skins = [gltf.Node(name=head.name, mesh=0)], []
    if figure is not None and motion is not None:
        nodes[0].skin = 0
        skins.append(joints.skin(store, figure, _FIRST_JOINT))
        nodes += joints.nodes(figure, motion, _FIRST_JOINT)
        joints.add_turns(store, animation, animation.samplers[0].input, figure, motion, _FIRST_JOINT)
    views, payload = store.pack()
    meta = json.loads(track.meta)
    document = gltf.GLTF2(
        asset=gltf.Asset(version="2.0", generator=" ".join(["slp-mouthing", *filter(None, [meta.get("version")])])),
        scene=0,
        scenes=[
            gltf.Scene(
                name=name,
                nodes=[0, *([_FIRST_JOINT] if skins else [])],
                extras={"fps": track.fps, "frames": len(track), "meta": meta},
            )
        ],
        nodes=nodes,
        skins=skins,
        meshes=[mesh],
        materials=[_material(material) for material in materials],
        animations=[animation],
        accessors=store.accessors,
        bufferViews=views,
        buffers=[gltf.Buffer(byteLength=len(payload))],
    )
    return _container(document.to_json(separators=(",", ":")).encode(), payload)


def _mesh(
    store: Accessors, head: Head, materials: dict[Material, NDArray[np.int32]], targets: Array, carried: dict[str, int]
) -> Any:
    """One primitive per material. All share vertices and targets, in the head's order: one set of weights moves them all."""
    import pygltflib as gltf

    normals = Normals(head.neutral_m, head.triangles)
    attributes = gltf.Attributes(
        POSITION=store.vectors(head.neutral_m, bounds=True),
        NORMAL=store.vectors(normals.neutral),
        COLOR_0=store.vectors(head.colors.astype(np.float32)),
        **carried,
    )
    morphs = [
        {"POSITION": store.offsets(target, bounds=True), "NORMAL": store.offsets(visible(normals.change(target)))}
        for target in targets
    ]
    return gltf.Mesh(
        primitives=[
            gltf.Primitive(
                attributes=attributes,
                indices=store.triangles(triangles, len(head.neutral_m)),
                material=index,
                mode=gltf.TRIANGLES,
                targets=morphs,
            )
            for index, triangles in enumerate(materials.values())
        ]
    )


def _animation(store: Accessors, track: FaceTrack, weights: Array) -> Any:
    import pygltflib as gltf

    sampler = gltf.AnimationSampler(
        input=store.keys(track.time_s.astype(np.float32), bounds=True),
        output=store.keys(weights.ravel()),
        interpolation=gltf.ANIM_LINEAR,
    )
    channel = gltf.AnimationChannel(sampler=0, target=gltf.AnimationChannelTarget(node=0, path="weights"))
    return gltf.Animation(samplers=[sampler], channels=[channel])


def _material(material: Material) -> Any:
    """White times the vertex colours: the albedo is in the mesh."""
    import pygltflib as gltf

    shading = gltf.PbrMetallicRoughness(
        baseColorFactor=[1.0, 1.0, 1.0, 1.0], metallicFactor=0.0, roughnessFactor=material.roughness
    )
    return gltf.Material(name=material.name, pbrMetallicRoughness=shading, doubleSided=material.double_sided)


def _container(document: bytes, payload: bytes) -> bytes:
    """The binary form: a header and two chunks, each a multiple of four bytes long."""
    chunks = [(b"JSON", document + b" " * (-len(document) % 4)), (b"BIN\0", payload)]
    body = b"".join(len(content).to_bytes(4, "little") + kind + content for kind, content in chunks)
    return b"glTF" + (2).to_bytes(4, "little") + (12 + len(body)).to_bytes(4, "little") + body
