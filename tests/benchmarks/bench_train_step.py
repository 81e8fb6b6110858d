"""Time of a training step against timm's own loop, and of training fed by the loader against a held batch.

    python tests/benchmarks/bench_train_step.py

timm's loop is that of its train.py: its BCE loss, its AdamW, its meters, with and without channels_last. All
kinds of step take turns in one process, so that another program slows them alike; medians are compared.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path
from statistics import median

import dfstudy  # noqa: F401 -- before torch: it sets how idle threads wait

# isort: split
import cv2
import numpy as np
import timm
import timm.loss
import timm.optim
import timm.utils
import torch

from dfstudy.data.loader import Batch
from dfstudy.model import choose_place
from dfstudy.study import Study, load_study
from dfstudy.train.loop import Part, Trainer

PICTURES, STEPS, WARM = 1280, 20, 3


def main() -> None:
    """Print pictures a second of each kind of step, and the two ratios."""
    study = load_study("sample")
    with tempfile.TemporaryDirectory() as folder:
        part = write_pictures(Path(folder))
        trainer = Trainer(study, 0, part, part, choose_place(), Path(folder))
        with trainer.loader(part, train=True) as loader:
            held = next(loader.epoch(1))
            fed = cycle(loader.epoch(2))
            size = len(held.labels)
            steps = {
                "ours, batch held": lambda: our_step(trainer, held),
                "timm, contiguous": timm_step(study, held, torch.contiguous_format),
                "timm, channels_last": timm_step(study, held, torch.channels_last),
            }
            times = {name: [] for name in steps}
            for number in range(WARM + STEPS):
                for name, step in steps.items():
                    seconds = measure(step)
                    if number >= WARM:
                        times[name].append(seconds)
            # the loader works ahead while others step, so it gets a turn by itself
            whole = measure(lambda: [our_step(trainer, batch) for batch in islice(fed, STEPS)])
            alone = measure(lambda: [our_step(trainer, held) for _ in range(STEPS)])
    for name, seconds in times.items():
        print(f"{name}: {size / median(seconds):.0f} pictures/s")
    ours = median(times["ours, batch held"])
    for layout in ("contiguous", "channels_last"):
        print(f"time of timm's step over ours, {layout}: {median(times[f'timm, {layout}']) / ours:.2f}")
    print(f"speed fed by the loader over held in memory: {alone / whole:.2f}")


def write_pictures(folder: Path) -> Part:
    """Noisy JPEG pictures of 128 pixels, half of them fake."""
    random = np.random.default_rng(0)
    paths = [folder / f"{number:04d}.jpg" for number in range(PICTURES)]
    for path in paths:
        small = random.integers(0, 256, (16, 16, 3), np.uint8)
        cv2.imwrite(str(path), cv2.resize(small, (128, 128), interpolation=cv2.INTER_CUBIC))
    return Part(paths, np.arange(PICTURES) % 2)


def our_step(trainer: Trainer, batch: Batch) -> None:
    """One step of dfstudy's loop, at the start of the recipe."""
    trainer.network.train()
    trainer.progress.batch = 0
    trainer._step(batch)


def timm_step(study: Study, held: Batch, layout: torch.memory_format) -> Callable[[], None]:
    """One step of timm's loop on the same pictures."""
    network = timm.create_model(study.model.backbone, num_classes=1).to(memory_format=layout).train()
    optimiser = timm.optim.create_optimizer_v2(network, opt="adamw", lr=2e-3, weight_decay=0.01)
    loss_of, meter = timm.loss.BinaryCrossEntropy(smoothing=0.0), timm.utils.AverageMeter()
    mean, std = (torch.full((1, 3, 1, 1), level) for level in (127.5, 127.5))

    def step() -> None:
        pictures = held.images_NHWC.permute(0, 3, 1, 2).float().sub(mean).div(std)
        loss = loss_of(network(pictures.contiguous(memory_format=layout)), held.labels[:, None])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        meter.update(loss.item(), len(pictures))

    return step


def measure(work: Callable[[], object]) -> float:
    """Seconds that the work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
