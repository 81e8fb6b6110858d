"""Own policies: albumentations' serialised form read strictly, functions of a file, and the same streams."""

from __future__ import annotations

import pickle
import random
import textwrap

import albumentations as A
import numpy as np
import pytest

from dfstudy.augment import own
from dfstudy.augment.own import build_own, describe_own_policy
from dfstudy.augment.policies import build_policy
from dfstudy.errors import StudyError

THREE = [
    {"HueSaturationValue": {"hue_shift_limit": [-5, 5], "p": 0.5}},
    {"GaussNoise": {"std_range": [0.02, 0.1], "p": 0.5}},
    {"CoarseDropout": {"num_holes_range": [1, 3], "p": 0.7}},
]


def scene(side=60, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (side, side - 10, 3)).astype(np.uint8)


@pytest.fixture
def write(tmp_path):
    def written(text, name="mine.py"):
        file = tmp_path / name
        file.write_text(textwrap.dedent(text))
        return file

    return written


def built(declared, size=32):
    return build_policy("mine", size, own={"mine": declared})


def refusal(declared, size=32):
    with pytest.raises(StudyError) as error:
        built(declared, size)
    assert error.value.hint
    return str(error.value)


def test_three_transforms_run_before_the_image_is_resized():
    policy = built(THREE)
    assert policy.names == ("hue_saturation_value", "gauss_noise", "coarse_dropout", "resize", "pad")
    assert list(policy.probabilities.values())[:3] == [0.5, 0.5, 0.7]
    assert policy(scene(), 1).shape == (32, 32, 3)
    assert policy.fakes is None and policy.mixer is None
    plain = build_policy("mine", 32, train=False, own={"mine": THREE})
    assert np.array_equal(plain(scene(), 1), build_policy("none", 32)(scene(), 2))


def test_a_list_says_where_the_image_is_resized():
    policy = built([THREE[0], "resize", THREE[2]])
    assert policy.names[:4] == ("hue_saturation_value", "resize", "pad", "coarse_dropout")
    assert policy.steps(scene(), 3)[-1].after.shape == (32, 32, 3)


def test_samples_differ_and_depend_on_their_key_alone():
    policy, other = built(THREE), built(THREE)
    forward = {key: policy(scene(), key) for key in range(60)}
    assert len({each.tobytes() for each in forward.values()}) > 50
    copy = pickle.loads(pickle.dumps(policy))
    for key in reversed(range(60)):
        other(scene(40, 2), key + 999)
        assert np.array_equal(other(scene(), key), forward[key])
        assert np.array_equal(copy(scene(), key), forward[key])
        assert np.array_equal(policy.steps(scene(), key)[-1].after, forward[key])


def test_transforms_are_independent_of_each_other_and_as_frequent_as_set():
    policy = built(THREE, 8)
    applied = np.array([[bool(s.applied) for s in policy.steps(scene(20), key)[:3]] for key in range(2500)])
    assert applied.mean(axis=0) == pytest.approx([0.5, 0.5, 0.7], abs=0.04)
    assert np.abs(np.corrcoef(applied.T.astype(float))[np.triu_indices(3, 1)]).max() < 0.08


@pytest.mark.parametrize(
    "declared",
    [
        A.Compose([A.HorizontalFlip(p=0.5), A.GaussianBlur(p=0.4)]).to_dict(),
        [A.HorizontalFlip(p=0.5).to_dict(), A.GaussianBlur(p=0.4).to_dict()],
        [A.HorizontalFlip(p=0.5).to_dict()["transform"], {"GaussianBlur": {"p": 0.4}}],
        [{"Compose": {"transforms": [{"HorizontalFlip": {"p": 0.5}}, {"GaussianBlur": {"p": 0.4}}]}}],
    ],
    ids=["whole", "each", "inner", "nested"],
)
def test_every_serialised_form_means_the_same(declared):
    told = describe_own_policy("mine", declared, 32)
    assert [each["__class_fullname__"] for each in told["transforms"]] == ["HorizontalFlip", "GaussianBlur"]
    short = [{"HorizontalFlip": {"p": 0.5}}, {"GaussianBlur": {"p": 0.4}}]
    assert told == describe_own_policy("mine", short, 32)
    assert np.array_equal(built(declared)(scene(), 4), built(short)(scene(), 4))


def test_one_of_others_may_hold_transforms():
    declared = [{"OneOf": {"transforms": THREE, "p": 1.0}}]
    applied = {built(declared).steps(scene(), key)[0].applied for key in range(40)}
    assert applied == {"HueSaturationValue", "GaussNoise", "CoarseDropout"}


@pytest.mark.parametrize(
    ("declared", "says"),
    [
        ([{"HueSaturatonValue": {}}], ["no transform 'HueSaturatonValue'", "mean 'HueSaturationValue'"]),
        (
            [THREE[0], {"GaussNoise": {"var_limit": [1, 2]}}],
            ["transform 2: GaussNoise has no parameter 'var_limit'", "std_range"],
        ),
        (
            [{"HueSaturationValue": {"hue_shift_limt": 3}}],
            ["HueSaturationValue has no parameter 'hue_shift_limt'", "did you mean 'hue_shift_limit'"],
        ),
        ([{"HueSaturationValue": {"p": 1.5}}], ["HueSaturationValue.p: 1.5", "less than or equal to 1"]),
        ([{"GaussianBlur": {"blur_limit": "x"}}], ["GaussianBlur.blur_limit: 'x'"]),
        (
            [{"OneOf": {"transforms": [{"Gausnoise": {}}]}}],
            ["OneOf, transform 1", "no transform 'Gausnoise'", "did you mean 'GaussNoise'"],
        ),
        ([{"Normalize": {}}], ["normalize gives float32", "normalised on the device"]),
        ([{"FDA": {}}], ["fda failed", "fda_metadata"]),
        ([{"Lambda": {}}], ["no transform 'Lambda'"]),
        ([3], ["3 is no transform"]),
        ([{"HorizontalFlip": [0.5]}], ["no transform in albumentations' serialised form"]),
        ([{"OneOf": {"transforms": ["resize"]}}], ["resize stands inside"]),
    ],
)
def test_a_mistake_is_named_with_transform_and_parameter(declared, says):
    told = refusal(declared)
    assert all(part in told for part in ["augment.policies.mine", *says]), told


def test_a_function_gives_a_list_or_a_compose(write):
    file = write(
        """
        import albumentations as A

        def listed():
            return [A.HorizontalFlip(p=0.5), A.GaussianBlur(p=0.4)]

        def composed(size):
            return A.Compose([A.HorizontalFlip(p=0.5), A.RandomCrop(size, size, p=0.3)])

        def sometimes():
            return A.Compose([A.HorizontalFlip(p=1)], p=0.5)
        """
    )
    short = [{"HorizontalFlip": {"p": 0.5}}, {"GaussianBlur": {"p": 0.4}}]
    assert np.array_equal(built(f"{file}:listed")(scene(), 4), built(short)(scene(), 4))
    assert built(f"{file}:composed").names == ("horizontal_flip", "random_crop", "resize", "pad")
    turned = [built(f"{file}:sometimes")(scene(), key) for key in range(40)]
    assert len({each.tobytes() for each in turned}) == 2
    assert pickle.loads(pickle.dumps(built(f"{file}:listed"))).names == built(f"{file}:listed").names


def test_a_files_content_names_the_policy_and_its_folder_does_not(write, tmp_path):
    text = "import albumentations as A\ndef one():\n    return [A.HorizontalFlip(p={})]\n"
    told = describe_own_policy("mine", f"{write(text.format(0.5))}:one", 32)
    assert told["code"]["source"] == "mine.py:one" and len(told["code"]["sha256"]) == 64
    assert "albumentations" in told["code"]["packages"] and str(tmp_path) not in str(told)
    (tmp_path / "elsewhere").mkdir()
    same = write(text.format(0.5), "elsewhere/mine.py")
    assert describe_own_policy("mine", f"{same}:one", 32) == told
    assert describe_own_policy("mine", f"{write(text.format(0.6))}:one", 32) != told


@pytest.mark.parametrize(
    ("text", "name", "says"),
    [
        ("def other():\n    return []\n", "othr", ["has no function 'othr'", "did you mean 'other'"]),
        ("def one():\n    return []\n", "one", ["returned an empty list"]),
        ("def one():\n    return [3]\n", "one", ["returned 3", "no transform"]),
        ("def one(strength):\n    return []\n", "one", ["cannot be called with no argument", "'strength'"]),
        ("def one():\n    return 1 / 0\n", "one", ["failed in line 2", "ZeroDivisionError"]),
        ("import numpy\nfoo\n", "one", ["failed when it was read in line 2", "NameError"]),
        ("def one(:\n", "one", ["line 1 is not Python"]),
        ("import helpers_of_mine\n", "one", ["imports 'helpers_of_mine'", "no installed package"]),
    ],
)
def test_what_is_wrong_with_a_file_is_said(write, text, name, says):
    told = refusal(f"{write(text)}:{name}")
    assert all(part in told for part in ["augment.policies.mine", "mine.py", *says]), told


def test_a_file_that_is_not_there_is_answered_with_a_near_name(write, tmp_path):
    write("def one():\n    return []\n")
    told = refusal(f"{tmp_path / 'mime.py'}:one")
    assert "there is no file" in told and "did you mean 'mine.py'" in told


def test_chance_of_ones_own_is_refused(write):
    file = write(
        """
        import albumentations as A
        import numpy as np

        class Grain(A.ImageOnlyTransform):
            def apply(self, img, **params):
                return np.clip(img + np.random.normal(0, 9, img.shape), 0, 255).astype(np.uint8)

        class Fine(A.ImageOnlyTransform):
            def get_params(self):
                return {"by": self.random_generator.integers(0, 9)}
            def apply(self, img, by, **params):
                return np.clip(img.astype(int) + by, 0, 255).astype(np.uint8)

        def grain():
            return [Grain(p=1)]

        def fine():
            return [Fine(p=1)]
        """
    )
    before = random.getstate()
    told = refusal(f"{file}:grain")
    assert "mine: grain draws random numbers that are not the sample's own" in told
    assert random.getstate() == before
    policy = built(f"{file}:fine")
    assert len({policy(scene(), key).tobytes() for key in range(40)}) > 5
    assert np.array_equal(policy(scene(), 5), built(f"{file}:fine")(scene(), 5))


def test_an_image_too_small_for_a_crop_is_named(monkeypatch):
    policy = built([{"RandomCrop": {"height": 100, "width": 100, "p": 1}}])
    with pytest.raises(StudyError, match=r"mine: random_crop failed on an image of 50 x 60 pixels"):
        policy(scene(), 1)


def test_transforms_are_tried_once_a_process(monkeypatch):
    build_own("mine", THREE, 32)

    def fail(*_):
        raise AssertionError("tried again")

    monkeypatch.setattr(own, "_try", fail)
    build_own("mine", THREE, 32)
