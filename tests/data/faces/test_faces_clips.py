"""Reading clips: the right frames at the right times, and what a damaged file still gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfstudy.data.faces.clips import ClipError, ClipFacts, even_frames, read_facts, read_frames

from .conftest import draw


@settings(deadline=None)
@given(st.integers(1, 5000), st.sampled_from([0.0, 8.0, 25.0, 60.0]), st.integers(1, 64))
def test_frames_are_even_and_looks_lie_between(count, fps, wanted):
    looks, cropped = even_frames(ClipFacts(count, fps, 8, 8), wanted)
    assert looks == sorted(set(looks)) and set(cropped) <= set(looks)
    assert looks[0] >= 0 and looks[-1] < count
    assert len(cropped) == min(wanted, count) and len(looks) % len(cropped) == 0
    steps = np.diff(cropped)
    assert not len(steps) or steps.max() - steps.min() <= 1
    each = len(looks) // len(cropped)
    assert each % 2 == 1 and cropped == looks[each // 2 :: each]
    if fps and each + 2 <= min(7, count // len(cropped)):
        assert count / fps / len(looks) <= 0.75  # half a second, rounded


def ramp(count: int) -> list[np.ndarray]:
    return [np.full((48, 64, 3), (8 * at, 100, 255 - 8 * at), np.uint8) for at in range(count)]


@pytest.mark.parametrize(("name", "codec"), [("a.mkv", "FFV1"), ("a.avi", "MJPG"), ("a.mp4", "mp4v")])
def test_the_frames_that_are_asked_for(write_clip, tmp_path, name, codec):
    path = write_clip(tmp_path / name, ramp(24), codec=codec)
    facts = read_facts(path)
    assert facts == (24, 8, 64, 48)
    frames = list(read_frames(path, [0, 3, 4, 23]))
    assert [frame.number for frame in frames] == [0, 3, 4, 23]
    assert [frame.seconds for frame in frames] == [0, 0.375, 0.5, 2.875]
    for frame in frames:
        red, green, blue = frame.picture.reshape(-1, 3).mean(axis=0)
        assert (red, green, blue) == pytest.approx((8 * frame.number, 100, 255 - 8 * frame.number), abs=9)


def test_a_clip_that_is_cut_off_gives_its_first_frames(write_clip, tmp_path):
    whole = write_clip(tmp_path / "a.avi", [draw([(at, 20, 20, 30)]) for at in range(30)], codec="MJPG")
    data = whole.read_bytes()
    cut = tmp_path / "cut.avi"
    cut.write_bytes(data[: len(data) * 6 // 10])
    assert read_facts(cut).frames > 0
    before = {frame.number: frame.picture for frame in read_frames(whole, range(30))}
    after = {frame.number: frame.picture for frame in read_frames(cut, range(30))}
    assert 8 <= len(after) < 30 and list(after) == list(range(len(after)))
    assert all(np.array_equal(after[at], before[at]) for at in list(after)[:-1])


def test_what_is_no_clip_says_why(write_clip, tmp_path):
    mp4 = write_clip(tmp_path / "a.mp4", ramp(12), codec="mp4v").read_bytes()
    mkv = write_clip(tmp_path / "a.mkv", ramp(2)).read_bytes()
    cases = {
        "is empty": b"",
        "holds only zeros": bytes(5000),
        "not a video": b"<html>" * 100,
        "before its index": mp4[: mp4.rfind(b"moov") - 20],
        r"index \(moov\)": mp4[: len(mp4) * 9 // 10],
        "no frame that can be decoded|not a video": mkv[:300],
    }
    for reason, data in cases.items():
        path = tmp_path / "bad.mp4"
        path.write_bytes(data)
        with pytest.raises(ClipError, match=reason):
            read_facts(path)
    with pytest.raises(ClipError, match="cannot be read"):
        read_facts(tmp_path / "nowhere.mp4")


def test_a_clip_filmed_on_its_side_is_shown_upright(write_clip, tmp_path):
    path = write_clip(tmp_path / "a.mp4", [draw([(10, 10, 40, 20)])] * 4, codec="mp4v")
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40  # the matrix of the track's header, ISO 14496-12
    turn = [0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30]  # a quarter, clockwise
    data[at : at + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in turn)
    path.write_bytes(data)
    assert read_facts(path)[2:] == (120, 160)
    picture = next(read_frames(path, [0])).picture.astype(int)
    red = np.argwhere((picture[..., 0] > 150) & (picture[..., 1] < 90))
    # what was at left 10..50, top 10..30 of 120 rows is now at left 90..110, top 10..50
    assert red.min(axis=0).tolist() == pytest.approx([10, 90], abs=2)
    assert red.max(axis=0).tolist() == pytest.approx([49, 109], abs=2)
