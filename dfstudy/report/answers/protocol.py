"""Would the recorded protocol have told the truth, and what did its defects cost? Verdicts from chapter 08.

Takes numbers `defect.<switch>.auc.inflation` (what the defective protocol reports less what is true of the
same network) and `.auc.change` (defective less correct on the honest test), of each defect and of `all`;
gives no answer where none was measured, and leaves out defects that do not apply to the study. Pure.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Literal

from dfstudy.evaluate.paired import LEAST_SEEDS
from dfstudy.number import Number
from dfstudy.report.numbers import literal
from dfstudy.report.verdicts import (
    ALPHA,
    UNTRAINED,
    Answer,
    Numbers,
    Verdict,
    best_of,
    chapters_p,
    gains,
    gains_any,
)
from dfstudy.study import Study

TRUTH = 0.02  # AUC: a report that is further off than a leak worth a word (`trust.LEAK`) misleads
COST = 0.01  # AUC: a loss worth a word, as for a gain of augmentation
FIGURE = "08_audit_protocol.ipynb#defects_effects"


def decide_on_protocol(numbers: Numbers, study: Study) -> list[Answer]:
    """Every answer for which chapter 08 gave a number; none is more than open with too few seeds."""
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

    `supported`: the whole interval lies within `TRUTH` of nothing. `refuted`: none of it does.
    """
    if inflation.low is None or inflation.high is None or seeds < LEAST_SEEDS:
        return "inconclusive"
    if inflation.low > -TRUTH and inflation.high < TRUTH:
        return "supported"
    return "refuted" if inflation.low > TRUTH or inflation.high < -TRUTH else "inconclusive"


def _truth(numbers: Numbers, seeds: int) -> list[Answer]:
    name = "defect.all.auc.inflation"
    if name not in numbers:
        return []
    inflation = numbers[name]
    return [
        Answer(
            "answer.protocol.truth",
            "Would the recorded protocol have told the truth?",
            f"with all its defects the AUC that it reports is within {TRUTH} of what is true of its network",
            truthful(inflation, seeds) if _learned(numbers, "all") else UNTRAINED,
            _said(inflation, f"it reports {{{name}}} more than is true{_values(numbers)}"),
            inflation.n,
            FIGURE,
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
            "Did its defects make a worse detector?",
            "with all of them the AUC on the honest test is lower; refuted where it is not, and a loss of "
            f"{COST} or more is excluded",
            "supported" if lost else gains(change, COST, seeds, sign=-1),
            "with all defects training diverges"
            if lost
            else _said(change, f"the AUC changes by {{{name}}}{_values(numbers)}"),
            change.n,
            FIGURE,
        )
    ]


# by quantity: question, claim, limit
SINGLE = {
    "inflation": (
        "Which of them flatter the result?",
        "at least one alone makes the reported AUC higher than is true",
        TRUTH,
    ),
    "change": (
        "Which of them cost accuracy?",
        "at least one alone lowers the AUC on the honest test",
        COST,
    ),
}


def _single(numbers: Numbers, quantity: str, sign: Literal[1, -1], seeds: int) -> list[Answer]:
    """Each defect by itself, all at once, so with Holm's correction."""
    own = rf"defect\.(?!all\.)[a-z0-9_-]+\.auc\.{quantity}"
    names = [name for name in numbers if re.fullmatch(own, name) and _applies(numbers, name)]
    # without a p it is nothing by construction, was asked in another quantity, or was not measured
    known = [name for name in names if chapters_p(numbers, name) is not None]
    if quantity == "inflation":  # a network that learned nothing flatters nobody
        known = [name for name in known if _learned(numbers, _switch(name))]
    lost = [name for name in names if quantity == "change" and _diverged(numbers, _switch(name))]
    if not known and not lost:
        return []
    question, claim, least = SINGLE[quantity]
    verdict, found = gains_any(numbers, known, least, seeds, sign)
    shown = found or [best_of(numbers, known, sign)] * bool(known and not lost)
    listed = [f"{_switch(name)} {{{name}}}" for name in shown]
    listed += [f"{_switch(name)}, with which training diverges" for name in lost]
    return [
        Answer(
            f"answer.protocol.{quantity}",
            question,
            f"{claim} (p after Holm over all that chapter 08 asks, {ALPHA})",
            "supported" if lost else verdict,
            f"{'those that do' if found or lost else 'none surely; the most'}: {', '.join(listed)}",
            numbers[(shown or lost)[0]].n,
            FIGURE,
        )
    ]


def _applies(numbers: Numbers, name: str) -> bool:
    told = numbers.get(f"defect.{_switch(name)}.applies")
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


def _switch(name: str) -> str:
    return name.split(".")[1]


def _said(number: Number, text: str) -> str:
    return text if number.value is not None else f"not measured: {literal(number.note)}"
