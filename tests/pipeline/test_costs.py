"""What steps should cost: by images and epochs, by what is there already, by what they took last time."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from dfstudy.chapters.registry import CHAPTERS
from dfstudy.data.split import Split
from dfstudy.pipeline import costs
from dfstudy.pipeline.costs import ImagePace, Machine, expect_steps, keep_durations, unknown_networks
from dfstudy.pipeline.plan import LEAKAGE, PAGE, PLAN, TRAINING, Trainings
from dfstudy.pipeline.probe import MachinePace
from dfstudy.pipeline.resources import Site
from dfstudy.pipeline.schedule import ExpectedStep
from dfstudy.predict.corruptions import CORRUPTIONS, SEVERITIES
from dfstudy.study.study import Study, load_study
from dfstudy.variants.variant import MAIN, Variant

SITE = Site(2, 0)
HERE = Machine(MachinePace(1.0, 1.0), {}, "here")
SEED_0 = TRAINING.format("seed_0")


def split_of(train: int, val: int, test: int) -> Split:
    """Images of these parts, each a group of its own."""
    parts = ["train"] * train + ["val"] * val + ["test"] * test
    rows = pd.DataFrame({"split": parts, "path": [f"{at}.png" for at in range(len(parts))]})
    rows = rows.assign(label=[at % 2 for at in range(len(parts))], group=rows["path"], sha256=rows["path"])
    return Split(rows, rows.iloc[:0], Path(), "f" * 64, True, (), rows.iloc[:0])


SPLIT = split_of(800, 200, 280)


@pytest.fixture
def study(tmp_path) -> Study:
    return load_study(out=str(tmp_path))


@pytest.fixture
def expect(study) -> Callable[..., dict[str, ExpectedStep]]:
    """Expected steps by note, of a report with the study's own run of one seed."""

    def expect(machine: Machine = HERE, study: Study = study) -> dict[str, ExpectedStep]:
        trainings = trainings_of(study)
        asked = {"inputs": [], "threads": 1, "resources": {"gpu": 0}}
        steps = {"seed_0": {"title": "Training, seed 0", **asked}}
        notes = [{"note": f"steps/{each.id}.json", "title": each.title, **asked} for each in CHAPTERS]
        plan = {
            "training": [{"rule": "training", "steps": steps}],
            "leakage": asked,
            "chapters": notes,
            "page": {"inputs": [note["note"] for note in notes]},
        }
        (study.out / "study").mkdir(exist_ok=True)
        (study.out / PLAN).write_text(json.dumps(plan))
        stale = dict.fromkeys([SEED_0, LEAKAGE, PAGE, *(note["note"] for note in notes)], "new")
        return {step.note: step for step in expect_steps(study, SPLIT, SITE, trainings, stale, machine)}

    return expect


def trainings_of(study: Study) -> Trainings:
    own = [(Variant(MAIN, (), study, SPLIT), 0)]
    return Trainings({"seed_0": {"group": "runs"}}, {"seed_0": own}, {"runs": {"seed_0"}})


def test_a_training_is_counted_by_hand(expect, study):
    step = expect()[SEED_0]
    epochs = study.training.epochs
    seen = epochs * 200 + 800 + 200
    pace = costs.TRAIN[study.model.trainable_stages], costs.PREDICT
    by_hand = costs.START + costs.RUN + epochs * 800 * pace[0] + seen * pace[1]
    assert step.seconds == step.uncorrected == pytest.approx(by_hand)
    assert dict(step.runs) == {"sample, seed 0": 1.0}
    larger = study.model_copy(update={"model": study.model.model_copy(update={"size": 128})})
    assert expect(study=larger)[SEED_0].seconds == pytest.approx(
        4 * (by_hand - costs.START - costs.RUN) + costs.START + costs.RUN
    )


def test_a_slower_machine_takes_longer_for_what_it_is_slow_at(expect):
    plain = expect()
    slow = expect(Machine(MachinePace(3.0, 3.0), {}, "here"))
    assert all(slow[note].seconds == pytest.approx(3 * step.seconds) for note, step in plain.items())
    conclusions = "steps/10_conclusions.json"
    networks = expect(Machine(MachinePace(3.0, 1.0), {}, "here"))
    assert (
        networks[conclusions] == plain[conclusions] and networks[SEED_0].seconds > 2 * plain[SEED_0].seconds
    )


def test_a_finished_run_costs_a_look(expect, monkeypatch):
    monkeypatch.setattr(costs, "is_finished", lambda *_: True)
    assert expect()[SEED_0].seconds == pytest.approx(costs.START + costs.FOUND)


def test_corrupted_images_are_predicted_once(expect, study, tmp_path):
    robustness = "steps/07_robustness.json"
    cold = expect()[robustness].seconds
    (tmp_path / "runs" / "key" / "corrupted").mkdir(parents=True)
    (tmp_path / "runs" / "key" / "corrupted" / "blur_1.parquet").write_bytes(b"")
    (tmp_path / "runs" / "seed_0.json").write_text('{"key": "key"}')
    images = study.evaluate.robustness_pictures * len(CORRUPTIONS) * len(SEVERITIES)
    saved = images * (costs.PREDICT + costs.CORRUPT)
    assert expect()[robustness].seconds == pytest.approx(cold - saved) and saved > 5


def test_a_measured_network_needs_no_reference(expect, study):
    name = costs.network_name(study)
    measured = Machine(MachinePace(9.0, 1.0), {name: ImagePace(0.001, 0.0)}, "here")
    assert expect(measured)[SEED_0].seconds == pytest.approx(
        costs.START + costs.RUN + study.training.epochs * 800 * 0.001
    )


def test_a_network_that_nobody_timed_is_named(study):
    other = study.model_copy(update={"model": study.model.model_copy(update={"backbone": "resnet50"})})
    assert unknown_networks(study, HERE, trainings_of(study)) == []
    assert unknown_networks(other, HERE, trainings_of(other)) == ["resnet50, 64 px, 2 stages"]
    timed = Machine(HERE.pace, {"resnet50, 64 px, 2 stages": ImagePace(1, 1)}, "here")
    assert unknown_networks(other, timed, trainings_of(other)) == []
    on_gpu = Machine(HERE.pace, {}, "here", has_gpu=True)
    assert unknown_networks(study, on_gpu, trainings_of(study)) == ["tf_efficientnet_lite0, 64 px, 2 stages"]


def test_a_step_takes_what_it_took_last_time_for_as_much_work(expect, study, monkeypatch):
    plain = expect()
    planned = {note: step.uncorrected for note, step in plain.items()}
    keep_durations(study.out, "here", planned, {SEED_0: 5 * planned[SEED_0]})
    keep_durations(study.out, "here", planned, {PAGE: 2 * planned[PAGE]})
    again = expect()
    assert again[SEED_0].seconds == pytest.approx(5 * planned[SEED_0], rel=1e-2)
    assert again[SEED_0].uncorrected == planned[SEED_0]
    assert again[PAGE].seconds == pytest.approx(2 * planned[PAGE], rel=1e-2)
    assert again[LEAKAGE] == plain[LEAKAGE]
    elsewhere = expect(Machine(HERE.pace, {}, "another"))
    assert elsewhere[SEED_0] == plain[SEED_0]
    monkeypatch.setattr(costs, "is_finished", lambda *_: True)  # far less work than last time
    assert expect()[SEED_0].seconds == pytest.approx(costs.START + costs.FOUND)


def test_steps_are_ranked_as_snakemake_takes_them(expect):
    ranks = {note: step.rank for note, step in expect().items()}
    first, last = f"steps/{CHAPTERS[0].id}.json", f"steps/{CHAPTERS[-1].id}.json"
    assert ranks[first] > ranks[last] > ranks[LEAKAGE] == ranks[PAGE] > ranks[SEED_0]
    assert set(expect()[PAGE].after) == {f"steps/{chapter.id}.json" for chapter in CHAPTERS}
