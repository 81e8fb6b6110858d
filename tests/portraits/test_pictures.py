from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from dfstudy.portraits import head, mesh
from dfstudy.portraits.camera import record
from dfstudy.portraits.folder import render_sample
from dfstudy.portraits.person import draw_person, draw_shot, misjudge
from dfstudy.portraits.photograph import sit, take
from dfstudy.portraits.swap import align
from dfstudy.study.pictures import SamplePictures


def portrait(seed: int, size: int = 96, **shot):
    rng = np.random.default_rng(seed)
    likeness = sit(draw_person(rng))
    return likeness, take(likeness, replace(draw_shot(rng), **shot), size)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.sampled_from([48, 61, 96]))
def test_every_draw_gives_a_portrait(seed, size):
    _, photo = portrait(seed, size)
    assert photo.image.shape == (size, size, 3)
    assert photo.image.dtype == np.float32
    assert np.isfinite(photo.image).all()
    assert photo.image.min() >= 0
    assert photo.image.max() <= 1
    seen = np.isfinite(photo.face[..., 0])
    assert 0.08 < seen.mean() < 0.75
    assert photo.image[seen].std() > 0.02  # lit and featured, no flat patch


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_landmarks_lie_where_the_rasteriser_sees_them(seed):
    likeness, photo = portrait(seed, 128, yaw=0.2, pitch=0.1, opening=0.0, smile=0.0)
    f = head.features(likeness.person)
    expected = {0: (-f["eye_x"], 0.0), 1: (f["eye_x"], 0.0), 2: (0.0, f["nose_y"])}
    for which, (x, y) in expected.items():
        column, row = np.round(photo.landmarks[which]).astype(int)
        if 0 <= row < 128 and 0 <= column < 128 and np.isfinite(photo.face[row, column, 0]):
            # the visible surface may lie before the landmark where the nose is seen from the side
            assert abs(photo.face[row, column, 0] - x) < 0.12
            assert abs(photo.face[row, column, 1] - y) < 0.12
    left, right, nose, mouth = photo.landmarks[[0, 1, 2, 5]]
    assert left[0] < right[0]
    assert nose[1] < mouth[1]


def test_the_head_turns_the_way_it_is_told():
    plain = {"roll": 0.0, "yaw": 0.0, "pitch": 0.0, "shift": (0.0, 0.0), "zoom": 1.3}
    nose = {yaw: portrait(3, **{**plain, "yaw": yaw})[1].landmarks for yaw in (-0.4, 0.0, 0.4)}
    middle = {yaw: marks[2, 0] - marks[:2, 0].mean() for yaw, marks in nose.items()}
    assert middle[-0.4] < -2 < 2 < middle[0.4]
    assert abs(middle[0.0]) < 1
    tilted = portrait(3, **{**plain, "roll": 0.3})[1].landmarks
    assert tilted[0, 1] > tilted[1, 1] + 3  # counter-clockwise: the image's left eye sinks


def test_light_falls_from_where_the_lamp_is():
    for side in (-1, 1):
        light = np.array([side * 0.8, 0.2, 0.56])
        shot = {"yaw": 0.0, "roll": 0.0, "pitch": 0.0, "light": light / np.linalg.norm(light)}
        _, photo = portrait(5, 128, key=np.full(3, 1.2), sky=np.full(3, 0.15), ground=np.full(3, 0.1), **shot)
        x, y, _ = np.moveaxis(photo.face, -1, 0)
        cheek = [
            photo.image[(np.abs(x - s * 0.4) < 0.12) & (np.abs(y + 0.25) < 0.15)].mean() for s in (-1, 1)
        ]
        assert (cheek[1] - cheek[0]) * side > 0.1


def test_normals_have_unit_length_and_point_outwards():
    rng = np.random.default_rng(0)
    points = head.head_points(draw_person(rng), draw_shot(rng))
    n = head.normals(points)
    assert np.allclose(np.linalg.norm(n[2:-2], axis=-1), 1, atol=1e-5)
    outwards = points[10:-10, 10:-10] - points.mean(axis=(0, 1)) * [1, 1, 0]
    assert ((n[10:-10, 10:-10] * outwards).sum(-1) > 0).mean() > 0.97


def test_rasterised_coordinates_agree_with_the_projection():
    rng = np.random.default_rng(1)
    points = head.head_points(draw_person(rng), draw_shot(rng)).reshape(-1, 3)
    values = mesh.coordinates(head.ROWS, head.COLUMNS)
    field, _ = mesh.rasterise(points, head.triangles(head.ROWS, head.COLUMNS), values, 1.3, 256)
    row, column = 48, 48  # between the eyes: certainly seen
    at = mesh.project(points, 1.3, 256)[row * head.COLUMNS + column]
    found = cv2.remap(field, at[None, :1].copy(), at[None, 1:].copy(), cv2.INTER_LINEAR)[0, 0]
    assert found == pytest.approx([0.5, 0.5, 1.0], abs=0.01)


def test_alignment_finds_a_known_turn_scale_and_shift():
    rng = np.random.default_rng(0)
    image = cv2.GaussianBlur(rng.random((64, 64, 3)).astype(np.float32), (0, 0), 4)
    found = rng.uniform(16, 48, (7, 2))
    turn = 1.1 * np.array([[np.cos(0.2), -np.sin(0.2)], [np.sin(0.2), np.cos(0.2)]])
    shift = np.array([3.0, -5.0])
    moved = align(image, found, found @ turn.T + shift)
    expected = cv2.warpAffine(
        image,
        np.column_stack([turn, shift]),
        (64, 64),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    assert np.abs(moved - expected).max() < 1e-4


def test_an_estimate_without_error_is_the_shot_itself():
    shot = draw_shot(np.random.default_rng(4))
    same, wrong = (misjudge(shot, np.random.default_rng(0), amount) for amount in (0.0, 1.0))
    assert (same.yaw, same.smile, same.zoom) == (shot.yaw, shot.smile, shot.zoom)
    assert same.light == pytest.approx(shot.light)
    assert wrong.yaw != shot.yaw


def test_the_camera_adds_noise_blur_and_compression_but_keeps_the_picture():
    _, photo = portrait(6, 128)
    errors, sizes = [], []
    for seed in range(30):
        data = record(photo.image, np.random.default_rng(seed))
        assert data == record(photo.image, np.random.default_rng(seed))
        seen = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
        errors.append(np.abs(seen / 255.0 - photo.image).mean())
        sizes.append(len(data))
    assert 0.005 < np.mean(errors) < 0.08
    assert max(sizes) > 1.5 * min(sizes)


@pytest.fixture(scope="module")
def default_sample(tmp_path_factory):
    """A sixth of the sample as `make report` renders it."""
    place = tmp_path_factory.mktemp("sample") / "pictures"
    render_sample(place, SamplePictures(identities=40), progress=False)
    table = pd.read_csv(place / "index.csv", keep_default_na=False)
    grey = [cv2.imread(str(place / path), cv2.IMREAD_GRAYSCALE) for path in table["path"]]
    table["file size"] = [(place / path).stat().st_size for path in table["path"]]
    table["brightness"] = [picture.mean() for picture in grey]
    table["sharpness"] = [cv2.Laplacian(picture, cv2.CV_64F).var() for picture in grey]
    return table


@pytest.mark.parametrize("property_of_file", ["file size", "brightness", "sharpness"])
def test_no_property_of_the_file_alone_tells_fakes(default_sample, property_of_file):
    """The whole sample stays within .10 of chance; 160 images a class add .03 of sampling error."""
    auc = roc_auc_score(default_sample["label"], default_sample[property_of_file])
    assert abs(auc - 0.5) < 0.13


def test_groups_hold_both_labels_in_equal_number(default_sample):
    counts = default_sample.groupby(["group", "label"]).size().unstack()
    assert (counts[0] == 4).all()
    assert (counts[1] == 4).all()
