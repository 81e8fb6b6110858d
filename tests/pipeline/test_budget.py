"""What fits into a budget: monotone, honest about what is left out, and written down as a whole study."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dfstudy.chapters.base import Chapter
from dfstudy.data.split import Split
from dfstudy.pipeline import budget as room
from dfstudy.pipeline import budget_study, costs, plan
from dfstudy.pipeline.budget import Speed, fit_budget, ladder, networks
from dfstudy.pipeline.costs import network_name
from dfstudy.pipeline.invocation import resolve
from dfstudy.pipeline.listing import BUDGET
from dfstudy.pipeline.resources import Site
from dfstudy.predict.corruptions import CORRUPTIONS, SEVERITIES
from dfstudy.study.comparisons import Policies
from dfstudy.study.study import STUDIES, Study, load_study
from dfstudy.system.provenance import code_digest, versions
from dfstudy.train.key import CODE, WORDS
from dfstudy.variants import registry as variants
from dfstudy.variants.curve import list_curve
from dfstudy.variants.forgeries import list_forgeries
from dfstudy.variants.tuning import list_tuning
from dfstudy.variants.variant import Variant, with_recipe


def split_of(people: int, each: int = 2) -> Split:
    """`people` groups, of `each` real and `each` fake images of two methods, in three parts."""
    rows = []
    for person in range(people):
        part = ("train", "train", "train", "val", "test")[person % 5]
        for at in range(2 * each):
            method = ("real", "entire_synthesis", "real", "face_editing")[at % 4]
            rows.append((f"{person}_{at}", at % 2, method, f"g{person}", part))
    table = pd.DataFrame(rows, columns=["path", "label", "method", "group", "split"])
    table = table.assign(sha256=table["path"])
    return Split(table, table.iloc[:0], Path(), "f" * 64, True, (), table.iloc[:0])


SPLIT = split_of(100)


def policy_variants(study: Study, split: Split) -> list[Variant]:
    """One run for each policy, budget and part, as chapter 05 has them."""
    wanted, made = study.policies, []
    parts = ["leave"] * wanted.leave_one_out + ["add"] * wanted.add_one + [f"x{s}" for s in wanted.strengths]
    every = [(name, share) for name in wanted.names for share in (1, *wanted.budgets)]
    for name, share in [*every, *((part, 0.5) for part in parts if wanted.names)]:
        short = with_recipe(study, wanted.seeds, epochs=round(share * study.training.epochs))
        own = short.model_copy(update={"augment": study.augment.model_copy(update={"policy": name})})
        made.append(Variant(f"{name}_{share}", ("swap",), own, split))
    return made


def defect_variants(study: Study, split: Split) -> list[Variant]:
    if not study.defects.measured:
        return []
    own = with_recipe(study, study.defects.seeds)
    switches = [{"bgr_channels": True}, {"raw_pixels": True}, {"bgr_channels": True, "raw_pixels": True}]
    changed = [own.model_copy(update={"protocol": own.protocol.model_copy(update=s)}) for s in switches]
    return [Variant(f"defect_{at}", ("swap",), each, split) for at, each in enumerate(changed)]


@pytest.fixture(autouse=True)
def groups(monkeypatch):
    """Variants of their own, so that the rules here do not move with the chapters'."""
    main = plan.VARIANT_GROUPS["runs"]
    own = {"runs": main, "policies": policy_variants, "defects": defect_variants, "forgeries": list_forgeries}
    own["tuning"] = list_tuning
    chapters = tuple(Chapter(name, name, (name,), 60, (), ()) for name in own)
    monkeypatch.setattr(plan, "VARIANT_GROUPS", own)
    monkeypatch.setattr(variants, "GROUPS", own)
    for module in (plan, room):
        monkeypatch.setattr(module, "CHAPTERS", tuple(chapters))


STUDY = room._change(load_study(), "policies", **Policies(unseen=["entire_synthesis"]).model_dump())
SPEED = Speed(dict.fromkeys(networks(STUDY), 0.01), dict.fromkeys(networks(STUDY), 0.002), 1)


def test_the_ladder_goes_from_the_question_to_the_details():
    names = [name for name, _, _ in ladder(STUDY, SPLIT)]
    assert names[0] == "the study's own network"
    order = ["original compared with none", "the flaws", "the other policies", "unseen forgeries"]
    order += ["shorter budgets", "single transforms", "5 seeds"]
    places = [next(at for at, name in enumerate(names) if name.startswith(word)) for word in order]
    assert places == sorted(places)
    highest = ladder(STUDY, SPLIT)[-1][1]
    assert len(highest.training.seeds) == 5 and highest.policies.seeds == highest.defects.seeds == 5
    assert highest.training.seeds[: len(STUDY.training.seeds)] == STUDY.training.seeds


def test_ways_of_tuning_come_after_unseen_forgeries_and_each_is_measured():
    rungs = ladder(room._change(STUDY, "tuning", modes=["stages", "norm"]), SPLIT)
    names = [name for name, _, _ in rungs]
    assert names.index("ways of tuning") == names.index("unseen forgeries") + 1
    without = ladder(room._change(STUDY, "tuning", modes=[]), SPLIT)
    assert "ways of tuning" not in [name for name, _, _ in without]
    named = {network_name(variant.study) for variant, _ in rungs[-1].runs}
    assert named <= set(networks(rungs[-1].study)) and "tf_efficientnet_lite0, 64 px, norm" in named
    assert rungs[-1].study.tuning.seeds == 5


def test_what_the_study_has_off_stays_off():
    quiet = room._change(room._change(STUDY, "policies", names=[]), "defects", measured=False)
    quiet = room._change(room._change(quiet, "forgeries", train_on="off"), "tuning", modes=[])
    for _, each, _ in ladder(quiet, SPLIT):
        assert not each.policies.names and not each.defects.measured and each.forgeries.train_on == "off"
        assert not each.tuning.modes


def test_the_learning_curve_of_networks_is_a_rung_where_it_is_on(monkeypatch):
    monkeypatch.setitem(plan.VARIANT_GROUPS, "curve", list_curve)
    monkeypatch.setattr(plan, "CHAPTERS", (*plan.CHAPTERS, Chapter("c", "c", ("curve",), 60, (), ())))
    names = {
        on: [rung.name for rung in ladder(room._change(STUDY, "learning_curve", networks=on), SPLIT)]
        for on in (False, True)
    }
    assert set(names[True]) - set(names[False]) == {"the learning curve of the network"}
    assert set(names[False]) <= set(names[True])


def test_a_single_policy_is_compared_with_nothing_and_comes_late_under_its_name():
    single = room._change(STUDY, "policies", names=["none"], budgets=[], strengths=[])
    rungs = ladder(room._change(single, "policies", leave_one_out=False, add_one=False), SPLIT)
    names = [rung.name for rung in rungs]
    assert not any("compared with" in name for name in names)
    defects = next(at for at, name in enumerate(names) if name.startswith("the flaws of the original"))
    assert names.index("the policy none, shown alone") > defects


@pytest.fixture
def rungs(monkeypatch):
    """The same rungs whenever they are asked for: listing variants is what takes time."""
    made = ladder(STUDY, SPLIT)
    monkeypatch.setattr(room, "ladder", lambda study, split: made)


@given(st.integers(1, 3000), st.integers(1, 3000))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_more_minutes_never_give_less_and_epochs_are_never_cut(rungs, few, many):
    few, many = sorted((few, many))
    (less, told), (more, said) = (fit_budget(STUDY, SPLIT, SPEED, minutes) for minutes in (few, many))
    assert said.taken[: len(told.taken)] == told.taken and told.runs <= said.runs
    for study, fitted in ((less, told), (more, said)):
        assert fitted.needed <= fitted.minutes or len(fitted.taken) == 1
        assert study.training.epochs == STUDY.training.epochs and study.data == STUDY.data
        assert all(needed > fitted.minutes for _, needed in fitted.left_out[:1])
        assert fit_budget(STUDY, SPLIT, SPEED, fitted.minutes) == (study, fitted)


def test_a_budget_for_nothing_is_said_and_taken():
    slow = Speed({network_name(STUDY): 60.0}, {network_name(STUDY): 1.0}, 1)
    study, fitted = fit_budget(STUDY, SPLIT, slow, 3)
    assert fitted.taken == ("the study's own network",) and fitted.runs == 1 and study.training.seeds == [0]
    assert "more than 3, but less is no report" in fitted.lines()[0] and "left out" in fitted.lines()[1]
    assert fitted.precision == "No two policies are compared."


def test_minutes_are_counted_by_hand():
    """One run of 240 images, 80 in validation and test each, written out."""
    bare = ladder(STUDY, SPLIT)[0][1]
    epochs = STUDY.training.epochs
    bare = room._change(bare, "evaluate", robustness_pictures=60)
    corrupted = 60 * len(CORRUPTIONS) * len(SEVERITIES)
    seconds = epochs * 240 * 0.01 + (epochs * 80 + 240 + 80 + 80 + corrupted) * 0.002 + room.START
    expected = (seconds + 5 * room.CHAPTER + room.OTHERS) / 60
    assert [len(SPLIT.part(name)) for name in ("train", "val", "test")] == [240, 80, 80]
    assert minutes(bare, SPEED) == pytest.approx(expected)
    two = room._change(bare, "training", seeds=[0, 1])
    assert minutes(two, replace(SPEED, side_by_side=2)) == pytest.approx(expected)
    assert minutes(two, SPEED) == pytest.approx(expected + seconds / 60)
    slow = (seconds + 3 * (5 * room.CHAPTER + room.OTHERS)) / 60
    assert minutes(bare, replace(SPEED, rest=3.0)) == pytest.approx(slow)


def minutes(study: Study, speed: Speed) -> float:
    return room._minutes(room.list_all_runs(study, SPLIT), speed)


def test_a_run_of_two_chapters_is_counted_once():
    """The study's own policy for all epochs is the study's own network."""
    bare = ladder(STUDY, SPLIT)[0][1]
    one = room._change(bare, "policies", names=["none", STUDY.augment.policy], seeds=1)
    assert len(room.list_all_runs(one, SPLIT)) == 2


@pytest.fixture
def timed(monkeypatch) -> list[str]:
    """Names of the studies whose speed was measured: it takes no time here, and finds what is kept."""
    asked = []

    def measure(invocation, site):
        asked.append(invocation.settings.name)
        return budget_study.read_speed(invocation.settings, site)

    monkeypatch.setattr(budget_study, "measure_speed", measure)
    return asked


@pytest.fixture
def measured(tmp_path, timed):
    """An invocation whose folder holds the speed of a machine like this one."""
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(whole_study()))
    invocation = resolve(str(tmp_path / "study.yaml"), out=str(tmp_path))
    know_speed(invocation.settings)
    return invocation


def whole_study() -> dict:
    """The built-in study's file with everything that chapter 05 can compare."""
    settings = yaml.safe_load((STUDIES / "sample.yaml").read_text())
    return settings | {"policies": Policies(unseen=["entire_synthesis"]).model_dump()}


def know_speed(study: Study, slower: float = 1.0) -> None:
    """As if it had been measured."""
    pace = {"train": 0.01 * slower, "predict": 0.002 * slower}
    content = {
        "machine": budget_study.machine_class(),
        "recipe": budget_study._recipe(study),
        "networks": {name: pace for name in room.networks(study)},
    }
    (study.out / "study").mkdir(exist_ok=True)
    (study.out / budget_study.SPEED).write_text(json.dumps(content))


def test_the_chosen_study_is_a_file_that_says_everything(measured, tmp_path):
    chosen, lines = budget_study.settle_budget(measured, SPLIT, Site(2, 0), 9)
    file = tmp_path / "study" / "within_9_minutes.yaml"
    text = file.read_text()
    assert chosen.study == str(file) and chosen.data == "" and chosen.out == measured.out
    speed = replace(SPEED, side_by_side=budget_study.side_by_side(measured.settings, Site(2, 0)))
    expected, fitted = fit_budget(measured.settings, SPLIT, speed, 9)
    assert chosen.settings.model_dump() == expected.model_dump() and chosen.settings.out == tmp_path
    assert text.startswith(f"# {STUDY.title}: study.yaml within 9 minutes\n") and "left out" in text
    assert lines[: len(fitted.lines())] == fitted.lines()
    assert json.loads((tmp_path / BUDGET).read_text())["lines"] == fitted.lines()
    stamp = file.stat().st_mtime_ns
    assert budget_study.settle_budget(measured, SPLIT, Site(2, 0), 9) == (chosen, lines)
    assert file.stat().st_mtime_ns == stamp


@pytest.fixture
def finish(monkeypatch):
    """Makes runs of a study as if they were trained by today's code."""
    monkeypatch.setattr(costs, "lacking", lambda folder: [] if folder.is_dir() else ["all"])

    def finish(study: Study, runs: list[tuple[Variant, int]]) -> None:
        for variant, seed in runs:
            folder = study.out / "runs" / f"key-{variant.note(seed)}"
            folder.mkdir(parents=True)
            note = {"identity": variant.identity(seed), "key": folder.name}
            (folder.parent / f"{variant.note(seed)}.json").write_text(json.dumps(note))
            told = {"code": code_digest(*CODE, without=WORDS), "versions": versions()}
            (folder / "config.json").write_text(json.dumps(told))

    return finish


def test_a_speed_is_measured_at_every_call_until_all_is_trained(measured, timed, finish):
    study, site = measured.settings, Site(2, 0)
    chosen, lines = budget_study.settle_budget(measured, SPLIT, site, 9)
    runs = room.list_all_runs(chosen.settings, SPLIT)
    assert timed == ["sample"] and len(runs) > 1
    finish(study, runs[:-1])
    budget_study.settle_budget(measured, SPLIT, site, 9)
    assert timed == ["sample"] * 2
    finish(study, runs[-1:])
    assert budget_study.settle_budget(measured, SPLIT, site, 9) == (chosen, lines)
    assert timed == ["sample"] * 2


def test_a_slower_machine_leaves_out_what_is_not_trained_and_keeps_what_is(measured, finish):
    study, site = measured.settings, Site(2, 0)
    chosen, _ = budget_study.settle_budget(measured, SPLIT, site, 30)
    rungs = ladder(study, SPLIT)
    taken = json.loads((study.out / BUDGET).read_text())["reached"]
    assert len(taken) > 3
    finish(study, rungs[2].runs)
    know_speed(study, slower=50)
    slow, lines = budget_study.settle_budget(measured, SPLIT, site, 30)
    held = json.loads((study.out / BUDGET).read_text())["reached"]
    assert [name for name, _ in held] == [rung.name for rung in rungs[:3]]
    assert "minutes if nothing were trained yet" in lines[0] and slow.settings != chosen.settings


def test_what_a_slower_run_would_leave_out_is_known():
    decision = {"minutes": 10, "reached": [["a", 4.0], ["b", 6.0], ["c", 9.0]]}
    assert budget_study.leave_out(decision, 1.0) == []
    assert budget_study.leave_out(decision, 1.5) == ["c"]
    assert budget_study.leave_out(decision, 9.0) == ["b", "c"]


def test_pictures_of_ones_own_stay_the_pictures(measured, tmp_path):
    (tmp_path / "faces").mkdir()
    own = resolve(data=str(tmp_path / "faces"), out=str(tmp_path))
    know_speed(own.settings)
    chosen, _ = budget_study.settle_budget(own, SPLIT, Site(2, 0), 30)
    assert chosen.settings.pictures == tmp_path / "faces" and not chosen.settings.is_sample
    assert (chosen.settings.name, chosen.settings.title) == (own.settings.name, own.settings.title)


def test_another_machine_or_recipe_is_measured_again(measured, tmp_path):
    study, site = measured.settings, Site(2, 0)
    assert budget_study.read_speed(study, site) is not None
    assert budget_study.read_speed(room._change(study, "training", batch_size=7), site) is None
    content = json.loads((tmp_path / budget_study.SPEED).read_text()) | {"machine": "another"}
    (tmp_path / budget_study.SPEED).write_text(json.dumps(content))
    assert budget_study.read_speed(study, site) is None


@pytest.mark.parametrize("kept", [0, 40])
def test_a_speed_that_a_power_loss_cut_is_measured_again(measured, tmp_path, kept, capsys):
    os.truncate(tmp_path / budget_study.SPEED, kept)
    assert budget_study.read_speed(measured.settings, Site(2, 0)) is None
    assert "speed.json is " in capsys.readouterr().err and not (tmp_path / budget_study.SPEED).exists()


def test_runs_side_by_side_follow_threads_and_gpus():
    many = room._change(STUDY, "training", threads=1)
    every = room._change(STUDY, "training", threads="auto")
    assert (
        budget_study.side_by_side(many, Site(4, 0)) == 4 and budget_study.side_by_side(every, Site(4, 0)) == 1
    )
    assert budget_study.side_by_side(many, Site(4, 2)) == 2


def test_without_a_budget_the_report_says_what_it_will_train(measured, timed, tmp_path, finish):
    runs = room.list_all_runs(measured.settings, SPLIT)
    finish(measured.settings, runs[:1])
    same, [line] = budget_study.settle_budget(measured, SPLIT, Site(2, 0), 0)
    assert same == measured and line == f"training runs: {len(runs)}, 1 of them finished"
    assert json.loads((tmp_path / BUDGET).read_text()) == {} and timed == []


def test_a_run_with_other_settings_or_code_is_not_finished(measured, finish, tmp_path):
    study = measured.settings
    runs = room.list_all_runs(study, SPLIT)
    finish(study, runs)
    assert all(costs.is_finished(study.out, *run) for run in runs)
    longer = room._change(study, "training", epochs=5 * study.training.epochs)
    assert not any(costs.is_finished(study.out, *run) for run in room.list_all_runs(longer, SPLIT))
    variant, seed = runs[0]
    (tmp_path / "runs" / f"key-{variant.note(seed)}" / "config.json").write_text('{"code": "of before"}')
    assert not costs.is_finished(study.out, variant, seed)
