"""Images a second of extracting frozen features from files, against the network alone on a batch in memory.

    python tests/benchmarks/bench_features.py
    python tests/benchmarks/bench_features.py --backbone vit_small_patch16_224 --size 224 --images 512

The sample study's network with its packaged weights at 224 px, or another one untrained; 256 px JPEG files,
each round into a new folder. The limit is the plain network, its classifier with it, on as many batches of 64
that need neither reading nor resizing. Without a GPU both use the same cores, so what network and reading
need one after the other is told beside it. Peak memory is told after a tenth of the images and after all.
"""

from __future__ import annotations

import tempfile
from collections import deque
from itertools import count
from pathlib import Path

import dfstudy  # noqa: F401 -- before torch: it sets how idle threads wait

# isort: split
import numpy as np
import pandas as pd
from bench_frozen import random_batch
from measure import Table, interleave, parse
from peak import peak_memory
from pictures import write_pictures

from dfstudy.data.prefetch import map_ahead
from dfstudy.faces.settings import FaceSettings
from dfstudy.model.build import build_model
from dfstudy.model.device import choose_place, predict_logits, resolve_normalisation
from dfstudy.model.pooled import PooledStages
from dfstudy.predict.features import find_features
from dfstudy.predict.predict import BATCH
from dfstudy.scoring.inputs import Intake
from dfstudy.study.recipe import Model, Training
from dfstudy.study.study import load_study
from dfstudy.system.provenance import file_digest

SIDE = 256


def main() -> None:
    """Print and keep rates, their ratios and memory."""
    options = parse(__doc__)
    options.add_argument("--backbone", default="", help="a network of timm; the sample study's by default")
    options.add_argument("--size", type=int, default=224, help="its input, pixels")
    options.add_argument("--images", type=int, default=2048)
    options.add_argument("--repeats", type=int, default=5)
    given = options.parse_args()
    images, repeats = (2 * BATCH, 1) if given.quick else (given.images, given.repeats)
    model = Model(backbone=given.backbone) if given.backbone else load_study("sample").model
    model = model.model_copy(update={"size": 64 if given.quick else given.size})
    batches, table, numbers = -(-images // BATCH), Table("features"), count()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = write_pictures(folder / "pictures", images, SIDE).paths
        rows = pd.DataFrame({"path": [p.name for p in paths], "sha256": [file_digest(p) for p in paths]})
        intake = Intake(model.size, None, FaceSettings())

        def extract(some: pd.DataFrame = rows) -> None:
            out = folder / "features" / str(next(numbers))
            find_features(model, Training(), some, folder / "pictures", out, progress=False)

        def read() -> None:
            deque(map_ahead(intake, paths, 2 * BATCH), maxlen=0)

        extract(rows.head(max(images // 10, 1)))
        few = peak_memory()
        works = {**hold(model, batches), "reading and resizing alone": read, "extraction": extract}
        seconds = interleave(works, repeats)
    for name, times in seconds.items():
        table.rate(name, images, times)
    alone, reading = seconds["network alone"], seconds["reading and resizing alone"]
    table.ratio("network with pooling / network alone", alone, seconds["network with pooling"])
    table.ratio("extraction / network alone", alone, seconds["extraction"])
    turns = np.add(alone, reading).tolist()
    table.ratio("extraction / network and reading in turns", turns, seconds["extraction"])
    table.add("peak of memory after a tenth of the images", [few / 1e6], "MB")
    table.add("peak of memory after all, several times", [peak_memory() / 1e6], "MB")
    table.keep(given)


def hold(model: Model, batches: int) -> dict[str, object]:
    """Works: the network, and the network with pooled stages, on one batch as often as a set needs it."""
    import torch

    network, place = build_model(model), choose_place()
    normalisation = resolve_normalisation(network, model)
    network.to(place.device)
    pooled, held = PooledStages(network, model.size).to(place.device), random_batch(BATCH, model.size)

    def pool() -> None:
        with torch.inference_mode(), place.autocast():
            for _ in range(batches):
                pooled(normalisation(held.images_NHWC, place.device))

    def forward() -> None:
        for _ in range(batches):
            predict_logits(network, [held], BATCH, normalisation, place)

    return {"network alone": forward, "network with pooling": pool}


if __name__ == "__main__":
    main()
