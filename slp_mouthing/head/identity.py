"""Who a head is: the sizes of its face and how it looks; and draws of new people for a corpus."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np

from slp_mouthing.errors import HeadError
from slp_mouthing.head.anthropometry import BUILTIN, SIZES, Anthropometry
from slp_mouthing.head.appearance import Appearance


@dataclass(frozen=True, slots=True)
class Identity:
    """A person. The default is the built-in head itself. Raises `HeadError` for a size that no face has."""

    sizes: Anthropometry = BUILTIN
    look: Appearance = field(default_factory=Appearance)

    def __post_init__(self) -> None:
        for size, spread in SPREADS.items():
            low, high = spread.limits(getattr(BUILTIN, size), _IMPOSSIBLE)
            if not low <= getattr(self.sizes, size) <= high:
                raise HeadError(f"{size} {getattr(self.sizes, size)} lies outside {low:.1f} to {high:.1f}")


@dataclass(frozen=True, slots=True)
class Spread:
    """How a size varies between adults about the default, in its own unit."""

    male: float
    """Half the difference of the men's mean from the women's."""
    deviation: float
    """Standard deviation among one sex and ancestry."""
    african: float = 0.0
    """Difference of the Kenyan from the North American mean."""

    def limits(self, middle: float, deviations: float) -> tuple[float, float]:
        """Least and greatest size, so many standard deviations beyond the means, about the default's."""
        reach = abs(self.male) + deviations * self.deviation
        return middle - reach + min(self.african, 0), middle + reach + max(self.african, 0)


SPREADS: dict[str, Spread] = {
    "face_height_mm": Spread(4.5, 4.2),
    "face_width_mm": Spread(2.2, 3.8, -1.0),
    "head_width_mm": Spread(3.2, 4.4, -2.0),
    "cranial_height_mm": Spread(1.8, 3.4),
    "gonial_width_mm": Spread(4.2, 3.6, 1.0),
    "cheek_width_mm": Spread(1.2, 2.4),
    "intercanthal_mm": Spread(0.5, 1.9, 0.0),
    "biocular_mm": Spread(1.4, 2.8, 4.5),
    "canthal_tilt_deg": Spread(-1.0, 1.6),
    "brow_height_mm": Spread(-1.0, 1.0),
    "brow_ridge_mm": Spread(1.5, 0.9, -0.5),
    "nose_height_mm": Spread(2.0, 2.6, -3.0),
    "nose_width_mm": Spread(1.5, 1.9, 7.5),
    "nose_protrusion_mm": Spread(0.8, 1.3, -2.2),
    "philtrum_mm": Spread(1.0, 1.4),
    "mouth_width_mm": Spread(1.9, 2.7, 1.0),
    "upper_vermilion_mm": Spread(-0.3, 1.0, 4.2),
    "lower_vermilion_mm": Spread(-0.1, 1.0, 3.6),
    "lip_protrusion_mm": Spread(-0.3, 0.9, 2.2),
    "chin_protrusion_mm": Spread(0.8, 1.7, -0.5),
    "ear_length_mm": Spread(2.2, 3.2, -1.5),
    "neck_width_mm": Spread(7.0, 4.0),
}
"""By size.

Face, eyes, nose and mouth after Farkas 1994 (North American whites) and after S. S. Virdi, D. Wertheim, F. B. Naini, Normative
anthropometry and proportions of the Kenyan-African face, Maxillofac. Plast. Reconstr. Surg. 2019, doi 10.1186/s40902-019-0191-7,
which compares the two; skull, brows, cheeks, ears and neck by eye.
"""
LIMIT = 2.0
"""Draws end at this many standard deviations."""
_IMPOSSIBLE = 3.5
"""No face is made beyond this many."""
_WITH_STATURE = 0.45
"""Correlation of every length with the size of the whole person."""
_FEMALE_STYLES, _MALE_STYLES = ("hanging", "tied", "hanging", "short", "tied"), ("short", "cropped", "short", "buzzed")
_GARMENTS = ((0.060, 0.105, 0.165), (0.10, 0.13, 0.075), (0.075, 0.072, 0.080), (0.33, 0.14, 0.05), (0.20, 0.045, 0.05),
             (0.42, 0.40, 0.36), (0.035, 0.07, 0.075))  # fmt: skip


def draw_identity(seed: int) -> Identity:
    """A person at random. The same seed gives the same person."""
    rng = np.random.default_rng([seed, 0xFACE])
    male, african = bool(rng.random() < 0.5), float(np.clip(rng.uniform(-1.0, 1.6), 0, 1))
    return Identity(_draw_sizes(rng, male, african), _draw_look(rng, male, african))


def _draw_sizes(rng: np.random.Generator, male: bool, african: float) -> Anthropometry:
    stature, own = rng.standard_normal(), rng.standard_normal(len(SIZES))
    sizes = {}
    for size, noise in zip(fields(BUILTIN), own, strict=True):
        spread = SPREADS[size.name]
        together = _WITH_STATURE * size.name.endswith(("height_mm", "width_mm", "length_mm"))
        score = float(np.clip(together * stature + np.sqrt(1 - together**2) * noise, -LIMIT, LIMIT))
        mean = getattr(BUILTIN, size.name) + spread.male * (1 if male else -1) + spread.african * african
        sizes[size.name] = mean + spread.deviation * score
    return Anthropometry(**sizes)


def _draw_look(rng: np.random.Generator, male: bool, african: float) -> Appearance:
    age = rng.uniform(18, 68)
    melanin = float(np.clip(0.05 + 0.65 * african + 0.22 * rng.random(), 0, 0.95))
    fair = melanin < 0.22
    greying = float(np.clip((age - 40 + 6 * rng.standard_normal()) / 36, 0, 0.95) ** 2)
    styles = ("curly", "buzzed" if male else "tied") if african > 0.6 else _MALE_STYLES if male else _FEMALE_STYLES
    return Appearance(
        melanin=melanin,
        undertone=float(rng.uniform(-0.6, 0.6)),
        lip_depth=float(rng.uniform(-0.4, 0.1) if male else rng.uniform(-0.2, 0.6)),
        eye_color=str(rng.choice(("blue", "grey", "green", "hazel", "brown") if fair else ("brown", "dark", "dark"))),
        hair_style=str(rng.choice(styles)),
        hair_length_mm=float(rng.uniform(85, 140)),
        hair_color=str(rng.choice(("fair", "brown", "auburn", "dark") if fair else ("dark", "black", "black"))),
        greying=greying,
        hairline_mm=float(np.clip((age - 30) / 3, 0, 14) * rng.random()) if male else 0.0,
        brow_weight=float(rng.uniform(1.0, 1.4) if male else rng.uniform(0.7, 1.1)),
        beard=float(rng.random() ** 2) if male else 0.0,
        garment_color=_GARMENTS[int(rng.integers(len(_GARMENTS)))],
    )
