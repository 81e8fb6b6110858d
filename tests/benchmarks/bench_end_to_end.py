"""Training with everything around it, against the recorded loop and against the network alone.

    python tests/benchmarks/bench_end_to_end.py

The sample study's network and step on 128 px JPEG with the original augmentation: the recorded loop, ours fed
with 0, 1 and 2 workers, with and without decoded images kept in memory, and ours on a batch held in memory,
which no feeding can beat. What `workers: auto` should be on this machine is read off here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import dfstudy  # noqa: F401 -- before torch: it sets how idle threads wait

# isort: split
import timm
from measure import Table, interleave, parse
from pictures import feed, take, write_pictures
from recorded_loop import recorded_batches, recorded_step

from dfstudy.augment.policies import build_policy
from dfstudy.data.loader import Loader, count_workers
from dfstudy.data.samples import Batch
from dfstudy.model.device import choose_place
from dfstudy.model.freeze import train_mode
from dfstudy.study.study import Study, load_study
from dfstudy.train.loop import Part, Trainer

SIDE = 128  # of the files and of the network's input, as in the sample


def main() -> None:
    """Print and keep rates and ratios."""
    given = parse(__doc__).parse_args()
    pictures, recorded, repeats = (32, 16, 1) if given.quick else (960, 192, 7)
    workers = (0, 1) if given.quick else (0, 1, 2)
    study, table = load_study("sample"), Table("end_to_end")
    size = study.training.batch_size
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        part = write_pictures(Path(folder), pictures, SIDE)
        trainer = Trainer(study, 0, part, part, choose_place("float32"), Path(folder))
        train_mode(trainer.network)
        with feed(part, build_policy("original", SIDE), batch_size=size, workers=0) as loader:
            held = next(loader.epoch(0))
        few = take(part, recorded)
        works = {"recorded loop": record(study, few), "held batch": hold(trainer, held, pictures)}
        for cache in ("off", "auto"):
            for number in workers:
                settings = {"batch_size": size, "workers": number, "cache": cache}
                loader = stack.enter_context(feed(part, build_policy("original", SIDE), **settings))
                kept = "decoded kept" if cache == "auto" else "from files"
                works[f"ours, {number} workers, {kept}"] = train_epochs(trainer, loader)
        seconds = interleave(works, repeats)
    each = {
        name: [took / (recorded if name == "recorded loop" else pictures) for took in times]
        for name, times in seconds.items()
    }
    for name, times in each.items():
        table.rate(name, 1, times)
    for name in list(works)[2:]:
        table.ratio(f"{name} / held batch", each["held batch"], each[name])
        table.ratio(f"{name} / recorded loop", each["recorded loop"], each[name])
    table.add("workers that `auto` takes", [count_workers("auto")], "processes")
    table.keep(given)


def record(study: Study, few: Part) -> Callable[[], object]:
    """A work: the recorded loop over a few images."""
    step = recorded_step(timm.create_model(study.model.backbone, num_classes=1).to(choose_place().device))
    batches = few.paths, few.labels, SIDE, study.training.batch_size
    return lambda: [step(*batch) for batch in recorded_batches(*batches)]


def hold(trainer: Trainer, held: Batch, pictures: int) -> Callable[[], object]:
    """A work: as many steps on one batch as an epoch has."""
    steps, rate = -(-pictures // len(held.rows)), trainer.recipe.learning_rate
    return lambda: [trainer.step(held, rate) for _ in range(steps)]


def train_epochs(trainer: Trainer, loader: Loader) -> Callable[[], object]:
    """A work: the next epoch."""
    numbers, rate = count(), trainer.recipe.learning_rate
    return lambda: [trainer.step(batch, rate) for batch in loader.epoch(next(numbers))]


if __name__ == "__main__":
    main()
