"""Figures and sentences of calibration: any number of seeds, one class, and words that follow intervals."""

from __future__ import annotations

import io
from dataclasses import replace
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from dfstudy.chapters.c04_test import figures_calibration as figures
from dfstudy.chapters.c04_test.curve_tables import reliability
from dfstudy.number import Number
from dfstudy.present.numbers import say
from dfstudy.stats.score_meaning import calibrate, meaning_numbers, risk_curve
from dfstudy.study.comparisons import Evaluate

SETTINGS = Evaluate(replicates=100)


def table(groups: int, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    rows = [
        (f"{group}_{name}.png", int(name != "real"), name, f"g{group}")
        for group in range(groups)
        for name in ("real", "swap")
    ]
    told = pd.DataFrame(rows, columns=["path", "label", "method", "group"])
    logit = random.normal(3 * told["label"] - 1.5, 2.0)
    return told.assign(logit=logit, probability=1 / (1 + np.exp(-logit)))


def made(groups=16, seeds=2, only=None, validation=150):
    runs = [
        SimpleNamespace(clean=table(validation, 50 + seed).assign(part="val"), checkpoint={"threshold": 0.5})
        for seed in range(seeds)
    ]
    tables = [table(groups, seed) for seed in range(seeds)]
    if only is not None:
        tables = [each[each["label"] == only] for each in tables]
    meaning = calibrate(runs, tables, SETTINGS)
    return tables, meaning, {x.id: x for x in meaning_numbers(meaning, SETTINGS)}


CASES = {
    "two seeds": {},
    "one seed": {"seeds": 1},
    "two groups": {"groups": 2, "seeds": 1},
    "one group": {"groups": 1, "seeds": 1},
    "fakes only": {"only": 1},
    "reals only": {"only": 0},
    "a small validation": {"validation": 10},
}


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def png(figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def words(figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(plt.Text))


@pytest.mark.parametrize("case", CASES)
def test_every_figure_is_drawn_without_a_warning(case):
    tables, meaning, numbers = made(**CASES[case])
    raw, after = (reliability(each, SETTINGS) for each in (tables, meaning.tables))
    drawn = figures.draw_reliability({"raw": raw, "after": after})
    assert drawn.axes[0].get_title(loc="left") == "raw" and len(png(drawn)) > 2000
    assert len(png(figures.draw_risk(risk_curve(meaning, SETTINGS), numbers, meaning))) > 2000
    before = Number("test.ece", 0.1, "probability", 9)
    told = figures.calibration_table(meaning, before)
    assert len(told) == 6 and (told["before"] == "0.100").sum() == 2


def test_same_inputs_same_bytes_and_the_points_are_the_numbers():
    _, meaning, numbers = made()
    curve = risk_curve(meaning, SETTINGS)
    first, second = (figures.draw_risk(curve, numbers, meaning) for _ in range(2))
    assert png(first) == png(second)
    drawn = [line.get_ydata()[0] for line in first.axes[1].lines]
    # 150 reals are too few to promise 1 %
    assert drawn == [numbers[f"test.false_alarms.at_{rate}"].value for rate in (5, 10)]
    assert [text.get_text() for text in first.axes[1].texts] == ["not defined"]
    assert np.array_equal(first.axes[0].lines[0].get_ydata(), curve["risk"])


def test_false_alarms_have_ticks_at_whole_percents_and_found_fakes_an_axis_of_their_own():
    _, meaning, numbers = made()
    ends = {"low": 0.08, "high": 0.17}
    numbers["test.false_alarms.at_10"] = replace(numbers["test.false_alarms.at_10"], value=0.1, **ends)
    numbers |= {
        f"test.sensitivity.at_{rate}": Number(f"test.sensitivity.at_{rate}", 0.8, "1", 9, 0.77, 0.83)
        for rate in (5, 10)
    }
    figure = figures.draw_risk(risk_curve(meaning, SETTINGS), numbers, meaning)
    figure.canvas.draw()
    alarms, found = figure.axes[1:3]
    shown = [float(text.get_text().removesuffix(" %")) for text in alarms.get_yticklabels()]
    assert shown == pytest.approx([100 * tick for tick in alarms.get_yticks()])
    assert found.get_ylim()[0] > 0.6 and found.get_ylim()[1] < 1  # around the intervals


def test_no_verdict_is_said_in_place_of_the_point():
    _, meaning, numbers = made()
    numbers["test.band.wrong"] = Number("test.band.wrong", None, "1", 0, note="no such verdict was given")
    assert "no verdict" in words(figures.draw_risk(risk_curve(meaning, SETTINGS), numbers, meaning))


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(-0.2, -0.1, "improves the log-loss"), (0.1, 0.2, "**worsens**"), (-0.1, 0.1, "does not improve")],
)
def test_the_sentence_follows_the_interval(low, high, said):
    _, meaning, numbers = made()
    used = meaning.judgements["platt"]
    change = {
        name: replace(found, low=np.asarray(low), high=np.asarray(high))
        for name, found in used.change.items()
    }
    meaning.judgements["platt"] = replace(used, change=change)
    numbers["test.ece"] = Number("test.ece", 0.1, "probability", 9)
    text = say(figures.calibration_sentence(meaning), numbers).data
    assert said in text and "{" not in text
    every = [word for word in ("improves the log-loss", "**worsens**", "does not improve") if word in text]
    assert every == [said]


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.06, 0.2, "more than promised"),
        (0.01, 0.04, "fewer than"),
        (0.01, 0.2, "allows the promise"),
        (None, None, "cannot"),
    ],
)
def test_a_broken_promise_is_said(low, high, said):
    _, _, numbers = made()
    numbers["test.false_alarms.at_5"] = Number("test.false_alarms.at_5", 0.1, "1", 99, low, high)
    text = say(figures.decision_sentence(numbers), numbers).data
    assert said in text and "{" not in text


def test_no_answer_is_said():
    _, _, numbers = made()
    numbers["test.band.answered"] = Number("test.band.answered", 0.0, "1", 99)
    assert "every image stays unsure" in figures.decision_sentence(numbers)


@pytest.mark.parametrize(("low", "said"), [(0.06, True), (0.04, False)])
def test_a_band_that_keeps_less_than_it_promised_is_said(low, said):
    _, _, numbers = made()
    numbers["test.band.answered"] = Number("test.band.answered", 0.4, "1", 99)
    numbers["test.band.wrong"] = Number("test.band.wrong", 0.1, "1", 99, low, 0.2)
    assert ("here they are **more**" in figures.decision_sentence(numbers)) == said


def test_what_validation_cannot_promise_is_said_with_its_reason():
    _, _, numbers = made(validation=10)
    text = say(figures.decision_sentence(numbers), numbers).data
    assert "is not known" in text and "59 independent ones are needed" in text


@pytest.mark.parametrize(
    ("intercept", "slope", "said"),
    [
        ((-0.1, 0.1), (0.8, 1.2), "neither is shown to be off"),
        ((0.1, 0.3), (0.8, 1.2), "fakes are more frequent"),
        (
            (-0.3, -0.1),
            (0.5, 0.9),
            "fakes are rarer than the probabilities say and the probabilities are too extreme",
        ),
        ((-0.1, 0.1), (1.1, 1.5), "too timid"),
    ],
)
def test_what_is_left_is_said_by_the_intervals_of_intercept_and_slope(intercept, slope, said):
    _, meaning, numbers = made()
    used = meaning.judgements["platt"]
    ends = {
        name: replace(getattr(used, name), low=np.asarray(low), high=np.asarray(high))
        for name, (low, high) in (("intercept", intercept), ("slope", slope))
    }
    meaning.judgements["platt"] = replace(used, **ends)
    numbers["test.ece"] = Number("test.ece", 0.1, "probability", 9)
    text = say(figures.calibration_sentence(meaning), numbers).data
    assert said in text and "where 50% of the images are fake" in text
