"""Figures of explanations: examples with and without regions, nothing explained, verdicts by rule."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from dfstudy.chapters.c04_test import figures_explain as figures
from dfstudy.chapters.c04_test.examples import choose_examples
from dfstudy.chapters.c04_test.explain import DRAWS, Explained
from dfstudy.chapters.c04_test.localisation import explain_numbers
from dfstudy.number import Number
from dfstudy.present.numbers import say
from dfstudy.stats.aligned import align
from dfstudy.study.comparisons import Evaluate

SETTINGS = Evaluate(replicates=100)


def make(count: int = 24, regions: bool = True, reason: str = "") -> Explained:
    random = np.random.default_rng(0)
    names = ("real", "a_method_of_a_very_long_name")
    rows = [(f"{at:02d}", at % 2, names[at % 2], f"g{at // 4}") for at in range(count)]
    table = pd.DataFrame(rows, columns=["path", "label", "method", "group"])
    known = np.full((count, 16, 16), np.nan, np.float32)
    if regions:
        known[1::2] = 0
        known[1::2, 4:9, 5:11] = 1
    return Explained(
        align([table.assign(probability=random.random(count))] * 2), 50,
        random.integers(0, 255, (count, 16, 16, 3)).astype(np.uint8), np.ones((count, 16, 16), bool),
        random.random((2, count, 16, 16)).astype(np.float32), known,
        random.uniform(-0.1, 0.1, (2, DRAWS, count)), random.random(count), "layer4", 7, reason,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def words(figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(plt.Text))


def sentence(explained) -> str:
    numbers = {number.id: number for number in explain_numbers(explained, SETTINGS)}
    return say(figures.explain_sentence(explained, numbers), numbers).data


@pytest.mark.parametrize("regions", [True, False])
def test_each_example_stands_beside_its_map(regions):
    explained = make(regions=regions)
    examples = choose_examples(explained, 0.5)
    figure = figures.draw_explained(explained, examples)
    figure.canvas.draw()
    drawn = [axes for axes in figure.axes if axes.images]
    assert len(drawn) == 2 * len(examples) == 24
    outlined = sum(bool(axes.collections) for axes in drawn)
    assert outlined == (12 if regions else 0)
    for example in examples.itertuples():
        assert f"{example.probability:.2f}" in words(figure)
    edges = [axes.get_tightbbox().extents for axes in figure.axes]
    assert np.min(edges) >= 0 and np.max(edges, axis=0)[2] <= figure.bbox.width + 1
    assert np.array_equal(drawn[0].images[0].get_array(), explained.inputs[examples["row"][0]])


def test_nothing_explained_says_why():
    explained = make(0, reason="no stage keeps places apart")
    figure = figures.draw_explained(explained, choose_examples(explained, 0.5))
    assert "no stage keeps places apart" in words(figure)
    assert "no stage keeps places apart" in figures.describe_explained(explained)
    assert "no stage keeps places apart" in sentence(explained)


def test_the_caption_tells_what_is_drawn():
    assert "n = 24" in figures.describe_explained(make()) and "known for 12" in figures.describe_explained(
        make()
    )
    assert "White" not in figures.describe_explained(make(regions=False))


def test_without_regions_the_sentence_says_so():
    told = sentence(make(regions=False))
    assert "cannot be said: no forged region is known" in told and "random weights" in told


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.1, 0.3, "better than chance"),
        (-0.3, -0.1, "less than chance"),
        (-0.1, 0.2, "as far as can be told"),
    ],
)
def test_verdicts_follow_the_intervals(low, high, said):
    explained = make()
    numbers = {number.id: number for number in explain_numbers(explained, SETTINGS)}
    numbers["explain.energy.gain"] = Number("explain.energy.gain", (low + high) / 2, "1", 12, low, high)
    assert said in figures.explain_sentence(explained, numbers)


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(-0.1, 0.1, "they change the maps"), (0.6, 0.9, "the image alone"), (0.4, 0.6, "inconclusive")],
)
def test_random_weights_are_judged_by_the_interval(low, high, said):
    explained = make()
    numbers = {number.id: number for number in explain_numbers(explained, SETTINGS)}
    name = "explain.randomised.correlation"
    numbers[name] = Number(name, (low + high) / 2, "1", 24, low, high)
    assert said in figures.explain_sentence(explained, numbers)
