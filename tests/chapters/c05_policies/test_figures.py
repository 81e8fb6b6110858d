"""Figures and sentences of chapter 05, from made-up predictions with planted effects."""

from __future__ import annotations

import io
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest

from dfstudy.chapters.c05_policies import figures, figures_auc, words
from dfstudy.chapters.c05_policies.compare import UNCHANGED, compare_policies
from dfstudy.chapters.c05_policies.numbers import policy_numbers
from dfstudy.number import Number
from dfstudy.present.numbers import say
from dfstudy.study.comparisons import Evaluate, Policies
from dfstudy.study.study import load_study

NAMES = ["none", "original", "deepfakebench", "self_blend"]


def make_study(**wanted):
    study = load_study("sample", out="somewhere")
    recipe = study.training.model_copy(update={"epochs": 16, "seeds": [0, 1, 2, 3]})
    wanted = {"names": NAMES, "budgets": [0.25, 0.5], "seeds": 4, **wanted}
    changed = {"training": recipe, "policies": Policies(**wanted), "evaluate": Evaluate(replicates=100)}
    return study.model_copy(update=changed)


def planted(trained) -> float:
    if trained.policy == "deepfakebench":
        return {4: -0.9, 8: 0.2, 16: 1.0}[trained.epochs]
    return {"self_blend": -0.9, "none+grey": 0.9, "original*2": -0.9}.get(trained.policy, 0.0)


@pytest.fixture(scope="module")
def compared(make_tested):
    study = make_study()
    return compare_policies(study, make_tested(study, planted, groups=150, noise=0.3))


@pytest.fixture(scope="module")
def numbers(compared):
    return {number.id: number for number in policy_numbers(compared.study, compared)}


def size(figure) -> int:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    plt.close(figure)
    return len(buffer.getvalue())


def marks(axes) -> list[str]:
    return [line.get_marker() for line in axes.lines if line.get_marker() not in ("None", "", None)]


def test_the_forest_has_a_panel_a_quantity_and_a_mark_a_policy(compared):
    figure = figures.draw_forest(compared)
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "test AUC",
        "AUC on unseen forgeries",
        "overfitting gap",
        "log-loss",
        "calibration error",
        "AUC when corrupted",
    ]
    assert marks(figure.axes[0]) == [
        "D",
        "o",
        "s",
    ]  # inconclusive, improves, worsens: distinct without colour
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == NAMES[1:]
    assert "better →" in figure.axes[0].get_xlabel() and "← better" in figure.axes[2].get_xlabel()
    found = compared.of("policy", "auc", 1.0)
    drawn = [float(line.get_xdata()[0]) for line in figure.axes[0].lines if line.get_marker() in "Dos"]
    assert drawn == pytest.approx([one.difference.value for one in found])
    assert size(figure) > 3000


def unlearned(compared, *policies: str):
    """The same comparison where these policies' networks have not learned."""
    learning = {
        trained: replace(one, gain=replace(one.gain, value=-1.0, low=-2.0, high=-0.5))
        if trained.policy in policies
        else one
        for trained, one in compared.learning.items()
    }
    effects = [
        replace(one, untold="not trained enough to tell: made up")
        if one.comparison.second.policy in policies
        else one
        for one in compared.effects
    ]
    return replace(compared, learning=learning, effects=tuple(effects))


SHORTCUT = Number("shortcut.together.auc", 0.62, "AUC", 1280, 0.58, 0.66)


def test_each_policy_has_its_auc_with_its_value_and_what_has_not_learned_is_hollow(compared):
    told = unlearned(compared, "self_blend")
    figure = figures_auc.draw_auc(told, SHORTCUT)
    [axes] = figure.axes
    values = [told.values["auc"][(name, 16)] for name in NAMES]
    dots = [line for line in axes.lines if line.get_marker() in "oD"]
    assert [line.get_xdata()[0] for line in dots] == [float(one.value) for one in values]
    assert [line.get_markerfacecolor() for line in dots] == [figures.REAL] * 3 + ["white"]
    assert [line.get_marker() for line in dots] == ["o", "o", "o", "D"]  # distinct without colour
    assert axes.texts[0].get_text() == f"{values[0].value:.3f} [{values[0].low:.3f}, {values[0].high:.3f}]"
    named = [text.get_text() for text in figure.legends[0].get_texts()]
    assert named == ["policy", "not trained enough to tell", "shortcut probe (0.62)", "chance (0.50)"]
    assert figure.get_size_inches()[1] <= 1.8
    alt = figures_auc.describe_auc(told, SHORTCUT)
    assert f"self_blend {axes.texts[3].get_text()} (not trained enough to tell)" in alt and "0.620" in alt
    caption = figures_auc.caption_auc(told, SHORTCUT)
    assert "n = 300 images" in caption and "95 %" in caption and "Shortcut probe:" in caption
    assert "Hollow" in caption and "Hollow" not in figures_auc.caption_auc(compared, SHORTCUT)
    apart = Number("shortcut.together.auc", 0.01, "AUC", 1280)  # further away than an axis should reach
    assert "Shortcut probe (0.010, beyond the axis):" in figures_auc.caption_auc(told, apart)
    assert size(figure) > 3000


def test_the_auc_of_policies_is_drawn_without_a_shortcut_probe_and_without_intervals(compared, make_tested):
    figure = figures_auc.draw_auc(compared)
    assert "shortcut probe" not in str([text.get_text() for text in figure.legends[0].get_texts()])
    assert "hortcut" not in figures_auc.caption_auc(compared) + figures_auc.describe_auc(compared)
    unknown = Number("shortcut.together.auc", None, "AUC", 0, note="too few images")
    assert "hortcut" not in figures_auc.caption_auc(compared, unknown) + figures_auc.describe_auc(
        compared, unknown
    )
    assert size(figure) > 3000 and size(figures_auc.draw_auc(compared, unknown)) > 3000
    bare = make_study(names=["none"], add_one=False, leave_one_out=False, strengths=[], budgets=[])
    few = compare_policies(bare, make_tested(bare, {}, groups=1))
    assert "[" not in figures_auc.draw_auc(few).axes[0].texts[0].get_text()
    assert words.having(few, "value") is few and words.having(None, "value") is None


def test_an_axis_fits_the_networks_that_learned_and_others_end_in_an_arrow(compared):
    told = unlearned(compared, "self_blend")
    axes = figures.draw_forest(told).axes[0]
    blend = told.of("policy", "auc", 1.0)[-1].difference
    assert blend.value < axes.get_xlim()[0] < 0
    assert [line.get_marker() for line in axes.lines if line.get_ydata()[0] == 0][-1] == "<"
    for one in told.of("policy", "auc", 1.0)[:-1]:
        assert axes.get_xlim()[0] < one.difference.low and one.difference.high < axes.get_xlim()[1]
    assert "Arrow" in words.describe_effects(told.of("policy", "auc"))


def test_a_transform_that_changes_nothing_has_words_and_no_dot_at_zero(compared):
    same = [
        replace(one, untold=UNCHANGED, difference=replace(one.difference, value=0.0, low=0.0, high=0.0))
        if one.comparison.subject == "random_interpolation"
        else one
        for one in compared.effects
    ]
    told = replace(compared, effects=tuple(same))
    for axes in figures.draw_parts(told).axes:
        assert "not applicable" in [text.get_text() for text in axes.texts] and len(marks(axes)) == 6
    alt = words.describe_verdicts(told, "leave_out", "add_one")
    assert "random_interpolation alone: not applicable;" in alt and "0.000" not in alt
    said = words.tell_parts(told)
    assert "interpolation: not applicable;" in said and "interpolation.auc" not in said


def test_parts_and_strengths_say_where_chance_is(make_tested):
    study = make_study(names=["none", "original"], budgets=[0.5])
    near = compare_policies(study, make_tested(study, lambda trained: -1.3))
    both, alone = figures.draw_parts(near).axes[:2]
    for axes in (both, alone):
        assert "chance" in [text.get_text() for text in axes.texts]
    auc = float(near.values["auc"][("none", 8)].value)
    assert [0.5 - auc] * 2 in [list(line.get_xdata()) for line in alone.lines]
    assert f"none of them {auc:.3f}" in figures.describe_levels(near)
    strength = figures.draw_strengths(near).axes[0]
    assert "chance" in [text.get_text() for text in strength.texts] and strength.get_ylim()[0] < 0.5
    far = compare_policies(study, make_tested(study, lambda trained: 2.0))
    assert not figures.draw_strengths(far).axes[0].texts


def test_the_curves_say_where_they_head(compared):
    figure = figures.draw_budgets(compared)
    told = {
        axes.get_title(loc="left").strip(): axes.texts[0].get_text() for axes in figure.axes if axes.texts
    }
    assert told["deepfakebench"].startswith("heads up, crosses 0 between 25 and")
    assert told["original"] == "no trend found"
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["25 %", "50 %", "100 %"]
    assert size(figure) > 3000


def test_parts_and_strengths_are_drawn(compared):
    figure = figures.draw_parts(compared)
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "test AUC, beside the others",
        "test AUC, alone",
        "overfitting gap, beside the others",
        "overfitting gap, alone",
    ]
    assert len(marks(figure.axes[1])) == 7 and size(figure) > 3000
    figure = figures.draw_strengths(compared)
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["0\n(none)", "0.5", "1", "2"]
    values = next(line.get_ydata() for line in figure.axes[0].lines if line.get_marker() == "o")
    assert np.argmin(values) == 3 and size(figure) > 3000


def test_figures_with_less_to_show_are_drawn_too(make_tested):
    study = make_study(names=["none", "original"], add_one=False, budgets=[0.5])
    small = compare_policies(study, make_tested(study, {}, unseen=()))
    for draw in (figures.draw_forest, figures.draw_budgets, figures.draw_parts, figures.draw_strengths):
        assert size(draw(small)) > 3000
    bare = make_study(
        names=["none", "original"], add_one=False, leave_one_out=False, strengths=[], budgets=[]
    )
    few = compare_policies(bare, make_tested(bare, {}, groups=1))  # no interval
    assert size(figures.draw_forest(few)) > 3000
    assert words.having(few, "policy") is few
    assert words.having(few, "leave_out", "add_one") is words.having(few, "course") is None


def test_each_policy_gets_a_sentence_with_budget_n_and_what_could_be_found(compared, numbers):
    told = say(words.tell_policies(compared), numbers).data.split("\n\n")
    assert len(told) == 3 and not any("{" in one for one in told)
    original, bench, blend = told
    assert original.startswith("**original: inconclusive.** Test AUC at 100 % of the epochs (16)")
    assert bench.startswith("**deepfakebench: improves.** Test AUC at 100 % of the epochs (16)")
    assert blend.startswith(r"**self\_blend: worsens.** Test AUC at 100 % of the epochs (16)")
    for one, slug in zip(told, ("original", "deepfakebench", "self_blend"), strict=True):
        assert "n = 300 images" in one and "four times in five" in one
        for name in ("difference", "p", "detectable"):
            assert str(numbers[f"policy.{slug}.auc.{name}"]) in one
        assert "at 25 % of the epochs (4)" in one and "at 50 % of the epochs (8)" in one
    assert "worsens at 25 % of the epochs (4)" in bench and "heads up, crosses 0" in bench


def test_the_answer_names_everyone_once_with_the_budget(compared, numbers):
    told = say(words.answer_policies(compared), numbers).data
    assert "100 % of the epochs (16)" in told and "4 seeds" in told
    assert "improves: deepfakebench; worsens: self\\_blend; inconclusive: original." in told
    assert "the difference of deepfakebench heads up" in told


def test_parts_and_strengths_are_told_with_their_budget(compared, numbers):
    told = say(words.tell_parts(compared), numbers).data
    assert "grey: improves" in told and told.count("50 % of the epochs (8)") == 2 and "n = 300" in told
    told = say(words.tell_strengths(compared), numbers).data
    assert "strength 2: worsens" in told and str(numbers["strength.2.auc.difference"]) in told


def test_captions_and_alt_texts_say_n_and_interval(compared):
    told = words.describe_effects(compared.of("policy", "auc"))
    assert "n = 300 images in 150 groups; 4 training seeds" in told and "95 %" in told
    assert "n = 300 to 600 images" in words.describe_values(compared, ("auc", "gap"))
    gap = next(one.n for one in compared.effects if one.quantity == "gap")
    told = words.describe_other_n(compared)
    assert f"n = {gap:,} (training and validation images)" in told and "est AUC" not in told
    assert "deepfakebench: improves" in words.describe_verdicts(compared, "policy", share=1.0)
    assert "grey alone: improves" in words.describe_verdicts(compared, "add_one")
    assert "deepfakebench heads up" in words.describe_courses(compared)
    assert words.parts_budget(compared) == "50 % of the epochs (8)"


def test_the_table_has_a_row_a_policy_and_budget(compared):
    table = words.verdict_table(compared)
    assert len(table) == 9 and list(table.columns[:3]) == ["policy", "budget", "test AUC"]
    assert table["test AUC"].iloc[2].startswith("worsens -0.") and table["log-loss"].iloc[-1] == ""


def test_where_nothing_is_compared_every_text_says_so(make_tested):
    for tell in (
        words.tell_comparison,
        words.tell_policies,
        words.answer_policies,
        words.tell_parts,
        words.tell_strengths,
    ):
        assert "`policies.names`" in say(tell(None), []).data
    assert words.verdict_table(None).empty and words.having(None, "policy") is None
    alone = make_study(names=["original"], add_one=False, leave_one_out=False, strengths=[])
    one = compare_policies(alone, make_tested(alone, {}))
    told = {number.id: number for number in policy_numbers(alone, one)}
    assert "nothing to compare it with" in say(words.answer_policies(one), told).data
    assert "taken apart" in words.tell_parts(one) and "No other strength" in words.tell_strengths(one)
    assert words.having(one, "policy") is None and "policy.original.auc" in told


def test_the_trainings_are_listed():
    assert figures.variants_table([]).empty


def test_no_panels_title_runs_into_the_next_or_out_of_the_figure(compared):
    figure = figures.draw_forest(compared)
    figure.canvas.draw()
    rows: dict[int, list] = {}
    for axes in figure.axes:
        if axes.get_title(loc="left"):
            box = axes._left_title.get_window_extent()
            rows.setdefault(round(box.y0), []).append(box)
    for boxes in rows.values():
        ends = [*(box.x0 for box in boxes[1:]), figure.bbox.width]
        assert all(box.x1 <= end for box, end in zip(boxes, ends, strict=True))
    assert len(rows) == 2
