"""One item that a detector scored, as a notebook shows it: the image, its probability and its verdict.

Takes a detector and a path or an array uint8 [H, W, 3] RGB; gives a figure. Refused: as `Detector.score`.
Cost: that of the score.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

from dfstudy.data.images import read_picture
from dfstudy.present.style import FAINT, FAKE, INK, REAL, WIDTH, ShownFigure
from dfstudy.scoring.inputs import is_clip

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from dfstudy.scoring.detector import Detector, Score
    from dfstudy.scoring.inputs import Item


def show_score(detector: Detector, item: Item, name: str = "") -> ShownFigure:
    """An image or a video with its calibrated probability of fake on a scale with the band `unsure`.

    Args:
        name: what an array is called; a path gives its file's name.

    Raises:
        StudyError: it cannot be scored.
    """
    score = detector.score(item)
    name = name or Path(score.name).name or "the image"
    return ShownFigure(
        _draw(detector, score, item),
        f"{name}: probability of fake {score.probability:.3f}, verdict {score.verdict}; threshold "
        f"{score.threshold:.3f}. {detector.legend()[-1]}",
        f"The image, and a scale from real to fake with a mark at {score.probability:.3f}.",
        pictures=True,
    )


def _draw(detector: Detector, score: Score, item: Item) -> Figure:
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 2.2), width_ratios=(1, 2))
    left.set_axis_off()
    if isinstance(item, np.ndarray):
        left.imshow(item)
    elif not is_clip(item):
        left.imshow(read_picture(item))
    else:
        left.text(0.5, 0.5, f"{score.frames} frames", ha="center")
    _draw_scale(right, detector, score)
    return figure


def _draw_scale(axes: Axes, detector: Detector, score: Score) -> None:
    band = detector.operating.band
    # an end that no score reaches is infinite
    low, high = (float(np.clip(end, 0, 1)) for end in (band.low, band.high))
    parts = ((0, low, REAL, "real"), (low, high, FAINT, "unsure"), (high, 1, FAKE, "fake"))
    for start, end, colour, word in parts:
        axes.barh(0, end - start, left=start, color=colour, alpha=0.35, height=0.5)
        if end - start > 0.08:
            axes.text((start + end) / 2, 0, word, ha="center", va="center", fontsize=9)
    axes.plot(score.probability, 0.33, marker="v", color=INK, markersize=9)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.5, 0.7), yticks=[], xlabel="probability of fake, calibrated")
    axes.set_title(f"{score.verdict}: {score.probability:.3f}")
    axes.grid(visible=False)
