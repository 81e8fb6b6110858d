"""Ways of tuning drawn: both policies' test AUC, and the difference between them.

Takes a study and its numbers by id; gives a matplotlib figure, unsaved.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt

from dfstudy.present.axes import zoom
from dfstudy.present.style import FAINT, FAKE, INK, REAL, WIDTH, legend_below
from dfstudy.variants.tuning import name_policies

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from dfstudy.number import Number
    from dfstudy.study.study import Study

APART = 0.12  # of a row, between the two policies


def draw_tuning(study: Study, numbers: Mapping[str, Number]) -> Figure:
    """A row a way of tuning: left the two AUCs, right their difference."""
    modes = study.tuning.modes
    figure, (levels, changes) = plt.subplots(1, 2, sharey=True, figsize=(WIDTH, 1.2 + 0.4 * len(modes)))
    for (policy, slug), colour, side in zip(name_policies(study).items(), (REAL, FAKE), (-1, 1), strict=True):
        shown = [numbers[f"tuning.{mode}.{slug}.auc"] for mode in modes]
        _draw_rows(levels, shown, colour, side * APART, policy)
    _draw_rows(changes, [numbers[f"tuning.{mode}.auc.difference"] for mode in modes], INK)
    changes.axvline(0, color=FAINT, linewidth=1)
    first, second = study.tuning.policies
    levels.set(yticks=range(len(modes)), yticklabels=modes, xlabel="test AUC")
    levels.set_ylim(len(modes) - 0.5, -0.5)
    changes.set(xlabel=f"AUC, {second} minus {first}")
    legend_below(figure, levels)
    return figure


def _draw_rows(
    axes: Axes, shown: list[Number], colour: str, shift: float = 0.0, label: str | None = None
) -> None:
    """A point and its interval for each number that has a value, from the top."""
    known = [(row + shift, one) for row, one in enumerate(shown) if one.value is not None]
    axes.plot([one.value for _, one in known], [row for row, _ in known], "o", color=colour, label=label)
    for row, one in known:
        if one.low is not None:
            axes.plot((one.low, one.high), (row, row), color=colour)
    ends = [end for one in shown for end in (one.value, one.low, one.high)]
    axes.set_xlim(*zoom([*ends, *axes.dataLim.intervalx], near=(0.0,)))
