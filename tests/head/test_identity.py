"""People: their sizes are met, and every mouth shape works on every face."""

from __future__ import annotations

from dataclasses import astuple, replace
from itertools import zip_longest
from typing import Any

import numpy as np
import pytest

from slp_mouthing.errors import HeadError
from slp_mouthing.head.anthropometry import BUILTIN, SIZES, Anthropometry, measure
from slp_mouthing.head.appearance import EYE_COLORS, HAIR_COLORS, HAIR_STYLES, Appearance, Palette
from slp_mouthing.head.builtin import REGION_NAMES, BuiltinHead, load_builtin
from slp_mouthing.head.hair import STYLES
from slp_mouthing.head.identities import IDENTITIES
from slp_mouthing.head.identity import LIMIT, SPREADS, Identity, draw_identity
from tests.head.test_builtin import MOUTH_NAMES, VISEMES, controls, lips_mm, point_mm, random_mixes, teeth_before_skin_mm

PEOPLE = IDENTITIES | {f"drawn {seed}": draw_identity(seed) for seed in range(5)}
KEY_POSES = {name: weights for name, (weights, *_) in VISEMES.items()} | {"smile": {"mouthSmile": 1.0, "jawOpen": 0.3}}
SIDED = ("zygion", "ala", "cheilion", "canthus_outer", "gonion", "euryon", "neck")


@pytest.fixture(scope="module", params=PEOPLE)
def person(request: pytest.FixtureRequest) -> BuiltinHead:
    return load_builtin(PEOPLE[request.param])


def test_default_identity_is_the_default_head() -> None:
    assert load_builtin(Identity()) is load_builtin()
    assert load_builtin(IDENTITIES["default"]) is load_builtin()


def test_sizes_are_as_asked(person: BuiltinHead) -> None:
    measured = measure(person.neutral_m, person.landmarks)
    for size, found, asked in zip(SIZES, astuple(measured), astuple(person.identity.sizes), strict=True):
        assert abs(found - asked) < 2, size


@pytest.mark.parametrize("size", SIZES)
def test_one_size_changes_and_the_others_stay(size: str) -> None:
    step = 1.5 * SPREADS[size].deviation
    other = load_builtin(Identity(replace(BUILTIN, **{size: getattr(BUILTIN, size) + step})))
    base = load_builtin()
    change = np.subtract(astuple(measure(other.neutral_m, other.landmarks)), astuple(measure(base.neutral_m, base.landmarks)))
    np.testing.assert_allclose(change, step * (np.array(SIZES) == size), atol=0.02)


def test_faces_are_symmetric(person: BuiltinHead) -> None:
    for name in SIDED:
        left, right = (person.neutral_m[person.landmarks[f"{name}_{side}"][0]] for side in ("left", "right"))
        np.testing.assert_allclose(left * (-1, 1, 1), right, atol=2e-6, err_msg=name)
    for name in ("mouthSmile", "jawOpen", "eyeBlink", "mouthStretch"):
        posed = person.pose(*controls(**{name: 0.7}))[0]
        upper, lower = posed[person.lip_columns]
        np.testing.assert_allclose(upper[::-1] * (-1, 1, 1), upper, atol=2e-6, err_msg=name)
        np.testing.assert_allclose(lower[::-1] * (-1, 1, 1), lower, atol=2e-6, err_msg=name)


def test_rest_is_the_neutral_mesh(person: BuiltinHead) -> None:
    np.testing.assert_array_equal(person.pose(*controls())[0], person.neutral_m)
    assert lips_mm(person)[0] == 0


@pytest.mark.parametrize("opening", [0.1, 0.5, 1.0])
def test_mouth_close_seals_an_open_jaw(person: BuiltinHead, opening: float) -> None:
    assert lips_mm(person, jawOpen=opening)[0] > 10 * opening
    assert lips_mm(person, jawOpen=opening, mouthClose=opening)[0] < 0.05


def test_lips_touch_for_p_and_open_for_f(person: BuiltinHead) -> None:
    assert lips_mm(person, **VISEMES["p"][0])[0] == 0
    assert 0.2 < lips_mm(person, **VISEMES["ff"][0])[0] < 5.5


def test_spread_lips_are_wider_and_rounded_lips_narrower_and_farther_forward(person: BuiltinHead) -> None:
    rest, spread, rounded = (lips_mm(person, **weights)[1] for weights in ({}, VISEMES["ii"][0], VISEMES["uu"][0]))
    assert spread > rest + 3
    assert rounded < 0.5 * rest
    assert point_mm(person, "lip_upper_mid", **VISEMES["uu"][0])[2] > point_mm(person, "lip_upper_mid")[2] + 4


def test_lips_equal_the_posed_mesh(person: BuiltinHead) -> None:
    blendshapes, tongue = random_mixes(20, MOUTH_NAMES, seed=4)
    posed = person.pose(blendshapes, tongue)
    opening, width = person.lips(blendshapes, tongue)
    upper, lower = person.lip_columns[:, person.lip_columns.shape[1] // 2]
    gap = posed[:, upper, 1].min(-1) - posed[:, lower, 1].max(-1)
    np.testing.assert_allclose(opening, np.maximum(gap, 0), atol=3e-6)
    corners = [posed[:, person.landmarks[f"lip_corner_{side}"][0]] for side in ("left", "right")]
    np.testing.assert_allclose(width, np.linalg.norm(corners[0] - corners[1], axis=1), atol=1e-6)


def test_lips_never_cross(person: BuiltinHead) -> None:
    posed = person.pose(*random_mixes(60, MOUTH_NAMES, seed=5))
    upper, lower = (posed[:, columns, 1] for columns in person.lip_columns)
    assert (upper.min(-1) - lower.max(-1)).min() > -2e-6


def test_no_teeth_come_through_the_skin(person: BuiltinHead) -> None:
    for name, weights in KEY_POSES.items():
        assert teeth_before_skin_mm(person, **weights) < 0.05, name


def test_lids_clear_the_globe_during_a_blink(person: BuiltinHead) -> None:
    center = 1e3 * person.neutral_m[person.landmarks["eye_left"][0]] - (0, 0, 13.8)
    lashes = np.unique(person.triangles[person.regions == REGION_NAMES.index("lash")])
    for weight in (0.25, 0.5, 0.75, 1.0):
        away = 1e3 * person.pose(*controls(eyeBlink=weight))[0, lashes] - center
        away = away[np.abs(away[:, 0]) < 9]
        assert np.linalg.norm(away, axis=1).min() > 13.3, weight


def test_mesh_stays_whole(person: BuiltinHead) -> None:
    a, b, c = np.moveaxis(person.neutral_m[person.triangles].astype(np.float64), 1, 0)
    assert np.linalg.norm(np.cross(b - a, c - a), axis=1).min() > 2e-9
    assert np.unique(person.triangles).size == len(person.neutral_m)


def test_draws_are_repeatable_distinct_and_within_range() -> None:
    people = [draw_identity(seed) for seed in range(200)]
    assert people[3] == draw_identity(3)
    assert len(set(people)) == len(people)
    for size, spread in SPREADS.items():
        values = np.array([getattr(person.sizes, size) for person in people])
        low, high = spread.limits(getattr(BUILTIN, size), LIMIT)
        assert low - 1e-9 <= values.min() and values.max() <= high + 1e-9, size
        assert values.std() > 0.5 * spread.deviation, size
    nose, melanin = (np.array(x) for x in zip(*((p.sizes.nose_width_mm, p.look.melanin) for p in people), strict=True))
    assert np.corrcoef(nose, melanin)[0, 1] > 0.5


def test_darker_skin_is_darker_everywhere() -> None:
    fair, dark = (load_builtin(Identity(look=Appearance(melanin=m))) for m in (0.05, 0.9))
    skin = np.unique(fair.triangles[fair.regions == REGION_NAMES.index("skin")])
    assert (dark.colors[skin] <= fair.colors[skin] + 1e-6).all()
    assert dark.colors[skin].mean() < 0.4 * fair.colors[skin].mean()
    np.testing.assert_array_equal(dark.neutral_m, fair.neutral_m)


@pytest.mark.parametrize("style", STYLES)
def test_every_hair_style_covers_the_crown_and_spares_the_face(style: str) -> None:
    head = load_builtin(Identity(look=Appearance(hair_style=style, hair_length_mm=120)))
    hair = 1e3 * head.neutral_m[np.unique(head.triangles[head.regions == REGION_NAMES.index("hair")])]
    crown = 1e3 * head.neutral_m[head.landmarks["vertex"][0]]
    assert hair[:, 1].max() > crown[1]
    face = (np.abs(hair[:, 0]) < 40) & (hair[:, 1] < 40) & (hair[:, 2] > 60)
    assert not face.any()


def test_every_name_of_a_look_can_be_built() -> None:
    assert tuple(STYLES) == HAIR_STYLES
    for eyes, hair in zip_longest(EYE_COLORS, HAIR_COLORS, fillvalue="brown"):
        assert np.isfinite(Palette.of(Appearance(eye_color=eyes, hair_color=hair)).brow).all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"hair_style": "mohican"}, "mohican"),
        ({"eye_color": "red"}, "red"),
        ({"melanin": 1.2}, "melanin"),
        ({"beard": np.nan}, "beard"),
    ],
)
def test_impossible_looks_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(HeadError, match=message):
        Appearance(**wrong)


@pytest.mark.parametrize("size", SIZES)
def test_impossible_sizes_are_refused(size: str) -> None:
    for value in (getattr(BUILTIN, size) + 60, getattr(BUILTIN, size) - 60, np.nan):
        with pytest.raises(HeadError, match=size):
            Identity(replace(BUILTIN, **{size: value}))


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("size", SIZES)
def test_single_sizes_at_three_deviations_keep_the_mesh_and_the_seal(size: str, sign: int) -> None:
    value = getattr(BUILTIN, size) + sign * 3 * SPREADS[size].deviation
    head = BuiltinHead(Identity(replace(BUILTIN, **{size: value})))
    base = load_builtin()
    assert lips_mm(head, jawOpen=0.4, mouthClose=0.4)[0] < 0.05
    assert (normals(head) * normals(base)).sum(1).min() > 0


def normals(head: BuiltinHead) -> np.ndarray:
    """Of the skin in the face. -> [F, 3] unit"""
    skin = head.triangles[head.regions == REGION_NAMES.index("skin")]
    corners = head.neutral_m[skin].astype(np.float64)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return normal / np.linalg.norm(normal, axis=1, keepdims=True)


def test_anthropometry_has_a_spread_for_every_size() -> None:
    assert tuple(SPREADS) == SIZES == tuple(Anthropometry.__dataclass_fields__)
