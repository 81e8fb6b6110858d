"""Time of a training step against timm's own loop: same network, images, optimiser and precision.

    python tests/benchmarks/bench_train_step.py

timm's loop is that of its train.py: its BCE loss, its AdamW, its meters, with and without channels_last. All
kinds of step take turns in one process. Our step reads its loss only now and then, timm's after every step.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import dfstudy  # noqa: F401 -- before torch: it sets how idle threads wait

# isort: split
import timm
import timm.loss
import timm.optim
import timm.utils
import torch
from measure import Table, interleave, parse
from pictures import feed, write_pictures

from dfstudy.augment.policies import build_policy
from dfstudy.data.samples import Batch
from dfstudy.model.device import choose_place
from dfstudy.model.freeze import train_mode
from dfstudy.study.study import Study, load_study
from dfstudy.train.loop import Trainer

SIDE = 128


def main() -> None:
    """Print and keep rates and ratios."""
    given = parse(__doc__).parse_args()
    size, repeats = (8, 1) if given.quick else (32, 40)
    study = load_study("sample")
    study = study.model_copy(update={"training": study.training.model_copy(update={"batch_size": size})})
    table, place = Table("train_step"), choose_place("float32")
    with tempfile.TemporaryDirectory() as folder:
        part = write_pictures(Path(folder), size, SIDE)
        trainer = Trainer(study, 0, part, part, place, Path(folder))
        with feed(part, build_policy("original", SIDE), batch_size=size, workers=0) as loader:
            held = next(loader.epoch(1))
        steps = {
            "ours": our_step(trainer, held),
            "timm, contiguous": timm_step(study, held, torch.contiguous_format, place.device),
            "timm, channels_last": timm_step(study, held, torch.channels_last, place.device),
        }
        seconds = interleave(steps, repeats, warm=3)
    for name, times in seconds.items():
        table.rate(name, size, times)
    for name in list(steps)[1:]:
        table.ratio(f"time of ours / {name}", seconds["ours"], seconds[name])
    table.keep(given)


def our_step(trainer: Trainer, held: Batch) -> Callable[[], object]:
    """One step of dfstudy's loop on a batch held in memory."""
    train_mode(trainer.network)
    rate = trainer.recipe.learning_rate
    return lambda: trainer.step(held, rate)


def timm_step(
    study: Study, held: Batch, layout: torch.memory_format, device: torch.device
) -> Callable[[], object]:
    """One step of timm's loop on the same images."""
    network = timm.create_model(study.model.backbone, num_classes=1)
    network = network.to(device, memory_format=layout).train()
    recipe = study.training
    optimiser = timm.optim.create_optimizer_v2(
        network, opt="adamw", lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    loss_of, meter = timm.loss.BinaryCrossEntropy(smoothing=0.0), timm.utils.AverageMeter()
    mean, std = (torch.full((1, 3, 1, 1), level, device=device) for level in (127.5, 127.5))

    def step() -> None:
        pictures = held.images_NHWC.to(device).permute(0, 3, 1, 2).float().sub(mean).div(std)
        loss = loss_of(network(pictures.contiguous(memory_format=layout)), held.labels.to(device)[:, None])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        meter.update(loss.item(), len(pictures))

    return step


if __name__ == "__main__":
    main()
