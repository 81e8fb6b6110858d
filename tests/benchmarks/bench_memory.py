"""Memory of a training, main process and workers, with and without decoded images kept.

    python tests/benchmarks/bench_memory.py

The sample study's network on 256 px JPEG, two epochs with one worker, in a process of its own that is looked
at from outside. Counted is the proportional share (PSS): a page that several processes share counts once
over all of them, so the sum is what the machine really gives. On a GPU its own peak is told as well.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import dfstudy  # noqa: F401 -- before torch: it sets how idle threads wait

# isort: split
import numpy as np
import psutil
import torch
from measure import Table, parse
from pictures import feed, write_pictures

from dfstudy.augment.policies import build_policy
from dfstudy.model.device import choose_place
from dfstudy.model.freeze import train_mode
from dfstudy.study.study import load_study
from dfstudy.train.loop import Part, Trainer

SIDE, WORKERS, EPOCHS = 256, 1, 2
LOOK_SECONDS = 0.2  # a look walks all pages of the processes, and takes time itself


def main() -> None:
    """Print and keep the peaks in megabytes."""
    parser = parse(__doc__)
    parser.add_argument("--train", metavar="CACHE", help="train as the process that is looked at")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    if given.train:
        train(given.folder, given.train)
        return
    table = Table("memory")
    with tempfile.TemporaryDirectory() as folder:
        pictures = 40 if given.quick else 1920
        write_pictures(Path(folder), pictures, SIDE)
        table.add("decoded images", [pictures * SIDE * SIDE * 3 / 1e6], "MB")
        for cache, kept in (("auto", "decoded kept"), ("off", "from files"))[: 1 if given.quick else 2]:
            peaks, gpu = look_at_training(Path(folder), cache)
            for who in ("main process", "workers", "together"):
                table.add(f"peak of {who}, {kept}", [peaks[who] / 1e6], "MB")
            if gpu:
                table.add(f"peak of the GPU, {kept}", [gpu / 1e6], "MB")
    table.keep(given)


def look_at_training(folder: Path, cache: str) -> tuple[dict[str, int], int]:
    """Highest memory of a training's processes, in bytes, and of its GPU (0 without one)."""
    command = [sys.executable, __file__, "--train", cache, "--folder", str(folder)]
    peaks: dict[str, int] = defaultdict(int)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as training:
        main_process = psutil.Process(training.pid)
        while training.poll() is None:
            try:
                own = share_of(main_process)
                workers = sum(share_of(worker) for worker in main_process.children(recursive=True))
            except psutil.Error:  # one of them has just ended
                continue
            for who, size in (("main process", own), ("workers", workers), ("together", own + workers)):
                peaks[who] = max(peaks[who], size)
            time.sleep(LOOK_SECONDS)
        told = training.stdout.read()
    if training.returncode:
        raise SystemExit(f"the training that was looked at failed with {training.returncode}")
    return peaks, int(told.split()[-1])


def share_of(process: psutil.Process) -> int:
    """Bytes of a process; pages that it shares count by its share, where the system tells it."""
    memory = process.memory_full_info()
    return getattr(memory, "pss", memory.uss)


def train(folder: Path, cache: str) -> None:
    """Two epochs; prints the peak of the GPU's memory in bytes."""
    study, paths = load_study("sample"), sorted(folder.glob("*.jpg"))
    part = Part(paths, np.arange(len(paths)) % 2, np.full((len(paths), 2), SIDE))
    trainer = Trainer(study, 0, part, part, choose_place("float32"), folder)
    train_mode(trainer.network)
    policy, recipe = build_policy("original", study.model.size), study.training
    settings = {"batch_size": recipe.batch_size, "workers": WORKERS, "cache": cache}
    with feed(part, policy, **settings) as loader:
        for epoch in range(EPOCHS):
            for batch in loader.epoch(epoch):
                trainer.step(batch, recipe.learning_rate)
    print(torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0)


if __name__ == "__main__":
    main()
