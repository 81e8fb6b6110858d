"""The geometry of crops: inside the image, upright, the same for whatever way the image lies."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfstudy.faces.crop import crop_face, square_around
from dfstudy.faces.face import Face, overlap, prominence, turned_back
from dfstudy.faces.finder import shrink

from .conftest import draw, face_at

SIDES = st.integers(20, 300)
PLACES = st.tuples(st.floats(-40, 300), st.floats(-40, 300), st.floats(4, 200), st.floats(4, 200))


@settings(deadline=None)
@given(SIDES, SIDES, PLACES, st.floats(0.5, 4))
def test_a_square_lies_inside_and_is_as_large_as_it_can(width, height, place, margin):
    face = face_at(*place)
    left, top, side = square_around(face, width, height, margin)
    assert left >= 0 and top >= 0 and left + side <= width and top + side <= height
    wanted = round(margin * max(place[2:]))
    assert side == min(wanted, width, height)
    x = face.centre[0]
    if wanted <= min(width, height) and wanted / 2 <= x <= width - wanted / 2:
        assert abs(left + side / 2 - x) <= 1  # nowhere near the border: in the middle


@settings(deadline=None)
@given(PLACES, PLACES)
def test_overlap_counts_area(one, other):
    cells = np.zeros((2, 560, 560), bool)
    boxes = []
    for at, place in enumerate((one, other)):
        left, top, wide, high = (round(value) for value in place)
        boxes.append((left, top, wide, high))
        cells[at, top + 50 : top + high + 50, left + 50 : left + wide + 50] = True
    common = (cells[0] & cells[1]).sum() / (cells[0] | cells[1]).sum()
    assert overlap(*boxes) == pytest.approx(common)


def test_margin_and_size():
    picture = draw([(60, 40, 20, 30)])
    face = face_at(60, 40)
    crop = crop_face(picture, face, size=0, margin=1.3)
    assert crop.shape == (39, 39, 3)
    # 20 of 39 columns and 30 of 39 rows are face
    red = crop[..., 0] > 200
    assert red.sum() == 20 * 30 and red[4:34, 10:30].all()
    assert crop_face(picture, face, size=78).shape == (78, 78, 3)
    assert np.array_equal(crop, picture[36:75, 50:89])


def test_a_face_at_the_border_keeps_real_pixels():
    picture = draw([(0, 0, 20, 30)])
    crop = crop_face(picture, face_at(0, 0), size=0)
    assert np.array_equal(crop, picture[:39, :39])
    huge = crop_face(picture, face_at(0, 0, 150, 118), size=0, margin=2)
    assert np.array_equal(huge, picture[:, 15:135])


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_picture_on_its_side_gives_the_upright_crop(turn):
    upright = draw([(60, 40, 20, 30)])
    upright[45:50, 62:66] = 255  # an eye, so that a mirrored crop would show
    face = face_at(60, 40)
    lies = np.ascontiguousarray(np.rot90(upright, turn // 90))  # against the clock: undone by `turn`
    height, width = lies.shape[:2]
    back = turned_back(face, turn, width, height)
    assert back.turn == turn and back.tilt == pytest.approx(0, abs=1e-9)
    left, top, wide, high = map(round, back.box)
    assert (lies[top : top + high, left : left + wide, 0] >= 225).all()
    expected, found = crop_face(upright, face, 0), crop_face(lies, back, 0)
    # the square's middle rounds to a whole pixel: one pixel of play
    near = [np.abs(np.roll(found, (dy, dx), (0, 1)).astype(int) - expected)[2:-2, 2:-2].max()
            for dy in (-1, 0, 1) for dx in (-1, 0, 1)]  # fmt: skip
    assert min(near) <= 3
    aligned = crop_face(lies, back, 0, align=True)
    assert np.abs(aligned.astype(int) - found)[3:-3, 3:-3].mean() < 8


def test_align_sets_the_eyes_above_the_mouth():
    picture = np.zeros((200, 200, 3), np.uint8)
    angle = np.radians(25)  # clockwise
    spin = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    upright = np.array([(-12, -10), (12, -10), (0, 4), (-9, 18), (9, 18)], float)
    points = upright @ spin.T + 100
    face = Face((75, 75, 50, 50), tuple(map(tuple, points.tolist())), 0.9)
    assert face.tilt == pytest.approx(25)
    for (x, y), colour in zip(points[:2], [(255, 0, 0), (0, 255, 0)], strict=True):
        picture[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3] = colour
    crop = crop_face(picture, face, size=0, margin=1.6, align=True)
    right, left = (np.argwhere(crop[..., channel] > 120).mean(axis=0) for channel in (0, 1))
    assert abs(right[0] - left[0]) < 1 and left[1] - right[1] == pytest.approx(24, abs=1.5)
    leaning = crop_face(picture, face, size=0, margin=1.6)
    assert abs(np.subtract(*(np.argwhere(leaning[..., c] > 120).mean(axis=0)[0] for c in (0, 1)))) > 8


@settings(deadline=None)
@given(st.integers(16, 2000), st.integers(16, 2000), st.integers(32, 640))
def test_shrinking_leads_back(height, width, side):
    small, (x, y) = shrink(np.zeros((height, width, 3), np.uint8), side)
    assert max(small.shape[:2]) <= max(side, 1) or small.shape[:2] == (height, width)
    assert small.shape[1] * x == pytest.approx(width) and small.shape[0] * y == pytest.approx(height)


def test_of_two_alike_the_one_in_the_middle_is_prominent():
    middle, corner = face_at(70, 45), face_at(0, 0)
    assert prominence(middle, 160, 120) > prominence(corner, 160, 120)
    assert prominence(face_at(0, 0, 40, 60), 160, 120) > prominence(middle, 160, 120)


@pytest.mark.parametrize("shape", [(1, 4000), (4000, 1), (2, 3), (1, 1), (96, 1200)])
def test_an_example_of_any_shape_can_be_drawn(shape):
    from dfstudy.faces.sheet import draw_example

    drawn = cv2.imdecode(np.frombuffer(draw_example(np.zeros((*shape, 3), np.uint8), []), np.uint8), 1)
    assert drawn.shape[0] == 220 and 1 <= drawn.shape[1] <= 880
