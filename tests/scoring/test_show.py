"""A score as a notebook shows it."""

from __future__ import annotations

import numpy as np
import pytest

from dfstudy.errors import StudyError
from dfstudy.scoring.detector import Detector
from dfstudy.scoring.show import show_score


@pytest.fixture
def detector(tmp_path, make_run) -> Detector:
    return Detector.load(make_run(tmp_path / "runs" / "seed0-key"))


def test_a_file_is_shown_with_its_score_and_without_its_folder(detector, tmp_path, write_noise):
    [file] = write_noise(tmp_path / "pictures", 1)
    score = detector.score(file)
    shown = show_score(detector, file)
    assert shown.caption.startswith(f"{file.name}: probability of fake {score.probability:.3f}, verdict ")
    assert str(tmp_path) not in shown.html and "Not evidence about a person" in shown.caption


def test_an_array_has_the_name_that_it_is_given(detector, texture):
    image = texture(0)
    shown = show_score(detector, image, "my face")
    assert shown.caption.startswith("my face: ")
    words = {text.get_text() for text in shown.figure.axes[1].texts}
    assert words <= {"real", "unsure", "fake"} and words


def test_what_cannot_be_scored_is_refused(detector):
    with pytest.raises(StudyError, match="uint8"):
        show_score(detector, np.zeros((4, 4)))
