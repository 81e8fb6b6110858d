"""Figures of the training show what the runs hold."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from dfstudy.chapters.c03_training import figures
from dfstudy.study.recipe import Training
from dfstudy.study.study import load_study
from dfstudy.train.rate_range import RateRange
from dfstudy.train.run import Run


def made_run(seed: int = 0, epochs: int = 5, best: int = 3) -> Run:
    number = np.arange(1, epochs + 1)
    history = pd.DataFrame({"epoch": number, "learning_rate": 0.1 / number})
    for part, better in (("train", 0.1), ("val", 0.0)):
        history[f"{part}_loss"] = 1 / number - better + 0.01 * seed
        history[f"{part}_accuracy"] = 0.5 + 0.05 * number + better
        history[f"{part}_auc"] = 0.6 + 0.05 * number + better
    timings = pd.DataFrame({"epoch": number, "seconds": 2.0, "pictures_per_second": 50.0 + seed})
    clean = {"pictures": 100, "auc": 0.9, "loss": 0.4, "accuracy": 0.8}
    told = {
        "best_epoch": best,
        "epochs": epochs,
        "clean": {"train": clean, "val": clean | {"pictures": 30}},
        "training": Training(epochs=6, batch_size=32).model_dump(mode="json", exclude={"seeds", "workers"}),
        "threshold": 0.4,
        "temperature": 1.5,
        "parameters": 1234,
        "trainable": 234,
        "pictures_a_step": 64,
        "pictures_at_once": 16,
    }
    return Run(f"seed{seed}", seed, Path(), history, timings, told)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_curves_show_both_parts_the_gap_and_the_kept_epoch():
    run = made_run()
    loss, accuracy = figures.draw_curves([run]).axes
    kept, seen, unseen = loss.lines
    assert list(kept.get_xdata()) == [3, 3]
    np.testing.assert_array_equal(seen.get_ydata(), run.history["train_loss"])
    np.testing.assert_array_equal(unseen.get_ydata(), run.history["val_loss"])
    assert len(loss.collections) == len(accuracy.collections) == 1  # the shaded gap
    np.testing.assert_array_equal(accuracy.lines[2].get_ydata(), run.history["val_accuracy"])


def test_a_row_a_seed_and_no_more_than_fit():
    assert len(figures.draw_curves([made_run(seed) for seed in range(3)]).axes) == 6
    many = [made_run(seed) for seed in range(9)]
    assert len(figures.draw_curves(many).axes) == 2 * figures.MOST_SEEDS
    assert "9 training seeds, the first 4 shown" in figures.describe_training(many)


def test_one_epoch_can_be_drawn():
    for draw in (figures.draw_curves, figures.draw_speed):
        draw([made_run(epochs=1, best=1)]).canvas.draw()


def test_speed_shows_each_seed():
    rate, seconds = figures.draw_speed([made_run(0), made_run(1)]).axes
    assert [line.get_ydata()[0] for line in rate.lines] == [50.0, 51.0]
    assert len(seconds.lines) == 2
    assert len({line.get_marker() for line in rate.lines}) == 2  # distinct without colour


def tried_rates(suggestion: float | None = 0.004, steps: int = 60) -> RateRange:
    rates = np.geomspace(1e-5, 10, steps)
    losses = np.where(np.arange(steps) < steps - 4, np.linspace(0.7, 0.5, steps), 80.0)
    table = pd.DataFrame({"step": np.arange(1, steps + 1), "rate": rates, "loss": losses})
    return RateRange(table.assign(smoothed=losses / 1.01), 0.002, suggestion, True)


def test_a_range_test_shows_the_valley_and_marks_both_rates():
    axes = figures.draw_rate_range(tried_rates()).axes[0]
    raw, smoothed, own, suggested = axes.lines
    assert axes.get_xscale() == "log"
    np.testing.assert_array_equal(raw.get_ydata(), tried_rates().table["loss"])
    np.testing.assert_array_equal(smoothed.get_ydata(), tried_rates().table["smoothed"])
    assert (own.get_xdata()[0], suggested.get_xdata()[0]) == (0.002, 0.004)
    assert 0.7 < axes.get_ylim()[1] < 0.8  # not the 80 where it diverged


def test_a_range_test_without_a_suggestion_marks_none():
    for steps in (1, 60):
        figure = figures.draw_rate_range(tried_rates(None, steps))
        figure.canvas.draw()
        assert len(figure.axes[0].lines) == 3


def test_words_say_how_many_and_how_it_went():
    runs = [made_run(0), made_run(2)]
    assert figures.describe_training(runs[:1]) == "n = 100 training and 30 validation images; seed 0."
    assert "training loss goes from 0.91 to 0.24" in figures.describe_change(runs)
    table = figures.describe_runs(runs)
    assert table["epoch kept"].tolist() == [3, 3]
    assert table["parameters"].tolist() == ["1,234", "1,234"]


def test_settings_are_those_that_shape_training():
    table = figures.settings_table(load_study("original"))
    assert {key.split(".")[0] for key in table["setting"]} == {"model", "augment", "training"}
    assert table.set_index("setting").loc["training.optimiser", "value"] == "sgd"
    assert (table["meaning"] != "").all()
