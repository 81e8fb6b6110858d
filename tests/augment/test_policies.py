"""Policies: any image, any process, any order of calls gives the same bytes; chance is fair.

The golden pixels are kept as an image, to be looked at. After a change that is meant to move them:
`python tests/augment/test_policies.py` writes them anew.
"""

from __future__ import annotations

import itertools
import multiprocessing
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import stats

from dfstudy.augment.policies import build_policy, list_policies
from dfstudy.data.order import sample_key
from dfstudy.errors import StudyError

GOLDEN = Path(__file__).with_name("golden_original.png")


def synthetic(height=53, width=37):
    """Formula of an image whose sides and channels all differ."""
    y, x = np.mgrid[0:height, 0:width]
    red = 128 + 100 * np.sin(x / 5)
    green = 255 * y / height
    blue = 90 + 60 * np.cos((x + 2 * y) / 7)
    return np.clip(np.stack([red, green, blue], -1), 0, 255).astype(np.uint8)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(1, 90),
    st.integers(1, 90),
    st.integers(2, 48),
    st.integers(0, 2**64 - 1),
    st.sampled_from(list_policies()),
)
def test_any_picture_becomes_a_square_of_bytes(height, width, size, key, name):
    picture = synthetic(height, width)
    before = picture.copy()
    policy = build_policy(name, size)
    result = policy(picture, key)
    assert result.shape == (size, size, 3)
    assert result.dtype == np.uint8
    assert result.flags.c_contiguous
    assert np.array_equal(picture, before)
    assert np.array_equal(result, policy.steps(picture, key)[-1].after)


def test_names_in_order():
    assert build_policy("original", 32).names == (
        "jpeg_compression",
        "gaussian_noise",
        "horizontal_flip",
        "random_interpolation",
        "pad",
        "colour",
        "grey",
        "shift_scale_rotate",
    )
    assert build_policy("none", 32).names == ("resize", "pad")
    assert build_policy("none+horizontal_flip", 32).names == ("horizontal_flip", "resize", "pad")
    assert build_policy("none+random_interpolation", 32).names == ("random_interpolation", "pad")
    assert "resize" in build_policy("original-random_interpolation", 32).names
    assert build_policy("original-grey-colour", 32).names == (
        "jpeg_compression",
        "gaussian_noise",
        "horizontal_flip",
        "random_interpolation",
        "pad",
        "shift_scale_rotate",
    )
    assert build_policy("original", 32, train=False).names == ("resize", "pad")


def test_probabilities_are_the_published_ones():
    assert build_policy("original", 32).probabilities == {
        "jpeg_compression": 0.2,
        "gaussian_noise": 0.3,
        "horizontal_flip": 0.5,
        "random_interpolation": 1.0,
        "pad": 1.0,
        "colour": 0.4,
        "grey": 0.2,
        "shift_scale_rotate": 0.5,
    }


def test_validation_ignores_the_key():
    policy = build_policy("original", 32, train=False)
    assert np.array_equal(policy(synthetic(), 1), policy(synthetic(), 2))
    assert np.array_equal(policy(synthetic(), 1), build_policy("none", 32)(synthetic(), 3))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("orginal", "did you mean 'original'"),
        ("none+horizontal_flp", "did you mean 'horizontal_flip'"),
        ("original-pad", "unknown transform 'pad'"),
        ("original+grey", "unknown policy"),
        ("none-grey", "unknown policy"),
        ("", "unknown policy"),
        ("none+", "unknown policy"),
    ],
)
def test_an_unknown_name_is_refused_with_what_is_known(name, says):
    with pytest.raises(StudyError) as error:
        build_policy(name, 32)
    assert says in str(error.value)
    assert "shift_scale_rotate" in error.value.hint


@pytest.mark.parametrize(
    "wrong", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)]
)
def test_what_is_no_picture_is_refused(wrong):
    with pytest.raises(ValueError, match="uint8"):
        build_policy("none", 32)(wrong, 0)


def test_a_sample_does_not_depend_on_what_came_before():
    policy, other = build_policy("original", 32), build_policy("original", 32)
    forward = {key: policy(synthetic(), key) for key in range(60)}
    for key in reversed(range(60)):
        other(synthetic(9, 70), key + 1000)
        assert np.array_equal(other(synthetic(), key), forward[key])


def test_a_pickled_policy_gives_the_same_bytes():
    policy = build_policy("original-grey", 32)
    policy(synthetic(), 5)
    copy = pickle.loads(pickle.dumps(policy))
    assert copy.names == policy.names
    assert all(np.array_equal(copy(synthetic(), key), policy(synthetic(), key)) for key in range(40))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_another_process_gives_the_same_bytes(method):
    policy = build_policy("original", 32)
    expected = [policy(synthetic(), key) for key in range(20)]
    with multiprocessing.get_context(method).Pool(1) as pool:
        results = pool.starmap(policy, [(synthetic(), key) for key in range(20)])
        pool.close()
        pool.join()
    assert all(np.array_equal(a, b) for a, b in zip(expected, results, strict=True))


@pytest.fixture(scope="module", params=["counting", "mixed"])
def touched(request):
    """bool [samples, transforms]: what `original` applied, for keys 0, 1, 2, ... and for mixed ones."""
    policy = build_policy("original", 8)
    picture = synthetic(8, 8)
    keys = range(6000) if request.param == "counting" else [sample_key(0, 3, row) for row in range(6000)]
    chances = {name: p for name, p in policy.probabilities.items() if p < 1}
    rows = []
    for key in keys:
        steps = {step.name: bool(step.applied) for step in policy.steps(picture, key)}
        rows.append([steps[name] for name in chances])
    return np.array(rows), np.array(list(chances.values()))


def test_each_transform_runs_as_often_as_it_should(touched):
    applied, chances = touched
    for column, chance in zip(applied.T, chances, strict=True):
        assert stats.binomtest(int(column.sum()), len(column), chance).pvalue > 1e-4


def test_transforms_are_independent_of_each_other(touched):
    applied, _ = touched
    for first, second in itertools.combinations(applied.T, 2):
        assert abs(np.corrcoef(first, second)[0, 1]) < 4.5 / np.sqrt(len(first))


def test_samples_are_independent_of_each_other(touched):
    applied, _ = touched
    for column in applied.T.astype(float):
        assert abs(np.corrcoef(column[1:], column[:-1])[0, 1]) < 4.5 / np.sqrt(len(column))


def test_what_is_drawn_is_independent_across_transforms():
    policy = build_policy("original", 16)
    rows = []
    for key in range(8000):
        drawn = {step.name: step.parameters for step in policy.steps(synthetic(16, 16), key)}
        if "sigma" in drawn["gaussian_noise"] and "rotate" in drawn["shift_scale_rotate"]:
            affine = drawn["shift_scale_rotate"]
            matrix = affine["matrix"]
            rows.append(
                [drawn["gaussian_noise"]["sigma"], affine["rotate"], affine["scale"]["x"], matrix[0, 2]]
            )
    correlation = np.corrcoef(np.array(rows).T)
    # the shift in the matrix follows scale and rotation by its definition; the drawn values must not
    assert np.abs(correlation[:3, :3][np.triu_indices(3, 1)]).max() < 4.5 / np.sqrt(len(rows))
    assert abs(correlation[0, 3]) < 4.5 / np.sqrt(len(rows))


def golden_sheet():
    """16 samples of the policy `original` at 32 px, beside each other."""
    policy = build_policy("original", 32)
    return np.concatenate([policy(synthetic(), sample_key(0, 0, row)) for row in range(16)], axis=1)


def test_golden_pixels():
    expected = np.asarray(Image.open(GOLDEN)).astype(int)
    difference = np.abs(golden_sheet() - expected)
    # another processor's floating point may round a value the other way, and nothing more
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.001


if __name__ == "__main__":
    Image.fromarray(golden_sheet()).save(GOLDEN)
