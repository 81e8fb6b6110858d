"""Axes that fit what they show: nothing cut off, and no tick rounded."""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import pytest

from dfstudy.present.axes import whole_percents, zoom


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_limits_hold_every_end_with_room_beside_it():
    low, high = zoom([0.82, 0.9, 0.95, None, math.nan, math.inf])
    assert 0.78 < low < 0.82 and 0.95 < high < 0.99


def test_a_narrow_interval_is_not_blown_up():
    low, high = zoom([0.9, 0.9])
    assert high - low == pytest.approx(0.05 * 1.16) and low < 0.9 < high


def test_limits_stay_near_what_the_quantity_can_be():
    assert 1 < zoom([0.9, 1.0], lowest=0, highest=1)[1] < 1.01
    assert zoom([], lowest=0, highest=1) == pytest.approx((-0.04, 1.04))


def test_chance_is_taken_in_where_it_is_near_and_not_where_it_would_squeeze():
    assert zoom([0.55, 0.7], near=[0.5, None])[0] < 0.5
    assert zoom([0.9, 0.95], near=[0.5])[0] > 0.85
    assert zoom([0.3, 0.45], near=[0.5])[1] > 0.5


@pytest.mark.parametrize("high", [0.03, 0.08, 0.17, 0.31, 0.5, 1.0])
def test_ticks_are_whole_percents_and_say_what_they_are(high):
    figure, axes = plt.subplots()
    axes.set_ylim(0, high)
    whole_percents(axes.yaxis)
    figure.canvas.draw()
    ticks = axes.yaxis.get_ticklocs()
    shown = [label.get_text() for label in axes.yaxis.get_ticklabels()]
    assert [float(text.removesuffix(" %")) for text in shown] == pytest.approx([100 * tick for tick in ticks])
    assert 3 <= sum(0 <= tick <= high for tick in ticks) <= 7
