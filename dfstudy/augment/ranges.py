"""Ranges of transforms at another strength.

Takes the ends of a range and a factor; gives ends as many times as far from the value that changes nothing,
clipped to what is possible. A factor of 1 gives the very same ends, so the same bytes. Cost: none.
"""

from __future__ import annotations

import math

Limits = tuple[float, float]
NO_END = math.inf


def stretch(
    limits: Limits, strength: float, keep: float = 0.0, lowest: float = -NO_END, highest: float = NO_END
) -> Limits:
    """Both ends `strength` times as far from `keep`, within `lowest` and `highest`."""
    low, high = (min(max(x + (strength - 1) * (x - keep), lowest), highest) for x in limits)
    return low, high


def stretch_hsv(hue: float, saturation: float, value: float, strength: float) -> tuple[Limits, ...]:
    """Shifts either way, in OpenCV's steps: hue up to its half circle of 90, the others up to 255."""
    limits = ((hue, 90), (saturation, 255), (value, 255))
    return tuple(stretch((-x, x), strength, lowest=-most, highest=most) for x, most in limits)


def stretch_quality(quality: tuple[int, int], strength: float) -> tuple[int, int]:
    """JPEG qualities, as far from 100 as before times `strength`: whole numbers in 1..100."""
    low, high = stretch(quality, strength, keep=100, lowest=1, highest=100)
    return round(low), round(high)


def stretch_kernel(kernel: tuple[int, int], strength: float) -> tuple[int, int]:
    """Sides of a blur's kernel, with `strength` times the pixels about the middle one: odd, at least 3."""
    low, high = (2 * max(1, math.floor(strength * (side // 2) + 0.5)) + 1 for side in kernel)
    return low, high
