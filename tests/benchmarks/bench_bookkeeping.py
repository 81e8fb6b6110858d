"""A million rows through duplicates, groups, split, proof, drawing and the shortcut audit: time and memory.

    python tests/benchmarks/bench_bookkeeping.py

The rows are those of `synthetic_index.py`: no image is read. Once clips are named as groups, once nothing
names groups, so that every frame has near-duplicates to join. Each runs in a process of its own, whose
highest memory is told; the aim is below 8 GB. The audit sees the images that it draws, 20,000 or somewhat
more, with traits made by chance.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from measure import Table, parse

KINDS = {"named": "clips named", "unnamed": "no groups named", "audit": "audited"}


def main() -> None:
    """Print and keep seconds of each part and the peak of memory."""
    given = parse(__doc__).parse_args()
    count, table = (300 if given.quick else 1_000_000), Table("bookkeeping")
    for kind, spoken in KINDS.items():
        told = look_at_bookkeeping(count, kind)
        what = f"{count:,} rows, {spoken}"
        for part, seconds in told["seconds"].items():
            table.add(f"{part}, {what}", [seconds], "s")
            table.add(f"processor time of {part}, {what}", [told["processor"][part]], "s")
        for name, number in told["counts"].items():
            table.add(f"{name}, {what}", [number], "rows")
        table.add(f"peak of memory, {what}", [told["peak"] / 1e6], "MB")
    table.keep(given)


def look_at_bookkeeping(count: int, kind: str) -> dict:
    """What `bookkeeping_once.py` tells."""
    script = str(Path(__file__).with_name("bookkeeping_once.py"))
    command = [sys.executable, script, str(count), kind]
    told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return json.loads(told.splitlines()[-1])


if __name__ == "__main__":
    main()
