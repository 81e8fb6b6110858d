"""Seams: the gradient domain against a sparse solver, colours and detail brought to those of the image."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy import sparse
from scipy.sparse.linalg import spsolve

from dfstudy.portraits.blending import alpha_blend, match_colour, match_detail, membrane, poisson_blend


def disc(side: int, radius: float, centre: tuple[float, float] = (0.5, 0.5)) -> np.ndarray:
    rows, columns = np.mgrid[:side, :side] / side
    return np.hypot(rows - centre[0], columns - centre[1]) < radius


def solve_exactly(values: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Laplace's equation inside, one channel, no pixel of the region at the image's edge."""
    places = np.flatnonzero(inside)
    number = np.full(inside.size, -1)
    number[places] = np.arange(len(places))
    matrix, right = sparse.lil_matrix((len(places), len(places))), np.zeros(len(places))
    for row, place in enumerate(places):
        matrix[row, row] = 4
        for beside in (place - 1, place + 1, place - inside.shape[1], place + inside.shape[1]):
            if number[beside] >= 0:
                matrix[row, number[beside]] = -1
            else:
                right[row] += values.ravel()[beside]
    solved = values.astype(float).copy()
    solved.ravel()[places] = spsolve(matrix.tocsr(), right)
    return solved


def smooth(seed: int, side: int) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal((side, side, 3)).astype(np.float32)
    return 0.5 + 2 * cv2.GaussianBlur(noise, (0, 0), side / 12)


@pytest.mark.parametrize(("side", "radius"), [(48, 0.3), (64, 0.4), (61, 0.2)])
def test_the_membrane_is_the_solution_of_a_sparse_solver(side, radius):
    values, inside = smooth(3, side), disc(side, radius)
    found = membrane(values, inside)
    assert np.array_equal(found[~inside], values[~inside])
    for channel in range(3):
        exact = solve_exactly(values[..., channel], inside)
        assert np.abs(found[..., channel] - exact).max() < 0.02 * np.ptp(values[..., channel])


def test_a_membrane_has_no_value_beyond_those_at_its_seam():
    values, inside = smooth(4, 64), disc(64, 0.35)
    values[inside] = 100  # what lies inside is not looked at
    found = membrane(values, inside)
    assert found.max() <= values[~inside].max() + 1e-5
    assert found.min() >= values[~inside].min() - 1e-5


def test_nothing_and_everything_inside():
    values = smooth(5, 32)
    assert np.array_equal(membrane(values, np.zeros((32, 32), bool)), values)
    assert np.isfinite(membrane(values, np.ones((32, 32), bool))).all()


def test_gradient_domain_cloning_takes_away_a_constant_difference():
    image = np.clip(smooth(6, 64), 0.3, 0.7)
    forged = poisson_blend(image, image + np.float32(0.2), disc(64, 0.3).astype(np.float32), "poisson")
    assert np.abs(forged.image - image).max() < 0.01
    assert set(np.unique(forged.mask)) == {0, 1}


def test_alpha_blending_mixes_as_the_mask_says():
    image, face = np.zeros((8, 8, 3), np.float32), np.ones((8, 8, 3), np.float32)
    forged = alpha_blend(image, face, np.full((8, 8), 0.25, np.float32), "alpha")
    assert np.allclose(forged.image, 0.25)


def test_matched_colours_have_the_pictures_mean_and_spread():
    image, face, mask = smooth(7, 64), 0.9 * smooth(8, 64) + 0.1, disc(64, 0.4).astype(np.float32)
    matched = match_colour(face, image, mask, 1.0)
    inside = mask > 0
    assert matched[inside].mean(axis=0) == pytest.approx(image[inside].mean(axis=0), abs=1e-4)
    halfway = match_colour(face, image, mask, 0.5)[inside].mean(axis=0)
    assert halfway == pytest.approx((face[inside] + image[inside]).mean(axis=0) / 2, abs=1e-4)


def test_matched_detail_is_as_strong_as_the_pictures():
    rng = np.random.default_rng(9)
    image = smooth(10, 64) + 0.03 * rng.standard_normal((64, 64, 3)).astype(np.float32)
    face = smooth(11, 64) + 0.02 * rng.standard_normal((64, 64, 3)).astype(np.float32)
    mask = disc(64, 0.4).astype(np.float32)

    def strength(picture: np.ndarray) -> float:
        return float((picture - cv2.GaussianBlur(picture, (0, 0), 0.7))[mask > 0].std())

    assert strength(face) < 0.8 * strength(image)
    assert strength(match_detail(face, image, mask)) == pytest.approx(strength(image), rel=0.1)
