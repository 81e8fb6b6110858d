"""The measuring of policies tells the truth about what they did, and the ends are those of the ranges."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from dfstudy.augment.extremes import show_ends
from dfstudy.augment.policies import PolicyStep, build_policy
from dfstudy.augment.recipes import RECIPES
from dfstudy.augment.strength import NAMES, _strength, measure_policy, time_transforms
from dfstudy.data.images import read_picture
from dfstudy.data.loader import make_loader


def mid_grey(rows, columns):
    """Smooth colours far from black and white, so that noise cannot clip."""
    noise = np.random.default_rng(rows).normal(size=(rows, columns, 3)).astype(np.float32)
    return np.clip(cv2.GaussianBlur(noise, (0, 0), 5) * 200 + 128, 60, 190).astype(np.uint8)


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for row in range(5):
        cv2.imwrite(str(folder / f"{row}.png"), mid_grey(37 + row, 53))
    return [folder / f"{row}.png" for row in range(5)]


@pytest.fixture(scope="module")
def table(paths):
    return measure_policy(build_policy("original", 24), paths, samples=600, seed=4)


def test_it_measures_the_very_samples_of_a_training(paths):
    """The same order, keys and bytes as the loader gives to a training with that seed."""
    policy = build_policy("original", 24)
    last = []

    class Watched:
        probabilities = policy.probabilities

        def steps(self, picture, key):
            steps = policy.steps(picture, key)
            last.append(steps[-1].after)
            return steps

    measure_policy(Watched(), paths, samples=8, seed=4)
    with make_loader(paths, [0] * 5, policy, batch_size=5, workers=0, seed=4, shuffle=True) as batches:
        trained = [
            picture for epoch in range(2) for batch in batches.epoch(epoch) for picture in batch.images_NHWC
        ]
    assert len(last) == 8
    assert all(np.array_equal(a, b) for a, b in zip(last, trained[:8], strict=True))


def test_every_sample_has_every_transform_once(table):
    assert table.groupby("sample")["transform"].apply(tuple).unique().tolist() == [
        build_policy("original", 24).names
    ]
    assert table["sample"].nunique() == 600


def test_columns_apply_where_they_should(table):
    met = table[table["applied"] != ""]
    assert set(met["applied"]) <= set(NAMES.values())
    assert table["quality"].notna().equals(table["applied"] == "jpeg_compression")
    assert table["sigma"].notna().equals(table["applied"] == "gaussian_noise")
    still = {
        "jpeg_compression",
        "gaussian_noise",
        "brightness_contrast",
        "fancy_pca",
        "hue_saturation",
        "grey",
    }
    assert set(met.loc[met["change"].notna(), "applied"]) == still


def test_noise_read_from_the_pixels_is_what_was_drawn(paths):
    policy = build_policy("none+gaussian_noise", 24)
    for key in range(60):
        step = policy.steps(read_picture(paths[0]), key)[0]
        if step.applied:
            assert _strength(step)["sigma"] == pytest.approx(
                np.sqrt(step.parameters["sigma"] ** 2 + 1 / 12), rel=0.04
            )


def test_noise_on_black_is_not_measured():
    black = np.zeros((40, 40, 3), np.uint8)
    step = PolicyStep("gaussian_noise", "GaussianNoise", {"sigma": 5.0}, black, black)
    assert np.isnan(_strength(step)["sigma"])


def test_ends_are_ends():
    ends = {end.title.split(",")[0]: end for end in show_ends(mid_grey(90, 70), 48)}
    assert len(ends) == 14
    for end in ends.values():
        assert len(end.labels) == len(end.after) == len(end.changes)
        assert all(after.dtype == np.uint8 and after.shape == end.before.shape for after in end.after)
    weak, strong = ends["noise variance"].changes
    # mean absolute value of a normal variable: sigma times sqrt(2 / pi)
    assert weak == pytest.approx(np.sqrt(10 * 2 / np.pi), rel=0.05)
    assert strong == pytest.approx(np.sqrt(50 * 2 / np.pi), rel=0.05)
    assert ends["JPEG quality"].changes[0] > ends["JPEG quality"].changes[1]
    assert ends["shift"].changes == (None, None)
    # most of this image is square after padding, and brightness moves every value by a fifth of the range
    assert ends["brightness"].changes[1] == pytest.approx(51, abs=1)
    dark, light = (after.mean() for after in ends["contrast"].after)
    assert dark < ends["contrast"].before.mean() < light


def test_ends_are_the_same_every_time():
    first, second = show_ends(mid_grey(60, 50), 32), show_ends(mid_grey(60, 50), 32)
    for one, other in zip(first, second, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one.after, other.after, strict=True))


def test_ends_of_a_sliver():
    for shape in ((1, 40, 3), (40, 1, 3), (1, 1, 3)):
        assert len(show_ends(np.full(shape, 90, np.uint8), 16)) == 14


def test_timing_has_a_row_a_step_and_leaves_threads_alone(paths):
    threads = cv2.getNumThreads()
    times = time_transforms(paths[0], 24, repeats=3)
    assert cv2.getNumThreads() == threads
    named = [f"policy {name}" for name in RECIPES]
    named.insert(named.index("policy self_blend") + 1, "policy self_blend, a fake")
    assert times["step"].tolist()[-len(named) :] == named
    assert {"jpeg_compression", "fancy_pca", "shift_scale_rotate"} <= set(times["step"])
    assert (times["low"] <= times["high"]).all()
    assert (times["microseconds"] > 0).all()
