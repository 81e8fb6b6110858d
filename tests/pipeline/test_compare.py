"""How a report's numbers compare with the exhibit's."""

from __future__ import annotations

import json

from dfstudy.pipeline import compare
from dfstudy.study.study import load_study


def fields(value, low=None, high=None, n=10, note=""):
    return {"value": value, "low": low, "high": high, "n": n, "note": note}


def test_every_number_is_counted_once_and_named_where_it_differs():
    there = {"a": fields(1), "b": fields(0.5, 0.4, 0.6), "c": fields(0.5, 0.4, 0.6), "d": fields(7)}
    here = {"a": fields(1), "b": fields(0.58, 0.5, 0.7), "c": fields(0.61, 0.5, 0.7), "e": fields(1)}
    found = compare.compare_numbers(here | {"d": fields(8)}, there)
    assert (found.identical, found.inside, found.outside) == (["a"], ["b"], ["c", "d"])
    assert (found.only_here, found.only_there) == (["e"], [])
    text = str(found)
    assert "of 4 counts and numbers with an interval 1 are identical, 1 lie in its interval, 2 do" in text
    assert "outside: c, d" in text and "only here: e" in text and "only there" not in text


def test_a_p_that_moves_is_no_disagreement():
    found = compare.compare_numbers({"x.p": fields(0.21)}, {"x.p": fields(0.2)})
    assert (
        found.moved == ["x.p"] and not found.outside and "1 numbers without an interval differ" in str(found)
    )


def test_verdicts_agree_by_their_word():
    yes, no = fields(1, note="yes: a claim"), fields(0, note="no: a claim")
    unsure, untold = fields(None, note="cannot tell: a"), fields(None, note="not trained enough to tell: a")
    there = {"answer.a": yes, "answer.b": no, "answer.c": unsure, "answer.d": unsure}
    here = {"answer.a": yes, "answer.b": yes, "answer.c": unsure, "answer.d": untold}
    found = compare.compare_numbers(here, there)
    assert (found.agreeing, found.differing) == (["answer.a", "answer.c"], ["answer.b", "answer.d"])
    assert str(found).startswith("2 of 4 verdicts agree") and "other verdicts: answer.b, answer.d" in str(
        found
    )


def test_the_same_value_of_other_pictures_is_not_identical():
    found = compare.compare_numbers({"a": fields(0.5, 0.4, 0.6, n=11)}, {"a": fields(0.5, 0.4, 0.6)})
    assert found.inside == ["a"]


def test_undefined_equals_undefined_only():
    there = {"a": fields(None), "b": fields(0.5, 0.4, 0.6)}
    found = compare.compare_numbers({"a": fields(None), "b": fields(None)}, there)
    assert (found.identical, found.outside) == (["a"], ["b"])


def test_only_a_built_in_study_whose_report_is_tracked_is_compared(tmp_path, monkeypatch):
    exhibit = tmp_path / "sample"
    study = load_study(out=str(tmp_path / "out"))
    monkeypatch.setattr(compare, "exhibit_folder", lambda name: tmp_path / name)
    assert compare.compare_with_exhibit(study) is None
    for folder in (exhibit, study.out):
        (folder / "numbers").mkdir(parents=True)
        (folder / "numbers" / "01.json").write_text(json.dumps([{"id": "a", **fields(3)}]))
    assert compare.compare_with_exhibit(study).identical == ["a"]
    changed = load_study(out=str(tmp_path / "out"), overrides={"training.epochs": 1})
    others = [changed, load_study("small", out=str(tmp_path / "out"))]
    assert [compare.compare_with_exhibit(other) for other in others] == [None, None]
