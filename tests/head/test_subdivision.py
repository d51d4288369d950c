"""Subdivision keeps what a surface must keep: affine maps, borders, joints between coarse and fine."""

from __future__ import annotations

import numpy as np
import trimesh

from slp_mouthing.head.subdivision import Faces, Fairing, catmull_clark, split_quads, triangulate_adaptive

CUBE = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
CUBE_FACES = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]


def test_weights_sum_to_one_so_that_subdivision_follows_any_affine_map() -> None:
    step = catmull_clark(Faces.of(CUBE_FACES, 8))
    for matrix in (step.smooth, step.linear):
        np.testing.assert_allclose(matrix.sum(1), 1)
    moved = CUBE @ np.diag((1, 2, 3)) + (4, 5, 6)
    np.testing.assert_allclose(step.smooth @ moved, (step.smooth @ CUBE) @ np.diag((1, 2, 3)) + (4, 5, 6))


def test_a_cube_becomes_round_and_stays_closed() -> None:
    first = catmull_clark(Faces.of(CUBE_FACES, 8))
    second = catmull_clark(first.faces)
    points = second.smooth @ (first.smooth @ CUBE)
    mesh = trimesh.Trimesh(points, split_quads(second.quads, points), process=False)
    radius = np.linalg.norm(points, axis=1)
    assert mesh.is_watertight and mesh.volume > 0
    assert radius.max() / radius.min() < 1.15


def test_borders_of_an_open_patch_stay_in_their_plane() -> None:
    corners = np.array([(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)], float)
    step = catmull_clark(Faces.of([(0, 1, 2, 3)], 4))
    points = step.smooth @ corners
    assert points[:, 2].tolist() == [0] * 9
    np.testing.assert_allclose(points[:4].mean(0), (0.5, 0.5, 0))
    assert points[0, 0] > 0


def test_coarse_and_fine_quads_meet_without_cracks() -> None:
    first = catmull_clark(Faces.of(CUBE_FACES, 8))
    second = catmull_clark(first.faces)
    points = second.smooth @ (first.smooth @ CUBE)
    refined = (first.smooth @ CUBE)[first.quads].mean(1)[:, 0] > 0.2
    triangles, owner = triangulate_adaptive(first, second, refined, points)
    mesh = trimesh.Trimesh(points, triangles, process=False)
    assert 0 < refined.sum() < len(refined)
    assert mesh.is_watertight and mesh.is_winding_consistent and mesh.volume > 0
    assert mesh.area_faces.min() > 1e-4
    assert (np.bincount(owner)[refined] == 8).all()


def test_fairing_smooths_what_is_free_and_keeps_what_is_held() -> None:
    step = catmull_clark(catmull_clark(Faces.of(CUBE_FACES, 8)).faces)
    faces = step.faces
    rng = np.random.default_rng(0)
    values = rng.standard_normal(faces.vertices)
    held = np.zeros(faces.vertices, bool)
    held[::7] = True
    smooth = Fairing(faces, np.where(held, 1e6, 1e-6))(values)
    np.testing.assert_allclose(smooth[held], values[held], atol=1e-2)
    assert np.std(np.diff(smooth[~held])) < np.std(np.diff(values[~held]))
