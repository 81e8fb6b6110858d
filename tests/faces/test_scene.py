"""One clip or photograph: whose face is taken, what is listed, what a fake borrows."""

from __future__ import annotations

import numpy as np
import pytest

from dfstudy.faces.clips import read_facts, read_frames
from dfstudy.faces.containers import ClipError
from dfstudy.faces.reuse_boxes import borrow_in_clip, borrow_in_picture
from dfstudy.faces.scene import faces_in_clip, faces_in_picture
from dfstudy.faces.settings import FaceSettings

from .conftest import draw

SMALL = FaceSettings(frames=4, size=40, smallest=20)
STILL = (60, 40, 20, 30)


def test_a_face_for_a_moment_is_nobody(write_clip, finder, tmp_path):
    frames = [[STILL] for _ in range(24)]
    frames[9] = [STILL, (0, 0, 36, 54)]
    found = faces_in_clip(write_clip(tmp_path / "a.mkv", frames), finder, SMALL)
    assert [crop.spot.face.box for crop in found.crops] == [STILL] * 4 and found.missed == []
    assert [crop.spot.faces for crop in found.crops] == [1, 2, 1, 1]


def test_frames_without_the_face_are_listed(write_clip, finder, tmp_path):
    frames = [[STILL]] * 12 + [[]] * 12
    found = faces_in_clip(write_clip(tmp_path / "a.mkv", frames), finder, SMALL)
    assert [crop.spot.frame for crop in found.crops] == [3, 9]
    assert [(missed.frame, missed.seconds, missed.reason) for missed in found.missed] == [
        (15, 1.875, "no face found"),
        (21, 2.625, "no face found"),
    ]
    scenes = [[STILL]] * 18 + [[(5, 5, 20, 30)]] * 6
    found = faces_in_clip(write_clip(tmp_path / "b.mkv", scenes), finder, SMALL)
    reasons = [missed.reason for missed in found.missed]
    assert len(found.crops) == 3
    assert reasons == [
        "the face that is followed is not in the frame",
        "other faces: 1 less prominent, not cropped",
    ]


def test_a_clip_that_is_cut_off_is_used_and_listed(write_clip, finder, tmp_path):
    whole = write_clip(tmp_path / "a.avi", [[STILL]] * 40, codec="MJPG")
    (tmp_path / "cut.avi").write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    found = faces_in_clip(tmp_path / "cut.avi", finder, SMALL)
    (missed,) = found.missed
    # what is left is counted, and the frames are those of its equal parts
    left = len(list(read_frames(tmp_path / "cut.avi", range(40))))
    assert 8 < left < 40 and missed.reason.startswith("cut off or damaged")
    assert f": {left} of 40 frames can be read" in missed.reason
    assert [crop.spot.frame for crop in found.crops] == [(2 * at + 1) * left // 8 for at in range(4)]
    with pytest.raises(ClipError):
        faces_in_clip(tmp_path / "nowhere.avi", finder, SMALL)


@pytest.mark.parametrize(("name", "codec"), [("a.mkv", "MJPG"), ("a.wmv", "MJPG"), ("a.webm", "VP80")])
def test_a_container_that_tells_too_many_frames(write_clip, retime, finder, tmp_path, name, codec):
    plain = write_clip(tmp_path / "plain.mkv", [[STILL]] * 60, codec=codec)
    late = retime(plain, tmp_path / name, codec)
    assert read_facts(late).frames > 500  # the claim, in milliseconds
    found = faces_in_clip(late, finder, SMALL)
    assert [crop.spot.frame for crop in found.crops] == [7, 22, 37, 52]
    assert all(": 60 of" in missed.reason for missed in found.missed)


def test_what_a_fake_borrows(write_clip, finder, tmp_path):
    original = write_clip(tmp_path / "a.mkv", [[STILL]] * 24)
    spots = [crop.spot for crop in faces_in_clip(original, finder, SMALL).crops]
    looks = finder.looks
    # no face is found in this fake: the original's boxes are all there is
    found = borrow_in_clip(write_clip(tmp_path / "b.mkv", [[]] * 24), spots, finder, SMALL)
    assert found.borrowed and [crop.spot for crop in found.crops] == spots and finder.looks - looks == 4
    double = draw([(120, 80, 40, 60)], 320, 240)
    found = borrow_in_clip(write_clip(tmp_path / "c.mkv", [double] * 24), spots, finder, SMALL)
    assert {crop.spot.face.box for crop in found.crops} == {(120, 80, 40, 60)}
    assert {crop.square.side for crop in found.crops} == {78}
    wide = draw([STILL], 200, 120)
    assert "different shapes" in borrow_in_clip(
        write_clip(tmp_path / "d.mkv", [wide] * 24), spots, finder, SMALL
    )


def test_black_and_empty_photographs(finder):
    assert faces_in_picture(draw([]), finder, SMALL).missed[0].reason == "no face found"
    black = draw([], grey=0)
    assert "dark" in faces_in_picture(black, finder, SMALL).missed[0].reason

    class Sure:
        key = "sure"

        def find(self, picture, turn=None):
            return finder.find(draw([STILL]), 0)

    found = faces_in_picture(black, Sure(), SMALL)
    assert found.crops == [] and found.missed[0].reason.startswith("too dark: ")
    (crop,) = faces_in_picture(draw([STILL]), finder, SMALL).crops
    assert crop.pixels.shape == (40, 40, 3) and crop.pixels.dtype == np.uint8 and crop.square.side == 39


def test_what_a_fake_photograph_borrows(finder):
    spots = [crop.spot for crop in faces_in_picture(draw([STILL]), finder, SMALL).crops]
    moved = draw([(63, 41, 20, 30)])
    found = borrow_in_picture(moved, spots, finder, SMALL)
    assert [crop.spot for crop in found.crops] == spots and found.borrowed
    assert len(borrow_in_picture(draw([]), spots, finder, SMALL).crops) == 1
    assert "elsewhere" in borrow_in_picture(draw([(5, 80, 20, 30)]), spots, finder, SMALL)
    assert "different shapes" in borrow_in_picture(draw([STILL], 120, 120), spots, finder, SMALL)
