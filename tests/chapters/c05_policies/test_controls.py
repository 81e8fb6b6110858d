"""Chapter 05's controls: silent on what is nothing, and loud on what was planted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dfstudy.chapters.c05_policies.controls import compare_controls, control_numbers
from dfstudy.chapters.c05_policies.words_controls import controls_table, tell_controls
from dfstudy.present.numbers import say
from dfstudy.study.comparisons import Evaluate, Policies
from dfstudy.study.study import load_study
from dfstudy.variants.policies import Trained


def make_study():
    study = load_study("sample", out="somewhere")
    recipe = study.training.model_copy(update={"epochs": 16, "seeds": [3, 4, 5]})
    wanted = Policies(
        names=["none", "original"], budgets=[], leave_one_out=False, add_one=False, strengths=[]
    )
    changed = {"training": recipe, "policies": wanted, "evaluate": Evaluate(replicates=200)}
    return study.model_copy(update=changed)


def made(make_tested, gain=0.0, seed=0):
    """The first policy, itself again, and a network of labels that mean nothing."""
    study = make_study()
    tested = make_tested(study, {"original": gain}, groups=120, seed_sd=0.05)
    random = np.random.default_rng(seed)
    again = tested[Trained("original", 16)]
    lost = replace(
        again,
        clean=[table.assign(logit=random.normal(size=len(table))) for table in again.clean[:1]],
        test=[table.assign(probability=random.random(len(table))) for table in again.test[:1]],
        losses=again.losses[:1],
    )
    return compare_controls(study, tested, again, lost)


def test_nothing_is_found_where_nothing_is(make_tested):
    controls = made(make_tested)
    numbers = {number.id: number for number in control_numbers(controls)}
    assert controls.silent and numbers["control.silent"].value == 1
    assert not controls.permuted.learned and numbers["control.permuted.learned"].value == 0
    for name in ("auc", "unseen", "gap", "log_loss"):
        first, second, told = (numbers[f"control.same.{name}{end}"] for end in (".first", "", ".difference"))
        assert told.value == pytest.approx(second.value - first.value)
        assert told.low < 0 < told.high
    assert abs(numbers["control.permuted.auc"].value - 0.5) < 0.1
    text = say(tell_controls(controls), numbers).data
    assert "nothing is found, as it should be" in text and "{" not in text
    assert len(controls_table(controls)) == 4


def test_a_planted_difference_is_said(make_tested):
    controls = made(make_tested, gain=1.2)
    assert "auc" in controls.found and not controls.silent
    numbers = {number.id: number for number in control_numbers(controls)}
    assert numbers["control.silent"].value == 0 and "auc" in numbers["control.silent"].note
    assert "something is found" in say(tell_controls(controls), numbers).data


def test_without_controls_there_is_no_number_and_it_is_said():
    assert control_numbers(None) == [] and "No control was run" in tell_controls(None)
    assert controls_table(None).empty
