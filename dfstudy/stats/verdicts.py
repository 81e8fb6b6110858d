"""What may be said of a change, and of a claim: one rule, and one vocabulary for all chapters.

Takes an interval, which way is better, the least gain worth having, and the trainings a side; gives a
`Decision`. Pure.

- `improves`, `worsens`: the whole interval lies on one side of 0.
- `no measurable difference`: it holds 0 or lies below it by too little to tell, and even its best end is less
  than the least gain worth having.
- `inconclusive`: everything else, fewer than `LEAST_SEEDS` trainings a side, and where there is no interval.
"""

from __future__ import annotations

from typing import Final, Literal

from dfstudy.stats.paired import LEAST_SEEDS

# of a comparison
IMPROVES: Final = "improves"
WORSENS: Final = "worsens"
NO_DIFFERENCE: Final = "no measurable difference"
INCONCLUSIVE: Final = "inconclusive"
# of a claim
YES: Final = "yes"
NO: Final = "no"
CANNOT_TELL: Final = "cannot tell"
# of both, where networks have not learned
UNTRAINED: Final = "not trained enough to tell"

Decision = Literal["improves", "worsens", "no measurable difference", "inconclusive"]
Verdict = Literal["yes", "no", "cannot tell", "not trained enough to tell"]


def decide(
    low: float | None,
    high: float | None,
    seeds: int,
    *,
    gain: Literal[1, -1] | int = 1,
    least: float | None = None,
    is_sure: bool = True,
) -> Decision:
    """The rule.

    Args:
        low, high: ends of the interval of the change; None where there is none.
        seeds: trainings of each side.
        gain: 1 where higher is better, -1 where lower is.
        least: the smallest gain worth having, above 0; None where none is settled.
        is_sure: False where a correction for many comparisons forbids `improves` and `worsens`.
    """
    if low is None or high is None or seeds < LEAST_SEEDS:
        return INCONCLUSIVE
    worst, best = sorted((gain * low, gain * high))
    if is_sure and worst > 0:
        return IMPROVES
    if is_sure and best < 0:
        return WORSENS
    return NO_DIFFERENCE if least is not None and worst <= 0 and best < least else INCONCLUSIVE
