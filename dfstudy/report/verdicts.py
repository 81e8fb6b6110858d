"""What an answer is, and the rule that turns an interval into a verdict.

Takes a number and a limit; gives `supported` where the whole interval lies above it, `refuted` where it lies
below, else `inconclusive`, never a bare yes. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from dfstudy.number import Number

Verdict = Literal["supported", "refuted", "inconclusive"]
Numbers = Mapping[str, Number]


@dataclass(frozen=True)
class Answer:
    """One question with its verdict.

    Attributes:
        id: name of the number that records it, such as `answer.above_chance`.
        question: as a reader asks it.
        claim: what is tested, with the rule's limit.
        because: the numbers that decided, as text for `say`.
        n: pictures behind them.
    """

    id: str
    question: str
    claim: str
    verdict: Verdict
    because: str
    n: int


def above(number: Number, limit: float) -> Verdict:
    """Whether the number lies above the limit with its whole interval."""
    if number.low is None or number.high is None:
        return "inconclusive"
    if number.low > limit:
        return "supported"
    return "refuted" if number.high < limit else "inconclusive"


def opposite(verdict: Verdict) -> Verdict:
    """The verdict on the contrary claim."""
    swapped: dict[Verdict, Verdict] = {"supported": "refuted", "refuted": "supported"}
    return swapped.get(verdict, "inconclusive")
