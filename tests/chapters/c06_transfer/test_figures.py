"""Figures and sentences of chapter 06, from made-up predictions."""

from __future__ import annotations

import io
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from dfstudy.chapters.c06_transfer import figures, words
from dfstudy.chapters.c06_transfer.cost import cost_numbers
from dfstudy.chapters.c06_transfer.matrix import cross_matrix
from dfstudy.chapters.c06_transfer.numbers import cross_numbers
from dfstudy.chapters.c06_transfer.outcome import Outcome
from dfstudy.chapters.c06_transfer.published import published_models
from dfstudy.present.numbers import say
from dfstudy.study.comparisons import Evaluate
from dfstudy.study.recipe import Model

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


def matrix(*networks: str, strength: float = 3.0, seeds: int = 1, better: float = 0.0):
    """`better`: what fakes of the second network score higher."""

    def outcome(n: int, network: str, m: int, method: str) -> Outcome:
        tables = [predictions(100 * seed + 10 * n + m, (method,), strength) for seed in range(seeds)]
        for each in tables:
            each["probability"] += n * better * each["label"]
        return Outcome(f"only-{n}-{m}", network, (method,), tables, [0.6] * seeds)

    variants = [
        outcome(n, network, m, method)
        for n, network in enumerate(networks)
        for m, method in enumerate(METHODS)
    ]
    return cross_matrix(variants, Evaluate(replicates=100))


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
            boxes = [sum(text.get_bbox_patch() is not None for text in axes.texts) for axes in panels]
            assert boxes == [2] * len(drawn.networks)  # what each network did not learn
            assert size(figure) > 3000
        assert size(figures.draw_gap(drawn)) > 3000
    assert size(figures.draw_published(published_models())) > 3000


def test_cells_carry_their_value(cross):
    figure = figures.draw_matrix(cross, "auc", "AUC")
    written = sorted(text.get_text() for axes in figure.axes for text in axes.texts)
    values = [f"{value:.2f}" for found in cross.cells["auc"].values() for value in found.value]
    assert written == sorted(values)
    plt.close(figure)


def test_the_alt_text_of_the_matrix_holds_every_value_and_says_what_was_not_learned(cross):
    told = figures.describe_matrix(cross, "auc")
    for method, found in cross.cells["auc"].items():
        for at, value in enumerate(found.value):
            known = "" if cross.seen[at, METHODS.index(method)] else " (not learned)"
            assert f"{method} {value:.2f}{known}" in told
    assert "vit, learned swap: " in told


def test_the_rarer_of_learned_and_not_learned_stands_on_white():
    def boxed(cross):
        [axes] = [axes for axes in figures.draw_matrix(cross, "auc", "AUC").axes if axes.texts]
        plt.close("all")
        return {text.get_position() for text in axes.texts if text.get_bbox_patch() is not None}

    one = matrix("cnn")
    both = replace(one, seen=np.array([[True, True], [True, False]]))
    assert boxed(both) == {(1, 1)} and figures.describe_marks(both).endswith("did not learn.")
    single = replace(one, seen=np.array([[True, False], [False, False]]))
    assert boxed(single) == {(0, 0)} and figures.describe_marks(single).endswith("that it learned.")


def test_with_many_methods_the_alt_text_holds_means(cross, monkeypatch):
    monkeypatch.setattr(figures, "MOST_CELLS", 1)
    told = figures.describe_matrix(cross, "auc")
    value = cross.cells["auc"]["swap"].value[1]
    assert f"cnn, learned swap: mean on methods learned {value:.2f}, mean on methods not learned" in told
    boxed = [text.get_text() for text in figures.draw_matrix(cross, "auc", "AUC").axes[0].texts]
    assert boxed == [" ", " "]  # what was not learned; numbers would not be read
    plt.close("all")


def test_the_axes_of_the_means_are_those_of_their_intervals(cross):
    figure = figures.draw_gap(cross)
    auc, _, _, specificity = figure.axes
    found = [cross.summaries[name]["auc"][part] for name in cross.networks for part in ("seen", "unseen")]
    ends = [float(end) for one in found for end in (one.low, one.high)]
    assert auc.get_xlim()[0] < min(ends) and max(ends) < auc.get_xlim()[1] < 1.04
    assert specificity.get_xlim()[1] - specificity.get_xlim()[0] < 0.6
    written = [text.get_text() for text in auc.texts]
    assert f"{float(cross.summaries['cnn']['auc']['seen'].value):.2f}" in written and len(written) == 4
    told = figures.describe_gap(cross)
    one = cross.summaries["vit"]["found"]["unseen"]
    assert f"{float(one.value):.2f} [{float(one.low):.2f}, {float(one.high):.2f}] on others" in told
    plt.close(figure)


def test_the_answer_follows_from_the_intervals(cross):
    numbers = {number.id: number for number in cross_numbers(cross)}
    told = say(words.answer_cross(cross), numbers).data
    assert "cnn loses AUC" in told and "vit loses AUC" in told and "{" not in told
    assert str(numbers["cross.cnn.auc.gap"]) in told
    difference = numbers["cross.difference.auc"]
    assert difference.high < 0 and "these trainings of cnn do better, but fewer than 3 seeds" in told
    alike = matrix("cnn", strength=0.0)
    told = say(words.answer_cross(alike), cross_numbers(alike)).data
    assert "is not shown to lose" in told and "not shown to be better than guessing" in told
    assert "minus" not in told.split("lose")[-1]  # one network: no difference


def test_one_seed_compares_two_networks_and_not_two_kinds():
    alone, several = (matrix("cnn", "vit", seeds=seeds, better=5.0) for seeds in (1, 4))
    for cross, verdict in (
        (alone, "these trainings of vit do better, but fewer than 3 seeds"),
        (several, "vit generalises better here"),
        (matrix("cnn", "vit", seeds=4), "which generalises better is inconclusive"),
    ):
        assert verdict in say(words.answer_cross(cross), cross_numbers(cross)).data


def test_networks_are_told_with_their_cost_and_why_no_transformer(cross):
    hybrid = Model(backbone="botnet26t_256", size=64, options={"width_factor": 0.25})
    models = {"cnn": Model(backbone="test_resnet", size=64), "vit": hybrid}
    numbers = cost_numbers(models, 10)
    told = say(words.tell_networks(cross, models), numbers).data
    cost = {number.id: number for number in numbers}["cross.cost"]
    assert f"{cost} times the cost" in told and "2 of 2 trainings" in told and "{" not in told
    assert "No pure transformer" in told and " px" not in told
    larger = models | {"vit": hybrid.model_copy(update={"size": 96})}
    assert "vit takes the images at 96 px and cnn at 64:" in words.tell_networks(cross, larger)
    pretrained = {name: model.model_copy(update={"weights": "hub"}) for name, model in models.items()}
    assert "No pure transformer" not in words.tell_networks(cross, pretrained)
    pure = words.tell_networks(cross, models, ["vit"])
    assert "No pure transformer" not in pure and "vit learned from scratch and has no convolutions" in pure
    assert "forgeries.second" in words.tell_networks(matrix("cnn"), models)
    assert words.tell_networks(None, {}) == ""


def test_times_are_means_by_network(cross):
    variants = [replace(variant, seconds=(2.0, 4.0)) for variant in cross.variants[:2]] + list(
        cross.variants[2:]
    )
    table = words.times_table(replace(cross, variants=tuple(variants)))
    assert table.iloc[:, 1:].to_numpy().tolist() == [["4", "3.0"], ["0", "not known"]]


def test_columns_say_the_reals_of_a_methods_own_pipeline():
    tables = []
    for seed in range(2):
        table = predictions(seed, (METHODS[0],), 2.0)
        own = table["group"].str[1:].astype(int) < 10
        table = table.assign(pipeline=np.where(own, "a", "b"))
        tables.append(table[(table["method"] != "swap") | own])
    variants = [
        Outcome(f"a{n}", "cnn", (method,), [each], [0.6])
        for n, (method, each) in enumerate(zip(METHODS, tables, strict=True))
    ]
    cross = cross_matrix(variants, Evaluate(replicates=100))
    figure = figures.draw_matrix(cross, "auc", "AUC")
    [axes] = [axes for axes in figure.axes if axes.get_ylabel() == "learned"]
    assert axes.get_xticklabels()[1].get_text() == "swap\n10 fakes\n10 reals"
    assert "own pipeline" in axes.get_xlabel() and "own pipelines" in words.describe_test(cross)
    plt.close(figure)


def test_the_headline_leaves_the_cells_out(cross):
    numbers = {number.id: number for number in cross_numbers(cross)}
    shown = {number.id for number in words.headline(numbers)}
    assert {"cross.cnn.auc.gap", "cross.vit.specificity", "cross.difference.auc"} <= shown
    assert not any(".on." in name or name.startswith("cross.specificity.") for name in shown)


def test_without_methods_to_compare_the_chapter_says_so():
    assert "two forgery methods" in words.tell_cross(None) == words.answer_cross(None)
    assert words.variants_table([]).empty
