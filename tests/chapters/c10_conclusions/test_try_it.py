"""Numbers by words, and an answer at another limit."""

from __future__ import annotations

from dfstudy.chapters.c10_conclusions.try_it import find_numbers, slide_limit
from dfstudy.number import Number

AUC = Number("test.auc", 0.9, "AUC", 200, 0.85, 0.94, 40)
NUMBERS = {
    one.id: one for one in (AUC, Number("test.auc.method.swap", 0.8, "AUC", 100, note="of swap alone"))
}


def test_numbers_are_found_by_every_word(capsys):
    assert find_numbers(NUMBERS, "AUC")["number"].tolist() == ["test.auc", "test.auc.method.swap"]
    assert find_numbers(NUMBERS, "alone auc")["number"].tolist() == ["test.auc.method.swap"]
    assert capsys.readouterr().out == ""
    assert find_numbers(NUMBERS, "test.auk").empty
    assert "no number has 'test.auk' (did you mean 'test.auc'?)" in capsys.readouterr().out


def test_an_answer_follows_its_limit():
    slider = slide_limit(AUC, 0.5)
    assert slider.start == "0.500" and "Yes" in slider.at("0.500").caption
    values = list(slider.values.values())
    assert values == sorted(values) and values[0] < 0.5 and values[-1] > 0.94
    said = {slider.at(label).caption.split("? ")[1].split(":")[0] for label in slider.values}
    assert said == {"Yes", "Cannot tell", "No"}


def test_a_number_without_an_interval_decides_nothing():
    slider = slide_limit(Number("test.auc", None, "AUC", 0, note="one class"), 0.5)
    assert "Cannot tell" in slider.at(slider.start).caption
