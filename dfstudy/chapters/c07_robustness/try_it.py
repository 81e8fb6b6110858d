"""One corruption on one image, with a slider for its severity, and what a detector says of each.

Takes an image uint8 [H, W, 3] and a function that scores one; gives what a notebook shows. Refused: a
corruption that does not exist. Cost: a score a severity.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Protocol

import matplotlib.pyplot as plt
import numpy as np

from dfstudy.errors import StudyError, near_match
from dfstudy.predict.corruptions import CORRUPTIONS, SEVERITIES, picture_key
from dfstudy.present.slide import Slide
from dfstudy.present.style import WIDTH, ShownFigure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CLEAN, START = "clean", 3  # of the slider; severity in the middle


class Scored(Protocol):
    """What a detector says of an image."""

    @property
    def probability(self) -> float | None:
        """Of fake, 0..1."""

    @property
    def verdict(self) -> str:
        """`real`, `fake` or `unsure`."""


def slide_severity(
    corruption: str, image: np.ndarray, score: Callable[[np.ndarray], Scored], seed: int = 0
) -> Slide:
    """A slider from the clean image to severity 5.

    Args:
        corruption: a key of `CORRUPTIONS`, such as `jpeg`.
        score: such as `Detector.score`.
        seed: of what a corruption leaves to chance.

    Raises:
        StudyError: no such corruption.
    """
    if corruption not in CORRUPTIONS:
        raise StudyError(
            f"no corruption is called '{corruption}'{near_match(corruption, CORRUPTIONS)}",
            f"give one of {', '.join(CORRUPTIONS)}",
        )
    one = CORRUPTIONS[corruption]
    values = {CLEAN: 0} | {f"{at}: {one.labels[at - 1]}": at for at in SEVERITIES}
    show = partial(show_severity, corruption, image, score, seed)
    return Slide(one.spoken, values, list(values)[START], show)


def show_severity(
    corruption: str, image: np.ndarray, score: Callable[[np.ndarray], Scored], seed: int, severity: int
) -> ShownFigure:
    """The image as it is and at one severity, each with its score; 0 is the clean one."""
    one = CORRUPTIONS[corruption]
    made = one(image, severity, picture_key(seed, "example")) if severity else image
    titles = [_say(score(each)) for each in (image, made)]
    level = one.labels[severity - 1] if severity else CLEAN
    return ShownFigure(
        _draw([image, made], titles),
        f"Left the image as it is ({titles[0]}), right under {one.spoken}, {level} ({titles[1]}).",
        f"One image twice, the second under {one.spoken}.",
        pictures=True,
    )


def _say(score: Scored) -> str:
    if score.probability is None:
        return "no score"
    return f"probability of fake {score.probability:.3f}, {score.verdict}"


def _draw(images: list[np.ndarray], titles: list[str]) -> Figure:
    figure, axes = plt.subplots(1, len(images), figsize=(WIDTH, WIDTH / 2 + 0.2))
    for axis, image, title in zip(axes, images, titles, strict=True):
        axis.imshow(image, interpolation="nearest")
        axis.set_title(title, fontsize=8)
        axis.set_axis_off()
    return figure
