"""The cross-forgery matrix, against scikit-learn and sums written another way."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score, recall_score, roc_auc_score

from dfstudy.evaluate.cross import Outcome, cross_matrix, cross_numbers
from dfstudy.study import Evaluate

SETTINGS = Evaluate(replicates=200)
METHODS = ("gan", "swap", "warp")


def table(strength: dict[str, float], seed: int, groups: int = 40) -> pd.DataFrame:
    """Test pictures by fours (a real, a fake of each method); fakes score `strength` higher."""
    pictures = pd.DataFrame(
        [(group, method) for group in range(groups) for method in ("real", *METHODS)],
        columns=["group", "method"],
    )
    rng = np.random.default_rng(seed)
    shared = np.repeat(np.random.default_rng(99).normal(0, 0.5, groups), 4)
    added = pictures["method"].map({"real": 0.0, **strength}).to_numpy(float)
    logit = added + shared + rng.normal(0, 1, len(pictures))
    return pictures.assign(
        path=pictures["group"].astype(str) + "_" + pictures["method"] + ".png",
        group="g" + pictures["group"].astype(str),
        label=(pictures["method"] != "real").astype(int),
        probability=1 / (1 + np.exp(-logit)),
    )


def arm(name: str, trained_on: tuple[str, ...], network: str, seeds: int = 2, shift: float = 0.0) -> Outcome:
    strength = {method: (3.0 if method in trained_on else 0.5) + shift for method in METHODS}
    tables = [table(strength, hash_of(name, seed)) for seed in range(seeds)]
    return Outcome(name, network, trained_on, tables, [0.6, 0.7][:seeds])


def hash_of(name: str, seed: int) -> int:
    return sum(map(ord, name)) * 10 + seed


@pytest.fixture(scope="module")
def arms() -> list[Outcome]:
    first = [arm(f"only_{method}", (method,), "small_cnn") for method in METHODS]
    second = [arm(f"only_{method}-second", (method,), "vit", shift=0.8) for method in METHODS]
    return first + second


@pytest.fixture(scope="module")
def cross(arms):
    return cross_matrix(arms, SETTINGS)


def test_each_cell_is_what_scikit_learn_gives(cross, arms):
    for a, one in enumerate(arms):
        for method in METHODS:
            expected = []
            for scores, threshold in zip(one.tables, one.thresholds, strict=True):
                rows = scores[scores["method"].isin(["real", method])]
                called = (rows["probability"] >= threshold).astype(int)
                expected.append(
                    [
                        roc_auc_score(rows["label"], rows["probability"]),
                        balanced_accuracy_score(rows["label"], called),
                        recall_score(rows["label"], called),
                    ]
                )
            got = [cross.cells[name][method].value[a] for name in ("auc", "balanced", "found")]
            assert got == pytest.approx(np.mean(expected, axis=0).tolist(), abs=1e-12)
        spared = [
            float((t.loc[t["label"] == 0, "probability"] < at).mean())
            for t, at in zip(one.tables, one.thresholds, strict=True)
        ]
        assert cross.specificity.value[a] == pytest.approx(np.mean(spared), abs=1e-12)


def test_means_are_over_seen_and_unseen_cells_of_a_network(cross):
    assert cross.networks == ("small_cnn", "vit") and cross.methods == METHODS
    for n, network in enumerate(cross.networks):
        for quantity in ("auc", "balanced", "found"):
            matrix = np.stack([cross.cells[quantity][method].value for method in METHODS], axis=1)
            own = matrix[3 * n : 3 * n + 3]
            seen, unseen = np.diag(own).mean(), own[~np.eye(3, dtype=bool)].mean()
            parts = cross.summaries[network][quantity]
            assert [float(parts[name].value) for name in ("seen", "unseen", "gap")] == pytest.approx(
                [seen, unseen, seen - unseen]
            )
            assert parts["gap"].low < parts["gap"].value < parts["gap"].high
        assert cross.spared[network].value == pytest.approx(cross.specificity.value[3 * n : 3 * n + 3].mean())
    for quantity, found in cross.differences.items():
        unseen = [cross.summaries[network][quantity]["unseen"].value for network in cross.networks]
        assert found.value == pytest.approx(unseen[1] - unseen[0])


def test_a_network_that_calls_more_fake_finds_more_and_is_charged_for_it(arms):
    """The same ranking with a lower threshold: more fakes found, fewer reals spared, the same AUC."""
    bold = [Outcome(a.name, "bold", a.trained_on, a.tables, [0.3, 0.3]) for a in arms[:3]]
    cross = cross_matrix([*arms[:3], *bold], SETTINGS)
    careful, eager = (cross.summaries[name] for name in ("small_cnn", "bold"))
    assert eager["found"]["unseen"].value > careful["found"]["unseen"].value + 0.2
    assert (cross.specificity.value[3:] < cross.specificity.value[:3] - 0.1).all()
    assert eager["auc"]["unseen"].value == careful["auc"]["unseen"].value
    assert cross.differences["auc"].value == 0


def test_one_network_has_no_difference_and_all_but_one_leaves_one_unseen(arms):
    others = {m: tuple(o for o in METHODS if o != m) for m in METHODS}
    cross = cross_matrix([arm(f"without_{m}", others[m], "small_cnn", seeds=1) for m in METHODS], SETTINGS)
    assert cross.differences == {} and cross.seen.sum() == 6
    ids = [number.id for number in cross_numbers(cross)]
    assert len(ids) == len(set(ids)) and not any(name.startswith("cross.difference") for name in ids)


def test_where_every_method_was_seen_there_is_no_gap():
    cross = cross_matrix([arm("all", METHODS, "small_cnn", seeds=1)], SETTINGS)
    parts = cross.summaries["small_cnn"]["auc"]
    assert np.isnan(parts["gap"].value) and np.isnan(parts["unseen"].value)
    numbers = {number.id: number for number in cross_numbers(cross)}
    assert (
        numbers["cross.small_cnn.auc.gap"].value is None and numbers["cross.small_cnn.auc.seen"].value > 0.9
    )


def test_numbers_carry_n_groups_and_what_they_are(cross):
    numbers = {number.id: number for number in cross_numbers(cross)}
    one = numbers["cross.auc.only_gan.on.swap"]
    assert (
        one.n == 80 and one.groups == 40 and one.note.startswith("unseen") and one.low < one.value < one.high
    )
    assert numbers["cross.auc.only_gan.on.gan"].note.startswith("seen in training")
    assert numbers["cross.specificity.only_gan"].n == 40
    assert numbers["cross.vit.auc.unseen"].n == 160
    assert numbers["cross.difference.auc"].note.count("vit less small_cnn") == 1


def test_arms_tested_on_other_pictures_are_refused(arms):
    shorter = [t.iloc[4:] for t in arms[1].tables]
    other = Outcome("x", "small_cnn", ("gan",), shorter, arms[1].thresholds)
    with pytest.raises(ValueError, match="different pictures"):
        cross_matrix([arms[0], other], SETTINGS)
