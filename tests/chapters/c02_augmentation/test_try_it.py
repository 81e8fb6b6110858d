"""A policy or a transform at a chosen strength, on one face."""

from __future__ import annotations

import numpy as np
import pytest

from dfstudy.augment.extremes import RANGES, show_ends
from dfstudy.chapters.c02_augmentation.try_it import SAMPLES, show_policy, slide_strength
from dfstudy.errors import StudyError

SIZE = 32


@pytest.fixture
def face(texture):
    return texture(0, 40, 30)


@pytest.mark.parametrize("policy", ["none", "original*2", "self_blend", "original-grey"])
def test_any_policy_is_shown_beside_the_face(face, policy):
    shown = show_policy(policy, face, SIZE)
    assert policy in shown.caption and str(SAMPLES) in shown.caption and "<figure><img" in shown.html


def test_a_policy_or_transform_that_does_not_exist_is_refused(face):
    with pytest.raises(StudyError, match="unknown policy 'orginal'"):
        show_policy("orginal", face, SIZE)
    with pytest.raises(StudyError, match=r"no transform is called 'jpg' \(did you mean 'jpeg'\?\)"):
        slide_strength("jpg", face, SIZE)


@pytest.mark.parametrize("name", RANGES)
def test_a_slider_covers_the_range_of_original_and_more(face, name):
    one = RANGES[name]
    slider = slide_strength(name, face, SIZE)
    assert list(slider.values.values()) == list(one.values) and slider.values[slider.start] == one.strongest
    assert one.strongest in (one.low, one.high) and {one.low, one.high} <= set(one.values)
    assert min(one.values) < one.low or max(one.values) > one.high
    before, after = one.apply(face, SIZE, one.strongest)
    assert before.shape == after.shape == (SIZE, SIZE, 3) and (before != after).any()
    assert "inside the range of original" in slider.at(slider.start).caption
    beyond = next(text for text, value in slider.values.items() if not one.low <= value <= one.high)
    assert "outside the range of original" in slider.at(beyond).caption


def test_a_strength_is_that_of_the_chapters_own_figure(face):
    ends = {end.title: end for end in show_ends(face, SIZE)}
    one = RANGES["brightness"]
    before, after = one.apply(face, SIZE, 0.2)
    drawn = ends["brightness, of 255"]
    assert (before == drawn.before).all() and (after == drawn.after[1]).all()
    hue = RANGES["hue"].apply(face, SIZE, 40)[1]
    assert (hue == ends["hue, degrees"].after[1]).all()


def test_more_strength_changes_more(face):
    for name in ("jpeg", "noise", "contrast"):
        one = RANGES[name]
        changes = []
        for value in (one.strongest, one.values[-1]):
            before, after = one.apply(face, SIZE, value)
            changes.append(np.abs(after.astype(int) - before).mean())
        assert changes[1] > changes[0], name
