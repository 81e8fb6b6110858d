"""What freezing saves: a step with the recorded freezing, against all trainable and against arithmetic.

    python tests/benchmarks/bench_frozen.py

tf_efficientnetv2_m at 224 px, stem to blocks.4 frozen. A step passes forward once through everything and
costs twice a forward pass backwards through what trains: expected is (1 + 2 t) / 3 for a share t of the
multiply-adds that trains. They are counted here by torch, module by module, in a forward pass; its counter
cannot be asked about the backward pass, where it takes depthwise convolutions for full ones.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import dfstudy  # noqa: F401 -- before torch: it sets how idle threads wait

# isort: split
import torch
from measure import Table, interleave, parse
from torch.utils.flop_counter import FlopCounterMode

from dfstudy.data.samples import Batch
from dfstudy.model.device import choose_place
from dfstudy.model.freeze import train_mode
from dfstudy.study.recipe import Model
from dfstudy.study.study import Study
from dfstudy.train.loop import Part, Trainer

RECORDED = Model(backbone="tf_efficientnetv2_m", size=224, trainable_stages=2)
QUICK = Model(backbone="test_efficientnet", size=64, trainable_stages=1)


def main() -> None:
    """Print and keep times, counted operations and their ratios."""
    given = parse(__doc__).parse_args()
    model, size, repeats = (QUICK, 2, 1) if given.quick else (RECORDED, 8, 5)
    table = Table("frozen")
    with tempfile.TemporaryDirectory() as folder:
        frozen = build_trainer(model, size, Path(folder))
        whole = build_trainer(model.model_copy(update={"trainable_stages": "all"}), size, Path(folder))
        held = random_batch(size, model.size)
        share = trainable_share(frozen, held)
        table.add("trainable share of a forward pass", [share], "of multiply-adds")
        table.add("expected, (1 + 2 share) / 3", [(1 + 2 * share) / 3], "ratio")
        works = {"frozen": step(frozen, held), "all trainable": step(whole, held)}
        seconds = interleave(works, repeats)
    for name, times in seconds.items():
        table.rate(name, size, times)
    measured = table.ratio("time of a step, frozen / all trainable", *seconds.values())
    table.add("measured / expected", [measured / ((1 + 2 * share) / 3)], "ratio")
    table.keep(given)


def build_trainer(model: Model, size: int, folder: Path) -> Trainer:
    """A trainer of the original study's optimiser, with its network as training has it."""
    recipe = {"batch_size": size, "workers": 0, "optimiser": "sgd", "learning_rate": 0.01}
    study = Study.model_validate(
        {"name": "frozen", "title": "Frozen", "model": model.model_dump(), "training": recipe}
    )
    part = Part([folder / f"{row}.jpg" for row in range(size)], torch.arange(size).numpy() % 2)
    trainer = Trainer(study, 0, part, part, choose_place(), folder)
    train_mode(trainer.network)
    return trainer


def random_batch(size: int, side: int) -> Batch:
    """A batch of noise."""
    generator = torch.Generator().manual_seed(0)
    pictures = torch.randint(0, 256, (size, side, side, 3), dtype=torch.uint8, generator=generator)
    rows = torch.arange(size)
    return Batch(pictures, (rows % 2).float(), rows)


def step(trainer: Trainer, held: Batch) -> Callable[[], object]:
    """A work: one training step."""
    return lambda: trainer.step(held, trainer.recipe.learning_rate)


def trainable_share(trainer: Trainer, held: Batch) -> float:
    """Share of a forward pass's multiply-adds that lies in modules with trainable parameters."""
    network = trainer.network
    with FlopCounterMode(display=False, depth=None) as counter, torch.no_grad():
        network(trainer.normalisation(held.images_NHWC, trainer.place.device))
    counts = {name: sum(by_kind.values()) for name, by_kind in counter.get_flop_counts().items()}
    top = type(network).__name__
    trains = sum(
        counts.get(f"{top}.{name}", 0)
        for name, module in network.named_modules()
        if any(parameter.requires_grad for parameter in module.parameters(recurse=False))
    )
    return trains / counts["Global"]


if __name__ == "__main__":
    main()
