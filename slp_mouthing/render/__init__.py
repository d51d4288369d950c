"""Pictures of a talking head: Gaussians on a CPU, a plain mesh, videos and contact sheets."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from slp_mouthing.jit import kernels_cached, warm_up

if TYPE_CHECKING:
    from slp_mouthing.render.camera import Camera
    from slp_mouthing.render.differentiable import rasterize
    from slp_mouthing.render.rasterise import rasterize_numpy
    from slp_mouthing.render.scene import MeshRenderer, Renderer
    from slp_mouthing.render.sheet import write_sheet
    from slp_mouthing.render.video import write_video

__all__ = [
    "Camera", "MeshRenderer", "Renderer", "kernels_cached", "rasterize", "rasterize_numpy", "warm_up", "write_sheet",
    "write_video",
]  # fmt: skip

_HOME = {
    "Camera": "camera", "MeshRenderer": "scene", "Renderer": "scene", "rasterize": "differentiable",
    "rasterize_numpy": "rasterise", "write_sheet": "sheet", "write_video": "video",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    # On first use: importing the package loads neither numba nor torch nor PyAV.
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


class _CallablePackage(ModuleType):
    """`slp_mouthing.render(...)` renders an utterance and `slp_mouthing.render.rasterize(...)` an image: both are promised names,
    and Python gives the name of a package to the package."""

    def __call__(self, *args: Any, **settings: Any) -> Any:
        return importlib.import_module("slp_mouthing.pipeline").render(*args, **settings)


sys.modules[__name__].__class__ = _CallablePackage
