"""The audit's figure and sentences, from findings whose verdicts are known."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from dfstudy.chapters.c01_data import figures_shortcuts as figures
from dfstudy.chapters.c01_data.shortcuts import TOGETHER, Finding, shortcut_numbers
from dfstudy.data.traits import FAMILIES
from dfstudy.present.numbers import say
from dfstudy.present.style import save_figure
from dfstudy.stats.intervals import Interval
from dfstudy.study.comparisons import Evaluate
from dfstudy.study.study import load_study

FACES = load_study("small", data="faces", out="results")


def finding(family: str, value: float, method: str = "", half: float = 0.02) -> Finding:
    ends = (np.array(end) for end in (value, value - half, value + half, value))
    interval = Interval(*ends, np.array(0), 40, 40.0, Evaluate())
    shuffled = np.random.default_rng(0).normal(0.5, 0.01, 200)
    return Finding(family, method, interval, shuffled, 0.54, 120, ("format", value))


def make(values: dict[str, float], methods=()) -> list[Finding]:
    names = [*FAMILIES, TOGETHER]
    return [finding(name, values.get(name, 0.5), method) for method in ("", *methods) for name in names]


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def test_dots_and_intervals_lie_where_the_findings_say():
    found = make({"container": 0.99, "light": 0.6}, ("swap", "gan"))
    panels = [axis for axis in figures.draw_shortcuts(found).axes if axis.get_visible()]
    assert [axis.get_title("left") for axis in panels] == [
        "all fakes\nn = 120",
        "gan\nn = 120",
        "swap\nn = 120",
    ]
    dots = [
        line.get_xdata()[0] for line in panels[0].lines if line.get_marker() in "Dsov" and line.get_marker()
    ]
    assert np.allclose(dots, [f.interval.value for f in found if not f.method])
    assert [label.get_text() for label in panels[0].get_yticklabels()][-1] == "all together"
    shade = panels[0].patches[0]
    low, high = np.quantile(found[0].shuffled, [0.025, 0.975])
    assert shade.get_x() == pytest.approx(low) and shade.get_width() == pytest.approx(high - low)


def test_many_methods_are_cut_to_the_most_telling_and_the_caption_says_so():
    found = make({}, [f"m{at:02d}" for at in range(12)])
    found += [finding("detail", 0.9, "zz")]
    scopes = figures.shown_scopes(found)
    assert len(scopes) == figures.MOST_PANELS and scopes[0] == "" and "zz" in scopes
    assert "8 methods with the highest AUC, of 13, are drawn" in figures.shortcut_caption(found)
    assert "are drawn" not in figures.shortcut_caption(make({}, ["one", "two"]))


@pytest.mark.parametrize(
    ("values", "words", "absent"),
    [
        ({}, "No family of traits predicts the label", "reencode"),
        ({"container": 0.99}, "dfstudy reencode path/to/faces path/to/faces_alike", "another origin"),
        ({"detail": 0.8}, "another origin", "reencode"),
        ({"light": 0.58}, "hints at the label", "reencode"),
        ({"together": 0.8}, "All together: predicts the label", "another origin"),
    ],
)
def test_the_sentence_follows_the_findings(values, words, absent):
    found = make(values)
    text = say(figures.shortcut_sentence(found, FACES), shortcut_numbers(found)).data
    assert words in text and absent not in text and "{" not in text
    assert figures.shortcut_alt(found).count("(") == len(found)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("swap", "swap"),
        ("entire_face_synthesis_of_gan", "entire_face_\nsynthesis_of_gan"),
        ("face swap by blending and more of it", "face swap by\nblending and more of…"),
        ("x" * 30, "x" * 20 + "…"),
    ],
)
def test_a_long_name_of_a_method_stays_inside_its_panel(name, shown):
    panels = figures.draw_shortcuts(make({}, (name, "other"))).axes
    assert f"{shown}\nn = 120" in [axis.get_title("left") for axis in panels]


def test_what_cannot_be_judged_is_said_and_methods_are_named():
    found = [*make({}), finding("border", 0.95, "swap")]
    found[0] = finding("container", 0.5, half=0.2)
    text = figures.shortcut_sentence(found, FACES)
    assert "Too few groups to judge: file format" in text and "told for swap" in text


def test_the_command_that_mends_the_files_fits_the_set():
    found = make({"container": 0.99})
    data = FACES.data.model_copy(update={"root": "/pictures of/a b", "aliases": {"fake": ["x"]}})
    other = FACES.model_copy(update={"data": data, "file": Path("own.yaml")})
    text = figures.shortcut_sentence(found, other)
    assert "    .venv/bin/dfstudy reencode 'path/to/a b' 'path/to/a b_alike' --study own.yaml\n" in text
    assert "    make report DATA='path/to/a b_alike'" in text and "/pictures of" not in text


@pytest.mark.parametrize(
    ("values", "half", "words"),
    [
        ({}, 0.02, "none found"),
        ({}, 0.2, "inconclusive"),
        ({"light": 0.58}, 0.02, "the label is hinted at** by brightness"),
        (
            {"detail": 0.6, "container": 0.99},
            0.02,
            "can be told without looking at the face**, from file format",
        ),
        ({"together": 0.9}, 0.02, "from all together"),
    ],
)
def test_the_first_page_has_the_verdict_in_a_sentence(values, half, words):
    found = [finding(name, values.get(name, 0.5), half=half) for name in [*FAMILIES, TOGETHER]]
    text = say(figures.shortcut_verdict(found), shortcut_numbers(found)).data
    assert text.startswith("**Shortcuts: ") and words in text and "{" not in text


def test_names_are_counted_where_there_are_many():
    found = make(dict.fromkeys(FAMILIES, 0.9), [f"a_{at:02d}" for at in range(12)])
    found = [dataclasses.replace(x, interval=finding(x.family, 0.9).interval) for x in found]
    verdict = figures.shortcut_verdict(found)
    assert "and 5 more" in verdict and r"told for a\_00, a\_01, a\_02 and 9 more" in verdict
    rows = figures.telling_rows(found)
    assert len(rows) == figures.MOST_ROWS and [x.method for x in rows].count("") == len(FAMILIES) + 1
    kept = {x.method for x in figures.shown_findings(found)}
    assert kept == set(figures.shown_scopes(found)) and len(kept) < 13


def test_the_figure_has_the_same_bytes_again(tmp_path):
    study = load_study("small", out=str(tmp_path))
    found = make({"container": 0.99}, ("swap",))
    html = [
        save_figure(figures.draw_shortcuts(found), study, "once", caption="c", alt="a").html for _ in range(2)
    ]
    assert html[0] == html[1]
