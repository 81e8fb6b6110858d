"""What may be said of a change: one rule, for chapters, figures, answers and the abstract.

Takes an interval, which way is better, the least gain worth having, and the trainings a side; gives a
`Decision`. Pure.

- `helps`, `hurts`: the whole interval lies on one side of 0.
- `no gain`: it holds 0 or lies below it by too little to tell, and even its best end is less than the least
  gain worth having.
- `inconclusive`: everything else, fewer than `LEAST_SEEDS` trainings a side, and where there is no interval.
"""

from __future__ import annotations

from typing import Literal

from dfstudy.stats.paired import LEAST_SEEDS

Decision = Literal["helps", "hurts", "no gain", "inconclusive"]


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
        gain: 1 where more is better, -1 where less is.
        least: the smallest gain worth having, above 0; None where none is settled.
        is_sure: False where a correction for many comparisons forbids `helps` and `hurts`.
    """
    if low is None or high is None or seeds < LEAST_SEEDS:
        return "inconclusive"
    worst, best = sorted((gain * low, gain * high))
    if is_sure and worst > 0:
        return "helps"
    if is_sure and best < 0:
        return "hurts"
    return "no gain" if least is not None and worst <= 0 and best < least else "inconclusive"
