"""The chapter's learning curve: what it measures of made-up features, and when it keeps silent."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from dfstudy.chapters.c09_pretrained import curve as room
from dfstudy.study.study import load_study
from dfstudy.variants.curve import WHOLE
from dfstudy.variants.registry import CURVE, list_variants


@pytest.fixture
def shown(monkeypatch, probed, tmp_path):
    """What the chapter gives and says of features whose fakes are so far from reals."""

    def show(shift: float, groups: int = 120, **curve):
        study = load_study(out=str(tmp_path), overrides={f"learning_curve.{k}": v for k, v in curve.items()})
        study = study.model_copy(update={"evaluate": study.evaluate.model_copy(update={"replicates": 100})})
        split, features = probed({"swap": shift}, groups=groups)
        split.rows["video"] = ""
        said = []
        monkeypatch.setattr(room, "study_features", features)
        monkeypatch.setattr(room, "display", lambda *each: said.extend(each))
        numbers = {number.id: number for number in room.show_curve(study, split)}
        return study, split, numbers, " ".join(one.data for one in said if hasattr(one, "data"))

    return show


def test_the_curve_rises_and_is_the_same_again(shown, tmp_path):
    asked = {"draws": 2, "shares": [0.1, 0.5, 1.0]}
    *_, numbers, said = shown(1.0, **asked)
    few, everything = numbers["curve.probe.groups.auc.6"], numbers["curve.probe.groups.auc.60"]
    assert few.value + 0.05 < everything.value and everything.low <= everything.value <= everything.high
    assert everything.n == 60 and everything.groups == 30
    doubled = numbers["curve.probe.groups.doubled"]
    assert doubled.low <= doubled.value <= doubled.high and str(doubled) in said
    assert "curve.probe.images.doubled" not in numbers  # one image of each class in a group
    figure = (tmp_path / "figures" / "pretrained_curve.png").read_bytes()
    assert shown(1.0, **asked)[2] == numbers
    assert (tmp_path / "figures" / "pretrained_curve.png").read_bytes() == figure


def test_of_features_that_say_nothing_no_law_is_told(shown):
    *_, numbers, said = shown(0.0, draws=2, shares=[0.5, 1.0])
    assert "curve.probe.groups.doubled" not in numbers
    assert numbers["curve.probe.groups.needed"].value is None
    assert "cannot be told: its AUC is not shown to be better than chance" in said


def test_off_and_few_groups_are_said(shown):
    assert "asks for no learning curve" in shown(1.0, shares=[])[3]
    assert "8 training groups" in shown(1.0, groups=16)[3]


def test_networks_learn_from_nested_shares_and_one_that_has_not_learned_says_so(shown, monkeypatch):
    study, split, _, _ = shown(1.0, groups=16, draws=2, shares=[0.5, 1.0], networks=True)
    variants = list_variants(study, split, CURVE)
    assert [one.name for one in variants] == ["curve_50-draw_0", "curve_50-draw_1", WHOLE]
    assert [one.split.part("train")["group"].nunique() for one in variants] == [4, 4, 8]
    assert {tuple(one.split.part("test")["path"]) for one in variants} == {tuple(split.part("test")["path"])}
    assert variants[-1].identity(0) == list_variants(study, split, "runs")[0].identity(0)
    test = split.part("test").sort_values("path", ignore_index=True)
    random = np.random.default_rng(0)

    def predict(run, split):
        return test.assign(probability=random.random(len(test)) / 2 + run / 2 * test["label"])

    monkeypatch.setattr("dfstudy.variants.variant.Variant.train", lambda self: [self.name == WHOLE])
    monkeypatch.setattr(room, "predict", predict)
    learned = SimpleNamespace(learned=False, told=lambda: "not learned: it was not trained")
    monkeypatch.setattr(room, "judge_runs", lambda runs, settings: learned)
    (measured,) = room._train(study, split)
    assert measured.curve.sizes.tolist() == [4, 8] and measured.curve.aucs[1] > measured.curve.aucs[0]
    assert "has not learned" in room.tell_curve(measured)
    quiet = study.model_copy(
        update={"learning_curve": study.learning_curve.model_copy(update={"networks": False})}
    )
    assert list_variants(quiet, split, CURVE) == []
