"""JPEG files for benchmarks: as large on disk, and so as slow to decode, as photographs of faces.

Takes a folder, a count and a side; leaves `<number>.jpg`, the same bytes every time. Noise at every scale
(amplitude falls with frequency, as in photographs) gives a 256 px file of about 20 kB at quality 90.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from dfstudy.data.loader import Loader, make_loader
from dfstudy.data.samples import Transform
from dfstudy.train.loop import Part

QUALITY = 90


def write_pictures(folder: Path, count: int, side: int = 256) -> Part:
    """Write the files; every second one is called fake, and is a little brighter."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:06d}.jpg" for number in range(count)]

    def write(number: int) -> None:
        cv2.imwrite(str(paths[number]), draw_picture(number, side), (cv2.IMWRITE_JPEG_QUALITY, QUALITY))

    with ThreadPoolExecutor() as pool:
        list(pool.map(write, range(count)))
    return Part(paths, np.arange(count) % 2, np.full((count, 2), side))


def take(part: Part, count: int) -> Part:
    """The first images of a part."""
    return Part(part.paths[:count], part.labels[:count], part.sizes[:count])


def draw_picture(number: int, side: int) -> np.ndarray:
    random = np.random.default_rng(number)
    picture = np.full((side, side, 3), 118.0 + 12 * (number % 2), np.float32)
    cells = 2
    while cells <= side:
        field = random.normal(0, 60 / cells**0.5, (cells, cells, 3)).astype(np.float32)
        picture += cv2.resize(field, (side, side), interpolation=cv2.INTER_CUBIC)
        cells *= 2
    return np.clip(picture, 0, 255).astype(np.uint8)


def feed(part: Part, transform: Transform, **settings: object) -> Loader:
    """A shuffling loader over such images; `settings` are those of `make_loader`."""
    return make_loader(part.paths, part.labels, transform, shuffle=True, sizes=part.sizes, **settings)
