# mypy: allow-untyped-defs, no-check-untyped-defs
"""Gaussians that ride on triangles, straight to the picture, and the exact gradient of that to the mesh.

Binding and projection in one pass: a Gaussian's axes are carried along as a 3 x 3 matrix, so that neither a rotation nor standard
deviations are looked for in between, and those that shear with their triangle have exact gradients too.
"""

from __future__ import annotations

import math

from slp_mouthing.jit import F1, F2, F3, I1, I2, INT, OUT1, OUT2, ArrayType, inlined, kernel, np
from slp_mouthing.render.projection import DILATION_PX2, MIN_ALPHA, NEAR_M, REACH, clamped_direction
