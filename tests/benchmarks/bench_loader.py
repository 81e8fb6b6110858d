"""Images a second of the loader: against the recorded loader, and against decoding alone.

    python tests/benchmarks/bench_loader.py

256 px JPEG to 224 px with the original augmentation, one epoch a repeat, with 0, 1 and 2 workers, with and
without decoded images kept in memory. The limit is what all cores would decode if they did nothing else.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from itertools import count
from pathlib import Path

from measure import Table, cores, interleave, parse
from pictures import feed, take, write_pictures
from recorded_loop import recorded_batches

from dfstudy.augment.policies import build_policy
from dfstudy.data.images import read_picture
from dfstudy.data.loader import Loader

SIDE, SIZE, BATCH = 256, 224, 64


def main() -> None:
    """Print and keep rates and ratios."""
    given = parse(__doc__).parse_args()
    pictures, recorded, repeats = (64, 8, 1) if given.quick else (1280, 192, 7)
    workers = (0, 1) if given.quick else (0, 1, 2)
    table = Table("loader")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        part = write_pictures(Path(folder), pictures, SIDE)
        few = take(part, recorded)
        works = {"recorded": lambda: list(recorded_batches(few.paths, few.labels, SIZE, BATCH))}
        works["decoding alone, one core"] = lambda: [read_picture(path) for path in part.paths]
        for cache in ("off", "auto"):
            for number in workers:
                settings = {"batch_size": BATCH, "workers": number, "cache": cache}
                loader = feed(part, build_policy("original", SIZE), **settings)
                name = f"ours, {number} workers, {'decoded kept' if cache == 'auto' else 'from files'}"
                works[name] = Epochs(stack.enter_context(loader))
        seconds = interleave(works, repeats)  # the first round, not counted, fills the caches
    each = {
        name: [took / (recorded if name == "recorded" else pictures) for took in times]
        for name, times in seconds.items()
    }
    limit = [took / cores() for took in each["decoding alone, one core"]]
    for name, times in each.items():
        table.rate(name, 1, times)
    for name in list(works)[2:]:
        table.ratio(f"{name} / recorded", each["recorded"], each[name])
        table.ratio(f"{name} / decoding alone on {cores()} cores", limit, each[name])
    table.keep(given)


class Epochs:
    """A work: the next epoch of a loader."""

    def __init__(self, loader: Loader) -> None:
        self.loader, self.numbers = loader, count()

    def __call__(self) -> None:
        for _ in self.loader.epoch(next(self.numbers)):
            pass


if __name__ == "__main__":
    main()
