"""The leakage figure shows what is asked: both AUCs, and whether their difference lies beyond 0."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from dfstudy.chapters.c01_data import figures_leakage as figures
from dfstudy.chapters.c01_data.leakage import compare
from dfstudy.study.comparisons import Evaluate


def found(grouped: float, random: float):
    chance = np.random.default_rng(0)
    labels = np.arange(400) % 2
    table = pd.DataFrame({"label": labels, "group": [f"g{at // 4}" for at in range(400)]})
    sides = [
        [table.assign(logit=chance.normal(labels * strength)) for _ in range(3)]
        for strength in (grouped, random)
    ]
    return compare(*sides, Evaluate(replicates=100), shared=0.9)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_both_values_stand_beside_their_difference_and_a_line_at_zero():
    told = found(2.0, 3.0)
    left, right = figures.draw_leakage(told).axes
    values = [float(told.grouped.value), float(told.random.value)]
    assert [text.get_text() for text in left.texts] == [f"{value:.3f}" for value in values]
    assert [text.get_text() for text in left.get_yticklabels()] == ["grouped split", "random per-image split"]
    assert right.get_title("left") == "Inflation: random − grouped" and "inflated →" in right.get_xlabel()
    line, interval, dot = right.lines
    assert list(line.get_xdata()) == [0, 0] and dot.get_xdata()[0] == told.inflation.value > 0
    assert list(interval.get_xdata()) == [told.inflation.low, told.inflation.high]
    low, high = right.get_xlim()
    assert low == -high and high > told.inflation.high  # 0 in the middle: no side is favoured
    assert left.get_xlim()[0] > 0.8  # around the intervals, as chance is far


def test_chance_is_drawn_where_the_networks_are_near_it():
    left, _ = figures.draw_leakage(found(0.3, 0.2)).axes
    assert left.get_xlim()[0] < 0.5 and "chance" in [text.get_text() for text in left.texts]


def test_the_alt_text_holds_the_values_with_their_intervals():
    told = found(2.0, 0.5)
    alt = figures.leakage_alt(told)
    assert f"{float(told.grouped.value):.3f} [{float(told.grouped.low):.3f}, " in alt
    assert f"the difference, −{abs(told.inflation.value):.3f} [−" in alt
    assert "n = 800 test images" in figures.leakage_caption(told)
