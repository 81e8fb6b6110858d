"""Would the original protocol have reported its result correctly, and what did its flaws cost?

Takes numbers of chapter 08, `defect.<switch>.auc.inflation` (what the flawed protocol reports minus what is
true of the same network) and `.auc.change` (flawed minus correct on the honest test), of each flaw and of
`all`; gives no answer where none was measured, and leaves out flaws that do not apply to the study. Pure.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from dfstudy.present.answer import (
    ALPHA,
    Answer,
    Numbers,
    best_of,
    chapters_p,
    gains,
    gains_any,
    if_known,
)
from dfstudy.present.lookup import find, read_id
from dfstudy.present.numbers import literal
from dfstudy.stats.paired import LEAST_SEEDS
from dfstudy.stats.verdicts import CANNOT_TELL, NO, UNTRAINED, YES, Verdict
from dfstudy.variants.defects import ALL

if TYPE_CHECKING:
    from dfstudy.chapters.base import Gathered
    from dfstudy.number import Number

TRUTH = (
    0.02  # AUC: a report that is further off than this misleads, as for a leak (`c01_data.questions.LEAK`)
)
COST = 0.01  # AUC: a loss that matters, as for a gain of augmentation
FIGURE = "08_audit_protocol.ipynb#defects_effects"


def answer_questions(gathered: Gathered) -> list[Answer]:
    """Every answer for which chapter 08 gave a number; none is more than open with too few seeds."""
    numbers, study = gathered.numbers, gathered.study
    seeds = min(study.defects.seeds, len(study.training.seeds))
    answers = [
        *_truth(numbers, seeds),
        *_cost(numbers, seeds),
        *_single(numbers, "inflation", 1, seeds),
        *_single(numbers, "change", -1, seeds),
    ]
    correct = numbers.get("defect.correct.learned")
    if correct is None or correct.value:
        return answers
    why = f"the correct network has not learned; {literal(correct.note)}"
    return [replace(each, verdict=UNTRAINED, because=why) for each in answers]


def truthful(inflation: Number, seeds: int) -> Verdict:
    """Whether a report is as good as true; open with fewer than three seeds.

    `yes`: the whole interval lies within `TRUTH` of 0. `no`: none of it does.
    """
    if inflation.low is None or inflation.high is None or seeds < LEAST_SEEDS:
        return CANNOT_TELL
    if inflation.low > -TRUTH and inflation.high < TRUTH:
        return YES
    return NO if inflation.low > TRUTH or inflation.high < -TRUTH else CANNOT_TELL


def _truth(numbers: Numbers, seeds: int) -> list[Answer]:
    name = "defect.all.auc.inflation"
    if name not in numbers:
        return []
    inflation = numbers[name]
    return [
        Answer(
            "answer.protocol.truth",
            "Would the original protocol have reported its result correctly?",
            f"with all its flaws the AUC that it reports is within {TRUTH} of what is true of its network",
            truthful(inflation, seeds) if _learned(numbers, "all") else UNTRAINED,
            _said(inflation, f"it reports {{{name}}} more than is true{_values(numbers)}"),
            inflation.n,
            FIGURE,
            told=if_known(
                numbers,
                f"It reports an AUC of {{defect.all.reported.auc}}, where {{defect.all.true.auc}} is true; "
                f"difference {{{name}}}.",
            ),
        )
    ]


def _cost(numbers: Numbers, seeds: int) -> list[Answer]:
    name = "defect.all.auc.change"
    if name not in numbers:
        return []
    change = numbers[name]
    lost = _diverged(numbers, "all")
    return [
        Answer(
            "answer.protocol.cost",
            "Did the flaws of the original protocol make a worse detector?",
            "with all of them the AUC on the honest test is lower; no where it is not, and a loss of "
            f"{COST} or more is excluded",
            YES if lost else gains(change, COST, seeds, sign=-1),
            "with all flaws training diverges"
            if lost
            else _said(change, f"the AUC changes by {{{name}}}{_values(numbers)}"),
            change.n,
            FIGURE,
            told=if_known(
                numbers,
                "AUC on the honest test {defect.all.true.auc} with all flaws, {defect.correct.auc} without; "
                f"difference {{{name}}}.",
            ),
            good=NO,
        )
    ]


# by quantity: question, claim, limit
SINGLE = {
    "inflation": (
        "Which flaws inflate the reported result?",
        "at least one alone makes the reported AUC higher than is true",
        TRUTH,
    ),
    "change": (
        "Which flaws cost accuracy?",
        "at least one alone lowers the AUC on the honest test",
        COST,
    ),
}


def _single(numbers: Numbers, quantity: str, sign: Literal[1, -1], seeds: int) -> list[Answer]:
    """Each defect by itself, all at once, so with Holm's correction."""
    every = find(numbers, kind="defect", quantity="auc", aspect=quantity)
    names = [name for name, of in every.items() if of.run != ALL and _applies(numbers, of.run)]
    # without a p it is nothing by construction, was asked in another quantity, or was not measured
    known = [name for name in names if chapters_p(numbers, name) is not None]
    if quantity == "inflation":  # a network that learned nothing flatters nobody
        known = [name for name in known if _learned(numbers, read_id(name).run)]
    lost = [name for name in names if quantity == "change" and _diverged(numbers, read_id(name).run)]
    if not known and not lost:
        return []
    question, claim, least = SINGLE[quantity]
    verdict, found = gains_any(numbers, known, least, seeds, sign)
    shown = found or [best_of(numbers, known, sign)] * bool(known and not lost)
    listed = [f"{read_id(name).run} {{{name}}}" for name in shown]
    listed += [f"{read_id(name).run}, with which training diverges" for name in lost]
    return [
        Answer(
            f"answer.protocol.{quantity}",
            question,
            f"{claim} (p after Holm over all that chapter 08 asks, {ALPHA})",
            YES if lost else verdict,
            f"{'those that do' if found or lost else 'none is shown to; the largest'}: {', '.join(listed)}",
            numbers[(shown or lost)[0]].n,
            FIGURE,
            good=NO,
        )
    ]


def _applies(numbers: Numbers, switch: str) -> bool:
    told = numbers.get(f"defect.{switch}.applies")
    return told is None or told.value != 0


def _diverged(numbers: Numbers, switch: str) -> bool:
    """With the defect a training left the finite numbers: its cost is that there is no network."""
    told = numbers.get(f"defect.{switch}.diverged")
    return told is not None and bool(told.value)


def _learned(numbers: Numbers, switch: str) -> bool:
    told = numbers.get(f"defect.{switch}.learned")
    return told is None or bool(told.value)


def _values(numbers: Numbers) -> str:
    """What all defects together are compared with, in absolute values."""
    names = ("defect.all.reported.auc", "defect.all.true.auc", "defect.correct.auc")
    if not set(names) <= set(numbers):
        return ""
    reported, true, correct = (f"{{{name}}}" for name in names)
    return f"; reported {reported}, true {true}, of the correct protocol {correct}"


def _said(number: Number, text: str) -> str:
    return text if number.value is not None else f"not measured: {literal(number.note)}"
