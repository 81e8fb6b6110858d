"""Each transform does what its parameters say, read from files and pixels, not from settings."""

from __future__ import annotations

import io
import random

import albumentations as A
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import stats

from dfstudy.augment import replacements, transforms


def draw(transform, picture, count, seed=0):
    """`count` results of one transform with one pair of streams, with what was drawn for each."""
    transform.set_random_state(np.random.default_rng(seed), random.Random(seed))
    return [(transform(image=picture)["image"], dict(transform.params)) for _ in range(count)]


def scene(height=53, width=37, seed=0):
    """A smooth colourful image with unequal sides and unequal channels."""
    noise = np.random.default_rng(seed).normal(size=(height, width, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 4)
    smooth = smooth / smooth.std() * np.array([50, 30, 15]) + np.array([140, 110, 90])
    return np.clip(smooth, 0, 255).astype(np.uint8)


# -- arguments


@pytest.mark.parametrize(
    ("kind", "right"),
    [
        (replacements.JPEGCompression, {"compression_type": "jpeg", "quality_range": (60, 100)}),
        (replacements.GaussianNoise, {"variance": (10, 50)}),
        (replacements.FancyPCA, {"alpha": 0.1}),
    ],
)
def test_an_argument_of_another_release_is_refused(kind, right):
    kind(**right, p=0.5, strict=True)
    with pytest.raises(ValueError, match="quality_lower"):
        kind(**right, p=0.5, quality_lower=60, strict=True)


# -- JPEG


def standard_luminance(quality):
    """Quantisation table of the JPEG standard (annex K) at a quality, by the rule of the IJG library."""
    base = """16 11 10 16 24 40 51 61 12 12 14 19 26 58 60 55 14 13 16 24 40 57 69 56 14 17 22 29 51 87 80 62
    18 22 37 56 68 109 103 77 24 35 55 64 81 104 113 92 49 64 78 87 103 121 120 101
    72 92 95 98 112 100 103 99"""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return sorted(min(max((int(x) * scale + 50) // 100, 1), 255) for x in base.split())


@pytest.fixture
def jpeg_files(monkeypatch):
    """The files that the transform makes on its way."""
    files = []
    encode = cv2.imencode

    def keep(*arguments):
        done, file = encode(*arguments)
        files.append(file.tobytes())
        return done, file

    monkeypatch.setattr(cv2, "imencode", keep)
    return files


def test_realised_jpeg_quality_is_uniform_over_60_to_100(jpeg_files):
    tables = {tuple(standard_luminance(quality)): quality for quality in range(1, 101)}
    drawn = draw(transforms.jpeg_compression(p=1), scene(), 2000)
    realised = [tables[tuple(sorted(Image.open(io.BytesIO(x)).quantization[0]))] for x in jpeg_files]
    assert realised == [parameters["quality"] for _, parameters in drawn]
    assert (min(realised), max(realised)) == (60, 100)
    counts = np.bincount(realised, minlength=101)[60:]
    assert stats.chisquare(counts).pvalue > 1e-4


def test_jpeg_keeps_red_red(jpeg_files):
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[...] = 200, 40, 90
    ((result, _),) = draw(transforms.jpeg_compression(quality=(95, 95), p=1), picture, 1)
    inside = np.asarray(Image.open(io.BytesIO(jpeg_files[0])).convert("RGB"))
    assert np.abs(result.astype(int) - picture).max() <= 3
    # the file itself, read by another decoder, shows the same colour: channels were not exchanged on the way
    assert np.abs(inside.astype(int) - picture).max() <= 3


def test_jpeg_gives_what_another_encoder_gives():
    picture = scene(64, 96)
    ((result, _),) = draw(transforms.jpeg_compression(quality=(60, 60), p=1), picture, 1)
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "jpeg", quality=60, subsampling="4:2:0")
    assert np.abs(result.astype(int) - np.asarray(Image.open(file))).mean() < 0.5


# -- noise


def test_realised_noise_variance_is_uniform_over_10_to_50():
    grey = np.full((80, 90, 3), 128, np.uint8)
    drawn = draw(transforms.gaussian_noise(p=1), grey, 400)
    noise = [result.astype(float) - 128 for result, _ in drawn]
    # rounding to whole grey levels adds 1/12
    variance = np.array([x.var() for x in noise]) - 1 / 12
    nominal = np.array([parameters["sigma"] ** 2 for _, parameters in drawn])
    assert np.allclose(variance, nominal, rtol=0.06)
    assert stats.kstest(nominal, "uniform", args=(10, 40)).pvalue > 1e-4
    assert abs(np.mean([x.mean() for x in noise])) < 0.01
    for x in noise[:20]:
        between = np.corrcoef(x.reshape(-1, 3).T)[np.triu_indices(3, 1)]
        assert np.abs(between).max() < 0.06  # sd .012
        assert x.std(axis=(0, 1)).min() > 0.9 * x.std()  # every channel has its share
    assert not np.array_equal(noise[0], noise[1])


def test_noise_is_gaussian():
    grey = np.full((400, 400, 3), 128, np.uint8)
    ((result, parameters),) = draw(transforms.gaussian_noise((50, 50), p=1), grey, 1)
    edges = np.arange(-20.5, 21.5)
    expected = np.diff(stats.norm.cdf(edges, scale=parameters["sigma"]))
    counts, _ = np.histogram(result.astype(float) - 128, edges)
    assert stats.chisquare(counts, expected / expected.sum() * counts.sum()).pvalue > 1e-4


def test_a_noise_field_is_independent_from_value_to_value():
    grey = np.full((300, 310, 3), 128, np.uint8)  # more values than one window holds
    assert grey.size > replacements.WINDOW
    for result, _ in draw(transforms.gaussian_noise((50, 50), p=1), grey, 20):
        noise = (result.astype(float) - 128).ravel()
        for lag in (1, 2, 3, 930, replacements.WINDOW):
            products = noise[lag:] * noise[:-lag] / noise.var()
            assert abs(products.mean()) < 5 / np.sqrt(len(products))
        halves = noise[: len(noise) // 2].var(), noise[len(noise) // 2 :].var()
        assert halves[0] == pytest.approx(halves[1], rel=0.03)


def test_noise_fields_are_independent_of_each_other():
    grey = np.full((64, 64, 3), 128, np.uint8)
    fields = np.array([x.ravel() for x, _ in draw(transforms.gaussian_noise((50, 50), p=1), grey, 300)])
    between = np.corrcoef(fields.astype(float) - 128)[np.triu_indices(300, 1)]
    assert np.abs(between).max() < 5.5 / 64 / np.sqrt(3)
    assert between.std() == pytest.approx(1 / 64 / np.sqrt(3), rel=0.05)
    # a number names one field, and the next number another
    one = transforms.gaussian_noise(p=1)
    again = [one.apply(grey, 7.0, number) for number in (5, 5, 6)]
    assert np.array_equal(again[0], again[1]) and not np.array_equal(again[0], again[2])


def test_the_stored_values_are_normal_and_two_fields():
    first, second = (field.ravel() / replacements.LEVELS for field in replacements.normal_fields())
    assert len(first) == len(second) == replacements.STARTS + replacements.WINDOW
    for field in (first, second):
        assert stats.kstest(field, "norm").pvalue > 1e-4
        assert abs(field).max() < 32767 / replacements.LEVELS  # nothing was cut off
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.005  # sd .0009


# -- colour


def library_fancy_pca(picture, alpha):
    from albumentations.augmentations.pixel.functional import fancy_pca

    return fancy_pca(picture, np.float32(alpha))


def exact_fancy_pca(picture, alpha):
    """The definition in double precision, before rounding."""
    colours = picture.reshape(-1, 3) / 255
    centred = colours - colours.mean(0)
    variances, axes = np.linalg.eigh(np.cov(centred.T))
    moved = colours + centred @ (axes[:, ::-1] @ np.diag(np.float32(alpha) * variances[::-1])).T
    return (np.clip(moved, 0, 1) * 255).reshape(picture.shape)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 40),
    st.integers(2, 40),
    st.integers(0, 10**6),
    st.tuples(*[st.floats(-20, 20, width=32)] * 3),
)
def test_fancy_pca_equals_the_library(height, width, seed, alpha):
    picture = scene(height, width, seed)
    fast = replacements.FancyPCA(alpha=0.1, p=1).apply(picture, np.float32(alpha))
    exact = exact_fancy_pca(picture, alpha)
    assert np.abs(fast - exact).max() <= 0.502  # nothing but rounding
    library = library_fancy_pca(picture, alpha)
    differs = fast != library
    # single precision may round a value that lies half-way between two levels to the other one
    assert np.abs(exact - np.floor(exact) - 0.5)[differs].max(initial=0) < 0.01
    assert np.abs(fast.astype(int) - library)[differs].max(initial=0) <= 1


def test_fancy_pca_equals_the_library_on_a_large_picture():
    picture = scene(600, 800)
    for alpha in np.random.default_rng(1).normal(0, 4, (4, 3)):
        fast = replacements.FancyPCA(alpha=0.1, p=1).apply(picture, np.float32(alpha))
        assert np.abs(fast - exact_fancy_pca(picture, alpha)).max() <= 0.502
        difference = np.abs(fast.astype(int) - library_fancy_pca(picture, alpha))
        assert difference.max() <= 1
        assert difference.mean() < 0.005  # its mean colour is summed in single precision
        assert (fast != picture).mean() > 0.1  # strong enough to tell


@pytest.mark.parametrize("level", [0, 128, 255])
def test_fancy_pca_leaves_a_picture_of_one_colour(level):
    flat = np.full((5, 7, 3), level, np.uint8)
    assert np.array_equal(replacements.FancyPCA(alpha=0.1, p=1).apply(flat, np.float32([5, 5, 5])), flat)


def test_fancy_pca_draws_three_independent_normal_factors():
    drawn = draw(transforms.fancy_pca(), scene(8, 8), 2000)
    factors = np.array([parameters["alpha_vector"] for _, parameters in drawn])
    assert factors.shape == (2000, 3) and factors.dtype == np.float32
    for column in factors.T:
        assert stats.kstest(column, "norm", args=(0, 0.1)).pvalue > 1e-4
    assert np.abs(np.corrcoef(factors.T)[np.triu_indices(3, 1)]).max() < 0.1  # sd .022


def test_colour_moments_are_those_of_numpy():
    picture = scene(71, 43)
    mean, covariance = replacements.colour_moments(picture)
    assert np.allclose(mean, picture.reshape(-1, 3).mean(0))
    assert np.allclose(covariance, np.cov(picture.reshape(-1, 3).T / 255), rtol=1e-5)


def test_brightness_and_contrast_are_as_documented():
    for result, drawn in draw(transforms.brightness_contrast(), scene(), 50):
        assert 0.8 <= drawn["alpha"] <= 1.2
        assert -51 <= drawn["beta"] <= 51
        exact = np.clip(scene() * drawn["alpha"] + drawn["beta"], 0, 255)
        assert np.abs(result - exact).max() <= 1


def test_colour_picks_each_of_three_as_often():
    one_of = transforms.colour(p=1)
    one_of.set_random_state(np.random.default_rng(0), random.Random(0))
    names = []
    for _ in range(900):
        names.append(one_of(image=scene(8, 8), applied_transforms=[])["applied_transforms"][0][0])
    counts = np.unique(names, return_counts=True)[1]
    assert len(counts) == 3
    assert stats.chisquare(counts).pvalue > 1e-4


def test_hue_turns_red_towards_its_neighbours():
    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 0] = 200
    fixed = {"saturation": (0, 0), "value": (0, 0)}
    ((result, _),) = draw(transforms.hue_saturation(hue=(20, 20), **fixed), red, 1)
    # 20 steps of 2 degrees: from red 40 degrees towards yellow, where green is 40/60 of red
    assert np.abs(result[0, 0].astype(float) - [200, 200 * 40 / 60, 0]).max() <= 2


def test_grey_has_three_equal_channels_by_luma():
    ((result, _),) = draw(transforms.grey(p=1), scene(), 1)
    assert np.abs(result - (scene() @ [0.299, 0.587, 0.114])[..., None]).max() <= 1


# -- geometry


def test_flip_exchanges_left_and_right():
    ((result, _),) = draw(transforms.horizontal_flip(p=1), scene(), 1)
    assert np.array_equal(result, scene()[:, ::-1])


def area_weights(side, number):
    """Share [number, side] of each pixel in each average, by the definition of the overlap."""
    first, last = (np.arange(number)[:, None] + end for end in (0, 1))
    pixel = np.arange(side)
    overlap = np.minimum(last * side / number, pixel + 1) - np.maximum(first * side / number, pixel)
    return np.clip(overlap, 0, None) * number / side


@st.composite
def shrinking(draw):
    """Height, width and new size; in half of the cases k + 1 pixels of the longer side become k."""
    long, short = draw(st.integers(1, 90)), draw(st.integers(1, 90))
    size = draw(st.integers(1, 90))
    if draw(st.booleans()):
        k, times = draw(st.integers(1, 14)), draw(st.integers(1, 6))
        long, size = (k + 1) * times, k * times
        short = draw(st.sampled_from([long, max(1, long // 2), (k + 1) * draw(st.integers(1, times))]))
    return (*draw(st.permutations([long, short])), size)


@given(shrinking(), st.integers(0, 9))
@settings(max_examples=300)
def test_resize_gives_the_librarys_bytes(sizes, seed):
    height, width, size = sizes
    library = A.LongestMaxSize(max_size=size, interpolation=cv2.INTER_CUBIC, area_for_downscale="image", p=1)
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    ((ours, _),) = draw(transforms.resize(size), picture, 1)
    ((theirs, _),) = draw(library, picture, 1)
    assert ours.dtype == np.uint8 and ours.shape == theirs.shape
    differs = ours != theirs
    if differs.any():  # the mean is half-way between two grey levels: float32 falls to either side
        rows, columns = (area_weights(*pair) for pair in zip((height, width), ours.shape, strict=False))
        exact = np.einsum("yh,hwc,xw->yxc", rows, picture, columns)
        assert np.abs(exact - np.floor(exact) - 0.5)[differs].max() < 1e-3
        assert np.abs(ours - exact).max() < 0.501


@pytest.mark.parametrize("k", [1, 2, 4, 7, 14])
def test_areas_between_two_pixels_are_interpolated(k, monkeypatch):
    """The quick way is taken where it should be, and OpenCV's way is not."""
    picture = scene(8 * (k + 1), 4 * (k + 1))
    expected = cv2.resize(picture, (4 * k, 8 * k), interpolation=cv2.INTER_AREA)
    called = []
    monkeypatch.setattr(cv2, "remap", lambda *given, kept=cv2.remap: called.append(1) or kept(*given))
    ((result, _),) = draw(transforms.resize(8 * k), picture, 1)
    assert len(called) == (k > 1)  # halves are OpenCV's: it adds those up in whole numbers
    assert np.abs(result.astype(int) - expected).max() <= (k == 2)  # thirds cannot be told from ties


@pytest.mark.parametrize("shape", [(256, 256), (300, 299), (448, 112), (448, 336), (225, 17)])
def test_resize_gives_the_librarys_bytes_at_usual_sizes(shape):
    library = A.LongestMaxSize(max_size=224, interpolation=cv2.INTER_LINEAR, area_for_downscale="image", p=1)
    for picture in (scene(*shape), np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)):
        ((ours, _),) = draw(transforms.resize(224, transforms.AREA_LINEAR), picture, 1)
        ((theirs, _),) = draw(library, picture, 1)
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("interpolation", transforms.INTERPOLATIONS)
@pytest.mark.parametrize(
    ("shape", "expected"),
    [((53, 37), (40, 28)), ((10, 20), (20, 40)), ((1, 300), (1, 40)), ((40, 40), (40, 40))],
)
def test_resize_keeps_the_proportion(interpolation, shape, expected):
    ((result, _),) = draw(transforms.resize(40, interpolation), scene(*shape), 1)
    assert result.shape == (*expected, 3)


@pytest.mark.parametrize(
    ("interpolation", "shrinking", "enlarging"),
    [
        ("area/cubic", cv2.INTER_AREA, cv2.INTER_CUBIC),
        ("area/linear", cv2.INTER_AREA, cv2.INTER_LINEAR),
        ("linear/linear", cv2.INTER_LINEAR, cv2.INTER_LINEAR),
    ],
)
def test_interpolation_is_that_of_its_name(interpolation, shrinking, enlarging):
    for size, method in ((24, shrinking), (90, enlarging)):
        ((result, _),) = draw(transforms.resize(size, interpolation), scene(48, 48), 1)
        assert np.array_equal(result, cv2.resize(scene(48, 48), (size, size), interpolation=method))


def test_pad_centres_on_black():
    ((result, _),) = draw(transforms.pad(61), scene(53, 37), 1)
    assert result.shape == (61, 61, 3)
    assert np.array_equal(result[4:57, 12:49], scene(53, 37))
    assert result.sum() == scene(53, 37).sum()


def test_affine_has_one_scale_for_both_axes_and_stays_in_its_ranges():
    drawn = draw(transforms.shift_scale_rotate(p=1), np.full((100, 100, 3), 200, np.uint8), 300)
    matrices = np.array([parameters["matrix"][:2] for _, parameters in drawn])
    singular = np.linalg.svd(matrices[:, :, :2], compute_uv=False)
    assert np.allclose(singular[:, 0], singular[:, 1])
    degrees = np.degrees(np.arctan2(matrices[:, 1, 0], matrices[:, 0, 0]))
    centre = np.array([49.5, 49.5, 1])
    shifts = matrices @ centre - centre[:2]
    for values, low, high in ((singular[:, 0], 0.8, 1.2), (degrees, -5, 5), (shifts, -10, 10)):
        assert low <= values.min() < low + 0.1 * (high - low)
        assert high >= values.max() > high - 0.1 * (high - low)
    assert abs(np.corrcoef(shifts.T)[0, 1]) < 0.25  # each axis draws its own shift
    corner = [result[0, 0] for result, p in drawn if (p["matrix"][:2, 2] > 8).all()]
    assert corner
    assert not np.any(corner)  # black where nothing was


@given(st.integers(1, 90), st.integers(1, 90), st.integers(0, 10**6))
@settings(max_examples=100, deadline=None)
def test_affine_equals_the_library(height, width, seed):
    """The same drawn values give the library's matrix, and that matrix the library's bytes."""
    from albumentations.augmentations.geometric import functional

    ours = transforms.shift_scale_rotate(p=1)
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    ((result, drawn),) = draw(ours, picture, 1, seed)
    stream = random.Random(seed)
    shift = {"x": int(stream.uniform(-0.1, 0.1) * width), "y": int(stream.uniform(-0.1, 0.1) * height)}
    scale, degrees = stream.uniform(0.8, 1.2), stream.uniform(-5, 5)
    assert (drawn["scale"], drawn["rotate"]) == ({"x": scale, "y": scale}, degrees)
    matrix = functional.create_affine_transformation_matrix(
        shift, {"x": 0, "y": 0}, drawn["scale"], degrees, functional.center((height, width))
    )
    assert np.allclose(drawn["matrix"], matrix[:2], rtol=0, atol=1e-9)
    library = A.Affine.apply(ours, picture, np.vstack([drawn["matrix"], [0, 0, 1]]), (height, width))
    assert np.array_equal(result, library)


def test_a_picture_of_the_right_size_is_not_copied_and_every_other_one_padded():
    pad = transforms.pad(40)
    for shape in ((40, 40), (40, 33), (7, 40), (39, 39), (52, 40)):
        ((result, drawn),) = draw(pad, scene(*shape), 1)
        ((library, borders),) = draw(
            A.PadIfNeeded(min_height=40, min_width=40, fill=0, p=1), scene(*shape), 1
        )
        assert np.array_equal(result, library)
        assert drawn.items() <= borders.items() and "pad_left" in drawn


def test_one_of_leaves_alone_what_chance_leaves_alone():
    one_of = transforms.colour(p=0.4)
    one_of.set_random_state(None, random.Random(0))
    changed = [
        bool(one_of(image=scene(8, 8), applied_transforms=[])["applied_transforms"]) for _ in range(2000)
    ]
    assert stats.binomtest(sum(changed), 2000, 0.4).pvalue > 1e-4
