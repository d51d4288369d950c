"""Runs inside of Blender: imports a file, plays frames of it, and writes the mesh as it stands in the scene.

blender --background --factory-startup --python play_in_blender.py -- FILE OUT FPS FRAME...

OUT gets 32-bit floats: for each frame the corners of each triangle in the mesh's order, our axes (y up), metres. Ends with
status `TOO_OLD` where this Blender does not import blend shapes from USD.
"""

import array
import sys
from pathlib import Path

import bpy
import numpy

TOO_OLD = 3


def main(path: str, out: str, fps: str, *frames: str) -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.fps = round(float(fps))
    if path.endswith(".glb"):
        # Debian 12's importer asks numpy for a name that Debian 12's numpy has dropped.
        numpy.bool = bool
        bpy.ops.import_scene.gltf(filepath=path)
    elif bpy.app.version < (4, 0) or not bpy.app.build_options.usd:
        sys.exit(TOO_OLD)
    else:
        bpy.ops.wm.usd_import(filepath=path)
    (mesh,) = [entry for entry in scene.objects if entry.type == "MESH" and entry.data.shape_keys]
    numbers = array.array("f")
    for frame in frames:
        scene.frame_set(int(frame))
        numbers.extend(corners(mesh))
    Path(out).write_bytes(numbers.tobytes())


def corners(mesh: bpy.types.Object) -> list[float]:
    posed = mesh.evaluated_get(bpy.context.evaluated_depsgraph_get())
    vertices = posed.data.vertices
    found = []
    for polygon in posed.data.polygons:
        for index in polygon.vertices:
            x, y, z = posed.matrix_world @ vertices[index].co
            found += [x, z, -y]  # Blender has z up
    return found


if __name__ == "__main__":
    main(*sys.argv[sys.argv.index("--") + 1 :])
