"""One corruption at a chosen severity, and the score of what it leaves."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from dfstudy.chapters.c07_robustness import try_it
from dfstudy.chapters.c07_robustness.try_it import CLEAN, slide_severity
from dfstudy.errors import StudyError
from dfstudy.predict.corruptions import CORRUPTIONS, SEVERITIES, picture_key

RUN = SimpleNamespace(checkpoint={"threshold": 0.5})


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_every_severity_is_scored_as_it_is_shown(corruption, texture, monkeypatch):
    image, scored = texture(0, 40, 30), []

    def predict(run, images):
        scored.append(images)
        return np.array([-1.0, 1.0])

    monkeypatch.setattr(try_it, "predict_images", predict)
    slider = slide_severity(corruption, image, RUN, seed=3)
    assert list(slider.values.values()) == [0, *SEVERITIES] and slider.values[slider.start] == 3
    for label, severity in slider.values.items():
        caption = slider.at(label).caption
        first, second = scored[-1]
        made = CORRUPTIONS[corruption](image, severity, picture_key(3, "example")) if severity else image
        assert np.array_equal(first, image) and np.array_equal(second, made)
        assert "(probability of fake 0.269: real)" in caption and "0.731: fake" in caption
        assert severity or CLEAN in caption


def test_an_unknown_corruption_is_refused(texture):
    with pytest.raises(StudyError, match=r"no corruption is called 'jpg' \(did you mean 'jpeg'\?\)"):
        slide_severity("jpg", texture(0), RUN)
