"""Figures and sentences of chapter 06, from made-up predictions."""

from __future__ import annotations

import io

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from dfstudy.evaluate.cross import Outcome, cross_matrix, cross_numbers
from dfstudy.evaluate.published import published_models
from dfstudy.report.figures import forgeries as figures
from dfstudy.report.numbers import say
from dfstudy.study import Evaluate

METHODS = ("a method with a very long name", "swap")


def predictions(seed: int, trained_on: tuple[str, ...], strength: float) -> pd.DataFrame:
    kinds = ["real", *METHODS] * 30
    rng = np.random.default_rng(seed)
    added = np.array([strength if kind in trained_on else 0.0 for kind in kinds])
    return pd.DataFrame(
        {
            "path": [f"{number:03d}.png" for number in range(len(kinds))],
            "group": [f"g{number // 3}" for number in range(len(kinds))],
            "method": kinds,
            "label": [int(kind != "real") for kind in kinds],
            "probability": 1 / (1 + np.exp(-added - rng.normal(0, 1, len(kinds)))),
        }
    )


def matrix(*networks: str, strength: float = 3.0):
    arms = [
        Outcome(f"only-{n}-{m}", network, (method,), [predictions(10 * n + m, (method,), strength)], [0.6])
        for n, network in enumerate(networks)
        for m, method in enumerate(METHODS)
    ]
    return cross_matrix(arms, Evaluate(replicates=100))


@pytest.fixture(scope="module")
def cross():
    return matrix("cnn", "vit")


def size(figure) -> int:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    plt.close(figure)
    return len(buffer.getvalue())


def test_every_figure_is_drawn(cross):
    for drawn in (cross, matrix("cnn")):
        for quantity in ("auc", "balanced"):
            figure = figures.draw_matrix(drawn, quantity, quantity)
            panels = [axes for axes in figure.axes if axes.get_ylabel() == "learned"]
            frames = [len(axes.patches) for axes in panels]
            assert frames == [2] * len(drawn.networks)  # what each network learned
            assert size(figure) > 3000
        assert size(figures.draw_gap(drawn)) > 3000
    assert size(figures.draw_published(published_models())) > 3000


def test_cells_carry_their_value(cross):
    figure = figures.draw_matrix(cross, "auc", "AUC")
    written = sorted(text.get_text() for axes in figure.axes for text in axes.texts)
    values = [f"{value:.2f}" for found in cross.cells["auc"].values() for value in found.value]
    assert written == sorted(values)
    plt.close(figure)


def test_the_answer_follows_from_the_intervals(cross):
    numbers = {number.id: number for number in cross_numbers(cross)}
    told = say(figures.answer_cross(cross), numbers).data
    assert "cnn loses AUC" in told and "vit loses AUC" in told and "{" not in told
    assert str(numbers["cross.cnn.auc.gap"]) in told
    difference = numbers["cross.difference.auc"]
    verdict = "cnn generalises better" if difference.high < 0 else "inconclusive"
    assert difference.low < 0 and verdict in told
    alike = matrix("cnn", strength=0.0)
    told = say(figures.answer_cross(alike), cross_numbers(alike)).data
    assert "may or may not lose" in told and "not shown to be better than guessing" in told
    assert "less" not in told.split("lose")[-1]  # one network: no difference


def test_the_headline_leaves_the_cells_out(cross):
    numbers = {number.id: number for number in cross_numbers(cross)}
    shown = {number.id for number in figures.headline(numbers)}
    assert {"cross.cnn.auc.gap", "cross.vit.specificity", "cross.difference.auc"} <= shown
    assert not any(".on." in name or name.startswith("cross.specificity.") for name in shown)


def test_without_methods_to_compare_the_chapter_says_so():
    assert "two forgery methods" in figures.tell_cross(None) == figures.answer_cross(None)
    assert figures.arms_table([]).empty
