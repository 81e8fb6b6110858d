"""Small synthetic pictures, 37 wide and 53 high, whose red, green and blue differ."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from dfstudy.data.layouts.layout import Files, Reading
from dfstudy.data.layouts.registry import recognise
from dfstudy.data.listing import list_files
from dfstudy.study.study import Study, load_study


def make_pixels(seed: int) -> np.ndarray:
    """uint8 [53, 37, 3]: ramps that differ by channel and by seed."""
    y, x = np.mgrid[0:53, 0:37]
    return np.stack([200 - 2 * x + seed % 40, 20 + 3 * y, (x + y + 7 * seed) % 90], axis=2).astype(np.uint8)


@pytest.fixture(scope="session")
def texture() -> Callable[..., np.ndarray]:
    """Pictures, uint8 RGB, with as much in them as a photograph has, and nothing in common but that."""

    def make(seed: int, height: int = 106, width: int = 74, contrast: float = 40.0) -> np.ndarray:
        coarse, fine = (np.random.default_rng(seed).normal(size=(side, side, 3)) for side in (6, 24))
        layers = [
            cv2.resize(layer, (width, height), interpolation=cv2.INTER_CUBIC) for layer in (coarse, fine)
        ]
        return np.clip(128 + contrast * sum(layers), 0, 255).astype(np.uint8)

    return make


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


@pytest.fixture
def read(fill: Callable[..., Path], open_study: Callable[..., Study]) -> Callable[..., Reading]:
    """Write pictures and side files (text, or what JSON stores), and read them by the layout they have."""

    def write_and_read(
        pictures: Iterable[str], side_files: dict[str, Any] | None = None, root: str = "pictures", **data
    ) -> Reading:
        folder = fill(pictures, root)
        for name, content in (side_files or {}).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            text = content if isinstance(content, str) else json.dumps(content)
            (folder / name).write_text(text, "utf-8")
        study = open_study(folder, **data)
        found, side = list_files(study)
        return recognise(Files(study, found["path"].tolist(), side))

    return write_and_read


@pytest.fixture
def faceforensics() -> list[str]:
    """Two frames a clip of a miniature FaceForensics++: five originals, two methods with three pairs each."""
    originals = [
        f"original_sequences/youtube/c23/images/{clip}" for clip in ("054", "071", "123", "456", "700")
    ]
    fakes = [
        f"manipulated_sequences/{method}/c23/images/{pair}"
        for method in ("Deepfakes", "NeuralTextures")
        for pair in ("054_071", "071_054", "123_456")
    ]
    return [f"{clip}/{frame:04d}.png" for clip in originals + fakes for frame in range(2)]
