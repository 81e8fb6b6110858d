"""The linear probe: as scikit-learn has it, chosen on validation alone, and blind to held-out groups."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from dfstudy.stats import linear_probe
from dfstudy.stats.linear_probe import STRENGTHS, cross_validate, fit_probe


def make(groups: int = 120, each: int = 4, columns: int = 30, shift: float = 0.3, seed: int = 0):
    """Features float16 whose first five columns are shifted for fakes; half of each group is fake."""
    random = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), each)
    labels = np.arange(groups * each) % 2
    features = (
        random.normal(0, 1, (len(labels), columns)) + 0.3 * random.normal(0, 1, (groups, columns))[group]
    )
    features[:, :5] += shift * labels[:, None]
    return (3 * features + 7).astype(np.float16), labels, np.array([f"g{one:03d}" for one in group])


def parts(groups: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    number = np.char.lstrip(groups, "g").astype(int)
    return number % 4 < 2, number % 4 == 2, number % 4 == 3


def test_it_is_the_plain_pipeline_at_the_strength_with_the_least_loss_on_validation():
    x, labels, groups = make()
    train, validation, test = parts(groups)
    probe = fit_probe(x, labels, groups, train, validation)
    losses = {}
    for strength in STRENGTHS:
        plain = make_pipeline(
            StandardScaler(), LogisticRegression(C=strength, class_weight="balanced", max_iter=1000, tol=1e-8)
        ).fit(x[train].astype(float), labels[train])
        losses[strength] = log_loss(
            labels[validation], plain.predict_proba(x[validation].astype(float))[:, 1]
        )
        if strength == probe.strength:
            wanted = plain.decision_function(x[test].astype(float))
    assert probe.strength == min(losses, key=losses.get)
    np.testing.assert_allclose(probe(x[test]), wanted, atol=2e-2)


def test_the_strength_follows_validation_and_nothing_else():
    x, labels, groups = make(shift=0.6)
    train, validation, test = parts(groups)
    probe = fit_probe(x, labels, groups, train, validation)
    turned = np.where(test, 1 - labels, labels)
    assert np.array_equal(fit_probe(x, turned, groups, train, validation)(x[test]), probe(x[test]))
    noise = labels.copy()
    noise[validation] = np.random.default_rng(0).permutation(labels[validation])
    assert fit_probe(x, noise, groups, train, validation).strength < probe.strength


def test_the_search_ends_where_it_only_gets_worse(monkeypatch):
    x, labels, groups = make(groups=60, columns=200, shift=0.1)
    train, validation, _ = parts(groups)
    whole = fit_probe(x, labels, groups, train, validation)
    fits = []
    fit = LogisticRegression.fit
    monkeypatch.setattr(LogisticRegression, "fit", lambda *given: fits.append(1) or fit(*given))
    assert fit_probe(x, labels, groups, train, validation).strength == whole.strength
    assert len(fits) < len(STRENGTHS)


def test_both_classes_weigh_the_same_whatever_their_number():
    x, labels, groups = make(groups=400, shift=0.5)
    train, validation, test = parts(groups)
    rare = (labels == 0) | (np.arange(len(labels)) % 8 == 1)
    probe = fit_probe(x, labels, groups, train & rare, validation & rare)
    middle = [probe(x[test & (labels == label)]).mean() for label in (0, 1)]
    assert abs(sum(middle)) < 0.4 * (middle[1] - middle[0])


def test_cross_validation_finds_the_auc_that_was_planted():
    """Five columns shifted by 0.5 of independent standard deviations: the best rule's AUC is known."""
    random = np.random.default_rng(0)
    labels, groups = np.arange(4000) % 2, np.repeat(np.arange(1000), 4)
    x = random.normal(0, 1, (4000, 10))
    x[:, :5] += 0.5 * labels[:, None]
    held = cross_validate(x, labels, np.where(labels, "swap", ""), groups, 0)
    wanted = norm.cdf(0.5 * np.sqrt(5) / np.sqrt(2))
    assert roc_auc_score(labels, held.ranks) == pytest.approx(wanted, abs=0.015)
    assert roc_auc_score(labels, held.log_odds) == pytest.approx(wanted, abs=0.015)
    truth = 0.5 * x[:, :5].sum(1) - 5 * 0.5**2 / 2  # log-odds of the rule
    assert log_loss(labels, expit(held.log_odds)) == pytest.approx(log_loss(labels, expit(truth)), abs=0.01)


def test_a_group_is_never_learned_and_judged():
    """Columns name the group, and a group is of one class: who saw the group would know the label."""
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(200), 5)
    labels = random.permutation(np.arange(200) % 2)[groups]
    x = random.normal(0, 1, (200, 150))[groups] + random.normal(0, 0.05, (1000, 150))
    names = np.array([f"g{one}" for one in groups])
    held = cross_validate(x, labels, labels.astype(str), names, 0)
    assert all(len(set(held.fold[groups == group])) == 1 for group in range(200))
    assert abs(roc_auc_score(labels, held.ranks) - 0.5) < 0.12
    scattered = cross_validate(x, labels, labels.astype(str), np.arange(1000).astype(str), 0)
    assert roc_auc_score(labels, scattered.ranks) > 0.75


def test_equal_inputs_give_equal_bytes():
    x, labels, groups = make()
    one, other = (cross_validate(x, labels, labels.astype(str), groups, 3) for _ in range(2))
    assert one.log_odds.tobytes() == other.log_odds.tobytes() and one.strengths == other.strengths


def test_rows_are_asked_for_in_parts(monkeypatch):
    monkeypatch.setattr(linear_probe, "ROWS", 10)

    class Kept:
        """Features on a disk, which say how many rows were taken at once."""

        def __init__(self, values):
            self.values, self.taken = values, []

        def __len__(self):
            return len(self.values)

        def __getitem__(self, which):
            self.taken.append(len(self.values[which]))
            return self.values[which]

    x, labels, groups = make()
    train, validation, test = parts(groups)
    probe = fit_probe(Kept(x), labels, groups, train, validation)
    asked = Kept(x[test])
    assert probe(asked).tobytes() == fit_probe(x, labels, groups, train, validation)(x[test]).tobytes()
    assert max(asked.taken) == 10 and sum(asked.taken) == test.sum()


def test_a_group_on_both_sides_is_refused():
    x, labels, groups = make()
    train, validation, _ = parts(groups)
    with pytest.raises(ValueError, match="in training and in validation"):
        fit_probe(x, labels, groups, train, validation | (np.arange(len(labels)) < 4))


def test_a_part_of_one_class_is_refused():
    x, labels, groups = make()
    train, validation, _ = parts(groups)
    with pytest.raises(ValueError, match="lacks a class"):
        fit_probe(x, labels, groups, train, validation & (labels == 0))


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_groups_are_refused(count):
    x, labels, groups = make(groups=count)
    with pytest.raises(ValueError, match="too few groups"):
        cross_validate(x, labels, labels.astype(str), groups, 0)
