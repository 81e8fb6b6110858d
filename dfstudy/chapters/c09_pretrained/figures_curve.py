"""Learning curves with their laws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import NullFormatter, ScalarFormatter

from dfstudy.present.style import PALETTE, WIDTH
from dfstudy.stats.learning_curve import FARTHEST

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dfstudy.stats.learning_curve import LearningCurve

STEPS = 40  # points of a drawn law


def draw_curves(curves: Sequence[tuple[str, LearningCurve]]) -> Figure:
    """A panel a curve: title and curve; dashed beyond what was measured."""
    figure, every = plt.subplots(1, len(curves), figsize=(WIDTH, 2.8), sharey=True, squeeze=False)
    for axes, (title, curve), color in zip(every[0], curves, PALETTE, strict=False):
        axes.vlines(curve.sizes, curve.low, curve.high, color=color, linewidth=1.6)
        axes.plot(curve.sizes, curve.aucs, "o", color=color, markersize=4)
        now = curve.sizes[-1]
        for end, dashes in ((now, "-"), (FARTHEST * now, "--")):
            at = np.geomspace(curve.sizes[0] if end == now else now, end, STEPS)
            axes.plot(at, [1 - curve.law.error(size)[0] for size in at], dashes, color=color, linewidth=1)
        gains = np.array([curve.gain(size / now) for size in at])
        last = 1 - curve.law.error(now)[0]
        axes.fill_between(at, last + gains[:, 1], last + gains[:, 2], color=color, alpha=0.15, linewidth=0)
        axes.set_xscale("log")
        axes.set_xticks([*curve.sizes, FARTHEST * now])
        axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_title(title)
        axes.set_xlabel(title.rpartition(" ")[2])
    every[0][0].set_ylabel("test AUC")
    return figure
