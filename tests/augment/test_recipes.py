"""The named recipes carry their published parameters, read from pixels; strength turns ranges alone."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dfstudy.augment.policies import build_policy, list_policies
from dfstudy.augment.ranges import stretch, stretch_kernel, stretch_quality
from dfstudy.augment.recipes import RECIPES
from dfstudy.data.order import sample_key
from dfstudy.errors import StudyError

STRENGTHS = (0.25, 0.5, 1, 2)


def scene(side=48, seed=0):
    """A smooth colourful square with some grain, far from black and white."""
    noise = np.random.default_rng(seed).normal(size=(side, side, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 3)
    return np.clip(smooth / smooth.std() * 25 + noise * 4 + 128, 30, 225).astype(np.uint8)


def steps(name, count, picture=None, size=48, fakes=False):
    """The steps of `count` samples, each a dict by name."""
    policy = build_policy(name, size)
    policy = policy.fakes if fakes else policy
    picture = scene() if picture is None else picture
    return [
        {step.name: step for step in policy.steps(picture, sample_key(0, 0, row))} for row in range(count)
    ]


def met(samples, part):
    return [sample[part] for sample in samples if sample[part].applied]


# -- what is published


def test_the_recipes_hold_what_was_published_in_its_order():
    winner = build_policy("dfdc_winner", 32)
    assert winner.probabilities == pytest.approx(
        {
            "blackout": 0.35 + 0.175 + 0.0875 + 0.06 + 0.024,
            "jpeg_compression": 0.5,
            "gaussian_noise": 0.1,
            "gaussian_blur": 0.05,
            "horizontal_flip": 0.5,
            "random_interpolation": 1,
            "pad": 1,
            "colour": 0.7,
            "grey": 0.2,
            "shift_scale_rotate": 0.5,
        }
    )
    bench = build_policy("deepfakebench", 32)
    assert bench.names[:2] == ("resize", "pad")
    halves = ["horizontal_flip", "rotate", "gaussian_blur", "colour", "jpeg_compression"]
    assert list(bench.probabilities.items())[2:] == [(name, 0.5) for name in halves]
    assert tuple(RECIPES) == list_policies()[: len(RECIPES)]
    assert all(recipe.source for recipe in RECIPES.values())


@pytest.mark.parametrize(("name", "lowest"), [("dfdc_winner", 60), ("deepfakebench", 40), ("self_blend", 40)])
def test_jpeg_quality_is_drawn_from_the_published_range(name, lowest):
    found = met(steps(name, 1500), "jpeg_compression")
    qualities = [step.parameters["quality"] for step in found]
    assert (min(qualities), max(qualities)) == (lowest, 100)
    assert stats.chisquare(np.bincount(qualities)[lowest:]).pvalue > 1e-4
    for step in found[:20]:
        bgr = cv2.cvtColor(step.before, cv2.COLOR_RGB2BGR)
        file = cv2.imencode(".jpg", bgr, (cv2.IMWRITE_JPEG_QUALITY, step.parameters["quality"]))[1]
        assert np.array_equal(step.after[..., ::-1], cv2.imdecode(file, cv2.IMREAD_COLOR_BGR))


@pytest.mark.parametrize(("name", "kernels"), [("dfdc_winner", {3}), ("deepfakebench", {3, 5, 7})])
def test_a_blurred_point_shows_the_kernel(name, kernels):
    """A bright pixel comes out as the kernel itself: its width, and its spread by the rule of sigma."""
    point = np.zeros((31, 31, 3), np.uint8)
    point[15, 15] = 255
    realised = set()
    for step in met(steps(name, 800, point, size=31), "gaussian_blur"):
        if step.before[15, 15].tolist() != [255, 255, 255] or np.count_nonzero(step.before) != 3:
            continue  # what ran before moved or smeared it
        spread = step.after[..., 1].astype(float) / step.after[..., 1].sum()
        width = int(np.ptp(np.nonzero(spread[15])[0])) + 1
        sigma = 0.3 * ((step.parameters["kernel"] - 1) * 0.5 - 1) + 0.8
        expected = np.exp(-((np.arange(31) - 15.0) ** 2) / 2 / sigma**2) * (spread[15] > 0)
        assert np.abs(spread[15] / spread[15].sum() - expected / expected.sum()).max() < 0.03
        assert width == step.parameters["kernel"]
        realised.add(width)
    assert realised == kernels


def test_the_winners_noise_has_the_variance_of_its_time():
    grey = np.full((48, 48, 3), 128, np.uint8)
    found = met(steps("dfdc_winner-blackout-jpeg_compression", 1500, grey), "gaussian_noise")
    variance = np.array([(step.after.astype(float) - 128).var() - 1 / 12 for step in found])
    assert len(found) > 100 and 9 < variance.min() < 15 and 45 < variance.max() < 56
    assert variance.mean() == pytest.approx(30, abs=4)


def angle(before, after):
    """Degrees by which two marks about the centre were turned, from their centres of mass."""
    places = []
    for picture in (before, after):
        ends = []
        for channel in (0, 2):
            rows, columns = np.indices(picture.shape[:2])
            mass = picture[..., channel].astype(float)
            ends.append([(columns * mass).sum() / mass.sum(), (rows * mass).sum() / mass.sum()])
        places.append(np.degrees(np.arctan2(*np.subtract(*ends)[::-1])))
    return (places[1] - places[0] + 180) % 360 - 180


@pytest.mark.parametrize(
    ("name", "part"), [("deepfakebench", "rotate"), ("dfdc_winner", "shift_scale_rotate")]
)
def test_marks_turn_by_up_to_ten_degrees(name, part):
    marks = np.zeros((96, 96, 3), np.uint8)
    cv2.circle(marks, (28, 47), 5, (255, 0, 0), -1)
    cv2.circle(marks, (66, 47), 5, (0, 0, 255), -1)
    turned = []
    for step in met(steps(name, 400, marks, size=96), part):
        alone = build_policy(name, 96)._transforms[part]
        turn = angle(marks, alone.apply(marks, **step.parameters))
        assert turn == pytest.approx(-step.parameters["rotate"], abs=0.4)
        turned.append(turn)
    assert -10.4 < min(turned) < -9 and 9 < max(turned) < 10.4
    assert stats.kstest(turned, "uniform", args=(-10, 20)).pvalue > 1e-4


def test_deepfakebench_rotates_into_a_mirror_and_not_into_black():
    white = np.full((40, 40, 3), 200, np.uint8)
    assert all((step.after == 200).all() for step in met(steps("deepfakebench", 60, white, 40), "rotate"))


def test_light_changes_by_a_tenth_under_deepfakebench():
    grey = np.full((24, 24, 3), 128, np.uint8)
    found = [
        step
        for step in met(steps("deepfakebench", 1500, grey, 24), "colour")
        if step.applied == "RandomBrightnessContrast"
    ]
    change = np.array([step.after.mean() - step.before.mean() for step in found])
    assert 30 < np.abs(change).max() <= 0.1 * 255 + 0.1 * 128 + 1


# -- strength


@given(st.floats(0.01, 50), st.floats(-300, 300), st.floats(-300, 300), st.floats(-5, 5))
def test_a_stretched_range_is_as_many_times_as_far_from_what_changes_nothing(strength, a, b, keep):
    low, high = stretch((a, b), strength, keep=keep)
    assert low - keep == pytest.approx(strength * (a - keep), abs=1e-6, rel=1e-9)
    assert high - keep == pytest.approx(strength * (b - keep), abs=1e-6, rel=1e-9)
    assert stretch((a, b), 1, keep=keep) == (a, b)
    assert all(-2 <= x <= 2 for x in stretch((a, b), strength, keep=keep, lowest=-2, highest=2))


@given(st.floats(0.01, 50), st.integers(1, 100), st.sampled_from([3, 5, 7, 9]))
def test_whole_numbers_stay_possible(strength, quality, kernel):
    low, high = stretch_quality((quality, 100), strength)
    assert 1 <= low <= high == 100 and isinstance(low, int)
    odd, _ = stretch_kernel((kernel, kernel), strength)
    assert odd % 2 == 1 and odd >= 3
    assert (stretch_quality((quality, 100), 1), stretch_kernel((kernel, kernel), 1)) == (
        (quality, 100),
        (kernel, kernel),
    )
    assert stretch_quality((60, 100), 2) == (20, 100) and stretch_kernel((3, 7), 2) == (5, 13)


@pytest.mark.parametrize("name", [*RECIPES, "original-grey", "none+colour"])
def test_strength_one_is_the_plain_policy(name):
    plain, same = build_policy(name, 24), build_policy(f"{name}*1", 24)
    pairs = [(plain, same)] + ([(plain.fakes, same.fakes)] if plain.fakes else [])
    for first, second in pairs:
        assert first.names == second.names and first.probabilities == second.probabilities
        for key in range(40):
            assert np.array_equal(first(scene(), key), second(scene(), key))


@pytest.mark.parametrize("name", RECIPES)
def test_strength_leaves_order_and_chances_alone(name):
    plain, strong = build_policy(name, 24), build_policy(f"{name}*3", 24)
    assert list(plain.probabilities.items()) == list(strong.probabilities.items())


def effect(name, fakes=False):
    """Mean absolute change against the plainly resized image, grey levels."""
    policy, plain = build_policy(name, 48), build_policy("none", 48)(scene(), 0).astype(int)
    policy = policy.fakes if fakes else policy
    return np.mean([np.abs(policy(scene(), sample_key(1, 0, row)) - plain).mean() for row in range(150)])


@pytest.mark.parametrize(
    "name",
    [
        "none+jpeg_compression",
        "none+gaussian_noise",
        "none+colour",
        "none+shift_scale_rotate",
        "original-horizontal_flip-grey",
        "dfdc_winner-horizontal_flip-grey",
        "deepfakebench-horizontal_flip",
        "self_blend-horizontal_flip",
    ],
)
def test_more_strength_changes_more(name):
    effects = [effect(f"{name}*{strength}") for strength in STRENGTHS]
    assert all(b > 1.1 * a for a, b in itertools.pairwise(effects)), effects


def test_more_strength_blends_copies_that_differ_more():
    def change(strength):
        found = steps(f"self_blend*{strength}", 100, fakes=True)
        return np.mean([np.abs(x["self_blend"].after.astype(int) - scene()).mean() for x in found])

    changes = [change(strength) for strength in STRENGTHS]
    assert all(b > 1.1 * a for a, b in itertools.pairwise(changes)), changes


@pytest.mark.parametrize("name", RECIPES)
def test_no_strength_breaks_a_policy(name):
    policy = build_policy(f"{name}*1000", 24)
    for key in range(40):
        assert policy(scene(), key).shape == (24, 24, 3)
        if policy.fakes:
            assert policy.fakes(scene(), key).shape == (24, 24, 3)


# -- names


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("dfdc_winer", "did you mean 'dfdc_winner'"),
        ("original*0", "strength of 0"),
        ("original*0.0", "strength of 0"),
        ("original*-1", "unknown policy"),
        ("original*x", "unknown policy"),
        ("original*", "unknown policy"),
        ("original*2*2", "unknown policy"),
        ("self_blend+grey", "unknown policy"),
        ("self_blend-grey", "unknown transform 'grey'"),
        ("self_blend-self_blend", "unknown transform"),
        ("deepfakebench-rotat", "did you mean 'rotate'"),
        ("none+blackout", "unknown transform"),
    ],
)
def test_what_a_name_cannot_mean_is_refused(name, says):
    with pytest.raises(StudyError) as error:
        build_policy(name, 32)
    assert says in str(error.value)
    assert error.value.hint


def test_an_unknown_policy_is_answered_with_every_recipe():
    with pytest.raises(StudyError) as error:
        build_policy("heavy", 32)
    assert all(name in error.value.hint for name in (*RECIPES, "*2", "none+<transform>"))


def test_parts_and_strength_go_together():
    assert build_policy("original-grey*0.5", 32).names == build_policy("original-grey", 32).names
    assert build_policy("dfdc_winner-blackout*2", 32).names[0] == "jpeg_compression"
    assert "resize" in build_policy("dfdc_winner-random_interpolation", 32).names
