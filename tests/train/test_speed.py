"""The pace that a budget is decided by: of the study's own network, on its images, and quickly known."""

from __future__ import annotations

import pytest

from dfstudy.train import speed


def test_a_pace_is_seconds_a_picture_and_leaves_nothing_behind(parts, make_study, tmp_path):
    study = make_study(threads=1)
    pace = speed.measure_pace(study, parts)
    assert 0 < pace.predict < pace.train < 1
    assert not (tmp_path / "out").exists()


def test_a_slow_machine_is_measured_by_two_steps(parts, make_study, monkeypatch):
    monkeypatch.setattr(speed, "MOST_SECONDS", 0.0)
    taken = []
    step = speed.Trainer.step
    monkeypatch.setattr(speed.Trainer, "step", lambda *given: taken.append(1) or step(*given))
    assert speed.measure_pace(make_study(threads=1), parts).train > 0
    assert len(taken) == 3  # two of the first epoch, one that ends the second


@pytest.mark.parametrize("most", [4, 10, 99])
def test_the_pictures_hold_both_classes(parts, most):
    chosen = speed._some(parts, "train", most)
    assert set(chosen.labels) == {0, 1} and len(chosen.labels) == min(most, len(parts.part("train")))
    assert len(set(chosen.paths)) == len(chosen.paths) and chosen.sizes.shape == (len(chosen.labels), 2)
