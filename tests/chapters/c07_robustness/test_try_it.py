"""One corruption at a chosen severity, and the score of what it leaves."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from dfstudy.chapters.c07_robustness.try_it import CLEAN, slide_severity
from dfstudy.errors import StudyError
from dfstudy.predict.corruptions import CORRUPTIONS, SEVERITIES, picture_key


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_every_severity_is_scored_as_it_is_shown(corruption, texture):
    image, scored = texture(0, 40, 30), []

    def score(picture):
        scored.append(picture)
        return SimpleNamespace(probability=len(scored) / 1000, verdict="unsure")

    slider = slide_severity(corruption, image, score, seed=3)
    assert list(slider.values.values()) == [0, *SEVERITIES] and slider.values[slider.start] == 3
    for at, (label, severity) in enumerate(slider.values.items()):
        caption = slider.at(label).caption
        first, second = scored[-2:]
        made = CORRUPTIONS[corruption](image, severity, picture_key(3, "example")) if severity else image
        assert np.array_equal(first, image) and np.array_equal(second, made)
        assert f"{(2 * at + 2) / 1000:.3f}" in caption and (severity or CLEAN in caption)


def test_an_unknown_corruption_is_refused(texture):
    with pytest.raises(StudyError, match=r"no corruption is called 'jpg' \(did you mean 'jpeg'\?\)"):
        slide_severity("jpg", texture(0), lambda _: None)


def test_an_image_that_cannot_be_scored_is_shown_all_the_same(texture):
    slider = slide_severity("blur", texture(0), lambda _: SimpleNamespace(probability=None, verdict=""))
    assert "no score" in slider.at(slider.start).caption
