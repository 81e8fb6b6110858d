"""The drill of situations, cut short: one case of each is not wrong, and its judge judges."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import made_up
import scenarios as drill

from dfstudy.number import Number
from dfstudy.present.answer import Answer
from dfstudy.stats.metrics import auc
from dfstudy.study.comparisons import Evaluate


@pytest.fixture(autouse=True)
def few_replicates(monkeypatch):
    real = drill.study_of
    monkeypatch.setattr(
        drill,
        "study_of",
        lambda *given, **named: real(*given, **named).model_copy(
            update={"evaluate": Evaluate(replicates=100)}
        ),
    )


@pytest.mark.parametrize("situation", drill.SITUATIONS)
def test_no_situation_is_answered_wrongly(situation):
    told = drill.judge(situation, 0)
    assert told["judged"] != "wrong" and told["primary"] != "wrong", told
    if situation in ("gain", "loss", "both lowered"):
        assert told["primary"] == "right", told


def test_the_made_up_networks_have_the_auc_that_is_said():
    skill, random = made_up.Skill(4.0, 2.1, seed_sd=0.0), np.random.default_rng(0)
    study = drill.study_of()
    every = [
        made_up.make_tested(random, study, {"none": skill, "original": skill}).popitem()[1] for _ in range(8)
    ]
    seen = [one.test[0][one.test[0]["method"] != made_up.UNSEEN] for one in every]
    assert np.mean([auc(each["label"], each["logit"]) for each in seen]) == pytest.approx(
        skill.true("auc"), abs=0.015
    )
    hidden = [one.test[0][one.test[0]["method"].isin(["real", made_up.UNSEEN])] for one in every]
    assert np.mean([auc(each["label"], each["logit"]) for each in hidden]) == pytest.approx(
        skill.true("unseen"), abs=0.025
    )
    assert skill.true("gap") == pytest.approx(0.075, abs=0.003)


def judged(verdict, case, low=-0.1, high=-0.02, quality="auc"):
    numbers = {f"policy.original.{quality}.difference": Number("x", -0.05, "AUC", 9, low, high)}
    answer = Answer(f"answer.augmentation.{quality}", "", "", verdict, "", 9)
    return drill.judge_answer(answer, case, numbers)


def test_the_judge_judges():
    random = np.random.default_rng(0)
    loss, nothing, gain = (drill.SITUATIONS[name](random) for name in ("loss", "nothing", "gain"))
    assert judged("no", loss) == "right" and judged("yes", loss) == "wrong"
    assert judged("no", nothing) == "wrong"  # it is said to be worse, and is not
    assert judged("no", nothing, low=-0.02, high=0.005) == "right"  # no gain is true
    assert judged("no", gain, low=-0.02, high=0.005) == "wrong"
    assert judged("yes", gain) == "right" and judged("cannot tell", gain) == "open"
    few = drill.SITUATIONS["one seed"](random)
    assert judged("cannot tell", few) == "right" and judged("no", few) == "wrong"
    lowered = drill.SITUATIONS["both lowered"](random)
    assert judged("yes", lowered, quality="gap") == "wrong"
    assert judged("no", lowered, quality="gap") == "right"


def test_the_promise_fails_on_one_wrong_primary_and_on_silence():
    def row(situation, told, primary=None):
        return {"situation": situation, "judged": told, "primary": primary or told}

    fine = [row("gain", "right")] * 10 + [row("nothing", "open")] * 50
    assert drill.holds(pd.DataFrame(fine))
    assert drill.holds(pd.DataFrame([*fine[2:], *[row("nothing", "wrong", "open")] * 2]))
    assert not drill.holds(pd.DataFrame([*fine[3:], *[row("nothing", "wrong", "open")] * 3]))
    assert not drill.holds(pd.DataFrame([*fine[1:], row("nothing", "wrong")]))
    assert not drill.holds(pd.DataFrame([row("gain", "open")] * 60))
    counts = drill.summarise(pd.DataFrame(fine)).set_index("situation")
    assert counts["right"]["gain"] == 10 and counts["open"]["nothing"] == 50
