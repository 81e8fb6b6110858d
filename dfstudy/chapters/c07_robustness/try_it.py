"""One corruption on one image, with a slider for its severity, and what a network says of each.

Takes an image uint8 [H, W, 3] and a finished run; gives what a notebook shows. Refused: a corruption that
does not exist. Cost: loading the network, for each severity that is chosen.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit

from dfstudy.data.layouts.names import CLASS_NAMES
from dfstudy.errors import StudyError, near_match
from dfstudy.predict.corruptions import CORRUPTIONS, SEVERITIES, picture_key
from dfstudy.predict.predict_images import predict_images
from dfstudy.present.slide import Slide
from dfstudy.present.style import WIDTH, ShownFigure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dfstudy.train.run import Run

CLEAN, START = "clean", 3  # of the slider; severity in the middle


def slide_severity(corruption: str, image: np.ndarray, run: Run, seed: int = 0) -> Slide:
    """A slider from the clean image to severity 5.

    Args:
        corruption: a key of `CORRUPTIONS`, such as `jpeg`.
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
    show = partial(show_severity, corruption, image, run, seed)
    return Slide(one.spoken, values, list(values)[START], show)


def show_severity(corruption: str, image: np.ndarray, run: Run, seed: int, severity: int) -> ShownFigure:
    """The image as it is and at one severity, each with its score; 0 is the clean one.

    Scores are as the chapter takes them: without calibration, beside the run's threshold from validation.
    """
    one, threshold = CORRUPTIONS[corruption], run.checkpoint["threshold"]
    made = one(image, severity, picture_key(seed, "example")) if severity else image
    titles = [
        f"probability of fake {score:.3f}: {CLASS_NAMES[int(score >= threshold)]}"
        for score in expit(predict_images(run, [image, made])).tolist()
    ]
    level = one.labels[severity - 1] if severity else CLEAN
    return ShownFigure(
        _draw([image, made], titles),
        f"Left the image as it is ({titles[0]}), right under {one.spoken}, {level} ({titles[1]}); threshold "
        f"{threshold:.3f}.",
        f"One image twice, the second under {one.spoken}.",
        pictures=True,
    )


def _draw(images: list[np.ndarray], titles: list[str]) -> Figure:
    figure, axes = plt.subplots(1, len(images), figsize=(WIDTH, WIDTH / 2 + 0.2))
    for axis, image, title in zip(axes, images, titles, strict=True):
        axis.imshow(image, interpolation="nearest")
        axis.set_title(title, fontsize=8)
        axis.set_axis_off()
    return figure
