"""One kind of file: its name, how it is made, and what index, faces and score make of it.

`USED`, excluded with words of the reason, `COUNTED` by its ending, or `HIDDEN`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .contents import Make, exactly

USED, COUNTED, HIDDEN = "used", "counted", "hidden"
TEXT = exactly(b"text")
NO_FINDER = "a video is scored by its faces"


class Put(NamedTuple):
    """A way of making what is more than a file with bytes in it."""

    at: Callable[[Path, np.ndarray], None]


@dataclass(frozen=True)
class Kind:
    """A file's name below its class folder, how it is made, and what index, faces and score make of it."""

    name: str
    make: Make | Put
    index: str
    faces: str
    score: str


def used(name: str, make: Make | Put, faces: str = USED, score: str = USED) -> Kind:
    return Kind(name, make, USED, faces, score)


def aside(name: str, reason: str, make: Make | Put, faces: str = "", score: str = "") -> Kind:
    return Kind(name, make, reason, faces or reason, score or reason)


def other(name: str, make: Make | Put = TEXT) -> Kind:
    return Kind(name, make, COUNTED, COUNTED, COUNTED)


def hidden(name: str, make: Make | Put = TEXT) -> Kind:
    return Kind(name, make, HIDDEN, HIDDEN, HIDDEN)


def video(name: str, make: Make | Put, faces: str = USED) -> Kind:
    return Kind(name, make, COUNTED, faces, NO_FINDER)
