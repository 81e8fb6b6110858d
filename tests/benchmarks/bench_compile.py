"""What torch.compile costs at the start, what it saves a step, and after how many steps it has paid.

    python tests/benchmarks/bench_compile.py

The sample study's network and step on a batch held in memory. The cost is that of the first steps over
eager ones, with an empty cache of compiled code, as on a machine that compiles this network for the first
time. Needs a C++ compiler.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import dfstudy  # noqa: F401 -- before torch: it sets how idle threads wait

# isort: split
import torch
from bench_frozen import random_batch, step
from measure import Table, interleave, measure, parse

from dfstudy.model.device import choose_place
from dfstudy.model.freeze import train_mode
from dfstudy.study.study import load_study
from dfstudy.train.loop import Part, Trainer

FIRST = 3  # steps in which a compiled network may still be compiling


def main() -> None:
    """Print and keep times, the ratio, and the steps after which compiling pays."""
    given = parse(__doc__).parse_args()
    size, repeats = (4, 1) if given.quick else (32, 40)
    study, table = load_study("sample"), Table("compile")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(Path(folder) / "compiled")
        held, works, first = random_batch(size, study.model.size), {}, {}
        part = Part([Path(folder) / f"{row}.jpg" for row in range(size)], torch.arange(size).numpy() % 2)
        for name, compiles in (("eager", False), ("compiled", True)):
            recipe = study.training.model_copy(update={"batch_size": size, "compile": compiles})
            changed = study.model_copy(update={"training": recipe})
            trainer = Trainer(changed, 0, part, part, choose_place(), Path(folder))
            train_mode(trainer.network)
            works[name] = step(trainer, held)
            first[name] = sum(measure(works[name]) for _ in range(FIRST))
        seconds = interleave(works, repeats)
        for name, times in seconds.items():
            table.rate(name, size, times)
        table.ratio("time of a compiled step / eager", seconds["compiled"], seconds["eager"])
        cost = table.add("waiting for the compiler", [first["compiled"] - first["eager"]], "s")
        saved = [eager - fast for eager, fast in zip(seconds["eager"], seconds["compiled"], strict=True)]
        gain = table.add("saved a step", saved, "s")
        if gain > 0:
            table.add("steps until it pays", [cost / gain], "steps")
        else:
            print("compile: it never pays here: a compiled step is not faster")
    table.keep(given)


if __name__ == "__main__":
    main()
