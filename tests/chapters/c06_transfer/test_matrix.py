"""The cross-forgery matrix, against scikit-learn and sums written another way."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score, recall_score, roc_auc_score

from dfstudy.chapters.c06_transfer.matrix import DIFFERENCES, QUANTITIES, cross_matrix
from dfstudy.chapters.c06_transfer.names import name_models
from dfstudy.chapters.c06_transfer.numbers import cross_numbers
from dfstudy.chapters.c06_transfer.outcome import Outcome
from dfstudy.number import name_methods
from dfstudy.study.comparisons import Evaluate
from dfstudy.study.recipe import Model

SETTINGS = Evaluate(replicates=200)
METHODS = ("gan", "swap", "warp")


def table(strength: dict[str, float], seed: int, groups: int = 40) -> pd.DataFrame:
    """Test images by fours (a real, a fake of each method); fakes score `strength` higher."""
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


def variant(
    name: str, trained_on: tuple[str, ...], network: str, seeds: int = 2, shift: float = 0.0
) -> Outcome:
    strength = {method: (3.0 if method in trained_on else 0.5) + shift for method in METHODS}
    tables = [table(strength, hash_of(name, seed)) for seed in range(seeds)]
    return Outcome(name, network, trained_on, tables, [0.6, 0.7][:seeds])


def hash_of(name: str, seed: int) -> int:
    return sum(map(ord, name)) * 10 + seed


@pytest.fixture(scope="module")
def variants() -> list[Outcome]:
    first = [variant(f"only_{method}", (method,), "small_cnn") for method in METHODS]
    second = [variant(f"only_{method}-second", (method,), "vit", shift=0.8) for method in METHODS]
    return first + second


@pytest.fixture(scope="module")
def cross(variants):
    return cross_matrix(variants, SETTINGS)


def test_each_cell_is_what_scikit_learn_gives(cross, variants):
    for a, one in enumerate(variants):
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
    assert set(cross.differences) == set(DIFFERENCES) and cross.paired == 3
    for quantity in QUANTITIES:
        unseen = [cross.summaries[network][quantity]["unseen"].value for network in cross.networks]
        assert cross.differences[quantity].value == pytest.approx(unseen[1] - unseen[0])
    gaps = [cross.summaries[network]["auc"]["gap"].value for network in cross.networks]
    assert cross.differences["gap"].value == pytest.approx(gaps[1] - gaps[0])
    spared = [cross.spared[network].value for network in cross.networks]
    assert cross.differences["specificity"].value == pytest.approx(spared[1] - spared[0])


def test_differences_cover_seeds_where_there_are_several(variants):
    cross = cross_matrix(variants, SETTINGS)
    found = cross.differences["auc"]
    assert found.seeds == 2 and found.value == pytest.approx(np.mean(found.each)) and found.seed_error > 0
    for seed in (0, 1):
        own = [
            replace(one, tables=one.tables[seed : seed + 1], thresholds=one.thresholds[seed : seed + 1])
            for one in variants
        ]
        alone = cross_matrix(own, SETTINGS)
        assert alone.differences["auc"].value == pytest.approx(found.each[seed])
        assert alone.differences["auc"].seed_error == 0
        notes = {number.id: number.note for number in cross_numbers(alone)}
        assert "one seed: it covers no other" in notes["cross.difference.auc"]


def test_networks_are_compared_over_the_arms_that_both_have(variants):
    """The second network has one variant: the first's means are over three, the difference over one pair."""
    cross = cross_matrix([*variants[:3], variants[4]], SETTINGS)  # only_swap-second
    alone = cross_matrix([variants[1], variants[4]], SETTINGS)
    assert cross.paired == alone.paired == 1
    for name, found in alone.differences.items():
        got = cross.differences[name]
        for end in ("value", "low", "high"):
            assert float(getattr(got, end)) == pytest.approx(float(getattr(found, end)))
    whole = cross_matrix(variants[:3], SETTINGS).summaries["small_cnn"]["auc"]["unseen"]
    assert cross.summaries["small_cnn"]["auc"]["unseen"].value == pytest.approx(whole.value)
    notes = {number.id: number.note for number in cross_numbers(cross)}
    assert "1 training of each" in notes["cross.difference.auc"]
    assert "mean over 3 trainings" in notes["cross.small_cnn.auc.unseen"]
    apart = cross_matrix([variants[0], variants[4]], SETTINGS)  # no variant in common
    assert apart.differences == {} and apart.paired == 0 and len(apart.networks) == 2


def test_a_method_stands_against_the_reals_of_its_own_pipeline(variants):
    """Groups 0-19 were prepared one way, the others another; swaps were made of the first only."""
    by_pipeline = []
    for one in variants[:2]:
        tables = []
        for scores in one.tables:
            first = scores["group"].str[1:].astype(int) < 20
            scores = scores.assign(pipeline=np.where(first, "a", "b"))
            tables.append(scores[(scores["method"] != "swap") | first])
        by_pipeline.append(replace(one, tables=tables))
    cross = cross_matrix(by_pipeline, SETTINGS)
    assert cross.by_pipeline and cross.reals == 40
    assert cross.against == {"gan": 40, "swap": 20, "warp": 40} and cross.fakes["swap"] == 20
    for a, one in enumerate(by_pipeline):
        expected = []
        for scores, threshold in zip(one.tables, one.thresholds, strict=True):
            rows = scores[(scores["pipeline"] == "a") & scores["method"].isin(["real", "swap"])]
            called = (rows["probability"] >= threshold).astype(int)
            area = roc_auc_score(rows["label"], rows["probability"])
            expected.append([area, balanced_accuracy_score(rows["label"], called)])
        got = [cross.cells[name]["swap"].value[a] for name in ("auc", "balanced")]
        assert got == pytest.approx(np.mean(expected, axis=0).tolist(), abs=1e-12)
    numbers = {number.id: number for number in cross_numbers(cross)}
    swap, gan = (numbers[f"cross.auc.only_gan.on.{name}"] for name in ("swap", "gan"))
    assert swap.n == 40 and "own pipeline" in swap.note
    assert gan.n == 80 and "pipeline" not in gan.note
    assert not cross_matrix(variants[:2], SETTINGS).by_pipeline


def test_a_network_that_calls_more_fake_finds_more_and_is_charged_for_it(variants):
    """The same ranking with a lower threshold: more fakes found, fewer reals spared, the same AUC."""
    bold = [Outcome(a.name, "bold", a.trained_on, a.tables, [0.3, 0.3]) for a in variants[:3]]
    cross = cross_matrix([*variants[:3], *bold], SETTINGS)
    careful, eager = (cross.summaries[name] for name in ("small_cnn", "bold"))
    assert eager["found"]["unseen"].value > careful["found"]["unseen"].value + 0.2
    assert (cross.specificity.value[3:] < cross.specificity.value[:3] - 0.1).all()
    assert eager["auc"]["unseen"].value == careful["auc"]["unseen"].value
    assert cross.differences["auc"].value == 0


def test_one_network_has_no_difference_and_all_but_one_leaves_one_unseen(variants):
    others = {m: tuple(o for o in METHODS if o != m) for m in METHODS}
    cross = cross_matrix(
        [variant(f"without_{m}", others[m], "small_cnn", seeds=1) for m in METHODS], SETTINGS
    )
    assert cross.differences == {} and cross.seen.sum() == 6
    ids = [number.id for number in cross_numbers(cross)]
    assert len(ids) == len(set(ids)) and not any(name.startswith("cross.difference") for name in ids)


def test_where_every_method_was_seen_there_is_no_gap():
    cross = cross_matrix([variant("all", METHODS, "small_cnn", seeds=1)], SETTINGS)
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
    assert numbers["cross.vit.auc.unseen"].n == numbers["cross.difference.balanced"].n == 160
    for name in ("vit.found.seen", "vit.found.unseen", "vit.found.gap", "difference.found"):
        assert numbers[f"cross.{name}"].n == 120, name  # fakes
    assert numbers["cross.vit.specificity"].n == numbers["cross.difference.specificity"].n == 40
    assert numbers["cross.difference.auc"].note.count("vit minus small_cnn") == 1


def test_arms_tested_on_other_pictures_are_refused(variants):
    shorter = [t.iloc[4:] for t in variants[1].tables]
    other = Outcome("x", "small_cnn", ("gan",), shorter, variants[1].thresholds)
    with pytest.raises(ValueError, match="different images"):
        cross_matrix([variants[0], other], SETTINGS)


def test_networks_with_one_backbone_are_told_apart_by_what_differs():
    lite = Model(backbone="a", size=64, trainable_stages=2, weights="package")
    told = name_models([lite, lite.model_copy(update={"trainable_stages": 0}), Model(backbone="b")])
    assert told == ["a, head and 2 stages", "a, head alone", "b"]
    other = lite.model_copy(update={"size": 96, "weights": "none", "trainable_stages": "all"})
    assert name_models([lite, other]) == [
        "a, 64 px, pretrained, head and 2 stages",
        "a, 96 px, from scratch, all stages",
    ]
    ways = [lite.model_copy(update={"tuning": mode}) for mode in ("stages", "head", "norm", "lora")]
    assert len(set(name_models(ways))) == 4 and name_models(ways)[2] == "a, normalisation layers and head"
    twice = name_models([lite, lite.model_copy(update={"mean": (0.1, 0.1, 0.1)})])
    assert twice == ["a", "a again"] and name_models([lite]) == ["a"]


def test_a_network_of_which_one_training_has_not_learned_is_named(variants):
    state = SimpleNamespace(learned=True), SimpleNamespace(learned=False)
    known = [replace(variant, learning=state[0]) for variant in variants]
    first = known[0].network
    numbers = {number.id: number for number in cross_numbers(cross_matrix(known, SETTINGS))}
    slug = next(iter(name_methods([first])))
    assert numbers[f"cross.{slug}.learned"].value == 1
    cross = cross_matrix([replace(known[0], learning=state[1]), *known[1:]], SETTINGS)
    told = next(number for number in cross_numbers(cross) if number.id == f"cross.{slug}.learned")
    assert told.value == 0 and known[0].name in told.note and cross.unlearned(first) == [known[0].name]
