"""What an image must have for a verdict on it to mean anything: size, shape, light and content.

Takes pixels uint8 [H, W, 3]; gives the reason why nothing can be judged from them, or an empty text. The
index, and through it training and tests, the faces command and scoring all ask here, so that no image is good
enough for one of them and not for another. The limits are generous: they keep out what no one could judge,
not what is hard to judge. Cost: 10 to 30 us where nothing is wrong, whatever the size.
"""

from __future__ import annotations

import cv2
import numpy as np

from dfstudy.data.images import PictureError

LEAST_SIDE = 16  # pixels; the face detector halves an image five times, and sees nothing in a smaller one
MOST_STRETCH = 10  # sides' ratio; a strip shrinks to a few rows on its way to a square
DARKEST = 6  # mean grey level, of 255, below which nothing can be seen
PLAINEST = 1.5  # standard deviation of grey levels that compression alone gives to a single colour
_SAMPLED = 64  # rows and columns that are looked at first

TOO_SMALL = f"too small: less than {LEAST_SIDE} px wide or high"
TOO_NARROW = f"too narrow: one side is more than {MOST_STRETCH} times the other"
TOO_DARK = "too dark: nothing can be seen"
ONE_COLOUR = "without content: one colour all over"


def why_useless(pixels: np.ndarray) -> str:
    """Why no verdict on these pixels would mean anything; an empty text where one may."""
    short, long = sorted(pixels.shape[:2])
    if short < LEAST_SIDE:
        return TOO_SMALL
    if long > MOST_STRETCH * short:
        return TOO_NARROW
    step = max(1, short // _SAMPLED)
    # what a sample of the pixels says is asked of all of them only where it is bad
    reason = _seen(pixels[::step, ::step])
    return reason and (_seen(pixels) if step > 1 else reason)


def refuse_useless(pixels: np.ndarray) -> None:
    """Do nothing for pixels that can be judged.

    Raises:
        PictureError: they cannot; with the reason of `why_useless`.
    """
    if reason := why_useless(pixels):
        raise PictureError(reason)


def _seen(pixels: np.ndarray) -> str:
    mean, deviation = cv2.meanStdDev(np.ascontiguousarray(pixels))
    if mean.mean() < DARKEST:
        return TOO_DARK
    return ONE_COLOUR if deviation.max() < PLAINEST else ""
