"""Split, or audit, of rows that belong to no images; prints what it costs.

    python tests/benchmarks/bookkeeping_once.py ROWS named|unnamed|audit

`named`: clips are groups; `unnamed`: nothing names groups; `audit`: the audit of the images that it draws.
Prints JSON: seconds and processor seconds by part, counts of rows, and the process's highest memory in bytes,
the table's own included.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import pandas as pd
from peak import peak_memory
from synthetic_index import make_index, make_traits

from dfstudy.chapters.c01_data.shortcuts import audit_shortcuts
from dfstudy.data.duplicates import count_duplicates
from dfstudy.data.split import prove_disjoint, set_aside, split_study
from dfstudy.data.traits import draw_pictures
from dfstudy.study.study import Study, load_study


class Clock:
    """Seconds and processor seconds by part."""

    def __init__(self) -> None:
        self.told: dict[str, dict[str, float]] = {"seconds": {}, "processor": {}}

    def time(self, part: str, work: Callable[[], Any]) -> Any:
        """What the work gives; its times are kept."""
        began, worked = time.perf_counter(), time.process_time()
        result = work()
        self.told["seconds"][part] = time.perf_counter() - began
        self.told["processor"][part] = time.process_time() - worked
        return result


def main(count: int, kind: str) -> None:
    """Run the parts and print."""
    study, clock = load_study("small", data="pictures", out="results"), Clock()
    index = make_index(count, named=kind != "unnamed")
    counts = (audit if kind == "audit" else split_rows)(study, index, clock)
    print(json.dumps({**clock.told, "counts": counts, "peak": peak_memory()}))


def split_rows(study: Study, index: pd.DataFrame, clock: Clock) -> dict[str, int]:
    """The split and what is told about it."""
    split = clock.time("duplicates and split", lambda: split_study(study, index))
    clock.time("proof", lambda: prove_disjoint(split.rows))
    found = clock.time("counts of duplicates", lambda: count_duplicates(split.duplicates, split.rows))
    clock.time("table of what was set aside", lambda: set_aside(split.set_aside))
    groups = split.rows["group"].nunique()
    return {"usable": len(split.rows), "near-duplicates": found["near"], "groups": groups}


def audit(study: Study, index: pd.DataFrame, clock: Clock) -> dict[str, int]:
    """The audit of what is drawn."""
    rows = index.astype({"label": "int64"})
    drawn = clock.time("drawing", lambda: draw_pictures(rows, study.evaluate.seed))
    traits = make_traits(drawn)
    clock.time("audit", lambda: audit_shortcuts(drawn, traits, study.evaluate))
    return {"drawn": len(drawn)}


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
