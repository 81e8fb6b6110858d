"""Images a second of scoring files, against the network alone on a batch held in memory.

    python tests/benchmarks/bench_score.py
    python tests/benchmarks/bench_score.py --folder faces --backbone mobilenetv2_100 --size 224

The sample study's network, untrained, or another; 256 px JPEG files, or those of a folder, through
`Detector.stream`, as `dfstudy score` takes them, and through `ScoreTable` as well, which is what `--out`
does. The limit is the network on as many batches of 64 that need neither reading nor resizing. Without a GPU
both use the same cores, so what network and reading need one after the other is told beside it. Peak memory
of the process is told after a tenth of the images and after all.
"""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Callable, Sequence
from itertools import count, islice
from pathlib import Path

import dfstudy  # noqa: F401 -- before torch: it sets how idle threads wait

# isort: split
import torch
from bench_frozen import random_batch
from measure import Table, interleave, parse
from peak import peak_memory
from pictures import write_pictures

from dfstudy.data.prefetch import map_ahead
from dfstudy.faces.settings import FaceSettings
from dfstudy.model.build import build_model
from dfstudy.model.checkpoint import load_checkpoint, save_checkpoint, save_weights
from dfstudy.model.device import Normalisation, find_place, predict_logits, resolve_normalisation
from dfstudy.predict.predict import BATCH
from dfstudy.scoring.detector import AHEAD, Detector
from dfstudy.scoring.inputs import Intake, walk_items
from dfstudy.scoring.score_table import ScoreTable
from dfstudy.study.recipe import Model
from dfstudy.study.study import load_study

SIDE = 256


def main() -> None:
    """Print and keep rates, their ratios and memory."""
    options = parse(__doc__)
    options.add_argument("--folder", type=Path, help="score the first of its images, not made ones")
    options.add_argument("--backbone", default="", help="a network of timm; the sample study's by default")
    options.add_argument("--size", type=int, default=224, help="its input, pixels")
    options.add_argument("--pictures", type=int, default=5000)
    options.add_argument("--repeats", type=int, default=5)
    given = options.parse_args()
    pictures, repeats = (2 * BATCH, 1) if given.quick else (given.pictures, given.repeats)
    batches, table = -(-pictures // BATCH), Table("score")
    model = Model(backbone=given.backbone, size=given.size) if given.backbone else load_study("sample").model
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = find_pictures(given.folder, folder, pictures)
        detector, numbers = make_detector(folder / "run", model), count()
        intake = Intake(model.size, None, FaceSettings())

        def stream(some: list[Path] = paths) -> None:
            deque(detector.stream(some), maxlen=0)

        def write() -> None:
            with ScoreTable(folder / f"{next(numbers)}.csv", detector.key) as out:
                for score in detector.stream(paths):
                    out.add(score)

        def read() -> None:
            deque(map_ahead(intake, paths, AHEAD), maxlen=0)

        stream(paths[: pictures // 2 if given.quick else pictures // 10])
        few = peak_memory()
        works = {
            "network alone": hold(folder / "run", batches),
            "reading and resizing alone": read,
            "stream": stream,
            "stream into a table": write,
        }
        seconds = interleave(works, repeats)
    for name, times in seconds.items():
        table.rate(name, pictures, times)
    turns = [
        a + b for a, b in zip(seconds["network alone"], seconds["reading and resizing alone"], strict=True)
    ]
    for name in list(works)[2:]:
        table.ratio(f"{name} / network alone", seconds["network alone"], seconds[name])
        table.ratio(f"{name} / network and reading in turns", turns, seconds[name])
    table.add("peak of memory after a tenth of the images", [few / 1e6], "MB")
    table.add("peak of memory after all, several times", [peak_memory() / 1e6], "MB")
    table.keep(given)


def find_pictures(given: Path | None, folder: Path, pictures: int) -> Sequence[Path]:
    """Files to score: the first of the folder given, or made ones."""
    if given is None:
        return write_pictures(folder / "pictures", pictures, SIDE).paths
    found = list(islice(walk_items([given]), pictures))
    if len(found) < pictures:
        raise SystemExit(f"{given} holds {len(found)} images; give --pictures {len(found)}")
    return [Path(path) for path in found]


def make_detector(folder: Path, model: Model) -> Detector:
    """A finished run of a network, untrained: what it says does not change its speed."""
    torch.manual_seed(0)
    network = build_model(model)
    normalisation = resolve_normalisation(network, model)
    folder.mkdir()
    save_weights(folder / "best.safetensors", network.state_dict())
    description = {
        "model": model.model_dump(mode="json"),
        "normalisation": {"mean": normalisation.mean, "std": normalisation.std},
        "size": model.size,
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
