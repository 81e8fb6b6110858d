"""What an answer is, and the rules that turn intervals into a verdict.

Takes a number and a limit; answers the claim that it lies above the limit: `yes` where the whole interval
does, `no` where the whole interval lies below, else `cannot tell`. A gain is judged by `stats.verdicts`, as
in the chapters: `yes` where the change improves, and `no` where it worsens or makes no measurable difference.
Of networks that have not learned nothing is said: `not trained enough to tell`. Where many gains are asked
for at once, the chapter's p after Holm's correction limits false alarms. The words are those of
`stats.verdicts`. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from dfstudy.number import Number
from dfstudy.stats.verdicts import (
    CANNOT_TELL,
    IMPROVES,
    NO,
    NO_DIFFERENCE,
    WORSENS,
    YES,
    Decision,
    Verdict,
    decide,
)

Tier = Literal["primary", "secondary", "exploratory", "check"]
Tone = Literal["good", "bad", "open"]
Numbers = Mapping[str, Number]

ALPHA = (
    0.05  # chance of a false alarm among all that one question asks for: what 95 % intervals allow for one
)


@dataclass(frozen=True)
class Answer:
    """One question with its verdict.

    Attributes:
        id: name of the number that records it, such as `answer.above_chance`.
        question: as a reader asks it.
        claim: what is tested, with the rule's limit.
        because: the numbers that decided, as text for `say`.
        n: images behind them.
        figure: where they are drawn, notebook and figure: `04_test.ipynb#test_roc`; empty where nowhere.
        tier: `primary` and `secondary` questions were declared in the study before training; `check` is about
            images and method; all else is exploratory.
        told: one plain sentence with the absolute values, for the page's short list, as text for `say`.
        good: the verdict that is good news; that it overfits is bad news, though the answer is yes.
    """

    id: str
    question: str
    claim: str
    verdict: Verdict
    because: str
    n: int
    figure: str = ""
    tier: Tier = "exploratory"
    told: str = ""
    good: Verdict = YES

    @property
    def tone(self) -> Tone:
        """Whether the verdict is good news, whatever the question's polarity; open where it cannot tell."""
        if self.verdict not in (YES, NO):
            return "open"
        return "good" if self.verdict == self.good else "bad"


def if_known(numbers: Numbers, text: str) -> str:
    """The text where every number that it names has a value, else nothing."""
    names = re.findall(r"\{([^{}]+)\}", text)
    return text if all(name in numbers and numbers[name].value is not None for name in names) else ""


def above(number: Number, limit: float) -> Verdict:
    """Whether the number lies above the limit with its whole interval."""
    if number.low is None or number.high is None:
        return CANNOT_TELL
    if number.low > limit:
        return YES
    return NO if number.high < limit else CANNOT_TELL


def opposite(verdict: Verdict) -> Verdict:
    """The verdict on the contrary claim."""
    swapped: dict[Verdict, Verdict] = {YES: NO, NO: YES}
    return swapped.get(verdict, CANNOT_TELL)


def gains(
    number: Number, least: float, seeds: int, sign: Literal[1, -1] = 1, *, is_sure: bool = True
) -> Verdict:
    """Whether a change between trained networks is a gain.

    Args:
        least: smallest gain worth having, above 0.
        seeds: trainings of each side.
        sign: -1 where a fall is the gain, as for a gap or an error.
        is_sure: False where the correction of its family forbids to call it a change.
    """
    found = decide(number.low, number.high, seeds, gain=sign, least=least, is_sure=is_sure)
    said: dict[Decision, Verdict] = {IMPROVES: YES, WORSENS: NO, NO_DIFFERENCE: NO}
    return said.get(found, CANNOT_TELL)


def gains_any(
    numbers: Numbers, names: Sequence[str], least: float, seeds: int, sign: Literal[1, -1] = 1
) -> tuple[Verdict, list[str]]:
    """Whether any of several changes is a gain, and the ids of those that are.

    A change counts where `gains` answers yes and its `chapters_p` is at most `ALPHA`. No only where it is no
    for each of them.
    """
    each = {name: gains(numbers[name], least, seeds, sign) for name in names}
    p = {name: chapters_p(numbers, name) for name in names}
    found = [name for name in names if each[name] == YES and is_small(p[name])]
    if found:
        return YES, found
    return (NO if names and set(each.values()) == {NO} else CANNOT_TELL), []


def chapters_p(numbers: Numbers, name: str) -> float | None:
    """p of a change as its chapter adjusted it over everything that it asks; None where it asked for none.

    It stands beside the change: `policy.original.auc.p` for `policy.original.auc.difference`, and
    `defect.all.auc.inflation.p` for `defect.all.auc.inflation`.
    """
    found = numbers.get(f"{name.removesuffix('.difference').removesuffix('.change')}.p")
    return None if found is None else found.value


def best_of(numbers: Numbers, names: Iterable[str], sign: Literal[1, -1] = 1) -> str:
    """The id with the largest gain; those without a value come last."""
    values = {name: numbers[name].value for name in names}
    return max(values, key=lambda name: -np.inf if values[name] is None else sign * values[name])


def is_small(p: float | None) -> bool:
    """Whether a corrected p allows to call something a change."""
    return p is not None and p <= ALPHA
