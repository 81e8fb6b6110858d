"""Figures of chapter 07 draw what was measured: several policies, few groups, one class."""

from __future__ import annotations

import io
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from dfstudy.chapters.c07_robustness import figures
from dfstudy.chapters.c07_robustness.measure import measure_robustness, robustness_numbers
from dfstudy.predict.corruptions import CORRUPTIONS, SEVERITIES
from dfstudy.present.numbers import say
from dfstudy.study.comparisons import Evaluate

SETTINGS = Evaluate(replicates=100)


def make(groups=16, policies=("original",), label=None, names=tuple(CORRUPTIONS)):
    """Every corruption weakens the scores, blur kills them and turns them to fake, JPEG does nothing."""
    random = np.random.default_rng(2)
    rows = [
        (f"{g}_{k}.png", k % 2, "real" if k % 2 == 0 else "swap", f"g{g}")
        for g in range(groups)
        for k in range(4)
    ]
    told = pd.DataFrame(rows, columns=["path", "label", "method", "group"])
    parts = []
    for policy in policies:
        logit = 4 * told["label"] - 2 + random.normal(0, 1, len(told))
        for name, severity in [("none", 0), *((n, s) for n in names for s in SEVERITIES)]:
            weaker = {"none": 1, "jpeg": 1, "blur": 0}.get(name, 1 - severity / 10)
            scores = 1 / (1 + np.exp(-(weaker * logit + 3 * (name == "blur"))))
            noise = random.uniform(0, 0.02, len(told)) * (name == "blur")
            part = told.assign(
                probability=np.clip(scores - noise, 0, 1), policy=policy, seed=0, threshold=0.5
            )
            parts.append(part.assign(corruption=name, severity=severity))
    table = pd.concat(parts, ignore_index=True)
    return measure_robustness(table if label is None else table[table["label"] == label], SETTINGS)


CASES = {
    "one policy": make(),
    "three policies": make(policies=("original", "none", "none+grey")),
    "two groups": make(groups=2),
    "one group": make(groups=1),
    "fakes only": make(label=1),
    "two corruptions": make(names=("jpeg", "blur")),
}


def png(figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def words(figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(plt.Text))


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.mark.parametrize("case", CASES)
def test_every_figure_table_and_sentence_is_made_without_a_warning(case):
    measured = CASES[case]
    for figure in (figures.draw_ranking(measured), figures.draw_flips(measured[0])):
        assert len(png(figure)) > 2000
    table = figures.breaking_table(measured[0])
    assert len(table) == len(measured[0].corruptions)
    numbers = robustness_numbers(measured, in_test=999)
    assert "**Answer.**" in say(figures.robustness_sentence(measured[0]), numbers).data


def test_same_results_same_bytes():
    first, second = (png(figures.draw_flips(CASES["one policy"][0])) for _ in range(2))
    assert first == second


def test_panels_start_at_the_clean_pictures_and_show_where_it_breaks():
    (one,) = CASES["one policy"]
    figure = figures.draw_ranking([one])
    panels = {axes.get_title(loc="left"): axes for axes in figure.axes}
    assert list(panels) == [corruption.spoken for corruption in CORRUPTIONS.values()]
    blur = panels["blur"]
    assert (
        blur.get_title(loc="right") == "breaks at 0.5" and panels["JPEG"].get_title(loc="right") == "robust"
    )
    curve = blur.lines[0].get_ydata()
    assert curve[0] == one.interval("auc", "none").value and curve[1] == one.interval("auc", "blur", 1).value
    hollow = [line for line in blur.lines if line.get_markerfacecolor() == "white"]
    assert list(hollow[0].get_xdata()) == [1, 2, 3, 4, 5]
    assert [text.get_text() for text in blur.get_xticklabels()] == ["clean", "0.5", "1", "2", "3", "4"]


def test_each_policy_has_its_curve():
    figure = figures.draw_ranking(CASES["three policies"])
    assert {"policy original", "policy none", "policy none+grey"} <= set(words(figure).split("\n"))
    curves = [line for line in figure.axes[0].lines if line.get_label().startswith("policy")]
    assert len({str(line.get_linestyle()) + str(line._dash_pattern) for line in curves}) == 3  # seen in grey


def test_flips_stand_in_their_cells_by_direction():
    (one,) = CASES["one policy"]
    figure = figures.draw_flips(one)
    left, right = figure.axes
    row = list(CORRUPTIONS).index("blur")
    cells = {text.get_position(): text.get_text() for text in left.texts}
    turned = one.interval("to_fake", "blur", 4).value
    assert cells[3, row] == f"{100 * turned:.0f} %" and turned > 0.4
    assert {text.get_text() for text in right.texts if text.get_position()[1] == row} == {"0 %"}
    strongest = one.interval("to_fake", "blur", 5).value
    assert f"blur {100 * strongest:.0f} % and 0 %" in figures.describe_flips(one)


def test_the_sheet_shows_three_severities_of_every_corruption():
    figure = figures.draw_examples(np.random.default_rng(0).integers(0, 255, (53, 37, 3)).astype(np.uint8))
    assert sum(len(axes.images) for axes in figure.findobj(plt.Axes)) == 3 * len(CORRUPTIONS)
    told = words(figure)
    for corruption in CORRUPTIONS.values():
        assert f"{corruption.spoken}, {corruption.unit}" in told


def test_captions_and_the_table_say_what_was_measured():
    (one,) = CASES["one policy"]
    measured = f"n = 64 test images in 16 groups under each of {len(CORRUPTIONS)} corruptions."
    assert figures.describe_robustness(one) == measured
    table = figures.breaking_table(one).set_index("corruption")
    assert table.loc["JPEG", "holds up to"] == "all of them"
    assert (
        table.loc["blur", "holds up to"] == "no severity" and table.loc["blur", "broken from"] == "σ 0.5 px"
    )
    sentence = figures.robustness_sentence(one)
    assert "blur (σ 0.5 px)" in sentence and "Verdicts turn to fake more often" in sentence


def test_a_network_that_never_worked_breaks_nowhere():
    """Guessing on clean images is no success of a corruption."""
    guess = CASES["one policy"][0]
    found = guess.intervals["auc"]
    low = replace(found, low=np.full_like(found.low, 0.4), high=np.full_like(found.high, 0.6))
    one = replace(guess, intervals={**guess.intervals, "auc": low})
    assert not one.sound and guess.sound
    assert "nothing is left to break" in figures.robustness_sentence(one)
    assert set(figures.breaking_table(one)["broken from"]) == {"clean"}
    figure = figures.draw_ranking([one])
    assert {axes.get_title(loc="right") for axes in figure.axes} == {"below when clean"}
    hollow = [line for line in figure.axes[0].lines if line.get_markerfacecolor() == "white"]
    assert list(hollow[0].get_xdata()) == [0, 1, 2, 3, 4, 5]
