"""Pictures a second of scoring files, against the network alone on a batch held in memory.

    python tests/benchmarks/bench_score.py

The sample study's network, untrained; 256 px JPEG files through `Detector.stream`, as `dfstudy score`
takes them, and through `ScoreTable` as well, which is what `--out` does. The limit is the network on as many
batches of 64 that need neither reading nor resizing. Peak memory of the process is told after a few pictures
and after all.
"""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Callable
from itertools import count
from pathlib import Path

import dfstudy  # noqa: F401 -- before torch: it sets how idle threads wait

# isort: split
import torch
from bench_frozen import random_batch
from measure import Table, interleave, parse
from peak import peak_memory
from pictures import write_pictures

from dfstudy.evaluate.detector import Detector
from dfstudy.evaluate.predict import BATCH
from dfstudy.evaluate.score_table import ScoreTable
from dfstudy.model import (
    Normalisation,
    build_model,
    find_place,
    load_checkpoint,
    predict_logits,
    resolve_normalisation,
    save_checkpoint,
)
from dfstudy.model.checkpoint import save_weights
from dfstudy.study import load_study

SIDE = 256


def main() -> None:
    """Print and keep rates, their ratios and memory."""
    given = parse(__doc__).parse_args()
    batches, repeats = (2, 1) if given.quick else (80, 5)
    pictures, table = batches * BATCH, Table("score")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = write_pictures(folder / "pictures", pictures, SIDE).paths
        detector, numbers = make_detector(folder / "run"), count()

        def stream(some: list[Path] = paths) -> None:
            deque(detector.stream(some), maxlen=0)

        def write() -> None:
            with ScoreTable(folder / f"{next(numbers)}.csv", detector.key) as out:
                for score in detector.stream(paths):
                    out.add(score)

        stream(paths[: pictures // 2 if given.quick else pictures // 10])
        few = peak_memory()
        works = {
            "network alone": hold(folder / "run", batches),
            "stream": stream,
            "stream into a table": write,
        }
        seconds = interleave(works, repeats)
    for name, times in seconds.items():
        table.rate(name, pictures, times)
    for name in list(works)[1:]:
        table.ratio(f"{name} / network alone", seconds["network alone"], seconds[name])
    table.add("peak of memory after a tenth of the pictures", [few / 1e6], "MB")
    table.add("peak of memory after all, several times", [peak_memory() / 1e6], "MB")
    table.keep(given)


def make_detector(folder: Path) -> Detector:
    """A finished run of the sample study's network, untrained: what it says does not change its speed."""
    study = load_study("sample")
    torch.manual_seed(0)
    network = build_model(study.model)
    normalisation = resolve_normalisation(network, study.model)
    folder.mkdir()
    save_weights(folder / "best.safetensors", network.state_dict())
    description = {
        "model": study.model.model_dump(mode="json"),
        "normalisation": {"mean": normalisation.mean, "std": normalisation.std},
        "size": study.model.size,
        "policy": "none",
        "fingerprint": "",
        "threshold": 0.5,
        "temperature": 1.0,
        "training": {"precision": "auto"},
        "seed": 0,
    }
    save_checkpoint(folder, ("best",), description)
    return Detector.load(folder)


def hold(folder: Path, batches: int) -> Callable[[], object]:
    """A work: the network on one batch, as often as a stream of this many would need it."""
    network, told = load_checkpoint(folder)
    place = find_place(told["training"])
    network.to(place.device)
    normalisation = Normalisation(*(tuple(told["normalisation"][part]) for part in ("mean", "std")))
    held = random_batch(BATCH, told["size"])
    return lambda: [predict_logits(network, [held], BATCH, normalisation, place) for _ in range(batches)]


if __name__ == "__main__":
    main()
