"""A verdict follows the whole interval, and the abstract says what the verdicts say."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from dfstudy.chapters.base import Gathered
from dfstudy.chapters.c10_conclusions import abstract
from dfstudy.chapters.c10_conclusions import answers as room
from dfstudy.errors import StudyError
from dfstudy.number import Number
from dfstudy.present.numbers import say
from dfstudy.study.study import load_study

STUDY = load_study()
ELSEWHERE = load_study(data="somewhere")


def number(name: str, value: float, low: float | None = None, high: float | None = None) -> Number:
    return Number(name, value, "1", 200, low, high, 40)


def study_numbers(**changed: Number) -> dict[str, Number]:
    numbers = [
        *(number(f"data.{name}", count) for name, count in [("pictures", 900), ("real", 300), ("fake", 600)]),
        number("data.groups", 90),
        number("split.train", 600),
        number("split.test", 200),
        number("split.test.groups", 20),
        number("train.parameters", 370_000),
        number("train.auc_gap", 0.05, 0.03, 0.07),
        number("test.auc", 0.9, 0.85, 0.95),
        number("test.accuracy", 0.85, 0.8, 0.9),
        number("test.balanced_accuracy", 0.8, 0.75, 0.85),
        number("test.sensitivity.at_5", 0.4, 0.2, 0.6),
        number("test.false_alarms.at_5", 0.03, 0.01, 0.06),
        number("test.ece", 0.08, 0.06, 0.1),
        number("test.fakes", 140),
        number("test.pictures", 200),
        number("robust.clean.auc", 0.9, 0.85, 0.95),
        number("robust.drop", 0.02, 0.01, 0.03),
        number("robust.flipped", 0.1, 0.05, 0.15),
        number("test.auc.method.swap", 0.95, 0.9, 0.99),
        number("test.auc.method.reenactment", 0.52, 0.45, 0.6),
    ]
    return {x.id: x for x in numbers} | {name.replace("__", "."): value for name, value in changed.items()}


def verdicts(numbers: dict[str, Number], groups_known: bool = True) -> dict[str, str]:
    return {
        x.id.removeprefix("answer."): x.verdict
        for x in room.decide_answers(Gathered(numbers, STUDY, groups_known))
    }


def test_each_question_has_its_verdict():
    assert verdicts(study_numbers()) == {
        "above_chance": "yes",
        "new_people": "yes",
        "overfits": "yes",
        "every_method": "cannot tell",
        "useful": "cannot tell",
        "accuracy_misleads": "yes",
        "probabilities": "no",
        "stands_corruptions": "yes",
    }


@pytest.mark.parametrize(
    ("low", "high", "verdict"), [(0.01, 0.09, "yes"), (-0.09, -0.01, "no"), (-0.02, 0.05, "cannot tell")]
)
def test_training_was_needed_where_the_detector_beats_the_probe(low, high, verdict):
    assert "training_needed" not in verdicts(study_numbers())
    frozen = {
        "probe__test__auc": number("probe.test.auc", 0.85, 0.8, 0.9),
        "probe__test__auc__difference": number("probe.test.auc.difference", (low + high) / 2, low, high),
    }
    gathered = Gathered(study_numbers(**frozen), STUDY, True)
    answers = room.decide_answers(gathered)
    [asked] = [answer for answer in answers if answer.id == "answer.training_needed"]
    assert asked.verdict == verdict and asked.question == "Was training needed?"
    told = say(asked.told, gathered.numbers).data
    assert "0.900 [0.850, 0.950]" in told and "0.850 [0.800, 0.900]" in told
    abstract_text = say(abstract.write_abstract(answers, gathered), gathered.numbers).data
    assert f"detector minus probe is {gathered.numbers['probe.test.auc.difference']}" in abstract_text


def test_of_a_network_that_has_not_learned_training_is_no_question():
    frozen = {
        "probe__test__auc": number("probe.test.auc", 0.85, 0.8, 0.9),
        "probe__test__auc__difference": number("probe.test.auc.difference", -0.3, -0.4, -0.2),
    }
    learned = Number("train.learned", 0, "1 = learned", 10, note="its loss never fell")
    assert verdicts(study_numbers(**frozen, train__learned=learned))["training_needed"].startswith(
        "not trained"
    )


def test_a_probe_that_was_skipped_gets_no_answer():
    skipped = [
        Number(f"probe.test.auc{end}", None, "AUC", 10, note="no weights") for end in ("", ".difference")
    ]
    assert "training_needed" not in verdicts(study_numbers() | {each.id: each for each in skipped})


def test_verdicts_turn_with_the_numbers():
    changed = study_numbers(
        test__auc=number("test.auc", 0.4, 0.3, 0.45),
        train__auc_gap=number("train.auc_gap", 0.0, -0.01, 0.01),
        test__ece=number("test.ece", 0.02, 0.01, 0.03),
        test__fakes=number("test.fakes", 100),
        robust__drop=number("robust.drop", 0.2, 0.15, 0.25),
    )
    found = verdicts(changed, groups_known=False)
    assert found["above_chance"] == found["overfits"] == found["accuracy_misleads"] == "no"
    assert found["probabilities"] == "yes" and found["new_people"] == "cannot tell"
    assert found["stands_corruptions"] == "no"
    no_interval = study_numbers(test__auc=Number("test.auc", None, "AUC", 9, note="one class"))
    assert verdicts(no_interval)["above_chance"] == "cannot tell"


@pytest.mark.parametrize(
    ("drops", "verdict"),
    [
        ([(0.02, 0.0, 0.04)], "yes"),
        ([(0.02, 0.0, 0.04), (0.06, 0.03, 0.09)], "cannot tell"),
        ([(0.02, 0.0, 0.04), (0.2, 0.15, 0.25)], "no"),
    ],
)
def test_other_folders_are_answered_by_the_worst(drops, verdict):
    numbers = study_numbers()
    for at, drop in enumerate(drops):
        for name, value in (("auc", (0.7, 0.6, 0.8)), ("drop", drop)):
            numbers |= {f"elsewhere.set_{at}.{name}": number(f"elsewhere.set_{at}.{name}", *value)}
    [found] = [x for x in room.decide_answers(Gathered(numbers, STUDY, True)) if x.id == "answer.elsewhere"]
    assert found.verdict == verdict
    worst = f"elsewhere.set_{len(drops) - 1}"
    assert f"{{{worst}.auc}}, {{{worst}.drop}} lower" in found.because and found.figure.startswith("06")
    assert "answer.elsewhere" not in [
        x.id for x in room.decide_answers(Gathered(study_numbers(), STUDY, True))
    ]


def test_probabilities_are_judged_as_calibrated_where_they_are():
    after = "test.calibration.platt.ece.after"
    numbers = study_numbers() | {after: number(after, 0.02, 0.01, 0.03)}
    [found] = [
        x for x in room.decide_answers(Gathered(numbers, STUDY, True)) if x.id == "answer.probabilities"
    ]
    assert found.verdict == "yes" and found.because.startswith(f"calibration error {{{after}}}")
    assert "as frequent as in validation" in found.because
    assert "calibrated on validation" in found.question


def test_use_is_judged_at_the_threshold_of_validation_and_not_at_one_of_the_test():
    def useful(found: Number, alarmed: Number) -> tuple[str, str]:
        own = number("test.sensitivity_at_5", 0.9, 0.8, 1.0)  # read off the test's own ROC curve
        numbers = study_numbers() | {x.id: x for x in (own, found, alarmed)}
        [answer] = [x for x in room.decide_answers(Gathered(numbers, STUDY, True)) if x.id == "answer.useful"]
        return answer.verdict, say(answer.because, numbers).data

    found, alarmed = (
        number("test.sensitivity.at_5", 0.7, 0.6, 0.8),
        number("test.false_alarms.at_5", 0.03, 0.01, 0.06),
    )
    assert useful(found, alarmed)[0] == "yes"
    broken = useful(found, number("test.false_alarms.at_5", 0.12, 0.08, 0.17))
    assert broken[0] == "no" and "more than promised" in broken[1]
    none = [Number(x.id, None, "1", 9, note="not enough real validation images") for x in (found, alarmed)]
    assert useful(*none) == ("cannot tell", "not enough real validation images")


@given(st.tuples(*[st.floats(0, 1)] * 3).map(sorted))
def test_a_verdict_needs_the_whole_interval(ends):
    low, value, high = ends
    found = verdicts(study_numbers(test__auc=number("test.auc", value, low, high)))["above_chance"]
    assert (found == "yes") == (low > 0.5)
    assert (found == "no") == (high < 0.5)


def test_a_method_that_is_worse_than_chance_refutes():
    worse = number("test.auc.method.swap", 0.4, 0.3, 0.45)
    numbers = study_numbers(**{"test__auc__method__swap": worse})
    found = {x.id: x for x in room.decide_answers(Gathered(numbers, STUDY, True))}
    assert found["answer.every_method"].verdict == "no"
    assert "hardest of 2: swap with {test.auc.method.swap}" in found["answer.every_method"].because


def test_folders_with_one_method_are_not_asked_about_every_method():
    numbers = {name: x for name, x in study_numbers().items() if "method" not in name}
    assert "every_method" not in verdicts(numbers)


def test_without_test_numbers_it_says_what_to_run():
    with pytest.raises(StudyError, match=r"test\.auc") as failure:
        room.decide_answers(Gathered({"data.pictures": number("data.pictures", 3)}, STUDY, True))
    assert "make report" in failure.value.hint


def test_the_table_holds_the_numbers_and_verdicts_are_numbers():
    numbers = study_numbers()
    answers = room.decide_answers(Gathered(numbers, STUDY, True))
    soup = BeautifulSoup(room.answer_table(answers, numbers).data, "html.parser")
    rows = [[cell.get_text() for cell in row.find_all("td")] for row in soup.tbody.find_all("tr") if row.td]
    answers = [x for x in answers if x.tier == "exploratory"] + [x for x in answers if x.tier == "check"]
    assert rows[0][3:] == ["test AUC 0.900 [0.850, 0.950]", "200", "test_roc"]
    assert [row[2].strip("()") for row in rows] == [x.verdict for x in answers]
    assert soup.a["href"] == "04_test.ipynb#test_roc"
    values = {x.id: x.value for x in room.answer_numbers(answers)}
    assert values["answer.above_chance"] == 1 and values["answer.probabilities"] == 0
    assert values["answer.useful"] is None


@pytest.mark.parametrize("is_sample", [True, False])
@pytest.mark.parametrize("groups_known", [True, False])
@pytest.mark.parametrize("auc", [(0.85, 0.95), (0.45, 0.55), (0.3, 0.4)])
def test_the_abstract_is_made_of_numbers_and_honest_about_limits(auc, groups_known, is_sample):
    numbers = study_numbers(test__auc=number("test.auc", sum(auc) / 2, *auc))
    answers = room.decide_answers(Gathered(numbers, STUDY, groups_known))
    template = abstract.write_abstract(answers, Gathered(numbers, STUDY if is_sample else ELSEWHERE, True))
    assert not any(character.isdigit() for character in template)
    text = say(template, numbers).data
    assert "{" not in text and ("people seen in training" in text) == (not groups_known)
    assert ("rendered" in text) == is_sample
    assert ("better than chance" in text) == (auc[0] > 0.5)


@pytest.mark.parametrize("telling", [0, 2])
def test_the_abstract_warns_where_the_label_is_told_without_a_face(telling):
    numbers = study_numbers() | {"shortcut.telling": Number("shortcut.telling", telling, "families", 9)}
    text = abstract.write_abstract(
        room.decide_answers(Gathered(numbers, STUDY, True)), Gathered(numbers, ELSEWHERE, True)
    )
    assert ("without looking at the face" in text) == bool(telling)
