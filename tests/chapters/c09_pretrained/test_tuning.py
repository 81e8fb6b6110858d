"""Chapter 09's ways of tuning: planted scores give their numbers, figure, sentences and verdicts."""

from __future__ import annotations

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from dfstudy.chapters.base import Gathered
from dfstudy.chapters.c09_pretrained import tuning
from dfstudy.chapters.c09_pretrained.figures_tuning import draw_tuning
from dfstudy.chapters.c09_pretrained.questions import answer_questions
from dfstudy.present.numbers import say
from dfstudy.stats.aligned import Aligned
from dfstudy.stats.learning import Learning
from dfstudy.stats.metrics import auc
from dfstudy.stats.paired import PairedDifference
from dfstudy.study.comparisons import Evaluate
from dfstudy.study.study import Study

SEEDS, GROUPS = 3, 80
STUDY = Study.model_validate(
    {
        "name": "tiny",
        "title": "Tiny",
        "model": {"backbone": "test_efficientnet", "size": 32},
        "training": {"seeds": [0, 1, 2]},
        "evaluate": {"replicates": 200},
        "tuning": {"modes": ["stages", "norm", "head"]},
    }
)


def learning(learned: bool, improving: bool = False) -> Learning:
    value = 0.95 if learned else 0.6
    sure = PairedDifference(value, 0.55, 1.0, 0.01, 0.1, (value,) * 3, 0.02, 0.01, 20.0, 30, Evaluate())
    return Learning(sure, sure, value, 0.0, improving, 400)


def pictures() -> Aligned:
    labels = np.arange(2 * GROUPS) % 2
    rows = {
        "path": [f"{at}" for at in range(2 * GROUPS)],
        "label": labels,
        "method": np.where(labels, "swap", ""),
    }
    table = pd.DataFrame(rows | {"group": [f"g{at // 2}" for at in range(2 * GROUPS)]})
    return Aligned(table, np.zeros((1, 2 * GROUPS)), 0)


def scores(labels: np.ndarray, apart: float, seed: int) -> np.ndarray:
    """[seeds, n]: fakes lie that far above reals; images matter, seeds hardly."""
    random = np.random.default_rng(seed)
    every = random.normal(apart * labels, 1, len(labels))
    return every + random.normal(0, 0.02, (SEEDS, len(labels)))


def way(mode: str, gain: float, judged: Learning) -> tuning.TunedWay:
    """A way whose second policy sees the same images, `gain` further apart."""
    labels = pictures().labels
    first = scores(labels, 1.0, 7)
    model = STUDY.tuned_models[mode]
    augment = [STUDY.augment.model_copy(update={"policy": policy}) for policy in STUDY.tuning.policies]
    variants = tuple(
        SimpleNamespace(study=STUDY.model_copy(update={"model": model, "augment": each})) for each in augment
    )
    run = SimpleNamespace(
        checkpoint={"trainable": 257, "pictures_at_once": 8}, timings=pd.DataFrame({"seconds": [1.0, 2.0]})
    )
    return tuning.TunedWay(mode, variants, ([run], [run]), (first, first + gain * labels), (judged, judged))


@pytest.fixture(scope="module")
def ways() -> list[tuning.TunedWay]:
    return [
        way("stages", 1.5, learning(True)),
        way("norm", 0.0, learning(True)),
        way("head", 1.5, learning(False)),
    ]


@pytest.fixture(scope="module")
def numbers(ways):
    return {number.id: number for number in tuning.measure_tuning(STUDY, pictures(), ways)}


def test_values_and_differences_are_those_of_the_scores(ways, numbers):
    labels = pictures().labels
    for one in ways:
        each = [np.mean([auc(labels, row) for row in side]) for side in one.scores]
        known = [numbers[f"tuning.{one.mode}.{policy}.auc"].value for policy in ("none", "original")]
        assert known == pytest.approx(each)
        assert numbers[f"tuning.{one.mode}.auc.difference"].value == pytest.approx(each[1] - each[0])
    gain = numbers["tuning.stages.auc.difference"]
    assert gain.low > 0 and gain.groups == GROUPS and gain.n == 2 * GROUPS
    assert (
        numbers["tuning.norm.auc.beside"].value == pytest.approx(0)
        and "tuning.stages.auc.beside" not in numbers
    )
    assert numbers["tuning.head.memory"].value < numbers["tuning.norm.memory"].value
    # of networks that have not learned no p is asked
    assert numbers["tuning.stages.auc.p"].value < 0.05 and "tuning.head.auc.p" not in numbers


def test_figure_table_and_sentence_hold_every_way(ways, numbers):
    figure = draw_tuning(STUDY, numbers)
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == STUDY.tuning.modes
    plt.close(figure)
    table = tuning.tuning_table(STUDY, numbers)
    assert (
        table["way"].tolist() == STUDY.tuning.modes
        and str(numbers["tuning.norm.none.auc"]) in table.to_string()
    )
    told = say(tuning._answer(STUDY, ways), numbers).data
    assert "classifier alone" in told and "not trained enough to tell" in told
    assert tuning._seconds(ways).iloc[0].tolist() == ["stages", "3.0", "3.0"]


def test_each_way_is_asked_by_one_rule(numbers):
    found = {one.id: one for one in answer_questions(Gathered(numbers, STUDY, True))}
    assert {name: one.verdict for name, one in found.items()} == {
        "answer.tuning.stages": "yes",
        "answer.tuning.norm": "no",  # the very same scores: a gain of a hundredth is excluded
        "answer.tuning.head": "not trained enough to tell",
    }
    assert all(
        str(numbers["tuning.norm.none.auc"]) in say(one.told, numbers).data
        for one in [found["answer.tuning.norm"]]
    )
    state = numbers["tuning.norm.original.improving"]
    moving = numbers | {state.id: type(state)(state.id, 1, state.unit, state.n)}
    found = {one.id: one for one in answer_questions(Gathered(moving, STUDY, True))}
    assert found["answer.tuning.norm"].verdict == "cannot tell"
    assert answer_questions(Gathered({}, STUDY, True)) == []


def test_a_study_without_it_says_so_in_a_sentence(monkeypatch):
    shown = []
    monkeypatch.setattr(tuning, "display", shown.append)
    off = STUDY.model_copy(update={"tuning": STUDY.tuning.model_copy(update={"modes": []})})
    assert tuning.show_tuning(off, None) == [] and [each.data for each in shown] == [tuning.OFF]
