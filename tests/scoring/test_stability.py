"""`--stability`: a verdict stands only where no re-encoding gets another one."""

from __future__ import annotations

import pytest

from dfstudy.data.images import read_picture
from dfstudy.predict.corruptions import CORRUPTIONS
from dfstudy.scoring.detector import Detector, _Waiting
from dfstudy.scoring.inputs import RE_ENCODINGS, Prepared


@pytest.fixture
def run(tmp_path, make_run):
    return make_run(tmp_path / "runs" / "seed0-key")


def test_unsure_where_a_re_encoding_gets_another_verdict(run, tmp_path, write_noise):
    pictures = write_noise(tmp_path / "pictures", 40)
    plain, checked = Detector.load(run), Detector.load(run).check_stability()
    alone = list(plain.stream(pictures))
    arrays = [read_picture(path) for path in pictures]
    views = [
        [score.verdict for score in plain.stream(CORRUPTIONS[name](array, severity) for array in arrays)]
        for name, severity in RE_ENCODINGS
    ]
    found = list(checked.stream(pictures))
    for at, (one, before) in enumerate(zip(found, alone, strict=True)):
        flips = sum(view[at] != before.verdict for view in views)
        assert one.flips == flips and before.flips is None
        assert one.verdict == ("unsure" if flips else before.verdict)
        assert (one.logit, one.probability, one.frames) == (before.logit, before.probability, 1)
    assert {bool(one.flips) for one in found} == {True, False}
    assert checked.key != plain.key and checked.check_stability().key == checked.key
    told = " ".join(checked.legend())
    assert "5 forward passes an image" in told and "JPEG quality 80" in told


def test_views_of_a_video_are_joined_view_by_view(run):
    detector = Detector.load(run).check_stability()
    line = detector.operating.calibration
    high, low = ((side - line.intercept) / line.slope for side in (40, -40))
    # three frames that say real as they are and after all but the last re-encoding
    video = _Waiting(Prepared("clip.mp4", "video", []), 15, [low, low, low, low, high] * 3)
    score = detector._judge(video)
    assert (score.frames, score.flips, score.verdict) == (3, 1, "unsure") and score.probability < 1e-9
    video.logits[4::5] = [low] * 3
    assert (detector._judge(video).flips, detector._judge(video).verdict) == (0, "real")
