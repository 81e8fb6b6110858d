"""The audit by a network that never learned of forgery: what was planted is found, on groups left out."""

from __future__ import annotations

import pytest
from scipy.stats import norm

from dfstudy.chapters.c01_data import frozen as room
from dfstudy.number import Number
from dfstudy.present.numbers import say
from dfstudy.study.study import load_study

STUDY = load_study()
PROPERTIES = Number(room.PROPERTIES, 0.6, "AUC", 10)


def measure(split, study=STUDY):
    return room.probe_images(study, room.hold_out_images(study, split, split.rows, progress=False))


@pytest.mark.parametrize(
    ("shift", "word"),
    [(0.0, "do not rank the images measurably better"), (0.7, "better than chance"), (3.0, "all but solves")],
)
def test_the_planted_auc_is_found_and_said(monkeypatch, probed, shift, word):
    split, features = probed({"swap": shift})
    monkeypatch.setattr(room, "study_features", features)
    [number] = measure(split)
    assert number.id == room.PROBE and number.n == len(split.rows) and number.groups == 200
    assert number.value == pytest.approx(norm.cdf(shift), abs=0.07)
    assert number.low < norm.cdf(shift) + 0.01 and number.high > norm.cdf(shift) - 0.01
    told = room.tell_probe({number.id: number})
    assert word in told and str(number) in say(told, [number, PROPERTIES]).data


def test_every_image_takes_part_whatever_its_split(monkeypatch, probed):
    split, features = probed({"swap": 1.0}, groups=40)
    asked = []
    monkeypatch.setattr(
        room,
        "study_features",
        lambda study, split, images, progress: asked.append(images) or features(study, split, images),
    )
    measure(split)
    assert len(asked[0]) == len(split.rows)


def test_without_pretrained_weights_it_says_so(probed):
    split, _ = probed({"swap": 0.8})
    plain = STUDY.model_copy(update={"model": STUDY.model.model_copy(update={"weights": "none"})})
    [number] = measure(split, plain)
    assert number.value is None and "no pretrained weights" in room.tell_probe({number.id: number})


def test_too_few_groups_are_said(monkeypatch, probed):
    split, features = probed({"swap": 0.8}, groups=2)
    monkeypatch.setattr(room, "study_features", features)
    [number] = measure(split)
    assert number.value is None and "too few groups" in number.note
