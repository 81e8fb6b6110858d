"""Policies of the literature carry the parameters of their papers, read from pixels.

What is expected was typed from the papers, and for TrivialAugment and RandAugment also stands in torchvision,
which implements both for itself: its operations and ranges are the second opinion here.
"""

from __future__ import annotations

import math
from collections import defaultdict

import cv2
import numpy as np
import pytest
import torch
from scipy import stats
from torchvision.transforms import RandAugment, TrivialAugmentWide
from torchvision.transforms import functional as F

from dfstudy.augment import automatic, operations
from dfstudy.augment.operations import Drawn
from dfstudy.augment.policies import build_policy
from dfstudy.data.order import sample_key
from dfstudy.study.recipe import COMPARED, POLICIES

SIDE = 224


def scene(side=96, seed=0):
    """A smooth colourful square, far from black and white."""
    noise = np.random.default_rng(seed).normal(size=(side, side, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 5)
    return np.clip(smooth / smooth.std() * 30 + 128, 40, 215).astype(np.uint8)


def met(name, count, picture, size):
    """Steps of the policy's own transform over `count` samples."""
    recipe, sign, strength = name.partition("*")
    policy = build_policy(f"{recipe}-horizontal_flip{sign}{strength}", size)
    steps = (policy.steps(picture, sample_key(0, 1, row))[-1] for row in range(count))
    return [step for step in steps if step.applied]


# -- what an operation does, read from pixels


def brightness(before, after):
    return np.median(after.astype(float) / before) - 1


def contrast(before, after):
    return after.std() / before.std() - 1


def colour(before, after):
    return after.std(axis=2).mean() / before.std(axis=2).mean() - 1


def bits(before, after):
    return float(np.log2(256 / np.diff(np.unique(after)).min()))


def threshold(before, after):
    changed = before[after != before]
    return float(changed.min()) if changed.size else 256.0


def ramp(side):
    """Every grey level, whatever the channel."""
    return np.dstack([np.tile(np.linspace(0, 255, side).astype(np.uint8), (side, 1))] * 3)


def place(image):
    """Centre of the brightest spot: column, row."""
    grey = image[..., 0].astype(float)
    rows, columns = np.indices(grey.shape)
    return np.array([(columns * grey).sum(), (rows * grey).sum()]) / grey.sum()


def dot(side, column, row):
    image = np.zeros((side, side, 3), np.uint8)
    cv2.circle(image, (column, row), 4, (255, 255, 255), -1)
    return image


def turned_by(step):
    """Degrees by which a spot was turned about the centre."""
    before, after = (
        math.atan2(*(place(image) - (SIDE - 1) / 2)[::-1]) for image in (step.before, step.after)
    )
    return (math.degrees(after - before) + 180) % 360 - 180


def test_each_operation_does_what_its_amount_says():
    image = scene()
    for amount in (-0.5, -0.2, 0.15):
        for name, measure in (("brightness", brightness), ("contrast", contrast), ("colour", colour)):
            after = operations.apply(image, Drawn(name, amount))
            assert measure(image, after) == pytest.approx(amount, abs=0.03), name
    for kept in (2, 4, 7):
        assert bits(None, operations.apply(ramp(256), Drawn("posterize", kept))) == kept
    for level in (0, 100, 255):
        assert threshold(ramp(256), operations.apply(ramp(256), Drawn("solarize", level))) == level
    moved = operations.apply(dot(100, 60, 40), Drawn("translate_x", 0.1))
    assert place(moved) - place(dot(100, 60, 40)) == pytest.approx([-10, 0], abs=0.1)
    sheared = operations.apply(dot(100, 60, 40), Drawn("shear_x", 0.5))
    assert place(sheared) - place(dot(100, 60, 40)) == pytest.approx([-0.5 * 40, 0], abs=0.6)
    assert np.array_equal(operations.apply(image, Drawn("identity", 0)), image)


@pytest.mark.parametrize(
    ("name", "other", "amount"),
    [
        ("brightness", lambda x: F.adjust_brightness(x, 1.4), 0.4),
        ("contrast", lambda x: F.adjust_contrast(x, 0.3), -0.7),
        ("colour", lambda x: F.adjust_saturation(x, 0.3), -0.7),
        ("posterize", lambda x: F.posterize(x, 3), 3),
        ("solarize", lambda x: F.solarize(x, 120), 120),
        ("equalize", F.equalize, 0),
        ("auto_contrast", F.autocontrast, 0),
        ("sharpness", lambda x: F.adjust_sharpness(x, 1.9), 0.9),
        ("rotate", lambda x: F.rotate(x, 20, F.InterpolationMode.BILINEAR), 20),
    ],
)
def test_operations_are_those_of_torchvision(name, other, amount):
    """Which computes them on tensors by its own code; rounding apart, and what a grey is weighed by."""
    image = scene()
    ours = operations.apply(image, Drawn(name, amount)).astype(int)
    theirs = other(torch.from_numpy(image).permute(2, 0, 1)).permute(1, 2, 0).numpy().astype(int)
    # at a turned edge one of them blends with the black outside
    assert np.median(np.abs(ours - theirs)) <= 1 and np.abs(ours - theirs).mean() < 2, name


# -- TrivialAugment


def drawn_of(name, count):
    """Amounts by operation over many samples, drawn as a training draws them."""
    found = defaultdict(list)
    for step in met(name, count, scene(16), 16):
        told = step.parameters
        for each in [told["drawn"]] if "drawn" in told else told["chain"]:
            found[each.operation].append(each.amount)
    return found


THEIRS = {
    "Identity": "identity",
    "ShearX": "shear_x",
    "ShearY": "shear_y",
    "TranslateX": "translate_x",
    "TranslateY": "translate_y",
    "Rotate": "rotate",
    "Brightness": "brightness",
    "Color": "colour",
    "Contrast": "contrast",
    "Sharpness": "sharpness",
    "Posterize": "posterize",
    "Solarize": "solarize",
    "AutoContrast": "auto_contrast",
    "Equalize": "equalize",
}
PAPER_ENDS = {  # of TrivialAugment's Table 1, wide
    "rotate": (-135, 135),
    "shear_x": (-0.99, 0.99),
    "shear_y": (-0.99, 0.99),
    "translate_x": (-32 / SIDE, 32 / SIDE),
    "translate_y": (-32 / SIDE, 32 / SIDE),
    "brightness": (-0.99, 0.99),
    "colour": (-0.99, 0.99),
    "contrast": (-0.99, 0.99),
    "sharpness": (-0.99, 0.99),
    "posterize": (2, 8),
    "solarize": (0, 256),
}


def test_trivial_augment_draws_operations_and_levels_as_the_paper_says():
    found = drawn_of("trivial_augment", 9000)
    assert stats.chisquare([len(found[name]) for name in THEIRS.values()]).pvalue > 1e-4
    space = TrivialAugmentWide()._augmentation_space(31)
    for theirs, ours in THEIRS.items():
        levels, signed = space[theirs]
        amounts = np.array(found[ours])
        if ours not in PAPER_ENDS:
            assert not amounts.any()
            continue
        assert (amounts.min(), amounts.max()) == pytest.approx(PAPER_ENDS[ours], rel=1e-6)
        expected = np.sort(np.unique(levels.numpy().astype(float)))
        if ours.startswith("translate"):
            expected = expected / SIDE
        if ours == "solarize":  # torchvision begins at 255, which still inverts white
            expected = expected * 256 / 255
        if signed:
            expected = np.unique(np.concatenate([-expected, expected]))
        near = np.abs(amounts[:, None] - expected).argmin(axis=1)
        assert np.abs(amounts - expected[near]).max() <= (1 if ours == "solarize" else 1e-3)
        assert len(np.unique(near)) == len(expected)  # each level comes


def test_trivial_augment_is_read_from_pixels():
    """Angles, shifts, factors and bits that samples show cover the paper's range, and nothing outside."""
    seen = defaultdict(list)
    for step in met("trivial_augment", 2500, np.full((24, 24, 3), 120, np.uint8), 24):
        if step.parameters["drawn"].operation == "brightness":
            seen["brightness"].append(step.after.mean() / 120)
    for step in met("trivial_augment", 2000, ramp(256), 256):
        operation = step.parameters["drawn"].operation
        if operation == "solarize":
            seen[operation].append(threshold(step.before, step.after))
        elif operation == "posterize":
            seen[operation].append(bits(None, step.after))
    assert 0.005 < min(seen["brightness"]) < 0.03 and 1.95 < max(seen["brightness"]) < 2
    assert set(seen["posterize"]) == set(range(2, 9))
    assert min(seen["solarize"]) < 20 and max(seen["solarize"]) == 256
    marks = dot(SIDE, 150, 112)
    for step in met("trivial_augment", 1500, marks, SIDE):
        operation = step.parameters["drawn"].operation
        if operation not in ("translate_x", "translate_y", "rotate", "posterize") or not step.after.any():
            continue
        by = place(step.after) - place(step.before)
        if operation == "rotate":
            seen[operation].append(turned_by(step))
        elif operation.startswith("translate"):
            axis = int(operation == "translate_y")
            assert abs(by[1 - axis]) < 0.1
            seen[operation].append(by[axis])
    for operation in ("translate_x", "translate_y"):
        assert -32.1 < min(seen[operation]) < -29 and 29 < max(seen[operation]) < 32.1
    assert -135.5 < min(seen["rotate"]) < -120 and 120 < max(seen["rotate"]) < 135.5


# -- RandAugment


def test_rand_augment_runs_two_operations_at_nine_tenths():
    found = drawn_of("rand_augment", 4000)
    assert stats.chisquare([len(found[name]) for name in THEIRS.values()]).pvalue > 1e-4
    assert sum(map(len, found.values())) == 2 * 4000  # N = 2
    space = RandAugment()._augmentation_space(11, (331, 331))  # 0 to 10, on AutoAugment's input
    for theirs, ours in THEIRS.items():
        levels, signed = space[theirs]
        if levels.ndim == 0:
            continue
        expected = float(levels[9])  # M = 9
        if ours.startswith("translate"):
            expected /= 331
        if ours == "solarize":
            expected = round(expected * 256 / 255)
        amounts = sorted({round(amount, 6) for amount in found[ours]})
        assert amounts == pytest.approx([-expected, expected] if signed else [expected], abs=1e-3), ours
        if signed:
            assert stats.binomtest(int(np.sum(np.array(found[ours]) > 0)), len(found[ours])).pvalue > 1e-4


def test_rand_augment_is_read_from_pixels():
    turned, lit = [], []
    marks = dot(SIDE, 150, 112)
    for step in met("rand_augment", 700, marks, SIDE):
        names = [each.operation for each in step.parameters["chain"]]
        if set(names) == {"rotate", "identity"}:
            turned.append(round(abs(turned_by(step))))
    for step in met("rand_augment", 2500, np.full((24, 24, 3), 60, np.uint8), 24):
        if {each.operation for each in step.parameters["chain"]} == {"brightness", "identity"}:
            lit.append(step.after.mean() / 60)
    assert set(turned) == {27} and len(turned) > 3
    assert sorted(np.unique(np.round(lit, 2))) == pytest.approx([0.19, 1.81], abs=0.02)


# -- AugMix


def test_aug_mix_draws_chains_and_weights_as_the_paper_says():
    steps = met("aug_mix", 2500, scene(16), 16)
    weights = np.array([step.parameters["weights"] for step in steps])
    assert weights.shape[1] == 3 and np.allclose(weights.sum(axis=1), 1)
    # each part of Dirichlet(1, 1, 1) is Beta(1, 2)
    assert stats.kstest(weights[:, 0], stats.beta(1, 2).cdf).pvalue > 1e-4
    assert stats.kstest([step.parameters["share"] for step in steps], "uniform").pvalue > 1e-4
    chains = [chain for step in steps for chain in step.parameters["chains"]]
    depths = np.bincount([len(chain) for chain in chains], minlength=4)
    assert depths[0] == 0 and len(depths) == 4 and stats.chisquare(depths[1:]).pvalue > 1e-4
    found = defaultdict(list)
    for each in (each for chain in chains for each in chain):
        found[each.operation].append(each.amount)
    left_out = {"colour", "contrast", "brightness", "sharpness", "identity"}
    assert set(found) == set(operations.NAMES) - left_out
    assert stats.chisquare([len(amounts) for amounts in found.values()]).pvalue > 1e-4
    ends = {name: (min(amounts), max(amounts)) for name, amounts in found.items()}
    # severity 3 of 10: 30 degrees, a tangent of .3, a third of the side, 256 levels and 4 bits
    assert ends["rotate"] == (-8, 8)  # int(level * 3) of levels below 3
    assert ends["shear_x"] == pytest.approx((-0.09, 0.09), abs=0.002)
    assert ends["translate_y"] == pytest.approx((-0.1, 0.1), abs=0.002)
    assert ends["posterize"] == (3, 4) and np.mean(np.equal(found["posterize"], 3)) == pytest.approx(
        (3 - 2.5) / 2.9, abs=0.04
    )
    assert 256 - 77 <= ends["solarize"][0] <= 256 - 73 and ends["solarize"][1] >= 253


def test_aug_mix_is_the_weighted_mean_of_its_chains():
    for step in met("aug_mix", 40, scene(64), 64):
        told = step.parameters
        mixed = (1 - told["share"]) * step.before.astype(float)
        for chain, weight in zip(told["chains"], told["weights"], strict=True):
            varied = step.before
            for each in chain:
                varied = operations.apply(varied, each)
            mixed += told["share"] * weight * varied
        assert np.abs(step.after - mixed).max() <= 0.51


# -- random erasing


def test_a_rectangle_of_the_papers_area_and_ratio_is_erased():
    image = np.full((SIDE, SIDE, 3), 128, np.uint8)
    policy = build_policy("random_erasing-horizontal_flip", SIDE)
    assert policy.probabilities["random_erasing"] == 0.5
    areas, ratios, values = [], [], []
    steps = met("random_erasing", 900, image, SIDE)
    assert stats.binomtest(len(steps), 900, 0.5).pvalue > 1e-4
    for step in steps:
        rows, columns = (step.after != 128).any(axis=2).nonzero()
        high, wide = np.ptp(rows) + 1, np.ptp(columns) + 1
        areas.append(high * wide / SIDE**2)
        ratios.append(high / wide)
        values.append(step.after[rows.min() : rows.max(), columns.min() : columns.max()].mean())
        outside = step.after.copy()
        outside[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] = 128
        assert (outside == 128).all()
    assert 0.0195 < min(areas) < 0.03 and 0.37 < max(areas) < 0.402
    assert 0.29 < min(ratios) < 0.4 and 3 < max(ratios) < 3.45
    assert np.mean(values) == pytest.approx(127.5, abs=0.5)  # every value from 0 to 255
    last = steps[0].after[(steps[0].after != 128).any(axis=2)]
    assert last.min() < 5 and last.max() > 250


# -- all of them


@pytest.mark.parametrize("name", [name for name in POLICIES if name not in COMPARED])
def test_a_sample_is_its_keys_alone(name):
    first, second = build_policy(name, 32), build_policy(name, 32)
    forward = {key: first(scene(40), key) for key in range(40)}
    for key in reversed(range(40)):
        second(scene(24, 3), key + 1000)
        assert np.array_equal(second(scene(40), key), forward[key])


def test_strength_moves_amounts_and_no_choice():
    for name in ("trivial_augment", "rand_augment"):
        plain, strong = (drawn_of(f"{name}{end}", 300) for end in ("", "*0.5"))
        assert {name: len(amounts) for name, amounts in plain.items()} == {
            name: len(amounts) for name, amounts in strong.items()
        }
        assert np.array(strong["shear_x"]) == pytest.approx(0.5 * np.array(plain["shear_x"]))
    weak = automatic.TRIVIAL["rotate"].draw(1.0, _fixed(0.9), 0.5)
    assert weak == 67.5 and automatic.TRIVIAL["rotate"].draw(1.0, _fixed(0.9), 9) == 180


class _fixed:
    """A stream of one value."""

    def __init__(self, value):
        self.value = value

    def random(self):
        return self.value
