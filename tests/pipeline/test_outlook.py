"""What is foretold of a report, and when somebody is told that it does not come true."""

from __future__ import annotations

import json

import pytest

from dfstudy.errors import StudyError
from dfstudy.pipeline import outlook, probe
from dfstudy.pipeline.budget_study import SPEED, Speed
from dfstudy.pipeline.costs import DURATIONS, ImagePace
from dfstudy.pipeline.forecast import Forecast
from dfstudy.pipeline.outlook import Outlook, look_ahead
from dfstudy.pipeline.probe import MachinePace, measure_machine
from dfstudy.pipeline.resources import Site
from dfstudy.pipeline.schedule import ExpectedStep, Room

DECISION = {"minutes": 6, "reached": [["the study's own network", 2.0], ["with 3 seeds", 4.0], ["all", 5.5]]}


def outlook_of(**known) -> Outlook:
    steps = [ExpectedStep(note, note.upper(), "training", 300.0, uncorrected=100.0) for note in "ab"]
    return Outlook(Forecast(steps, Room(2)), frozenset(), "here", **known)


def test_the_first_line_says_how_long_it_takes_on_which_machine(monkeypatch):
    monkeypatch.setattr(outlook, "processor_name", lambda: "A Processor")
    assert outlook_of().line() == "2 steps to run: about 5 min on this machine (A Processor, 2 cores)"
    monkeypatch.setattr(outlook, "processor_name", lambda: "")
    assert outlook_of().line().endswith("on this machine (2 cores)")


def test_a_budget_that_does_not_last_is_told_with_what_the_next_call_leaves_out():
    made = outlook_of(decision=DECISION)
    assert made.watch(60 * 7.9) == []
    [line] = made.watch(60 * 8.0)
    assert line == (
        "  slower than planned: about 8 min in all, and not 6; "
        "the next call with BUDGET=6 leaves out what is not trained by then of: with 3 seeds, all"
    )
    assert made.watch(60 * 9.0) == [] and len(made.watch(60 * 11.0)) == 1
    assert outlook_of().watch(1e6) == []


def test_a_report_that_was_said_to_take_longer_is_held_to_what_was_said():
    made = outlook_of(decision={"minutes": 3, "reached": [["the study's own network", 9.0]]})
    assert made.watch(60 * 11.9) == []
    assert made.watch(60 * 12.0) == ["  slower than planned: about 12 min in all, and not 9"]


def test_what_steps_took_is_kept_for_the_next_plan(tmp_path):
    made = outlook_of()
    made.forecast.start("A", 0.0)
    made.forecast.finish("a", 250.0)
    made.keep(tmp_path)
    kept = json.loads((tmp_path / DURATIONS).read_text())
    assert kept == {"machine": "here", "steps": {"a": {"planned": 100.0, "taken": 250.0}}}


def test_nothing_is_foretold_of_a_cluster(invocation):
    assert look_ahead(invocation, None, Site(2, 0, cluster=True), {}) is None


@pytest.mark.parametrize("fails", [True, False])
def test_an_unknown_network_is_timed_and_a_failure_is_left_to_its_step(invocation, monkeypatch, fails):
    asked = []

    def measure(*_):
        asked.append(1)
        if fails:
            raise StudyError("no weights", "get some")

    invocation.settings.out.mkdir()
    monkeypatch.setattr(outlook, "measure_machine", lambda cores: MachinePace(1.0, 1.0))
    monkeypatch.setattr(outlook, "plan_trainings", lambda *_: type("T", (), {"runs": {}})())
    monkeypatch.setattr(outlook, "unknown_networks", lambda *_: ["resnet50"])
    monkeypatch.setattr(outlook, "measure_speed", measure)
    monkeypatch.setattr(outlook, "expect_steps", lambda *_: [])
    found = look_ahead(invocation, None, Site(2, 0), {})
    assert asked == [1] and (found is None) == fails


def test_what_was_timed_under_load_counts_as_it_would_be_now(invocation, monkeypatch):
    study = invocation.settings
    (study.out / "study").mkdir(parents=True)
    (study.out / SPEED).write_text(json.dumps({"pace": {"networks": 4.0, "rest": 3.0}}))
    monkeypatch.setattr(outlook, "measure_machine", lambda cores: MachinePace(1.0, 1.0))
    monkeypatch.setattr(outlook, "read_speed", lambda *_: Speed({"net": 0.8}, {"net": 0.4}))
    assert outlook._machine(study, Site(2, 0)).measured == {"net": ImagePace(0.2, 0.1)}
    assert outlook._machine(study, Site(2, 1)).measured == {"net": ImagePace(0.8, 0.4)}


def test_a_machine_is_tested_in_a_moment(monkeypatch):
    monkeypatch.setattr(probe, "SECONDS", 0.01)
    pace = measure_machine(2)
    assert 0.01 < pace.networks < 1000 and 0.01 < pace.rest < 1000
