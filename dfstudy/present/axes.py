"""Axes that fit what is drawn on them: limits around intervals, and ticks that are not rounded.

On an axis from 0 to 1 the interval of a good result lies behind its own marker, and a step of 2.5 % whose
ticks are shown without decimals reads 2, 5, 8, 10 %. Takes matplotlib axes and what they show. Pure but for
the axes it is given.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from matplotlib.ticker import FuncFormatter, MultipleLocator

if TYPE_CHECKING:
    from matplotlib.axis import Axis

SEED_MARKS = ("o", "s", "^", "D")  # so that colour is not needed to tell seeds apart
SEED_DASHES = ("--", ":", "-.", (0, (6, 1)))
MARGIN = 0.08  # of the width, at each side of what is drawn
REACH = 1.0  # a line of reference is shown where it lies no further off than so many widths of what is drawn
STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)  # shares between two ticks: whole percents
MOST_TICKS = 6


def zoom(
    ends: Iterable[float | None],
    *,
    lowest: float = -math.inf,
    highest: float = math.inf,
    least: float = 0.05,
    near: Iterable[float | None] = (),
) -> tuple[float, float]:
    """Limits of an axis just around what is drawn on it, ready for `set_xlim`.

    Args:
        ends: values and ends of intervals; None, NaN and infinite ones are left out.
        lowest, highest: what the quantity can be, such as 0 and 1; the axis goes on by half a margin, so that
            a marker there is whole.
        least: width at least.
        near: references such as chance, each taken in where it lies within `REACH` widths of the rest; None
            is left out.
    """
    finite = [float(end) for end in ends if end is not None and math.isfinite(end)]
    if not finite:
        finite = [max(lowest, 0.0), min(highest, 1.0)]
    low, high = min(finite), max(finite)
    reach = REACH * max(high - low, least)
    taken = [each for each in near if each is not None and low - reach <= each <= high + reach]
    low, high = min([low, *taken]), max([high, *taken])
    lacking = max(0.0, least - (high - low)) / 2
    low, high = low - lacking, high + lacking
    margin = MARGIN * (high - low)
    return max(low - margin, lowest - margin / 2), min(high + margin, highest + margin / 2)


def whole_percents(*every: Axis) -> None:
    """Shares 0..1 as percent, with ticks at whole percents only; call it after the limits are set."""
    for axis in every:
        low, high = sorted(axis.get_view_interval())
        step = next((step for step in STEPS if high - low <= MOST_TICKS * step), STEPS[-1])
        axis.set_major_locator(MultipleLocator(step))
        axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.0f} %"))


def shorten(name: str, most: int) -> str:
    """A name of a method, network or policy beside what is drawn, in so many letters at most."""
    return name if len(name) <= most else f"{name[: most - 1]}…"
