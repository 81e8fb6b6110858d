"""Any number of the report by words of its id, and what an answer would be at another limit.

Takes numbers by id; gives tables and a slider for a notebook. A limit that is chosen after the numbers are
known answers nothing: the study's own were set before. Cost: none.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from dfstudy.errors import near_match
from dfstudy.present.answer import above
from dfstudy.present.numbers import number_table
from dfstudy.present.slide import Slide
from dfstudy.present.style import INK, WIDTH, ShownFigure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dfstudy.number import Number

STEPS = 21  # of the slider, from well below the interval to well above


def find_numbers(numbers: Mapping[str, Number], words: str) -> pd.DataFrame:
    """The numbers whose id, unit or note holds every word, in the order of their ids; none is said."""
    asked = words.lower().split()
    found = [
        number
        for _, number in sorted(numbers.items())
        if all(word in f"{number.id} {number.unit} {number.note}".lower() for word in asked)
    ]
    if not found:
        print(f"no number has '{words}'{near_match(words, numbers)}; give parts of an id, such as: test auc")
    return number_table(found)


def slide_limit(number: Number, limit: float) -> Slide:
    """A slider for the limit that a number has to pass with its whole interval.

    Args:
        limit: where it begins.
    """
    ends = [limit] + [end for end in (number.value, number.low, number.high) if end is not None]
    room = max(max(ends) - min(ends), 1e-3) / 2
    steps = np.linspace(min(ends) - room, max(ends) + room, STEPS)
    values = dict(
        sorted({f"{step:.3f}": float(step) for step in (*steps, limit)}.items(), key=lambda x: x[1])
    )
    return Slide(f"limit of {number.id}", values, f"{limit:.3f}", partial(show_limit, number))


def show_limit(number: Number, limit: float) -> ShownFigure:
    """The number with its interval beside a limit, and whether it lies above: yes, no or cannot tell."""
    verdict = above(number, limit)
    return ShownFigure(
        _draw(number, limit),
        f"Does {number.id} lie above {limit:.3f}? {verdict.capitalize()}: it is {number}.",
        f"A point with its interval, and a dashed line at {limit:.3f}.",
    )


def _draw(number: Number, limit: float) -> Figure:
    figure, axes = plt.subplots(figsize=(WIDTH, 1.2))
    if number.value is not None:
        axes.plot(number.value, 0, "o", color=INK)
    if number.low is not None:
        axes.plot((number.low, number.high), (0, 0), color=INK)
    axes.axvline(limit, color=INK, linestyle="--", linewidth=1)
    axes.set(yticks=[], ylim=(-1, 1), xlabel=f"{number.id}, {number.unit}")
    axes.margins(x=0.3)
    return figure
