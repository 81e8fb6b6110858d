"""The study's questions, each answered by a rule from the numbers of the chapters.

Takes numbers by id; gives `Answer`s with the verdict `supported`, `refuted` or `inconclusive`, never a bare
yes: a claim is supported only where the whole interval lies on its side, and refuted only where it lies on
the other. Also the abstract, as a sentence to be filled by `say`. Refuses to answer without the numbers of
training and test. Pure: no file is read.
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from dfstudy.errors import StudyError
from dfstudy.number import Number
from dfstudy.report.numbers import say
from dfstudy.report.trust import decide_data_answers
from dfstudy.report.verdicts import Answer, Numbers, Verdict, above, opposite

CHANCE = 0.5  # AUC of a coin
GAP = 0.02  # AUC between training and validation pictures that is worth a word
CAUGHT = 0.5  # share of fakes found at 5 % false alarms that makes a detector of use
LOSS = 0.05  # AUC, mean over corruptions and severities, that a network which stands them may lose
BIN_ERROR = 0.05  # calibration error up to which a score may be read as a probability
MAJORITY = 0.55  # share of the commoner class from which accuracy flatters whoever always says it
NEEDED = ("data.pictures", "train.auc_gap", "test.auc")


def decide_answers(numbers: Numbers, groups_known: bool) -> list[Answer]:
    """Answer every question for which the chapters gave numbers.

    Args:
        numbers: of all chapters, by id.
        groups_known: whether the pictures name who or what must not be torn apart.
    Raises:
        StudyError: the chapters on training and test have not run.
    """
    missing = [name for name in NEEDED if name not in numbers]
    if missing:
        raise StudyError(
            f"the conclusions need numbers of earlier chapters: {', '.join(missing)}",
            "run the notebooks 01 to 04 first, or all of them: make report",
        )
    answers = [_above_chance(numbers), _new_people(numbers, groups_known)]
    answers += [*decide_data_answers(numbers), _overfits(numbers)]
    answers += _every_method(numbers) + _useful(numbers) + _accuracy(numbers) + _probabilities(numbers)
    answers += _stands(numbers)
    return answers


def answer_table(answers: Iterable[Answer], numbers: Numbers) -> pd.DataFrame:
    """Question, claim, verdict and the numbers that decided, for reading."""
    rows = [(x.question, x.claim, x.verdict, say(x.because, numbers).data) for x in answers]
    return pd.DataFrame(rows, columns=["question", "claim", "answer", "because"])


def answer_numbers(answers: Iterable[Answer]) -> list[Number]:
    """Each verdict as a number: 1 supported, 0 refuted, not defined where inconclusive."""
    values = {"supported": 1, "refuted": 0}
    return [
        Number(x.id, values.get(x.verdict), "1 = supported", x.n, note=f"{x.verdict}: {x.claim}")
        for x in answers
    ]


def write_abstract(answers: Iterable[Answer], numbers: Numbers, is_sample: bool) -> str:
    """The abstract as text for `say`: what was done, what came out, what it does not say."""
    verdicts = {answer.id: answer.verdict for answer in answers}
    detects = {
        "supported": "It tells them apart better than chance",
        "refuted": "It does not tell them apart",
        "inconclusive": "Whether it tells them apart cannot be said from this test",
    }[verdicts["answer.above_chance"]]
    unknown = (
        ""
        if verdicts["answer.new_people"] == "supported"
        else (
            " Nothing in the pictures names persons or videos, so the test may hold people seen in training."
        )
    )
    overfits = {
        "supported": "it overfits: its AUC is {train.auc_gap} higher on training than on validation pictures",
        "refuted": "it hardly overfits: its AUC is {train.auc_gap} higher on training than on validation "
        "pictures",
        "inconclusive": "whether it overfits stays open: training AUC less validation AUC is {train.auc_gap}",
    }[verdicts["answer.overfits"]]
    shortcut = ""
    if "shortcut.telling" in numbers and numbers["shortcut.telling"].value:
        shortcut = (
            " **The label can also be told without looking at the face**, so the detector may have learned "
            "these pictures and not their forgery."
        )
    sample = (
        " The portraits are rendered and show no person: the result says that the machinery works, and "
        "nothing about forgeries of people."
        if is_sample
        else " The result holds for pictures like these; other forgeries and other cameras are not tested."
    )
    return (
        "A network of {train.parameters} parameters learned to tell {data.fake} forged pictures of faces "
        "from {data.real} real ones, and was tested once on {split.test} pictures in {split.test.groups} "
        f"groups kept apart.{unknown} {detects}: the test AUC is {{test.auc}}, the balanced accuracy at the "
        f"threshold chosen on validation pictures {{test.balanced_accuracy}}; {overfits}.{shortcut}{sample}"
    )


def _above_chance(numbers: Numbers) -> Answer:
    auc = numbers["test.auc"]
    return Answer(
        "answer.above_chance",
        "Does the detector work on pictures it never saw?",
        f"test AUC above {CHANCE}",
        above(auc, CHANCE),
        "test AUC {test.auc}",
        auc.n,
    )


def _new_people(numbers: Numbers, groups_known: bool) -> Answer:
    known = "named groups stand whole in one split: {data.groups} groups of {data.pictures} pictures"
    unknown = "nothing names groups, so a person may stand on both sides"
    return Answer(
        "answer.new_people",
        "Are those pictures of other people or videos?",
        "no group is in two splits, and the pictures name their groups",
        "supported" if groups_known else "inconclusive",
        known if groups_known else unknown,
        numbers["data.pictures"].n,
    )


def _overfits(numbers: Numbers) -> Answer:
    gap = numbers["train.auc_gap"]
    return Answer(
        "answer.overfits",
        "Does it overfit?",
        f"AUC on training pictures more than {GAP} above validation",
        above(gap, GAP),
        "the gap is {train.auc_gap}",
        gap.n,
    )


def _every_method(numbers: Numbers) -> list[Answer]:
    methods = [number for name, number in numbers.items() if name.startswith("test.auc.method.")]
    if len(methods) < 2:
        return []
    verdicts = [above(number, CHANCE) for number in methods]
    verdict: Verdict = "inconclusive"
    if set(verdicts) == {"supported"}:
        verdict = "supported"
    elif "refuted" in verdicts:
        verdict = "refuted"
    hardest = min(methods, key=lambda number: -1.0 if number.value is None else number.value)
    return [
        Answer(
            "answer.every_method",
            "Does it find every forgery method?",
            f"AUC above {CHANCE} for each method",
            verdict,
            f"hardest of {len(methods)}: {hardest.id.rpartition('.')[2]} with {{{hardest.id}}}",
            hardest.n,
        )
    ]


def _useful(numbers: Numbers) -> list[Answer]:
    if "test.sensitivity_at_5" not in numbers:
        return []
    found = numbers["test.sensitivity_at_5"]
    return [
        Answer(
            "answer.useful",
            "Would it be of use with few false alarms?",
            f"more than {CAUGHT:.0%} of fakes found at 5 % false alarms",
            above(found, CAUGHT),
            "share of fakes found {test.sensitivity_at_5}",
            found.n,
        )
    ]


def _accuracy(numbers: Numbers) -> list[Answer]:
    if not {"test.fakes", "test.pictures"} <= set(numbers):
        return []
    fakes, pictures = numbers["test.fakes"], numbers["test.pictures"]
    share = max(fakes.value, pictures.value - fakes.value) / pictures.value
    return [
        Answer(
            "answer.accuracy_misleads",
            "Would plain accuracy mislead?",
            f"one class is more than {MAJORITY:.0%} of the test",
            "supported" if share > MAJORITY else "refuted",
            "{test.fakes} of {test.pictures} test pictures are fake; accuracy {test.accuracy}, balanced "
            "accuracy {test.balanced_accuracy}",
            pictures.n,
        )
    ]


def _probabilities(numbers: Numbers) -> list[Answer]:
    if "test.ece" not in numbers:
        return []
    # what a score is shown with: after the temperature that validation set
    calibrated = "test.calibration.temperature.ece.after"
    name = calibrated if calibrated in numbers else "test.ece"
    when = ", calibrated on validation" if name == calibrated else ""
    error = numbers[name]
    return [
        Answer(
            "answer.probabilities",
            f"Can its score{when} be read as a probability?",
            f"expected calibration error below {BIN_ERROR}",
            opposite(above(error, BIN_ERROR)),
            f"expected calibration error {{{name}}}",
            error.n,
        )
    ]


def _stands(numbers: Numbers) -> list[Answer]:
    if "robust.drop" not in numbers:
        return []
    loss = numbers["robust.drop"]
    return [
        Answer(
            "answer.stands_corruptions",
            "Does it stand what pictures go through on their way?",
            f"AUC lost to corruptions, mean over all severities, below {LOSS}",
            opposite(above(loss, LOSS)),
            "AUC {robust.clean.auc} on clean pictures, {robust.drop} less on corrupted ones; "
            "{robust.flipped} of the verdicts turn",
            loss.n,
        )
    ]
