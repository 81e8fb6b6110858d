"""Whether networks have learned: against scikit-learn, and on networks that did and did not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

from dfstudy.stats.learning import CONSTANT, FALLS, FOLDS, judge_learning, late_fall, tell_untrained
from dfstudy.study.comparisons import Evaluate

SETTINGS = Evaluate(replicates=200)


def clean(strength: float, of_validation: float, seed: int, groups: int = 60, fakes: int = 1) -> pd.DataFrame:
    """Logits of one run: fakes stand so many standard deviations above reals."""
    random, rows = np.random.default_rng(seed), []
    for part, apart in (("train", strength), ("val", of_validation)):
        for group in range(groups):
            for at, label in enumerate([0] + [1] * fakes):
                logit = random.normal(apart * (label - 0.5))
                rows.append((part, f"{part}{group}_{at}.png", label, f"{part}{group}", logit))
    return pd.DataFrame(rows, columns=["part", "path", "label", "group", "logit"])


def judge(strength, of_validation, seeds=3, losses=(), **made):
    tables = [clean(strength, of_validation, seed, **made) for seed in range(seeds)]
    return judge_learning(tables, losses, SETTINGS)


def test_values_are_those_of_scikit_learn_with_each_class_one_half():
    tables = [clean(3, 1, seed, fakes=3) for seed in range(2)]
    found = judge_learning(tables, [], SETTINGS)
    train, val = ([table[table["part"] == name] for table in tables] for name in ("train", "val"))
    assert found.train_auc.each == pytest.approx([roc_auc_score(t["label"], t["logit"]) for t in train])
    balance = np.where(val[0]["label"] == 1, 1 / 3, 1.0)
    # each fifth of the groups, at random, by the line of the others
    order = np.random.default_rng(SETTINGS.seed).permutation(60) % FOLDS
    fold = order[np.unique(val[0]["group"], return_inverse=True)[1]]
    expected = []
    for table in val:
        chance = np.empty(len(table))
        for one in range(FOLDS):
            rest = table[fold != one]
            model = LogisticRegression(C=np.inf, class_weight="balanced").fit(rest[["logit"]], rest["label"])
            chance[fold == one] = model.predict_proba(table.loc[fold == one, ["logit"]])[:, 1]
        expected.append(CONSTANT - log_loss(table["label"], chance, sample_weight=balance))
    assert found.gain.each == pytest.approx(expected, abs=1e-3)  # Platt's targets draw in a little
    assert found.val_auc == pytest.approx(np.mean([roc_auc_score(t["label"], t["logit"]) for t in val]))


@pytest.mark.parametrize(
    ("strength", "of_validation", "learned"),
    [(3, 2, True), (0, 0, False), (3, 0, False), (1, 1, False)],  # the last ranks its training at .76
)
def test_only_networks_that_rank_their_training_and_predict_validation_have_learned(
    strength, of_validation, learned
):
    found = judge(strength, of_validation)
    assert found.learned == learned and found.told().startswith("learned" if learned else "not learned")
    assert ("training AUC" in found.told()) == (strength < 2)
    assert ("log-loss" in found.told()) == (of_validation < 1)
    numbers = {number.id: number for number in found.numbers("policy.original")}
    assert numbers["policy.original.learned"].value == int(learned)
    assert numbers["policy.original.train_auc"].low < numbers["policy.original.train_auc"].value


def test_one_seed_of_three_that_did_not_learn_makes_it_unsure():
    tables = [clean(3, 2, 0), clean(3, 2, 1), clean(0, 0, 2)]
    assert not judge_learning(tables, [], SETTINGS).learned


@pytest.mark.parametrize(("slope", "shift"), [(20, 0), (1, 4), (1, -4), (0.05, 1)])
def test_neither_overconfidence_nor_a_weight_of_a_class_is_taken_for_ignorance(slope, shift):
    """An inverted class weight moves all logits: with a temperature alone that network had not learned."""
    tables = [clean(3, 2, seed) for seed in range(3)]
    moved = [table.assign(logit=slope * table["logit"] + shift) for table in tables]
    plain, found = (judge_learning(each, [], SETTINGS) for each in (tables, moved))
    assert found.learned and found.gain.each == pytest.approx(plain.gain.each, abs=1e-6)


def test_a_line_that_only_its_own_images_know_earns_nothing():
    """Fitted to the images that it is judged by, any network that learned nothing gains a little."""
    gains = [judge(0, 0, seeds=1, groups=12)]
    gains += [judge_learning([clean(0, 0, seed, groups=12)], [], SETTINGS) for seed in range(1, 60)]
    mean = np.mean([each.gain.value for each in gains])
    assert -0.1 < mean <= 0 and not any(each.learned for each in gains)


def test_groups_too_few_to_be_split_are_judged_by_themselves():
    found = judge_learning([clean(3, 3, 0, groups=1)], [], SETTINGS)
    assert np.isfinite(found.gain.value) and found.gain.low is None


def test_a_loss_that_still_falls_with_every_seed_is_still_improving():
    falling, flat = [0.6, 0.5, 0.45, 0.45 - 2 * FALLS], [0.6, 0.5, 0.45, 0.44]
    assert (
        judge(3, 2, losses=[falling] * 3).improving
        and "improving" in judge(3, 2, losses=[falling] * 3).told()
    )
    assert not judge(3, 2, losses=[flat] * 3).improving
    assert not judge(3, 2, losses=[falling, falling, [0.6, 0.5, 0.4, 0.5]]).improving
    assert not judge(3, 2).improving and judge(3, 2).fall is None


@pytest.mark.parametrize(
    ("losses", "fall"),
    [([0.7], None), ([0.7, 0.6], 0.1), ([0.7, 0.4, 0.5, 0.45], -0.05), ([8, 7, 6, 5, 4, 3, 2, 1], 2)],
)
def test_the_last_quarter_is_set_against_the_best_before_it(losses, fall):
    assert late_fall(losses) == (None if fall is None else pytest.approx(fall))


def test_who_has_not_learned_is_named():
    assert tell_untrained([]) == ""
    assert tell_untrained(["a", "b"]) == "not trained enough to tell; a and b have not learned"


def test_runs_on_different_images_are_refused():
    with pytest.raises(ValueError, match="different images"):
        judge_learning([clean(3, 2, 0), clean(3, 2, 1, groups=59)], [], SETTINGS)
