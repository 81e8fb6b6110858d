"""Small synthetic pictures, 37 wide and 53 high, whose red, green and blue differ."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dfstudy.study import Study, load_study


def make_pixels(seed: int) -> np.ndarray:
    """uint8 [53, 37, 3]: ramps that differ by channel and by seed."""
    y, x = np.mgrid[0:53, 0:37]
    return np.stack([200 - 2 * x + seed % 40, 20 + 3 * y, (x + y + 7 * seed) % 90], axis=2).astype(np.uint8)


@pytest.fixture
def fill(tmp_path: Path) -> Callable[..., Path]:
    """Write one picture, each different, under every given path below `pictures/`; returns the folder."""

    def write(paths: Iterable[str], root: str = "pictures") -> Path:
        folder = tmp_path / root
        for at, name in enumerate(paths):
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            buffer = io.BytesIO()
            Image.fromarray(make_pixels(at)).save(buffer, "PNG")
            file.write_bytes(buffer.getvalue() + at.to_bytes(4, "big"))
        return folder

    return write


@pytest.fixture
def open_study(tmp_path: Path) -> Callable[..., Study]:
    def study(folder: Path, **data) -> Study:
        settings = load_study("small", data=str(folder), out=str(tmp_path / "results"))
        return settings.model_copy(update={"data": settings.data.model_copy(update=data)})

    return study
