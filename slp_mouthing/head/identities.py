"""Finished people."""

from __future__ import annotations

from slp_mouthing.head.anthropometry import Anthropometry
from slp_mouthing.head.appearance import Appearance
from slp_mouthing.head.identity import Identity

IDENTITIES: dict[str, Identity] = {
    "default": Identity(),
    "willow": Identity(
        Anthropometry(
            face_height_mm=110.5, face_width_mm=130.0, head_width_mm=148.0, gonial_width_mm=93.5, cheek_width_mm=100.0,
            intercanthal_mm=32.0, biocular_mm=90.0, canthal_tilt_deg=7.5, brow_height_mm=21.0, brow_ridge_mm=3.4,
            nose_height_mm=49.0, nose_width_mm=30.5, nose_protrusion_mm=18.3, philtrum_mm=12.0, mouth_width_mm=50.0,
            upper_vermilion_mm=8.8, lower_vermilion_mm=10.8, lip_protrusion_mm=3.4, chin_protrusion_mm=-2.6, ear_length_mm=55.5,
            neck_width_mm=82.0,
        ),
        Appearance(
            melanin=0.07, undertone=-0.35, lip_depth=0.25, eye_color="green", hair_style="hanging", hair_color="auburn",
            hair_length_mm=128.0, brow_weight=0.95, garment_color=(0.10, 0.13, 0.075),
        ),
    ),
    "rowan": Identity(
        Anthropometry(
            face_height_mm=123.0, face_width_mm=140.0, head_width_mm=156.0, cranial_height_mm=105.0, gonial_width_mm=109.0,
            cheek_width_mm=104.5, intercanthal_mm=33.5, biocular_mm=90.5, canthal_tilt_deg=3.5, brow_height_mm=18.5,
            brow_ridge_mm=8.0, nose_height_mm=56.5, nose_width_mm=36.5, nose_protrusion_mm=21.5, philtrum_mm=16.0,
            mouth_width_mm=54.5, upper_vermilion_mm=6.0, lower_vermilion_mm=8.2, lip_protrusion_mm=1.6, chin_protrusion_mm=-0.8,
            ear_length_mm=66.0, neck_width_mm=104.0,
        ),
        Appearance(
            melanin=0.14, undertone=-0.5, lip_depth=-0.35, eye_color="blue", hair_style="cropped", hair_color="grey",
            greying=0.25, hairline_mm=14.0, brow_weight=1.25, beard=0.5, garment_color=(0.075, 0.072, 0.080),
        ),
    ),
    "hazel": Identity(
        Anthropometry(
            face_height_mm=118.0, face_width_mm=136.0, head_width_mm=150.0, gonial_width_mm=101.0, cheek_width_mm=103.0,
            intercanthal_mm=34.5, biocular_mm=93.5, canthal_tilt_deg=6.0, nose_height_mm=50.0, nose_width_mm=41.0,
            nose_protrusion_mm=17.5, philtrum_mm=13.0, mouth_width_mm=54.0, upper_vermilion_mm=11.8, lower_vermilion_mm=13.0,
            lip_protrusion_mm=5.2, chin_protrusion_mm=-1.5, ear_length_mm=56.0,
        ),
        Appearance(
            melanin=0.72, undertone=0.3, eye_color="dark", hair_style="curly", hair_color="black", brow_weight=1.15,
            garment_color=(0.33, 0.14, 0.05),
        ),
    ),
}  # fmt: skip
"""By name."""
