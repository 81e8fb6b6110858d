"""The audits' verdicts follow from the numbers, and the page and the card say them in plain words."""

from __future__ import annotations

import dataclasses

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfstudy.chapters.base import Gathered
from dfstudy.chapters.c01_data import figures_leakage as figures
from dfstudy.chapters.c01_data import leakage as room
from dfstudy.chapters.c01_data import questions as trust
from dfstudy.chapters.c01_data.dataset_card import card_table
from dfstudy.chapters.c01_data.leakage import Leakage, leakage_numbers
from dfstudy.data.split import Split
from dfstudy.number import Number
from dfstudy.present.numbers import literal, say
from dfstudy.stats.intervals import Interval
from dfstudy.stats.paired import PairedDifference
from dfstudy.study.comparisons import Evaluate
from dfstudy.study.study import load_study


def count(name: str, value: int) -> Number:
    return Number(name, value, "1", 200)


def meter(grouped=(0.5, 0.6), random=(0.5, 0.6), gain=(-0.1, 0.1), learned=1) -> dict[str, Number]:
    ends = {"auc.grouped": grouped, "auc.random": random, "inflation": gain}
    made = {
        f"leakage.{name}": Number(f"leakage.{name}", sum(pair) / 2, "AUC", 200, *pair, note="told")
        for name, pair in ends.items()
    }
    told = {"leakage.shared": 1, "leakage.learned": learned}
    return made | {name: count(name, value) for name, value in told.items()}


def audits(telling=0, hinting=0, clean=8, inconclusive=0, **found: int) -> dict[str, Number]:
    names = {"telling": telling, "hinting": hinting, "clean": clean, "inconclusive": inconclusive}
    numbers = [count(f"shortcut.{name}", value) for name, value in names.items()]
    numbers.append(Number("shortcut.together.auc", 0.6, "AUC", 200, 0.55, 0.65))
    kinds = ("copies", "both_labels", "near", "joined_groups")
    numbers += [count(f"duplicates.{name}", found.get(name, 0)) for name in kinds]
    return {number.id: number for number in numbers} | meter()


NOTHING = {
    name: Number(name, None, "AUC", 9, note="no group has two images")
    for name in ("leakage.inflation", "leakage.auc.grouped", "leakage.auc.random", "leakage.shared")
}


@pytest.mark.parametrize(
    ("numbers", "verdict"),
    [
        (meter(gain=(0.01, 0.2)), "yes"),
        (meter(gain=(-0.1, 0.01), grouped=(0.6, 0.7)), "no"),
        (meter(gain=(-0.1, 0.01), random=(0.6, 0.7)), "no"),
        (meter(gain=(-0.1, 0.01), learned=0), "cannot tell"),
        (meter(gain=(0.01, 0.2), learned=0), "cannot tell"),
        (meter(gain=(-0.1, 0.1), grouped=(0.6, 0.7)), "cannot tell"),
        (
            meter() | {"leakage.inflation": Number("leakage.inflation", 0.1, "AUC", 9, note="few")},
            "cannot tell",
        ),
        (NOTHING, "not applicable"),
    ],
)
def test_a_leak_is_judged_by_its_whole_interval_and_only_by_networks_that_learned(numbers, verdict):
    assert trust.leak_verdict(numbers) == verdict
    text = say(figures.leakage_sentence(numbers), numbers).data
    assert text.startswith("**") and "{" not in text
    assert ("Neither kind of training" in text) == (
        verdict != "not applicable" and not trust.meter_learned(numbers)
    )


@given(st.tuples(*[st.integers(0, 8)] * 4))
def test_the_shortcut_answer_counts_families(counts):
    answers = {x.id: x for x in answers_to(audits(*counts))}
    telling, hinting, _, unclear = counts
    expected = "yes" if telling + hinting else "cannot tell" if unclear else "no"
    assert answers["answer.shortcut"].verdict == expected
    assert f"of {sum(counts)} families" in answers["answer.shortcut"].because


def test_what_was_not_audited_has_no_answer():
    assert answers_to({}) == []
    answers = {x.id: x for x in answers_to(audits() | NOTHING)}
    assert answers["answer.leak"].verdict == "cannot tell"
    assert answers["answer.leak"].because == "not applicable: no group has two images"


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({}, "none found"),
        ({"near": 3, "joined_groups": 2}, "joined to 2 groups"),
        ({"both_labels": 1}, "the same image is real and fake"),
    ],
)
def test_the_first_page_says_each_audits_verdict(found, words):
    numbers = audits(**found)
    lines = trust.trust_lines("**Shortcuts: none found.** Nothing.", numbers)
    text = say(trust.write_trust(lines, "layout: class folders (a_b {x}; *)"), numbers).data
    assert [line.split(":")[0] for line in text.splitlines()[:3]] == [
        "- **Shortcuts",
        "- **Duplicates",
        "- **Leakage",
    ]
    assert words in text and text.splitlines()[3] == r"- **Read as** class folders (a\_b &#123;x}; \*)."


def test_a_name_is_shown_as_it_is():
    assert say(literal("a*b_{data.x}[c]"), {}).data == r"a\*b\_&#123;data.x}\[c\]"


def answers_to(numbers: dict[str, Number]) -> list:
    return trust.answer_questions(Gathered(numbers, load_study(), groups_known=True))


def measured(grouped: float, random: float, seeds: int = 3) -> Leakage:
    def interval(value: float) -> Interval:
        ends = (np.array(value + step) for step in (0, -0.05, 0.05, 0))
        return Interval(*ends, np.array(0), 40, 40.0, Evaluate())

    gain = random - grouped
    told = PairedDifference(
        gain, gain - 0.05, gain + 0.05, 0.5, 0.1, (gain,) * seeds, 0.02, 0.01, 9, 40, Evaluate()
    )
    return Leakage(interval(grouped), interval(random), told, 120, 0.9)


def test_the_meters_figure_has_its_values_and_its_numbers_are_said(tmp_path):
    found = measured(0.6, 0.8)
    left, right = figures.draw_leakage(found).axes
    dots = [line.get_xdata()[0] for line in (*left.lines, *right.lines) if line.get_marker() in "oDs"]
    assert np.allclose(dots, [0.6, 0.8, 0.2])
    plt.close("all")
    assert "n = 120" in figures.leakage_caption(found) and "+0.20" in figures.leakage_alt(found)
    study = load_study("small", out=str(tmp_path))
    assert f'id="{figures.FIGURE}"' in figures.show_leakage(found, study).html
    assert "does not apply" in figures.show_leakage(None, study).data
    numbers = {number.id: number for number in leakage_numbers(found, _split())}
    assert trust.leak_verdict(numbers) == "yes"
    assert "would have inflated" in say(figures.leakage_sentence(numbers), numbers).data


@pytest.mark.parametrize("seeds", [1, 2])
@pytest.mark.parametrize("random", [0.8, 0.54], ids=["a leak", "none"])
def test_fewer_than_three_trainings_a_split_decide_no_leak(seeds, random):
    """Two trainings of one recipe differ by their seeds alone, and one of each knows of no others."""
    numbers = {number.id: number for number in leakage_numbers(measured(0.6, random, seeds), _split())}
    assert numbers["leakage.inflation"].value == pytest.approx(random - 0.6)
    assert trust.leak_verdict(numbers) == "cannot tell"
    assert f"{seeds} of at least 3 seeds of each" in say(figures.leakage_sentence(numbers), numbers).data
    answer = next(one for one in answers_to(audits() | numbers) if one.id == "answer.leak")
    assert answer.verdict == "cannot tell" and f"{seeds} of at least 3 seeds" in answer.because


def _split(methods: int = 20) -> Split:
    rows = pd.DataFrame({"label": [0] * methods + [1] * methods})
    names = [f"m{at:02d}" for at in range(methods)]
    rows = rows.assign(method=["real"] * methods + names, group="g", path="p", split="train")
    aside = pd.DataFrame({"path": ["a", "b"], "error": ["cut off", "cut off"]})
    return Split(rows, aside, None, "", True, (), pd.DataFrame())


def card(study, numbers) -> dict[str, str]:
    lines = trust.trust_lines(rf"**Shortcuts: none found.** Nothing of {literal('a_*b')}.", numbers)
    table = card_table(study, _split(), numbers, lines)
    return dict(zip(table["card"], table["answer"], strict=True))


def test_the_meter_does_not_run_where_little_can_be_torn_apart(monkeypatch):
    monkeypatch.setattr(room, "measure_leakage", lambda *_: "measured")
    alone = pd.DataFrame({"group": [f"g{at}" for at in range(100)]})
    pairs = pd.DataFrame({"group": [f"g{at // 2}" for at in range(100)]})
    few = pd.DataFrame({"group": [f"g{at % 12}" for at in range(100)]})
    study = load_study("small")
    for rows, known, words in (
        (alone, False, "nothing names groups, and 0% of the images"),
        (alone, True, "0% of the images share a group"),
        (few, True, "12 groups are too few"),
        (pairs, True, ""),
        (pairs, False, ""),
    ):
        split = dataclasses.replace(_split(), rows=rows.assign(split="train"), groups_known=known)
        assert room.why_not(split).startswith(words) and bool(room.why_not(split)) == bool(words)
        assert room.run_meter(study, split) == (None if words else "measured")
        if words:
            assert {number.note for number in room.meter_numbers(None, split)} == {room.why_not(split)}


def test_the_card_holds_the_studys_words_and_says_what_nobody_stated():
    names = (
        "data.pictures",
        "data.real",
        "data.fake",
        "data.groups",
        "split.train",
        "split.val",
        "split.test",
    )
    numbers = audits() | {name: count(name, 7) for name in names}
    study = load_study("small", data="some faces", out="results")
    found = card(study, numbers)
    assert found["Origin"] == "not stated (data.card.origin)" and found["Set aside"] == "2: cut off"
    assert found["What it is"].endswith("images of the folder some faces")
    assert (
        found["Pictures"] == "7: 7 real and 7 fake" and found["Shortcuts"] == "None found. Nothing of a_*b."
    )
    assert found["Leakage"].startswith("Cannot tell. ") and "and 4 more" in found["Forgery methods"]
    assert not any(sign in text for text in found.values() for sign in ("{", "**", "\\"))
    sample = card(load_study("sample"), numbers)
    assert "show no person" in sample["What it is"] and "not stated" not in "".join(sample.values())
