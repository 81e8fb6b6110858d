"""The probe on methods that it never saw: trained without them, against networks that were as well."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from dfstudy.chapters.c06_transfer import frozen as room
from dfstudy.chapters.c06_transfer.matrix import cross_matrix
from dfstudy.chapters.c06_transfer.outcome import Outcome
from dfstudy.present.numbers import say
from dfstudy.study.study import load_study

STUDY = load_study()


def measure(monkeypatch, probed, cross=None, **given):
    split, features = probed(**given)
    monkeypatch.setattr(room, "study_features", features)
    numbers = room.probe_unseen(STUDY, split, cross, progress=False)
    return split, {number.id: number for number in numbers}


def trained_without(split, strength: float, seeds: int = 3, one: bool = False):
    """A `Cross` of networks that each left a method out (or learned one alone), equally good at all."""
    random = np.random.default_rng(1)
    test = split.part("test").sort_values("path", ignore_index=True)[["path", "label", "method", "group"]]
    methods = sorted(set(split.rows["method"]) - {""})
    variants = []
    for method in methods:
        logits = [random.normal(strength * test["label"], 1) for _ in range(seeds)]
        tables = [test.assign(logit=each, probability=expit(each)) for each in logits]
        learned = (method,) if one else tuple(other for other in methods if other != method)
        variants.append(Outcome(f"without_{method}", "network", learned, tables, [0.5] * seeds))
    return cross_matrix(variants, STUDY.evaluate)


def test_methods_that_share_a_trace_are_found_unseen(monkeypatch, probed):
    _, numbers = measure(monkeypatch, probed, shifts={"swap": 1.0, "warp": 1.0, "blend": 1.0})
    assert numbers[room.PROBE].value == pytest.approx(norm.cdf(1.0), abs=0.05)
    each = [numbers[f"{room.PROBE}.method.{name}"] for name in ("swap", "warp", "blend")]
    assert numbers[room.PROBE].value == pytest.approx(np.mean([number.value for number in each]))
    assert all(number.n == 100 and number.low < number.value < number.high for number in each)


def test_a_method_with_a_trace_of_its_own_is_not(monkeypatch, probed):
    """It is found only by a probe that saw it, so this probe did not."""
    _, numbers = measure(monkeypatch, probed, shifts={"swap": 2.0, "warp": 2.0, "blend": 2.0}, apart=True)
    for name in ("swap", "warp", "blend"):
        number = numbers[f"{room.PROBE}.method.{name}"]
        assert number.low < 0.5 < number.high


def test_networks_without_the_method_are_compared_on_the_same_images(monkeypatch, probed):
    given = {"shifts": {"swap": 0.5, "warp": 0.5, "blend": 0.5}}
    split, alone = measure(monkeypatch, probed, **given)
    cross = trained_without(split, 2.0)
    _, numbers = measure(monkeypatch, probed, cross=cross, **given)
    assert numbers[room.PROBE] == alone[room.PROBE] and room.DIFFERENCE not in alone
    unseen = []
    for at, method in enumerate(cross.methods):  # sorted, as the variants are
        rows = [(x["method"] == method) | (x["label"] == 0) for x in cross.variants[at].tables]
        tables = zip(cross.variants[at].tables, rows, strict=True)
        unseen += [roc_auc_score(x.loc[r, "label"], x.loc[r, "probability"]) for x, r in tables]
    change = numbers[room.DIFFERENCE]
    assert change.value == pytest.approx(np.mean(unseen) - numbers[room.PROBE].value)
    assert change.low > 0 and "3 seeds" in change.note
    told = room.tell_probe(numbers)
    assert "rank unseen ones better than the probe" in told and str(change) in say(told, numbers).data
    worse = trained_without(split, 0.1)
    _, numbers = measure(monkeypatch, probed, cross=worse, shifts={"swap": 2.0, "warp": 2.0, "blend": 2.0})
    assert "better before training" in room.tell_probe(numbers)


def test_networks_that_learned_one_method_are_no_match(monkeypatch, probed):
    given = {"shifts": {"swap": 0.5, "warp": 0.5, "blend": 0.5}}
    split, _ = measure(monkeypatch, probed, **given)
    _, numbers = measure(monkeypatch, probed, cross=trained_without(split, 2.0, one=True), **given)
    assert room.PROBE in numbers and room.DIFFERENCE not in numbers
    assert room.tell_probe(numbers).endswith("|\n\n")


def test_fakes_stand_against_the_reals_of_their_own_pipeline(monkeypatch, probed):
    """Half of the reals name another pipeline, and are not compared."""
    split, features = probed({"swap": 1.5, "warp": 1.5})
    rows = split.rows
    real = (rows["label"] == 0).to_numpy()
    rows["pipeline"] = np.where(real & (rows["group"].str[1:].astype(int) // 4 % 2 == 1), "b", "a")
    monkeypatch.setattr(room, "study_features", features)
    numbers = {number.id: number for number in room.probe_unseen(STUDY, split, None, progress=False)}
    own = int(((rows["split"] == "test") & real & (rows["pipeline"] == "a")).sum())
    assert own == 25 and numbers[f"{room.PROBE}.method.swap"].n == 50 + own


@pytest.mark.parametrize(
    ("weights", "shifts", "why"),
    [
        ("none", {"swap": 1.0, "warp": 1.0}, "no pretrained weights"),
        ("package", {"swap": 1.0}, "fewer than two"),
    ],
)
def test_what_cannot_be_asked_is_said(monkeypatch, probed, weights, shifts, why):
    split, features = probed(shifts)
    monkeypatch.setattr(room, "study_features", features)
    study = STUDY.model_copy(update={"model": STUDY.model.model_copy(update={"weights": weights})})
    [number] = room.probe_unseen(study, split, None, progress=False)
    assert number.id == room.PROBE and number.value is None and why in number.note
    assert why in room.tell_probe({number.id: number})
