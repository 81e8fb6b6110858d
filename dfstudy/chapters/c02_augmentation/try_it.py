"""A policy or one transform on a face of your choice, at a strength that a slider sets.

Takes an image uint8 [H, W, 3] and names; gives what a notebook shows. Refused: a policy or a transform that
does not exist, with those that do. Cost: milliseconds.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

from dfstudy.augment.extremes import RANGES, Range
from dfstudy.augment.policies import build_policy
from dfstudy.chapters.c02_augmentation.figures import draw_policies
from dfstudy.data.order import sample_key
from dfstudy.errors import StudyError, near_match
from dfstudy.present.slide import Slide
from dfstudy.present.style import WIDTH, ShownFigure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SAMPLES = 15


def show_policy(policy: str, face: np.ndarray, size: int) -> ShownFigure:
    """The face as a network meets it under a policy in its first epochs, beside the face as it is.

    Args:
        policy: a named one such as `dfdc_winner`, or one that is made up: `original-grey`, `original*2`,
            `none+horizontal_flip`.
        size: side of the network's input, pixels.

    Raises:
        StudyError: no such policy.
    """
    plain = build_policy("none", size)(face, key=0)
    build = build_policy(policy, size)
    drawn = [build(face, sample_key(0, epoch, 0)) for epoch in range(SAMPLES)]
    return ShownFigure(
        draw_policies({policy: [plain, *drawn]}),
        f"One face under the policy {policy} in {SAMPLES} epochs; the first cell is the face itself.",
        f"{1 + SAMPLES} small versions of one face.",
        pictures=True,
    )


def slide_strength(transform: str, face: np.ndarray, size: int) -> Slide:
    """One transform on the face, with a slider for its strength; the range of `original` is marked.

    Args:
        transform: a key of `dfstudy.augment.extremes.RANGES`, such as `jpeg`.

    Raises:
        StudyError: no such transform.
    """
    if transform not in RANGES:
        raise StudyError(
            f"no transform is called '{transform}'{near_match(transform, RANGES)}",
            f"give one of {', '.join(RANGES)}",
        )
    one = RANGES[transform]
    values = {f"{value:g}": value for value in one.values}
    return Slide(one.title, values, f"{one.strongest:g}", partial(_show_strength, one, face, size))


def _show_strength(one: Range, face: np.ndarray, size: int, value: float) -> ShownFigure:
    before, after = one.apply(face, size, value)
    change = np.abs(after.astype(np.int16) - before)
    inside = "inside" if one.low <= value <= one.high else "outside"
    moved = "" if one.moves else f" A value moves by {change.mean():.1f} of 255 grey levels on average."
    return ShownFigure(
        _draw([before, after, np.minimum(4 * change, 255).astype(np.uint8)]),
        f"{one.title}: {value:g}, {inside} the range of original ({one.low:g} to {one.high:g}).{moved} "
        "Right: the change of each value, four times enlarged.",
        f"The face before, with {one.title} at {value:g}, and the difference.",
        pictures=True,
    )


def _draw(pictures: list[np.ndarray]) -> Figure:
    figure, axes = plt.subplots(1, len(pictures), figsize=(WIDTH, WIDTH / len(pictures)))
    for axis, picture in zip(axes, pictures, strict=True):
        axis.imshow(picture, interpolation="nearest")
        axis.set_axis_off()
    return figure
