"""Reading clips: the right frames at the right times, and what a damaged file still gives."""

from __future__ import annotations

import io
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dfstudy.faces.clips import ClipFacts, even_frames, read_facts, read_frames
from dfstudy.faces.containers import ClipError

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


def test_a_codec_that_cannot_be_decoded_is_named(tmp_path):
    """AV1 in two containers: OpenCV opens both, and gives no frame."""
    still = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)).save(still, "AVIF")
    packet = np.frombuffer(still.getvalue().partition(b"mdat")[2], np.uint8)
    for name in ("a.mp4", "a.avi"):
        path, raw = tmp_path / name, [cv2.VIDEOWRITER_PROP_RAW_VIDEO, 1]
        writer = cv2.VideoWriter(
            str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"av01"), 25, (96, 64), raw
        )
        for at in range(8):
            writer.set(cv2.VIDEOWRITER_PROP_KEY_FLAG, 1)
            writer.set(cv2.VIDEOWRITER_PROP_PTS, at)
            writer.write(packet)
        writer.release()
        if cv2.VideoCapture(str(path), cv2.CAP_FFMPEG).read()[0]:
            pytest.skip("this OpenCV decodes AV1")
        with pytest.raises(ClipError, match=r"AV1.*convert"):
            read_facts(path)


@pytest.mark.parametrize(("written", "named"), [(b"V_AV1", "AV1"), (b"V_XYZ", "XYZ")])
def test_a_codec_that_nothing_opens_is_named(write_clip, tmp_path, written, named):
    path = write_clip(tmp_path / "a.mkv", ramp(4), codec="VP90")
    path.write_bytes(path.read_bytes().replace(b"V_VP9", written))
    with pytest.raises(ClipError, match=f"codec is {named}"):
        read_facts(path)


def test_a_count_that_is_too_low_is_counted(write_clip, tmp_path):
    path = write_clip(tmp_path / "a.avi", ramp(24), codec="MJPG")
    data = bytearray(path.read_bytes())
    for name, at in ((b"avih", 24), (b"strh", 40)):  # frames of the file and of the stream, as AVI lays out
        place = data.index(name) + at
        assert int.from_bytes(data[place : place + 4], "little") == 24
        data[place : place + 4] = (6).to_bytes(4, "little")
    path.write_bytes(data)
    assert read_facts(path) == (24, pytest.approx(8), 64, 48)


@pytest.mark.parametrize("name", ["cam:1.mp4", "%03d.mp4", "a{b} $c 'd' [e] ?#.mp4"])
def test_a_name_is_only_a_name(write_clip, tmp_path, monkeypatch, name):
    """ffmpeg takes `cam:` for a protocol."""
    write_clip(tmp_path / "plain.mp4", ramp(4), codec="mp4v").rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert read_facts(Path(name)).frames == 4


def test_what_is_no_file_is_not_opened(tmp_path):
    (tmp_path / "folder.mp4").mkdir()
    os.mkfifo(tmp_path / "pipe.mp4")
    for name in ("folder.mp4", "pipe.mp4"):
        with pytest.raises(ClipError, match="cannot be read"):
            read_facts(tmp_path / name)
