"""The main part of the page on the published numbers: short, true to the verdicts, no number typed."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from bs4 import BeautifulSoup

from dfstudy.chapters.base import Gathered
from dfstudy.chapters.c10_conclusions.answers import decide_answers
from dfstudy.chapters.registry import CHAPTERS
from dfstudy.number import Number
from dfstudy.pipeline.page.front import (
    LISTED,
    MOST_ANSWERS,
    PUT_OFF,
    list_answers,
    make_cards,
    show,
    tell_gains,
)
from dfstudy.pipeline.page.sections import Printed, write_sections
from dfstudy.present.answer import Answer
from dfstudy.present.numbers import read_numbers
from dfstudy.stats.verdicts import CANNOT_TELL, NO, UNTRAINED, YES
from dfstudy.study.study import load_study
from dfstudy.system.provenance import project_root

PUBLISHED = project_root() / "reports/published/sample/numbers"
STUDY = load_study()
SECTIONS = [chapter.section for chapter in CHAPTERS if chapter.section is not None]


@pytest.fixture(scope="module")
def numbers() -> dict[str, Number]:
    every = [number for file in sorted(PUBLISHED.glob("*.json")) for number in read_numbers(file)]
    return {number.id: number for number in every}


@pytest.fixture(scope="module")
def answers(numbers) -> list[Answer]:
    return decide_answers(Gathered(numbers, STUDY, True))


def test_seven_short_sections(numbers, answers):
    written = write_sections(CHAPTERS, numbers, answers, STUDY)
    assert [section.id for section in written] == [
        "data", "detector", "augmentation", "unseen", "robustness", "protocol", "methods",
    ]  # fmt: skip
    text = " ".join(BeautifulSoup(section.body, "html.parser").get_text(" ") for section in written)
    assert len(text.split()) < 3000 and "{" not in text
    figures = re.findall(r'data-shows="(\w+)"', "".join(section.body for section in written))
    assert 5 <= len(figures) <= 10 and len(set(figures)) == len(figures)


@pytest.mark.parametrize("section", SECTIONS, ids=[section.id for section in SECTIONS])
def test_no_section_types_a_number(section):
    prose = re.sub(
        r"\{\{.*?\}\}|\{%.*?%\}|`[^`]*`|\(\d{4}\)|[Cc]hapter \d\d", "", section.template.read_text("utf-8")
    )
    assert not re.search(r"\d", re.sub(r"EfficientNetV2|lite0", "", prose))


@pytest.mark.parametrize("verdict", [YES, NO, CANNOT_TELL, UNTRAINED])
def test_sections_can_be_read_whatever_the_verdicts(numbers, answers, verdict):
    turned = [replace(answer, verdict=verdict) for answer in answers]
    written = write_sections(CHAPTERS, numbers, turned, STUDY)
    assert len(written) == len(SECTIONS) and all("{" not in section.body for section in written)


def test_sections_follow_what_was_measured(numbers, answers):
    left = {
        name: number
        for name, number in numbers.items()
        if not name.startswith(("cross.", "control.", "defect."))
    }
    written = {section.id: section.body for section in write_sections(CHAPTERS, left, answers, STUDY)}
    assert "trained no network on part" in written["unseen"] and "Controls" not in written["augmentation"]
    without = {name: number for name, number in numbers.items() if not name.startswith("robust.")}
    assert "robustness" not in [section.id for section in write_sections(CHAPTERS, without, answers, STUDY)]


@pytest.mark.parametrize(
    ("trend", "said"),
    [((-0.1, 0.1), "cannot be told"), ((0.1, 0.2), "more augmentation"), ((-0.2, -0.1), "less augmentation")],
)
def test_shorter_trainings_stand_beside_the_full_ones(numbers, answers, trend, said):
    policies = STUDY.policies.model_copy(update={"budgets": [0.5]})
    stem, more = f"policy.{policies.asked}", dict(numbers)
    for name, (low, high) in {
        f"{stem}.at_50.auc": (0.7, 0.8),
        "policy.none.at_50.auc": (0.7, 0.8),
        f"{stem}.at_50.auc.difference": (-0.1, 0.1),
        f"{stem}.auc.trend": trend,
    }.items():
        more[name] = Number(name, (low + high) / 2, "AUC", 100, low, high)
    assert "Shorter training" not in " ".join(
        one.body for one in write_sections(CHAPTERS, more, answers, STUDY)
    )
    study = STUDY.model_copy(update={"policies": policies})
    written = {one.id: one.body for one in write_sections(CHAPTERS, more, answers, study)}
    text = " ".join(BeautifulSoup(written["augmentation"], "html.parser").get_text(" ").split())
    assert "At 50 % of the epochs the test AUC is 0.750 [0.700, 0.800] with" in text
    assert said in text.partition("less that at the shortest is")[2]


def test_photographs_say_where_they_come_from(numbers, answers):
    told = load_study("dfdc_6k")
    written = {one.id: one.body for one in write_sections(CHAPTERS, numbers, answers, told)}
    assert "ai.meta.com/datasets/dfdc" in written["data"]
    written = {one.id: one.body for one in write_sections(CHAPTERS, numbers, answers, STUDY)}
    assert "Their origin" not in written["data"]


def test_subgroups_are_named_as_their_column_has_them_and_a_harder_random_split_is_explained(
    numbers, answers
):
    name = "subgroup.size_up_to_6_5.auc"
    found = {f"{name}.p": 0.01, name: 0.8, f"{name}.rest": 0.9, f"{name}.difference": -0.1}
    told = {
        key: Number(key, value, "AUC", 9, note="size up to 6.5; over groups") for key, value in found.items()
    }
    told["leakage.inflation"] = Number("leakage.inflation", -0.1, "AUC", 9, -0.2, -0.05)
    turned = [replace(one, verdict=NO) if one.id in ("subgroups", "leak") else one for one in answers]
    written = {one.id: one.body for one in write_sections(CHAPTERS, numbers | told, turned, STUDY)}
    assert "size up to 6.5: AUC 0.800, the rest 0.900" in written["detector"]
    assert "The random split is the harder one here" in written["data"]


def test_a_name_in_the_reason_of_an_undefined_number_is_no_markup(numbers):
    one = Number("test.auc", None, "AUC", 9, note="no fake of <b>*x*</b>")
    assert "<b>" not in Printed({one.id: one})["test.auc"]
    assert Printed(numbers)["test.auc"] == str(numbers["test.auc"])


def test_eight_answers_with_one_sentence_each(numbers, answers):
    shown = list_answers(answers, numbers, STUDY)
    assert len(shown) == MOST_ANSWERS == 8
    assert {name.format(primary="auc") for name in LISTED} - {one.id for one in shown} == set(PUT_OFF)
    for one in shown:
        assert one.word in ("Yes", "No", "Can\u2019t tell") and one.told.endswith(".")
        assert re.search(r"\d\.\d{3}", one.told), one.id  # absolute values, not a difference alone
    assert [one.tier for one in shown].count("primary question") == 1


def test_good_and_bad_news_are_told_apart_whatever_the_polarity(numbers, answers):
    by_id = {one.id: show(one, numbers) for one in answers}
    assert by_id["answer.overfits"].word == "Yes" and by_id["answer.overfits"].tone == "bad"
    assert by_id["answer.above_chance"].word == "Yes" and by_id["answer.above_chance"].tone == "good"
    assert by_id["answer.augmentation.auc"].tone == "open"
    assert len({one.mark for one in list_answers(answers, numbers, STUDY)}) == 3


def test_what_could_not_be_measured_gives_its_place_to_what_was(numbers, answers):
    lacking = [
        replace(one, because="not measured: no method is held out") if "unseen" in one.id else one
        for one in answers
    ]
    ids = [one.id for one in list_answers(lacking, numbers, STUDY)]
    assert "answer.augmentation.unseen" not in ids and "answer.overfits" in ids and len(ids) == 8
    primary = [replace(one, because="not measured: why") for one in answers if one.tier == "primary"]
    assert [one.tier for one in list_answers(primary, numbers, STUDY)] == ["primary question"]


def test_the_summary_names_the_secondary_gains_that_are_sure(answers):
    assert tell_gains(answers) == ""
    sure = [
        replace(one, verdict=YES) if one.id.endswith((".gap", ".robust")) else one
        for one in answers
        if one.tier == "secondary"
    ]
    assert tell_gains(sure) == "reduces overfitting and raises the AUC on corrupted images"
    assert tell_gains([replace(one, tier="exploratory") for one in sure]) == ""


@pytest.mark.parametrize(("of", "said"), [("", "people or videos"), ("videos", "videos")])
def test_the_question_names_what_the_groups_are(numbers, of, said):
    page = STUDY.report.model_copy(update={"groups": of})
    data = STUDY.data.model_copy(update={"root": "elsewhere"})
    study = STUDY.model_copy(update={"data": data, "report": page})
    told = decide_answers(Gathered(numbers, study, groups_known=True))
    questions = {one.id: one.question for one in told}
    assert questions["answer.above_chance"] == f"Does the detector work on {said} it never saw?"
    assert f"of other {said} than" in questions["answer.new_people"]


def test_a_budget_that_left_no_policy_to_compare_has_two_cards(numbers, answers):
    policies = STUDY.policies.model_copy(update={"names": []})
    asked = [answer for answer in answers if not answer.id.startswith("answer.augmentation")]
    cards = make_cards(asked, numbers, STUDY.model_copy(update={"policies": policies}))
    assert [card.question for card in cards] == [
        "Does it work on people it never saw?",
        "Can the data be trusted?",
    ]
    left = {
        name: one
        for name, one in numbers.items()
        if not name.startswith(("policy.", "policies.", "control."))
    }
    left["policies.compared"] = Number("policies.compared", 0, "1", 9, note="policies.names is empty")
    study = STUDY.model_copy(update={"policies": policies})
    written = {one.id: one.body for one in write_sections(CHAPTERS, left, asked, study)}
    assert "No augmentation policies were compared" in written["augmentation"]


def test_three_cards_with_one_number_each(numbers, answers):
    works, helps, trust = make_cards(answers, numbers, STUDY)
    assert str(numbers["test.auc.recipe"]) == f"{works.value} {works.interval}"
    assert str(numbers["policy.original.auc.difference"]) == f"{helps.value} {helps.interval}"
    assert "0.923 with it, 0.924 without" in helps.label
    assert str(numbers["shortcut.together.auc"]) == f"{trust.value} {trust.interval}"
    assert works.question == "Does it work on people it never saw?"


@pytest.mark.parametrize(
    ("low", "high", "mixed", "known", "verdict"),
    [
        (0.58, 0.64, 0, True, YES),
        (0.68, 0.72, 0, True, CANNOT_TELL),
        (0.72, 0.78, 0, True, NO),
        (0.58, 0.64, 3, True, NO),
        (0.58, 0.64, 0, False, CANNOT_TELL),
    ],
)
def test_one_verdict_of_trust(numbers, low, high, mixed, known, verdict):
    probe = replace(numbers["shortcut.together.auc"], value=(low + high) / 2, low=low, high=high)
    both = replace(numbers["duplicates.both_labels"], value=mixed)
    changed = numbers | {probe.id: probe, both.id: both}
    found = {x.id: x for x in decide_answers(Gathered(changed, STUDY, known))}
    assert found["answer.trust"].verdict == verdict
    people = "people" if known else "images"
    assert found["answer.above_chance"].question == f"Does the detector work on {people} it never saw?"


@pytest.mark.parametrize(
    ("low", "high", "verdict"), [(0.55, 0.65, YES), (0.8, 0.9, CANNOT_TELL), (0.97, 0.99, NO)]
)
def test_the_detector_is_read_beside_the_probe(numbers, low, high, verdict):
    probe = replace(numbers["shortcut.together.auc"], value=(low + high) / 2, low=low, high=high)
    found = decide_answers(Gathered(numbers | {probe.id: probe}, STUDY, True))
    [beats] = [x for x in found if x.id == "answer.beats_probe"]
    assert beats.verdict == verdict and "{shortcut.together.auc}" in beats.told
