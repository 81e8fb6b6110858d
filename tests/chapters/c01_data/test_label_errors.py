"""Chapter 01's suspicious labels: how many, what that is worth, the table and the faces."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dfstudy.chapters.c01_data import frozen
from dfstudy.chapters.c01_data import label_errors as room
from dfstudy.present.numbers import say
from dfstudy.study.study import load_study


@pytest.fixture
def measure(monkeypatch, probed, tmp_path):
    def measured(shift: float, groups: int = 60):
        split, features = probed({"swap": shift}, groups=groups)
        monkeypatch.setattr(frozen, "study_features", features)
        study = load_study(out=str(tmp_path))
        return study, split, frozen.hold_out_images(study, split, split.rows, progress=False)

    return measured


def test_planted_errors_are_found_and_the_table_is_ranked(measure, monkeypatch, tmp_path):
    study, split, probed = measure(3.0)
    suspicious, found = room.label_numbers(study, probed)
    assert found.value > 0.5 and found.low <= found.value <= found.high and found.n == 6
    table = pd.read_csv(tmp_path / "numbers" / room.TABLE)
    assert len(table) == suspicious.value < 10 and table["rank"].is_monotonic_increasing
    told = room.tell_labels({number.id: number for number in (suspicious, found)})
    assert "cannot be told" not in told and str(found) in say(told, [suspicious, found]).data
    shown = []
    monkeypatch.setattr(
        room, "read_picture", lambda path: shown.append(path.name) or np.zeros((8, 8, 3), np.uint8)
    )
    html = room.show_suspects(study, split, probed).data
    trains = set(split.part("train")["path"])
    assert set(shown) <= trains and (room.SHEET in html) is bool(shown)


def test_where_features_say_nothing_it_cannot_be_told(measure):
    study, _, probed = measure(0.0, groups=40)
    numbers = room.label_numbers(study, probed)
    assert "cannot be told" in room.tell_labels({number.id: number for number in numbers})


def test_without_a_probe_it_says_why(measure):
    study, split, _ = measure(1.0, groups=12)
    plain = study.model_copy(update={"model": study.model.model_copy(update={"weights": "none"})})
    probed = frozen.hold_out_images(plain, split, split.rows, progress=False)
    numbers = {number.id: number for number in room.label_numbers(plain, probed)}
    assert "no pretrained weights" in room.tell_labels(numbers)
    assert room.show_suspects(plain, split, probed).data == ""
