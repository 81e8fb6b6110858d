"""What was declared before training stays declared, and a change of it is said."""

from __future__ import annotations

import datetime
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from dfstudy.chapters.c10_conclusions import seal as words
from dfstudy.chapters.registry import CHAPTERS
from dfstudy.data.split import Split
from dfstudy.pipeline import seal as room
from dfstudy.pipeline.page.sections import fill, vocabulary
from dfstudy.study.comparisons import Policies
from dfstudy.study.study import load_study

NOTHING = pd.DataFrame()
SPLIT = Split(NOTHING, NOTHING, Path(), "f" * 64, True, (), NOTHING)


@pytest.fixture
def study(tmp_path):
    return load_study(out=str(tmp_path))


def with_policies(study, **changed):
    return study.model_copy(update={"policies": study.policies.model_copy(update=changed)})


def test_an_unchanged_study_says_that_nothing_has_changed(study):
    assert "Not sealed" in words.tell_seal(study)
    room.seal_study(study, SPLIT)
    before = (study.out / room.SEAL).read_bytes()
    room.seal_study(study, SPLIT)
    assert (study.out / room.SEAL).read_bytes() == before
    told = words.tell_seal(study)
    assert "before the first training" in told and "none of them has changed" in told
    told = words.sealed_on(study)
    assert hashlib.sha256(before).hexdigest() in told and told.endswith("changed after: nothing")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"primary": "unseen", "secondary": ["auc"]}, ["study: questions"]),
        ({"names": ["none", "original"]}, ["study: policies"]),
    ],
)
def test_a_changed_study_is_named_and_the_seal_stays(changed, said, study):
    room.seal_study(study, SPLIT)
    before = (study.out / room.SEAL).read_bytes()
    room.seal_study(with_policies(study, **changed), SPLIT)
    assert (study.out / room.SEAL).read_bytes() == before
    told = words.tell_seal(study)
    assert "Changed after the seal" in told and all(f"`{name}`" in told for name in said)
    room.seal_study(study, SPLIT)
    assert "none of them has changed" in words.tell_seal(study)


def test_other_images_and_other_rules_are_a_change(study, monkeypatch, tmp_path):
    room.seal_study(study, SPLIT)
    room.seal_study(study, replace(SPLIT, fingerprint="e" * 64))
    assert "`study: images and their split`" in words.tell_seal(study)
    monkeypatch.setattr(room, "file_digest", lambda path: f"other {path.name}")
    room.seal_study(study, SPLIT)
    assert "`rules: stats/verdicts.py`" in words.tell_seal(study)


def test_edited_words_are_told_from_other_margins(study, monkeypatch):
    room.seal_study(study, SPLIT)
    digest_of, margins_of = room.file_digest, room._margins
    monkeypatch.setattr(
        room, "file_digest", lambda path: digest_of(path)[: 9 if path.suffix == ".py" else 64]
    )
    room.seal_study(study, SPLIT)
    told = words.tell_seal(study)
    assert "**Edited after the seal**" in told and "so are declared questions and margins" in told
    monkeypatch.setattr(room, "_margins", lambda source: margins_of(source) | {"GAP": 0.5})
    room.seal_study(study, SPLIT)
    assert "so are declared questions." in words.tell_seal(study)
    room.seal_study(with_policies(study, names=["none", "original"]), SPLIT)
    assert "**Changed after the seal**" in words.tell_seal(study)


def test_words_and_places_are_none(study, tmp_path):
    room.seal_study(study, SPLIT)
    parts = {
        "data": study.data.model_copy(update={"root": "/else"}),
        "training": study.training.model_copy(update={"workers": 7, "runs_a_step": 1}),
        "model": study.model.model_copy(update={"weights": "/else/package"}),
    }
    parts["report"] = study.report.model_copy(update={"groups": "videos"})
    moved = study.model_copy(update={"title": "other", **parts})
    room.seal_study(moved, SPLIT)
    assert "none of them has changed" in words.tell_seal(study)


def test_another_seed_is_a_change(study):
    room.seal_study(study, SPLIT)
    training = study.training.model_copy(update={"seeds": [7, 8, 9]})
    room.seal_study(study.model_copy(update={"training": training}), SPLIT)
    assert "`study: training`" in words.tell_seal(study)


def test_a_seal_that_comes_after_trainings_says_so(study):
    run = study.out / "runs" / "seed0-0"
    run.mkdir(parents=True)
    (run / "checkpoint.json").write_text("{}")
    room.seal_study(study, SPLIT)
    assert "after 1 training had ended" in words.tell_seal(study)


def test_the_seal_says_in_clear_what_was_declared_and_where_and_when_change_nothing(study, tmp_path):
    written = json.loads(room.seal_study(study, SPLIT).with_name("seal.json").read_bytes())
    asked = written["declared questions"]
    assert [each["tier"] for each in asked] == ["primary", *["secondary"] * (len(asked) - 1)]
    assert asked[0]["least gain"] == written["margins"]["least gain"]["auc"] == 0.01
    assert written["margins"]["chapters/c04_test/questions.py"]["GAP"] == 0.02
    assert written["study file"]["sha256"] == hashlib.sha256(study.file.read_bytes()).hexdigest()
    elsewhere = load_study(out=str(tmp_path / "else"))
    room.seal_study(elsewhere, SPLIT)
    assert (elsewhere.out / room.SEAL).read_bytes() == (study.out / room.SEAL).read_bytes()
    assert words.tell_seal(elsewhere) == words.tell_seal(study)


def test_a_change_keeps_the_time_at_which_it_was_first_seen(study, monkeypatch):
    days = iter(range(1, 9))

    class Clock(datetime.datetime):
        @classmethod
        def now(cls):
            return datetime.datetime(2030, 1, next(days), tzinfo=datetime.UTC)

    monkeypatch.setattr(room.datetime, "datetime", Clock)
    room.seal_study(study, SPLIT)
    before = words.tell_seal(study)
    for _ in range(2):
        room.seal_study(with_policies(study, names=["none", "original"]), SPLIT)
    told = words.sealed_on(study)
    assert told.startswith("2030-01-01") and "study: policies (2030-01-02T" in told
    assert "2030" not in before + words.tell_seal(study)  # a chapter says it, whose bytes are compared


def test_the_methods_section_shows_hash_time_and_changes_where_runs_may_differ(study):
    room.seal_study(study, SPLIT)
    chapter = next(each for each in CHAPTERS if each.id == "10_conclusions")
    soup = BeautifulSoup(fill(chapter.section, vocabulary({}, [], study)), "html.parser")
    told = soup.find(attrs={"data-run": True}).extract().get_text()
    state = json.loads((study.out / room.SEALED).read_bytes())
    assert state["when"] in told and state["sha256"] in told and "changed after: nothing" in told
    assert state["sha256"][:12] in soup.get_text() and state["when"][:10] not in soup.get_text()


def test_an_edited_or_replaced_seal_is_named(study):
    room.seal_study(study, SPLIT)
    first = words.sealed_on(study)
    (study.out / room.SEAL).unlink()
    room.seal_study(with_policies(study, names=["none", "original"]), SPLIT)
    assert "`seal: study/seal.json`" in words.tell_seal(study)
    assert words.sealed_on(study).startswith(first.removesuffix("nothing"))


def test_a_seal_of_the_form_before_still_holds(study):
    room.seal_study(study, SPLIT)
    now = json.loads((study.out / room.SEAL).read_bytes())
    old = {name: room.digest(value) for name, value in now["study"].items()}
    old = {"day": "2029-12-31", "finished": 0, "rules": now["rules"], "study": old}
    (study.out / room.SEAL).write_text(json.dumps(old))
    (study.out / room.SEALED).write_text(json.dumps({"seal": "0" * 12, "finished": 0, "changed": []}))
    room.seal_study(study, SPLIT)
    assert "none of them has changed" in words.tell_seal(study)
    assert words.sealed_on(study).startswith("2029-12-31")


def test_every_file_of_rules_is_there():
    assert all((room.PACKAGE / name).is_file() for name in room.RULES)
    assert Policies().primary == "auc" and "auc" not in Policies().secondary
