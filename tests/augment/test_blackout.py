"""What is blacked out is what was drawn, as often as published, and grows with its strength."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from scipy import stats

from dfstudy.augment import face
from dfstudy.augment.blackout import CHANCES, DIAGONALS, SIDES, Blackout
from dfstudy.augment.policies import build_policy

WHITE = np.full((90, 70, 3), 255, np.uint8)


def dark(part, side="", reach=1.0, picture=WHITE):
    """Which pixels are black, bool [H, W]."""
    result = Blackout(reach=reach).apply(picture, part=part, side=side)
    assert set(np.unique(result)) <= {0, 255}
    assert (result.min(axis=2) == result.max(axis=2)).all()
    return result[..., 0] == 0


def at(mask, point):
    column, row = face.in_pixels(point, *mask.shape)
    return mask[round(row), round(column)]


def test_parts_are_hit_and_the_others_are_spared():
    eyes, nose, mouth = (dark(part) for part in ("eyes", "nose", "mouth"))
    for mask, hit, spared in (
        (eyes, face.EYES, (face.NOSE, *face.MOUTH)),
        (nose, (face.NOSE,), (*face.EYES, *face.MOUTH)),
        (mouth, face.MOUTH, (face.NOSE, *face.EYES)),
    ):
        assert all(at(mask, point) for point in hit)
        assert not any(at(mask, point) for point in spared)


def test_the_thickness_is_the_published_one():
    """Eyes: a quarter of their distance to each side; mouth: a third of its width."""
    column = dark("eyes")[:, 35]
    assert column.sum() == pytest.approx(2 * 0.28 * 70 / 4, abs=2)
    column = dark("mouth")[:, 35]
    assert column.sum() == pytest.approx(2 * 0.24 * 70 / 3, abs=2)


def test_halves_of_a_picture_are_halves():
    for side in SIDES + DIAGONALS:
        assert dark("half an image", side).mean() == pytest.approx(0.5, abs=0.01)
    assert dark("half an image", "left")[:, :35].all() and dark("half an image", "upper")[:45].all()
    falling, rising = (dark("half an image", side) for side in DIAGONALS)
    assert np.array_equal(falling, ~rising)


def test_halves_of_a_face_lie_in_the_face_and_make_it_up():
    outline = face.outline(90, 70) > 0
    upper, lower, left, right = (dark("half a face", side) for side in SIDES)
    for mask in (upper, lower, left, right):
        assert not (mask & ~outline).any()
        assert mask.sum() / outline.sum() == pytest.approx(0.5, abs=0.03)
    assert (upper | lower).sum() == pytest.approx(outline.sum(), rel=0.04)
    assert np.nonzero(upper)[0].max() <= np.nonzero(lower)[0].min()


@pytest.mark.parametrize(("part", "side"), [(p, "") for p in ("eyes", "nose", "mouth")] + [
    ("half a face", "upper"), ("half an image", "left"), ("half an image", "rising")
])  # fmt: skip
def test_reach_grows_the_black_and_never_takes_all(part, side):
    areas = [dark(part, side, reach).mean() for reach in (0.25, 0.5, 1, 1.5)]
    assert all(b > a for a, b in itertools.pairwise(areas)), areas
    assert dark(part, side, 1000).mean() < 0.97


def test_each_part_comes_as_often_as_published():
    policy = build_policy("dfdc_winner", 8)
    drawn = [policy.steps(WHITE, key)[0] for key in range(4000)]
    for part, chance in CHANCES.items():
        count = sum(step.parameters.get("part") == part for step in drawn if step.applied)
        assert stats.binomtest(count, len(drawn), chance).pvalue > 1e-4, part
    assert sum(not step.applied for step in drawn) / len(drawn) == pytest.approx(0.3035, abs=0.03)


def test_the_picture_given_stays_as_it_was():
    picture = WHITE.copy()
    picture.flags.writeable = False
    transform = Blackout(p=1.0)
    transform.set_random_state(None, random.Random(0))
    for _ in range(30):
        transform(image=picture)
    assert (picture == 255).all()


def test_a_policy_says_what_told_it_where_faces_are():
    assert build_policy("dfdc_winner", 32).faces_from == "face geometry"
    assert build_policy("self_blend", 32).faces_from == "face geometry"
    assert build_policy("dfdc_winner-blackout", 32).faces_from == ""
    assert build_policy("original", 32).faces_from == ""
