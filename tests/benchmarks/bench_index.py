"""Index of 100,000 images: read for the first time, again with nothing changed, again with 1 % changed.

    python tests/benchmarks/bench_index.py

128 px JPEG of 6 kB in folders of 100 below real and fake, in a temporary folder; small ones, as a file that
is quickly decoded leaves a re-index the least to save. Every index is made by a process of its own, whose
highest memory is told. Decoding alone, by OpenCV and on as many threads, from files that the system holds in
memory, is what no index can beat.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from measure import Table, cores, measure, parse
from pictures import QUALITY, draw_picture

SIDE = 128
FOLDER = 100  # images of one folder
CHANGED = 0.01


def main() -> None:
    """Print and keep times, ratios and memory."""
    given = parse(__doc__).parse_args()
    count, repeats = (300, 1) if given.quick else (100_000, 3)
    table = Table("index")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = write_distinct(folder / "pictures", count)
        table.add("files", [sum(path.stat().st_size for path in paths) / 1e6], "MB")
        found: dict[str, list[dict[str, float]]] = {"cold": [], "nothing changed": [], "1 % changed": []}
        decoding = []
        for turn in range(repeats):
            decoding.append(measure(lambda: decode_alone(paths)))
            (folder / "results" / "data" / "index.parquet").unlink(missing_ok=True)
            found["cold"].append(look_at_index(folder))
            found["nothing changed"].append(look_at_index(folder))
            change(paths, turn)
            found["1 % changed"].append(look_at_index(folder))
    table.rate("decoding alone", count, decoding)
    seconds = {name: [run["seconds"] for run in runs] for name, runs in found.items()}
    for name, runs in found.items():
        table.add(f"{name}, {count:,} images", seconds[name], "s")
        table.add(f"processor time, {name}", [run["processor"] for run in runs], "s")
        table.add(f"peak of memory, {name}", [run["peak"] / 1e6 for run in runs], "MB")
    table.rate("cold index", count, seconds["cold"])
    table.ratio("time of a cold index / decoding alone", seconds["cold"], decoding)
    for name in ("nothing changed", "1 % changed"):
        table.ratio(f"cold / {name}", seconds["cold"], seconds[name])
    table.keep(given)


def write_distinct(folder: Path, count: int) -> list[Path]:
    """As many files, no two with the same bytes: a few images, and a patch of its own in each."""
    looks = [draw_picture(number, SIDE) for number in range(16)]
    paths = [
        folder / ("real", "fake")[number % 2] / f"{number // (2 * FOLDER):04d}" / f"{number:07d}.jpg"
        for number in range(count)
    ]
    for parent in {path.parent for path in paths}:
        parent.mkdir(parents=True)

    def write(number: int) -> None:
        picture = looks[number % len(looks)].copy()
        patch = np.random.default_rng(number).integers(0, 256, (4, 4, 3), np.uint8)
        picture[:64, :64] = cv2.resize(patch, (64, 64), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(paths[number]), picture, (cv2.IMWRITE_JPEG_QUALITY, QUALITY))

    with ThreadPoolExecutor(cores()) as pool:
        list(pool.map(write, range(count)))
    return paths


def change(paths: list[Path], turn: int) -> None:
    """Give one file in a hundred another's content."""
    for at in range(turn, len(paths), round(1 / CHANGED)):
        paths[at].write_bytes(paths[at - 1].read_bytes())


def decode_alone(paths: list[Path]) -> None:
    """Decode all files and keep nothing."""

    def decode(some: list[Path]) -> None:
        for path in some:
            cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR_RGB)

    with ThreadPoolExecutor(cores()) as pool:
        list(pool.map(decode, [paths[at : at + 32] for at in range(0, len(paths), 32)]))


def look_at_index(folder: Path) -> dict[str, float]:
    """What an index of the folder costs: seconds, processor seconds, and the process's peak in bytes."""
    command = [sys.executable, str(Path(__file__).with_name("index_once.py")), str(folder)]
    told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return json.loads(told.splitlines()[-1])


if __name__ == "__main__":
    main()
