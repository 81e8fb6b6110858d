"""Subgroups: how a column is cut, what a planted difference gives, and when nothing is said."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from dfstudy.chapters.c04_test import subgroups as room
from dfstudy.errors import StudyError
from dfstudy.stats.subgroups import MOST, compare_subgroups, cut
from dfstudy.study.comparisons import Evaluate

SETTINGS = Evaluate(replicates=200)


def test_words_stand_numbers_are_cut_and_ids_make_no_subgroups():
    labels = np.tile([0, 1], 30)
    ages = [str(age) for age in range(60)]
    assert [one.name for one in cut("age", ages, labels)] == [
        "age up to 19.67", "age 19.67 to 39.33", "age above 39.33",
    ]  # fmt: skip
    assert [one.inside.sum() for one in cut("age", ages, labels)] == [20, 20, 20]
    assert [one.name for one in cut("level", ["10", "9"] * 30, labels)] == ["level 9", "level 10"]
    assert cut("id", [f"person {at}" for at in range(60)], labels) == [] == cut("one", ["x"] * 60, labels)
    assert len(cut("word", [f"w{at % MOST}" for at in range(60)], labels)) == MOST
    # what nothing is said of is in no subgroup; a class that nothing is said of, in all
    phone, _ = cut("camera", ["phone", "phone", "web", ""] * 15, np.tile([0, 1, 1, 0], 15))
    assert phone.inside.sum() == 30 and phone.outside.sum() == 15
    some, other = cut("change", ["", "a", "", "b"] * 15, labels)
    assert some.inside.sum() == other.inside.sum() == 45 and other.mirrored and not some.mirrored


def scored(groups: int, worse: float, seed: int = 0):
    """Two seeds, a real and a fake a group; every third group is of camera `web`, where scores say less."""
    random = np.random.default_rng(seed)
    labels, units = np.tile([0, 1], groups), np.repeat(np.arange(groups), 2)
    web = units % 3 == 0
    logit = (2 * labels - 1) * np.where(web, worse, 2.0) + np.where(web & (labels == 0), 1 - worse / 2, 0)
    scores = expit(logit + random.normal(0, 1, (2, 2 * groups)))
    return labels, scores, units, np.where(web, "web", np.where(units % 3 == 1, "phone", "film"))


def test_a_planted_difference_is_found_and_values_are_those_of_the_images():
    labels, scores, units, camera = scored(240, 0.0)
    numbers = compare_subgroups(cut("camera", camera, labels), labels, scores, [0.5, 0.5], units, SETTINGS)
    by_id = {number.id: number for number in numbers}
    web = camera == "web"
    for name, mask in (("", web), (".rest", ~web)):
        expected = np.mean([roc_auc_score(labels[mask], row[mask]) for row in scores])
        assert by_id[f"subgroup.camera_web.auc{name}"].value == pytest.approx(expected)
        alarms = (scores[:, mask & (labels == 0)] >= 0.5).mean()
        assert by_id[f"subgroup.camera_web.false_alarms{name}"].value == pytest.approx(alarms)
    assert by_id["subgroup.camera_web.auc"].groups == 80
    apart = by_id["subgroup.camera_web.auc.difference"]
    assert apart.high < 0 and by_id["subgroup.camera_web.auc.p"].value < 0.05
    assert by_id["subgroup.camera_web.false_alarms.difference"].low > 0
    # what is said of fakes alone takes no reals apart
    change = cut("change", np.where(labels == 1, camera, ""), labels)
    told = {n.id for n in compare_subgroups(change, labels, scores, [0.5, 0.5], units, SETTINGS)}
    assert "subgroup.change_web.auc.p" in told and not any("false_alarms" in name for name in told)
    assert "6 comparisons" in by_id["subgroup.camera_film.auc.p"].note


def study(columns="auto", groups=240, worse=0.0, learned=True, monkeypatch=None):
    labels, scores, units, camera = scored(groups, worse)
    paths = [f"{at:04d}.png" for at in range(len(labels))]
    table = pd.DataFrame({"path": paths, "label": labels, "method": "swap", "group": units.astype(str)})
    tables = [table.assign(probability=row) for row in scores]
    rows = table.assign(
        notes=[json.dumps({"camera": c, "source": p}) for c, p in zip(camera, paths, strict=True)]
    )
    state = SimpleNamespace(states=lambda stem: [room_number(stem, learned)])
    monkeypatch.setattr(room, "judge_runs", lambda *_: state)
    made = SimpleNamespace(evaluate=SETTINGS.model_copy(update={"subgroups": columns}))
    runs = [SimpleNamespace(checkpoint={"threshold": 0.5})] * 2
    return room.measure_subgroups(made, SimpleNamespace(rows=rows), runs, tables)


def room_number(stem, learned):
    from dfstudy.number import Number

    return Number(f"{stem}.learned", int(learned), "1 = learned", 1, note="not learned: nothing")


def test_what_is_said_follows_from_the_numbers(monkeypatch):
    found = {n.id: n for n in study(monkeypatch=monkeypatch)}
    told = room.tell_subgroups(found)
    assert "camera web: AUC" in told and "differ" in told
    shown = room.subgroups_table(found).set_index(["subgroup", "quantity"])["verdict"]
    assert shown["camera web", "AUC"] == room.DIFFERS and len(shown) == 6
    alike = {n.id: n for n in study(worse=2.0, monkeypatch=monkeypatch)}
    assert "cannot be told" in room.tell_subgroups(alike)
    few = {n.id: n for n in study(groups=50, monkeypatch=monkeypatch)}
    assert not any(name.endswith(".p") for name in few)
    assert set(room.subgroups_table(few)["verdict"]) == {room.FEW}
    blind = {n.id: n for n in study(learned=False, monkeypatch=monkeypatch)}
    assert "Nothing is said" in room.tell_subgroups(blind) and room.tell_subgroups({}) == room.NOTHING
    assert study([], monkeypatch=monkeypatch) == []
    with pytest.raises(StudyError, match="column 'camra'"):
        study(["camra"], monkeypatch=monkeypatch)
