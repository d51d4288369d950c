"""MediaPipe's face mesh, as far as a mouth needs it: the numbers of its points.

Right and left are the person's own. Each loop of the lips runs from the right corner over the upper lip to the left corner and
back under the lower lip.
"""

from __future__ import annotations

COMPONENT = "FACE_LANDMARKS"

UPPER_LIPS = (
    (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308),
    (62, 183, 42, 41, 38, 12, 268, 271, 272, 407, 292),
    (76, 184, 74, 73, 72, 11, 302, 303, 304, 408, 306),
    (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291),
)
"""Right to left, from where the lips meet out to the edge of their red."""
LOWER_LIPS = (
    (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308),
    (62, 96, 89, 179, 86, 15, 316, 403, 319, 325, 292),
    (76, 77, 90, 180, 85, 16, 315, 404, 320, 307, 306),
    (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291),
)

ANCHORS = {
    33: "canthus_outer_right", 133: "canthus_inner_right", 362: "canthus_inner_left", 263: "canthus_outer_left",
    168: "nasion", 1: "nose_tip", 2: "subnasale", 61: "cheilion_right", 291: "cheilion_left", 0: "labiale_superius",
    17: "labiale_inferius", 152: "chin",
}  # fmt: skip
"""Points that a head has by name."""

STEADY = (
    33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 10, 151, 9, 8, 127, 356, 162, 389, 21, 251, 54, 284, 103, 332, 67, 297, 109, 338,
)  # fmt: skip
"""Points that move with the skull and little else: eye corners, bridge of the nose, forehead, temples."""
