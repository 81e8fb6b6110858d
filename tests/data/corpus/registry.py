"""Every kind of file that people have in folders of faces, and a folder that holds them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from .files import NAMES, OTHERS, PLACES, VIDEOS
from .images import CONTENTS, JPEGS, MORE, PNGS, WRONG_ENDINGS
from .kind import Kind, Put

KINDS = [*JPEGS, *PNGS, *MORE, *WRONG_ENDINGS, *CONTENTS, *NAMES, *PLACES, *OTHERS, *VIDEOS]


def write_corpus(root: Path, texture: Callable[..., np.ndarray]) -> tuple[dict[str, Kind], dict[str, str]]:
    """Write every kind below `real` and `fake` in turn.

    Returns:
        Path below the root -> kind, and name -> why it could not be made here.
    """
    made, left_out = {}, {}
    for at, kind in enumerate(KINDS):
        path = root / ("real", "fake")[at % 2] / kind.name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = texture(at, 112, 96)
        try:
            if isinstance(kind.make, Put):
                kind.make.at(path, pixels)
            else:
                path.write_bytes(kind.make(pixels))
        except (OSError, KeyError) as error:  # such as a format that this Pillow does not write
            left_out[kind.name] = str(error)
        else:
            made[path.relative_to(root).as_posix()] = kind
    return made, left_out
