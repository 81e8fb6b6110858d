"""The range test: the study's own steps at rising rates, a suggestion that can be none, no trace in a run."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dfstudy.errors import StudyError
from dfstudy.train import rate_range
from dfstudy.train.loop import Trainer
from dfstudy.train.rate_range import FEWEST_STEPS, try_rates


def judge(losses, rates=None, diverged=False):
    rates = np.geomspace(1e-6, 10, 100) if rates is None else rates
    return rate_range._judge(rates, list(losses), diverged, 0.002)


def valley(noise: float, seed: int = 0) -> np.ndarray:
    """100 losses that fall between rates of 1e-4 and 1e-1 and then rise."""
    decade = np.linspace(-6, 1, 100)
    curve = 0.7 - 0.4 / (1 + np.exp(-4 * (decade + 2.5))) + 3 / (1 + np.exp(-8 * (decade - 0.6)))
    return curve + np.random.default_rng(seed).normal(0, noise, 100)


@pytest.mark.parametrize("workers", [0, 1])
def test_every_run_of_it_gives_the_same_table_and_leaves_nothing(parts, make_study, workers):
    study = make_study(policy="original")
    first = try_rates(study, parts, 3, (1e-5, 0.1), FEWEST_STEPS, progress=False)
    study = make_study(policy="original", workers=workers)
    again = try_rates(study, parts, 3, (1e-5, 0.1), FEWEST_STEPS, progress=False)
    pd.testing.assert_frame_equal(first.table, again.table, check_exact=True)
    assert list(first.table) == ["step", "rate", "loss", "smoothed"]
    assert first.table["step"].tolist() == list(range(1, 21))  # epochs of 3 steps: the 7th is under way
    ratio = first.table["rate"].iloc[1:].to_numpy() / first.table["rate"].iloc[:-1].to_numpy()
    assert ratio == pytest.approx(np.full(19, 1e4 ** (1 / 19)))
    assert (first.table["rate"].iloc[0], first.table["rate"].iloc[-1]) == (1e-5, pytest.approx(0.1))
    assert not study.out.exists()


def test_its_steps_are_those_of_the_training(parts, make_study, monkeypatch):
    """At the rates of the schedule it is the training itself: same batches, dropout and order."""
    study, step, trained = make_study(epochs=2, policy="original"), Trainer.step, []

    def remember(trainer, batch, rate):
        trained.append((rate, float(step(trainer, batch, rate))))
        return trainer.seen.losses[trainer.progress.batch]

    monkeypatch.setattr(Trainer, "step", remember)
    sides = [rate_range._part(parts, name) for name in ("train", "val")]
    study.out.mkdir()
    Trainer(study, 0, *sides, rate_range.choose_place("float32"), study.out).run("tiny", progress=False)
    monkeypatch.setattr(Trainer, "step", step)
    rates = np.array([rate for rate, _ in trained])
    monkeypatch.setattr(rate_range.np, "geomspace", lambda *_: rates)
    tried = try_rates(study, parts, 0, (1e-5, 0.1), FEWEST_STEPS, progress=False)
    assert len(trained) == 6 and tried.table["loss"].tolist() == [loss for _, loss in trained]


def test_a_rate_far_too_high_ends_it(parts, make_study):
    study = make_study(optimiser="sgd", learning_rate=0.01)
    tried = try_rates(study, parts, 0, (1e-4, 1e8), 60, progress=False)
    assert tried.diverged and 1 <= len(tried.table) < 60
    assert np.isfinite(tried.table.to_numpy()).all()


def test_the_suggestion_is_a_tenth_of_where_the_loss_was_lowest():
    tried = judge(valley(noise=0.05))
    smoothed = tried.table["smoothed"]
    assert tried.suggestion == pytest.approx(0.1 * tried.table["rate"][smoothed.idxmin()])
    assert 1e-3 < tried.suggestion < 1e-1
    said = tried.describe()
    assert f"training.learning_rate: {tried.suggestion:.1e}; the study has 2.0e-03" in said


def test_the_moving_average_is_the_mean_of_the_past_with_fading_weights():
    losses = valley(noise=0.3)
    smoothed = judge(losses).table["smoothed"].to_numpy()
    for step in (1, 2, 40):
        weights = rate_range.SMOOTHING ** np.arange(step)[::-1]
        assert smoothed[step - 1] == pytest.approx((weights * losses[:step]).sum() / weights.sum())


def test_a_loss_that_never_fell_gets_no_suggestion():
    noise = np.random.default_rng(0)
    flat = [judge(0.7 + 0.1 * noise.normal(size=100)) for _ in range(200)]
    assert sum(one.suggestion is not None for one in flat) <= 4
    rising = judge(0.7 + np.linspace(0, 2, 100) + 0.01 * noise.normal(size=100), diverged=True)
    assert rising.suggestion is None and "never fell" in rising.describe()
    found = [judge(valley(noise=0.1, seed=seed)).suggestion is not None for seed in range(50)]
    assert sum(found) == 50


def test_divergence_at_once_is_said(parts, make_study):
    tried = judge([0.7, 0.9, 50.0], diverged=True)
    assert tried.suggestion is None
    assert "diverged after 3 steps: no suggestion. Begin at a lower rate" in tried.describe()
    assert "after 0 steps" in judge([], diverged=True).describe()


@pytest.mark.parametrize(
    ("low", "high", "steps", "words"),
    [
        (1e-3, 1e-4, 50, "do not rise"),
        (0.0, 1.0, 50, "do not rise"),
        (1e-3, float("inf"), 50, "do not rise"),
        (1e-4, 1.0, 5, "too few"),
    ],
)
def test_impossible_ranges_are_refused_before_any_work(parts, make_study, low, high, steps, words):
    with pytest.raises(StudyError, match=words):
        try_rates(make_study(), None, 0, (low, high), steps)


def test_a_study_for_several_devices_is_tried_on_one(parts, make_study, monkeypatch):
    recipes, make = [], Trainer.__init__

    def remember(trainer, study, *rest):
        recipes.append(study.training)
        make(trainer, study, *rest)

    monkeypatch.setattr(Trainer, "__init__", remember)
    study = make_study(devices=2, accumulate=2, ema=0.9, compile=True)
    try_rates(study, parts, 0, (1e-4, 1e-2), FEWEST_STEPS, progress=False)
    [told] = recipes
    assert (told.devices, told.accumulate, told.batch_size, told.ema, told.compile) == (1, 4, 8, 0.0, False)
