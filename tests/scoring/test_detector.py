"""A run as a detector: the logits of `predict`, in order, in bounded memory, whatever lies in between."""

from __future__ import annotations

import dataclasses
import os
import threading

import cv2
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dfstudy
from dfstudy.chapters.c04_test.video_level import STRATEGIES
from dfstudy.data import loader
from dfstudy.data.images import read_picture
from dfstudy.data.prefetch import map_ahead
from dfstudy.data.split import Split
from dfstudy.errors import StudyError
from dfstudy.faces.face import Face
from dfstudy.faces.settings import FaceSettings
from dfstudy.model.checkpoint import read_checkpoint
from dfstudy.predict.predict import BATCH, predict
from dfstudy.scoring import detector as detector_module
from dfstudy.scoring.detector import Detector
from dfstudy.scoring.inputs import walk_items
from dfstudy.stats.calibration import FITS, USED
from dfstudy.stats.decisions import choose_band
from dfstudy.train.run import Run
from dfstudy.train.threshold import best_threshold

PICTURES = 70  # one whole batch of 64 and a part


@pytest.fixture
def pictures(tmp_path, write_noise):
    return write_noise(tmp_path / "pictures", PICTURES)


@pytest.fixture
def run(tmp_path, make_run):
    return make_run(tmp_path / "runs" / "seed0-key")


def fitted(run):
    clean = pd.read_csv(run / "clean.csv")
    return FITS[USED](clean["logit"], clean["label"])


class MiddleFinder:
    """Takes the middle of every image for a face, but for dark ones."""

    key = "middle"

    def find(self, picture: np.ndarray, turn: int | None = None) -> list[Face]:
        if picture.mean() < 60 or turn:
            return []
        height, width = picture.shape[:2]
        points = tuple(
            (width * x, height * y) for x, y in ((0.4, 0.4), (0.6, 0.4), (0.5, 0.5)) + ((0.5, 0.6),) * 2
        )
        return [Face((width * 0.25, height * 0.25, width * 0.5, height * 0.5), points, 0.95)]


def test_logits_are_those_of_predict_to_the_last_bit(run, pictures, monkeypatch):
    monkeypatch.setattr(loader, "count_workers", lambda workers, processes=1: 0)
    rows = {"path": [path.name for path in pictures], "label": 0, "method": "real", "group": "g"}
    table = pd.DataFrame({**rows, "sha256": "0" * 64, "split": "test"})
    split = Split(table, pd.DataFrame(), pictures[0].parent, "f" * 64, True, (), pd.DataFrame())
    trained = Run(run.name, 0, run, pd.DataFrame(), pd.DataFrame(), read_checkpoint(run))
    expected = predict(trained, split, progress=False)["logit"].tolist()
    detector = Detector.load(run)
    scores = list(detector.stream(pictures))
    assert [score.logit for score in scores] == expected and len(set(expected)) > PICTURES // 2
    assert [score.name for score in scores] == [path.as_posix() for path in pictures]
    assert [score.probability for score in scores] == fitted(run)(expected).tolist()
    # neither neighbours nor order matter, nor whether pixels come from a file
    assert [score.logit for score in detector.stream(reversed(pictures[3:9]))] == expected[8:2:-1]
    assert detector.score(pictures[5]) == scores[5]
    assert detector.score(read_picture(pictures[5])).logit == expected[5]


def test_verdicts_follow_the_band_that_validation_chose(run, pictures):
    detector = Detector.load(run)
    clean = pd.read_csv(run / "clean.csv")
    calibrated = fitted(run)(clean["logit"])
    chosen = best_threshold(clean["logit"].to_numpy(), clean["label"].to_numpy())  # not calibrated
    threshold = fitted(run)([np.log(chosen / (1 - chosen))])[0]
    band = choose_band(clean["label"], calibrated, clean["group"], 0.05, threshold)
    assert band.low < band.high and detector.operating.threshold == pytest.approx(threshold, rel=1e-12)
    scores = list(detector.stream(pictures))
    for score in scores:
        p = score.probability
        assert score.verdict == ("fake" if p >= band.high else "real" if p < band.low else "unsure")
    assert len({score.verdict for score in scores}) > 1
    ends = (0.0, band.low, band.high)  # the low end is unsure, the high end is fake
    assert [detector.operating.verdict(p) for p in ends] == ["real", "unsure", "fake"]
    alarms = float((calibrated[clean["label"] == 0] >= band.high).mean())
    text = " ".join(detector.legend())
    assert f"{100 * alarms:.1f} % (95 % interval" in text and "200 validation images" in text
    assert "where 50% of the images are fake" in text and "with 95 % confidence that at most 5%" in text
    assert text.endswith("forged.") and "Not evidence" in text


def test_a_run_without_validation_scores_gives_the_checkpoints_verdicts(tmp_path, make_run, pictures):
    detector = Detector.load(make_run(tmp_path / "old", validation=False))
    for score in detector.stream(pictures):
        assert score.verdict == ("fake" if score.logit / 1.7 >= np.log(0.4 / 0.6) / 1.7 else "real")
    text = " ".join(detector.legend())
    assert "its false-alarm rate is not known" in text
    # a temperature knows of no mixture of fakes and reals, and nothing is said of one
    assert "a temperature of 1.7" in text and "must be for it to be a probability is not known" in text
    assert "validation images" not in text


def test_a_bad_item_costs_one_score(run, pictures):
    detector = Detector.load(run)
    pictures[10].write_bytes(b"")
    pictures[66].write_bytes(pictures[66].read_bytes()[:-200])
    items = [*pictures, "gone.jpg", "clip.mp4", np.zeros((4, 4), np.uint8)]
    scores = list(detector.stream(items))
    errors = {at: score.error for at, score in enumerate(scores) if score.error}
    assert list(errors) == [10, 66, 70, 71, 72] and errors[10] == "the file is empty"
    assert "--find-faces" in errors[71] and "uint8 [4, 4]" in errors[72]
    assert scores[10].probability is None and scores[10].verdict == "" and scores[10].frames == 0
    with pytest.raises(StudyError, match="the file is empty"):
        detector.score(pictures[10])
    assert detector.score(pictures[11]) == scores[11]


class Stubborn(os.PathLike):
    """Refuses to say what it is."""

    def __fspath__(self):
        raise RuntimeError("no path")


STRANGE = {
    "None": None,
    "a number": 7,
    "bytes": b"00.png",
    "a list": ["00.png"],
    "a stubborn path": Stubborn(),
    "an object": np.array([[None]]),
    "floats": np.zeros((40, 40, 3)),
    "four channels": np.zeros((40, 40, 4), np.uint8),
    "no pixels": np.zeros((0, 40, 3), np.uint8),
    "an empty name": "",
    "a zero byte": "a\0b.png",
    "a zero byte in a video": "a\0b.mp4",
    "a long name": 300 * "a" + ".png",
    "a long name of a video": 300 * "a" + ".mp4",
    "no UTF-8": os.fsdecode(b"caf\xe9.mp4"),
    "a folder": ".",
    "nothing": "nowhere/at/all.png",
}


@pytest.mark.parametrize("find", [False, True])
def test_a_stream_gives_a_reason_for_whatever_it_cannot_take(run, pictures, find):
    detector = Detector.load(run, MiddleFinder() if find else None, FaceSettings(smallest=8))
    items = [each for item in STRANGE.values() for each in (item, pictures[0])]
    scores = list(detector.stream(items))
    assert [bool(score.error) for score in scores] == [True, False] * len(STRANGE), scores
    assert "path or an array" in scores[0].error and "path or an array" in scores[6].error
    for item in STRANGE.values():
        with pytest.raises(StudyError, match="next step"):
            detector.score(item)


random = np.random.default_rng(0)
USELESS = {
    "1 x 1": np.full((1, 1, 3), 99, np.uint8),
    "3 x 2": random.integers(0, 256, (2, 3, 3), np.uint8),
    "1 x 4000": random.integers(0, 256, (4000, 1, 3), np.uint8),
    "20 x 400": random.integers(0, 256, (400, 20, 3), np.uint8),
    "black": np.zeros((300, 400, 3), np.uint8),
    "nearly black": random.integers(0, 4, (300, 400, 3), np.uint8),
    "white": np.full((300, 400, 3), 255, np.uint8),
    "one colour": np.full((300, 400, 3), (10, 200, 90), np.uint8),
}


@pytest.mark.parametrize("name", USELESS)
def test_there_is_no_verdict_on_nothing(run, tmp_path, name):
    cv2.imwrite(str(tmp_path / "a.png"), USELESS[name])
    detector = Detector.load(run)
    for score in detector.stream([USELESS[name], tmp_path / "a.png"]):
        assert score.verdict == "" and score.probability is None
        assert score.error.partition(":")[0] in ("too small", "too narrow", "too dark", "without content")


def test_a_video_is_the_mean_of_its_faces(run, tmp_path):
    writer = cv2.VideoWriter(str(tmp_path / "clip.avi"), cv2.VideoWriter.fourcc(*"FFV1"), 8, (160, 120))
    random = np.random.default_rng(0)
    frames = [random.integers(0, 255, (120, 160, 3), np.uint8) for _ in range(9)]
    for frame in frames:
        writer.write(frame)
    writer.release()
    faces = FaceSettings(frames=3, smallest=20)
    detector = Detector.load(run, MiddleFinder(), faces)
    score = detector.score(tmp_path / "clip.avi")
    assert score.frames == 3 and score.kind == "video" and score.logit is None
    for number in (1, 4, 7):  # the middles of three equal parts
        cv2.imwrite(str(tmp_path / f"{number}.png"), frames[number])
    single = [each.probability for each in detector.stream(tmp_path / f"{n}.png" for n in (1, 4, 7))]
    assert score.probability == STRATEGIES["mean"](np.array(single)) and len(set(single)) == 3
    highest = Detector.load(run, MiddleFinder(), faces, strategy="max")
    assert highest.score(tmp_path / "clip.avi").probability == max(single)
    keys = {Detector.load(run).key, detector.key, highest.key}
    assert len(keys) == 3
    (tmp_path / "cut.avi").write_bytes(b"RIFF")
    names = ["clip.avi", "cut.avi", "1.png"]
    mixed = list(detector.stream(tmp_path / name for name in names))
    assert [bool(each.error) for each in mixed] == [False, True, False] and mixed[0] == score
    cv2.imwrite(str(tmp_path / "dark.png"), np.full((120, 160, 3), 30, np.uint8))
    with pytest.raises(StudyError, match="no face found"):
        detector.score(tmp_path / "dark.png")


def test_memory_is_bounded_by_what_is_drawn_ahead(run, pictures, monkeypatch):
    monkeypatch.setattr(detector_module, "MOST_WAITING", 20)
    drawn, taken, most = 0, 0, 0

    def endless():
        nonlocal drawn
        for _ in range(500):
            drawn += 1
            yield pictures[drawn % 7] if drawn % 3 else "gone.png"

    for _ in Detector.load(run).stream(endless()):
        taken += 1
        most = max(most, drawn - taken)
    assert taken == 500 and most <= detector_module.AHEAD + 2 * BATCH
    # a stream whose reader leaves ends, and draws no more
    before = drawn
    stream = Detector.load(run).stream(endless())
    next(stream)
    stream.close()
    assert drawn - before < 400 and not [t for t in threading.enumerate() if t.name.startswith("ThreadPool")]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 9), max_size=30), st.integers(1, 12))
def test_drawing_ahead_keeps_order_and_bound(weights, bound):
    held, lock = [0, 0], threading.Lock()

    def begin(item):
        with lock:
            held[0] += item[1]
            held[1] = max(held[1], held[0])
        return item

    taken = []
    for item in map_ahead(begin, enumerate(weights), bound, weigh=lambda item: item[1]):
        with lock:
            held[0] -= item[1]
        taken.append(item[0])
    assert taken == list(range(len(weights)))
    assert held[1] <= max([bound, *weights])


def test_folders_are_walked_in_order(tmp_path, write_noise):
    for folder in ("b", "a/deep", "a/masks", ".hidden"):
        write_noise(tmp_path / "top" / folder, 2)
    (tmp_path / "top" / "a" / "notes.txt").write_text("no image")
    (tmp_path / "top" / "a" / "clip.MP4").write_bytes(b"")
    (tmp_path / "top" / "b" / "loop").symlink_to(tmp_path / "top")
    found = list(walk_items([tmp_path / "top", tmp_path / "top" / "a" / "notes.txt"]))
    names = ["a/clip.MP4", "a/deep/00.png", "a/deep/01.png", "b/00.png", "b/01.png", "a/notes.txt"]
    assert found == [(tmp_path / "top" / name).as_posix() for name in names]
    with pytest.raises(StudyError, match="no file or folder"):
        list(walk_items([tmp_path / "nothing"]))


def test_the_package_offers_it(run):
    assert dfstudy.Detector is Detector
    image = np.arange(29 * 37 * 3, dtype=np.uint8).reshape(29, 37, 3)
    assert dataclasses.is_dataclass(type(dfstudy.Detector.load(str(run)).score(image)))
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        dfstudy.Nothing  # noqa: B018
    with pytest.raises(StudyError, match="no strategy is called 'best'"):
        Detector.load(run, strategy="best")
