"""Everything that a GPU has to show, in one call: equal bytes, and images a second against its rivals.

    python tests/benchmarks/gpu.py --out results
    python tests/benchmarks/gpu.py --device cpu --backbone test_resnet --size 64 --pictures 64 --batch 16

It writes its own JPEG files, checks that trainings repeat to the byte, and trains the backbone from scratch
with the original freezing: the recorded loop, ours eager and compiled, exact and not, fed from files, from
decoded images in memory, and on a batch held in memory. Leaves `gpu.json`, `gpu.txt` and the results table
in the folder of --out, after every part anew. A part that fails is told there, and the others go on; the
exit code is then 1. A network of this size takes a minute or two to compile for each variant.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import partial
from itertools import count, repeat
from pathlib import Path

import dfstudy  # noqa: F401 -- before torch: it sets how idle threads wait

# isort: split
import pandas as pd
import timm
import torch
from busy import BusyShare
from exact import compare_steps, compare_trainings
from measure import Table, interleave, machine_rows, measure, parse
from pictures import feed, take, write_pictures
from recorded_loop import recorded_batches, recorded_step

from dfstudy.augment.policies import build_policy
from dfstudy.data.loader import Loader
from dfstudy.data.samples import Batch
from dfstudy.model.device import choose_place
from dfstudy.model.freeze import freeze, train_mode
from dfstudy.study.study import Study, load_study
from dfstudy.train.loop import Part, Trainer

VARIANTS = {  # name -> (compiled, deterministic)
    "ours, eager": (False, True),
    "ours, eager, not exact": (False, False),
    "ours, compiled": (True, True),
    "ours, compiled, not exact": (True, False),
}


def main(arguments: list[str] | None = None) -> int:
    """Run all parts; 0 where each ran and every comparison of bytes held."""
    given = _options().parse_args(arguments)
    if given.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # read when CUDA starts, which nothing has asked for yet
    elif not torch.cuda.is_available():
        print("there is no GPU that torch can use; --device cpu tries the script without one")
        return 2
    results: dict[str, dict] = {"options": {name: str(value) for name, value in vars(given).items()}}
    tables = {f"speed, batch {batch}": Table(f"gpu_batch{batch}") for batch in given.batch}
    with tempfile.TemporaryDirectory() as folder:
        part = write_pictures(Path(folder) / "pictures", given.pictures, given.side)
        parts = {"exactness": partial(check_exactness, given, part, Path(folder))}
        for batch, (name, table) in zip(given.batch, tables.items(), strict=True):
            parts[name] = partial(measure_speed, given, part, batch, table, Path(folder))
        for name, run in parts.items():
            if given.only and not name.startswith(given.only):
                continue
            try:
                results[name] = run()
            except Exception as error:  # on a machine lent for minutes, the other parts must not be lost
                traceback.print_exc()
                results[name] = {"failed": f"{type(error).__name__}: {error}"}
            write_results(given, list(tables.values()), results)
    failed = any("failed" in result for result in results.values())
    return 1 if failed or not all(results.get("exactness", {}).values()) else 0


def _options() -> argparse.ArgumentParser:
    parser = parse(__doc__, out=Path("reports/bench"))
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--backbone", default="tf_efficientnetv2_m", help="timm network, from scratch")
    parser.add_argument("--stages", type=int, default=2, help="trainable stages beside the head")
    parser.add_argument("--size", type=int, default=224, help="side of the network's input")
    parser.add_argument("--side", type=int, default=256, help="side of the JPEG files")
    parser.add_argument("--pictures", type=int, default=4096, help="files, and so images an epoch")
    parser.add_argument("--recorded", type=int, default=512, help="images an epoch of the recorded loop")
    parser.add_argument("--batch", type=int, nargs="+", default=[64], help="images a step")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--workers", default="auto", help="loader processes")
    parser.add_argument("--only", choices=["exactness", "speed"], help="one of the two parts")
    parser.add_argument("--eager", action="store_true", help="leave out what is compiled")
    return parser


def check_exactness(given: argparse.Namespace, part: Part, folder: Path) -> dict[str, bool]:
    """Claims about equal bytes, each true or false."""
    small = make_study("test_resnet", 64, "all", batch_size=8, epochs=2, patience=2, workers=0)
    claims = compare_trainings(small, take(part, 40), folder / "trainings")
    large = make_study(given.backbone, given.size, given.stages, batch_size=given.batch[0])
    held = next(_feed(given, part, given.batch[0], workers=0).epoch(0))
    claims |= compare_steps(large, held, part, folder)
    for claim, holds in claims.items():
        print(f"exact: {claim}: {'yes' if holds else 'NO'}", flush=True)
    return claims


def make_study(backbone: str, size: int, stages: int | str, **recipe: object) -> Study:
    """The original study with another network from scratch."""
    study = load_study("original").model_dump()
    study["model"] = {"backbone": backbone, "size": size, "trainable_stages": stages}
    study["training"] |= recipe
    return Study.model_validate(study)


def measure_speed(given: argparse.Namespace, part: Part, batch: int, table: Table, folder: Path) -> dict:
    """Rates, ratios, busy share and memory of every variant at one batch size; gives the loader's facts."""
    with (
        _feed(given, part, batch, cache="off") as files,
        _feed(given, part, batch, cache="auto") as kept,
    ):
        facts = {"workers": kept.workers, "cache": kept.cache_note}
        print(f"{table.benchmark}: {facts}", flush=True)
        feeding = {"from files": _epochs(files), "decoded kept": _epochs(kept)}
        works = {"recorded loop": _recorded(given, part, batch)}
        works |= {f"loader alone, {how}": partial(_drain, epoch) for how, epoch in feeding.items()}
        for warm in works.values():
            warm()
        held, peaks, busy = next(kept.epoch(0)), {}, {}
        for name, (compiled, exact) in VARIANTS.items():
            if compiled and given.eager:
                continue
            others = _allocated()
            step = _step(given, part, batch, compiled, exact, folder)
            table.add(f"{name}: first step", [measure(partial(step, held))], "s")
            again = partial(repeat, held, -(-given.pictures // batch))
            works[f"{name}, held batch"] = partial(_train, step, again)
            for how, epoch in feeding.items():
                works[f"{name}, {how}"] = partial(_train, step, epoch)
            peaks[name] = _peak(works[f"{name}, held batch"]) - others
            with BusyShare(given.device) as busy[name]:
                works[f"{name}, decoded kept"]()
        seconds = interleave(works, given.repeats, warm=0)
    _tell(given, table, seconds, peaks, {name: share.percent for name, share in busy.items()})
    return facts


def _tell(
    given: argparse.Namespace,
    table: Table,
    seconds: dict[str, list[float]],
    peaks: dict[str, int],
    busy: dict[str, float | None],
) -> None:
    """Rows of one batch size."""
    each = {
        name: [took / (given.recorded if name == "recorded loop" else given.pictures) for took in times]
        for name, times in seconds.items()
    }
    for name, times in each.items():
        table.rate(name, 1, times)
    for name in peaks:
        rivals = {"recorded loop": each["recorded loop"], "held batch": each[f"{name}, held batch"]}
        for rival, times in rivals.items():
            table.ratio(f"{name}, decoded kept / {rival}", times, each[f"{name}, decoded kept"])
        inexact = each.get(f"{name}, not exact, held batch")
        if inexact:
            table.ratio(f"time of a step of {name} / not exact", each[f"{name}, held batch"], inexact)
        if given.device == "cuda":
            table.add(f"{name}: peak of the GPU's memory", [peaks[name] / 1e9], "GB")
        if busy[name] is not None:
            table.add(f"{name}, decoded kept: GPU busy", [busy[name]], "% of the time")


def _feed(given: argparse.Namespace, part: Part, batch: int, **settings: object) -> Loader:
    workers = given.workers if given.workers == "auto" else int(given.workers)
    settings = {"batch_size": batch, "workers": workers, **settings}
    return feed(part, build_policy("original", given.size), **settings)


def _epochs(loader: Loader) -> Callable[[], Iterable[Batch]]:
    numbers = count(1)
    return lambda: loader.epoch(next(numbers))


def _drain(batches: Callable[[], Iterable[Batch]]) -> None:
    for _ in batches():
        pass


def _train(step: Callable[[Batch], object], batches: Callable[[], Iterable[Batch]]) -> None:
    for batch in batches():
        step(batch)


def _step(
    given: argparse.Namespace, part: Part, batch: int, compiled: bool, exact: bool, folder: Path
) -> Callable[[Batch], object]:
    study = make_study(given.backbone, given.size, given.stages, batch_size=batch, compile=compiled)
    trainer = Trainer(study, 0, part, part, choose_place("auto", deterministic=exact), folder)
    train_mode(trainer.network)

    def step(batch: Batch) -> None:
        choose_place("auto", deterministic=exact)  # the variants take turns in one process
        trainer.step(batch, trainer.recipe.learning_rate)

    return step


def _recorded(given: argparse.Namespace, part: Part, batch: int) -> Callable[[], object]:
    """The recorded loop under torch's own settings."""
    network = timm.create_model(given.backbone, num_classes=1).to(given.device)
    freeze(network, given.stages)
    step, few = recorded_step(network), take(part, given.recorded)

    def epoch() -> None:
        torch.use_deterministic_algorithms(False)
        torch.backends.cudnn.allow_tf32 = True
        torch.backends.cudnn.benchmark = False
        for pictures, labels in recorded_batches(few.paths, few.labels, given.size, batch):
            step(pictures, labels)

    return epoch


def _peak(work: Callable[[], object]) -> int:
    """Bytes of the GPU at the peak of a work; 0 without one."""
    if not torch.cuda.is_available():
        return 0
    torch.cuda.reset_peak_memory_stats()
    work()
    return torch.cuda.max_memory_allocated()


def _allocated() -> int:
    return torch.cuda.memory_allocated() if torch.cuda.is_available() else 0


def write_results(given: argparse.Namespace, tables: list[Table], results: dict[str, dict]) -> None:
    """Leave what is known so far in the folder of --out."""
    given.out.mkdir(parents=True, exist_ok=True)
    rows = [asdict(row) for row in [*machine_rows(), *(row for table in tables for row in table.rows)]]
    (given.out / "gpu.json").write_text(json.dumps({**results, "rows": rows}, indent=1) + "\n")
    claims = "\n".join(f"{claim}: {holds}" for claim, holds in results.get("exactness", {}).items())
    (given.out / "gpu.txt").write_text(f"{claims}\n{pd.DataFrame(rows).to_string(index=False)}\n")
    for table in tables:
        table.keep(given)


if __name__ == "__main__":
    sys.exit(main())
