"""The drill of truth recovery, cut short: its images say what they must, its judge judges, a case runs."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import truth as drill

from dfstudy.augment.policies import build_policy
from dfstudy.stats.paired import PairedDifference
from dfstudy.study.comparisons import Evaluate


def found(low: float, high: float, p: float) -> PairedDifference:
    errors = ((0.0,), 0.0, 0.0)
    return PairedDifference((low + high) / 2, low, high, p, 0.1, *errors, 9.0, 20, Evaluate())


def result(truth: str, verdict: str, low: float = 0.1, most: float = math.nan) -> drill.Result:
    return drill.Result("noise", 0, truth, verdict, 0.2, low, 0.3, most, 1.0)


@pytest.mark.parametrize(
    "low, high, p, verdict",
    [
        (0.1, 0.2, 0.01, "gain"),
        (-0.2, -0.1, 0.01, "loss"),
        (-0.1, 0.2, 0.3, "none"),
        (0.1, 0.2, 0.06, "none"),
    ],
)
def test_the_rule_needs_interval_and_p(low, high, p, verdict):
    assert drill.decide(found(low, high, p)) == verdict


def test_what_is_not_decided_is_never_wrong_and_what_is_impossible_is():
    assert result("gain", "none").judged == "inconclusive" and result("none", "none").judged == "right"
    assert result("gain", "gain").judged == "right" and result("gain", "loss").judged == "wrong"
    assert result("none", "gain").judged == "wrong"
    assert result("gain", "gain", low=0.2, most=0.5).judged == "right"
    assert result("gain", "gain", low=0.6, most=0.5).judged == "wrong"


def test_the_promise_fails_on_two_wrong_and_on_silence():
    right, open_ = result("gain", "gain"), result("gain", "none")
    assert drill.summarise([right] * 19 + [result("none", "gain")])[1]
    assert not drill.summarise([right] * 58 + [result("none", "gain")] * 2)[1]
    assert not drill.summarise([open_] * 20)[1]
    assert not drill.summarise([right] * 5 + [result("none", "gain")])[1]
    assert sum(count for _, count, _ in drill.KINDS.values()) >= 20


def test_the_known_auc_counts_pairs():
    random = np.random.default_rng(0)
    labels, known = random.integers(0, 2, 60), random.random(60) < 0.7
    guess = np.where(known, labels, 0.5)
    pairs = np.subtract.outer(guess[labels == 1], guess[labels == 0])
    assert drill.known_auc(labels, known) == pytest.approx(((pairs > 0) + (pairs == 0) / 2).mean())
    assert drill.known_auc(labels, np.ones(60, bool)) == 1 and drill.known_auc(labels, known & False) == 0.5


def test_the_test_is_spoilt_as_the_policy_spoils():
    """The hardest that the transforms draw: the same noise, and the same file."""
    random = np.random.default_rng(1)
    plain = drill.to_bytes(np.full((48, 48, 3), 128.0))
    noise = drill.to_bytes(drill.hide_in_noise(plain.astype(float), random)).astype(float) - 128
    policy = build_policy("none+gaussian_noise", drill.SIDE)
    drawn = [float((policy(plain, key).astype(float) - 128).std()) for key in range(200)]
    assert noise.std() == pytest.approx(max(drawn), rel=0.06)
    picture = drill.to_bytes(drill.scene(random) + drill.weave(1, random))
    spoilt = drill.compress(picture.astype(float), random)
    contrast = [np.abs(np.diff(each.astype(float), axis=0)).mean() for each in (picture, spoilt)]
    assert contrast[1] < 0.6 * contrast[0]  # the trace is gone


def test_marks_differ_and_mirrors_are_mirrors(tmp_path, monkeypatch):
    assert np.abs(drill.mark(1) - drill.mark(2)).mean() > 30 and (drill.mark(1) == drill.mark(1)).all()
    monkeypatch.setattr(drill, "compare", lambda *given: given)
    (_, split, *_), most = drill.mirror_case(tmp_path, 0, shifted=False)
    assert (
        most == 0.0 and split.rows["group"].groupby(split.rows["split"]).nunique().to_dict() == drill.GROUPS
    )
    flip = build_policy("none+horizontal_flip", drill.SIDE)
    for path in split.rows["path"][:10]:
        picture = cv2.imread(str(split.root / path))
        assert all((flip(picture, key) == picture).all() for key in range(4))


def test_a_case_runs_from_pictures_to_a_verdict(tmp_path, monkeypatch):
    for name, value in {"GROUPS": {"train": 8, "val": 4, "test": 6}, "SHORT": 1, "SEEDS": 2}.items():
        monkeypatch.setattr(drill, name, value)
    monkeypatch.setattr(drill, "SETTINGS", Evaluate(replicates=100))
    monkeypatch.setattr("dfstudy.data.loader.count_workers", lambda workers, processes=1: 0)
    same, most = drill.KINDS["same"][2](tmp_path / "same", 0)
    assert (same.value, same.low, same.high, most) == (0.0, 0.0, 0.0, 0.0) and drill.decide(same) == "none"


def test_a_leak_case_compares_torn_groups_with_new_ones(tmp_path, monkeypatch):
    for name, value in {"MARKED": 12, "NEW": 16}.items():
        monkeypatch.setattr(drill, name, value)
    monkeypatch.setattr(drill, "SETTINGS", Evaluate(replicates=100))

    def marked(study, split):
        """In place of what networks learned: two that know the marks of the training images by heart."""
        table = split.part("test")
        known = split.part("train").groupby("group")["label"].first()
        told = table["group"].map(known).fillna(0.5).to_numpy()
        return table, np.random.default_rng(0).normal(told, 0.1, (4, len(told)))

    monkeypatch.setattr(drill, "scores_of", marked)
    leak, most = drill.KINDS["leak"][2](tmp_path, 0)
    assert leak.value == pytest.approx(most, abs=0.1) and 0.3 < most <= 0.5
    assert drill.decide(leak) == "gain"
