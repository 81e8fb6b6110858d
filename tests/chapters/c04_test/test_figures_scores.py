"""Figures of the test: few images, many methods, several seeds, one class; they draw what tables say."""

from __future__ import annotations

import io

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from dfstudy.chapters.c04_test import figures_scores as figures
from dfstudy.chapters.c04_test.curve_tables import (
    chosen_points,
    find_mistakes,
    mean_precision,
    roc_band,
    seed_curves,
)
from dfstudy.stats.registry import CELLS
from dfstudy.study.comparisons import Evaluate

SETTINGS = Evaluate(replicates=100)


def make(groups=12, seeds=2, methods=("swap", "blend")):
    random = np.random.default_rng(1)
    rows = [
        (f"{group}_{method}.png", int(method != "real"), method, f"g{group}")
        for group in range(groups)
        for method in ("real", *methods)
    ]
    table = pd.DataFrame(rows, columns=["path", "label", "method", "group"])
    return [
        table.assign(probability=np.clip(random.normal(0.3 + 0.4 * table["label"], 0.2), 0, 1))
        for _ in range(seeds)
    ]


def draw_all(tables, thresholds):
    curves, chosen = seed_curves(tables), chosen_points(tables, thresholds)
    mistakes, seeds = find_mistakes(tables, thresholds), [7 + at for at in range(len(tables))]
    pictures = [np.full((53 + row, 37, 3), 90, np.uint8) for row in range(len(mistakes))]
    return {
        "roc": figures.draw_roc(roc_band(tables, SETTINGS), curves, chosen, seeds),
        "precision_recall": figures.draw_precision_recall(curves, mean_precision(curves), chosen, seeds),
        "scores": figures.draw_scores(tables, thresholds, seeds),
        "confusion": figures.draw_confusion(chosen),
        "mistakes": figures.draw_mistakes(mistakes, pictures),
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


CASES = {
    "two seeds": make(),
    "one seed, one method": make(seeds=1, methods=("only",)),
    "two groups": make(groups=2, seeds=1),
    "many methods": make(groups=3, seeds=1, methods=tuple(f"method {n} of a long name" for n in range(18))),
    "fakes only": [table[table["label"] == 1] for table in make()],
    "reals only": [table[table["label"] == 0] for table in make()],
}


@pytest.mark.parametrize("case", CASES)
def test_every_figure_is_drawn_without_a_warning(case):
    tables = CASES[case]
    for figure in draw_all(tables, [0.5, 0.45][: len(tables)]).values():
        assert len(png(figure)) > 2000


def test_same_tables_same_bytes():
    first, second = (draw_all(CASES["two seeds"], [0.5, 0.45]) for _ in range(2))
    assert all(png(first[name]) == png(second[name]) for name in first)


def test_the_threshold_of_each_seed_is_marked_and_named():
    tables, thresholds = CASES["two seeds"], [0.5, 0.45]
    chosen = chosen_points(tables, thresholds)
    drawn = draw_all(tables, thresholds)
    for name, across in (("roc", "false_alarms"), ("precision_recall", "sensitivity")):
        marks = [line for line in drawn[name].axes[0].lines if line.get_label().startswith("threshold")]
        assert [line.get_label() for line in marks] == ["threshold of seed 7", "threshold of seed 8"]
        assert [line.get_xdata()[0] for line in marks] == chosen[across].tolist()
        assert len({line.get_marker() for line in marks}) == 2  # distinct without colour
    dashed = drawn["scores"].axes[0].lines
    assert [line.get_xdata()[0] for line in dashed] == thresholds
    assert [line.get_label() for line in dashed] == [
        "threshold of seed 7 (0.50)",
        "threshold of seed 8 (0.45)",
    ]
    assert len({line.get_linestyle() for line in dashed}) == 2


def test_many_seeds_share_one_entry_of_the_legend():
    tables = make(seeds=6)
    figure = figures.draw_scores(tables, [0.4] * 6, list(range(6)))
    shown = [text.get_text() for text in figure.legends[0].get_texts()]
    assert shown == ["thresholds of 6 seeds"]
    one = figures.draw_scores(tables[:1], [0.4], [0])
    assert [text.get_text() for text in one.legends[0].get_texts()] == ["threshold from validation (0.40)"]


def test_the_mean_of_precision_stands_between_its_seeds():
    curves = seed_curves(CASES["two seeds"])
    mean = mean_precision(curves)
    each = [
        [curve.loc[curve["sensitivity"] >= recall - 1e-9, "precision"].iloc[0] for curve in curves]
        for recall in mean["sensitivity"]
    ]
    assert mean["precision"].tolist() == pytest.approx(np.mean(each, axis=1).tolist())
    assert np.ptp(each, axis=1).max() > 0  # two seeds that differ
    shown = words(draw_all(CASES["two seeds"], [0.5, 0.45])["precision_recall"])
    assert "mean" in shown and "each seed" in shown and "chance: 67 % are fake" in shown
    assert "mean" not in words(draw_all(CASES["one seed, one method"], [0.5])["precision_recall"])
    assert mean_precision(seed_curves(CASES["fakes only"])).empty


def test_confusion_shows_mean_counts_and_shares_of_rows():
    chosen = chosen_points(CASES["two seeds"], [0.5, 0.45])
    told = words(figures.draw_confusion(chosen))
    mean = chosen[list(CELLS)].mean()
    assert f"{mean['true_fake']:.1f}\n{100 * mean['true_fake'] / 24:.1f} %" in told
    assert f"{mean['false_fake']:.1f}\n{100 * mean['false_fake'] / 12:.1f} %" in told


def test_scores_say_how_many_methods_are_left_out():
    told = words(figures.draw_scores(CASES["many methods"], [0.5], [0]))
    assert "4 more methods are not shown" in told
    assert "not shown" not in words(figures.draw_scores(CASES["two seeds"], [0.5, 0.45], [0, 1]))


def test_scores_have_a_row_for_reals_and_each_method():
    figure = figures.draw_scores(CASES["two seeds"], [0.5, 0.45], [0, 1])
    assert [axes.get_ylabel() for axes in figure.axes] == [
        "real\n12 images",
        "blend\n12 images",
        "swap\n12 images",
    ]
    heights = [sum(bar.get_height() for bar in axes.patches) for axes in figure.axes]
    assert heights == pytest.approx([1, 1, 1])


def test_mistakes_name_truth_verdict_and_probability():
    tables = CASES["two seeds"]
    mistakes = find_mistakes(tables, [0.9, 0.9])
    figure = figures.draw_mistakes(mistakes, [np.zeros((40, 30, 3), np.uint8)] * len(mistakes))
    first = mistakes.iloc[0]
    assert f"fake: {first['method']}\ncalled real: {first['probability']:.2f}" in words(figure)
    assert sum(bool(axes.images) for axes in figure.axes) == len(mistakes) == 12


def test_no_mistakes_is_said():
    perfect = [table.assign(probability=table["label"].astype(float)) for table in CASES["two seeds"]]
    mistakes = find_mistakes(perfect, [0.5, 0.5])
    assert "every test image is on its side" in words(figures.draw_mistakes(mistakes, []))


def test_one_class_is_said_in_place_of_a_curve():
    drawn = draw_all(CASES["fakes only"], [0.5, 0.45])
    assert "not defined" in words(drawn["roc"]) and "not defined" in words(drawn["precision_recall"])
    assert words(drawn["confusion"]).count("none") == 2


def test_captions_count_pictures_groups_and_seeds():
    assert figures.describe_sample(CASES["two seeds"]) == (
        "n = 36 test images (12 real, 24 fake) in 12 groups; 2 training seeds."
    )
    assert figures.describe_sample(CASES["two groups"]).endswith("in 2 groups.")
