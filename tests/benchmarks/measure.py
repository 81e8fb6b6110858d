"""How a benchmark measures and what it leaves: works that take turns, and rows of one results table.

Takes works by name; gives seconds, rates and ratios as medians over interleaved repeats, printed, and kept in
`<out>/<machine>_torch<v>_timm<v>.csv`, a file whose name says where it was measured. A second run of a
benchmark replaces its own rows there and leaves those of the others.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from statistics import median

import pandas as pd
import psutil
import torch

from dfstudy.system.provenance import project_root, versions

PACKAGES = ("torch", "timm", "albumentations", "opencv-python-headless", "numpy")


@dataclass(frozen=True)
class Row:
    """One measured quantity: a median with the least and the greatest of its repeats."""

    benchmark: str
    quantity: str
    value: float | str
    low: float | str = ""
    high: float | str = ""
    unit: str = ""
    repeats: int | str = ""


def parse(text: str, *, out: Path | None = None) -> argparse.ArgumentParser:
    """Options that every benchmark has: `--quick` (a trial run, not kept) and `--out`."""
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--quick", action="store_true", help="tiny sizes: does it run? Its numbers say nothing"
    )
    parser.add_argument(
        "--out", type=Path, default=out, help="folder of the results table; reports/bench if not quick"
    )
    return parser


def interleave(works: dict[str, Callable[[], object]], repeats: int, warm: int = 1) -> dict[str, list[float]]:
    """Seconds of each repeat of each work. They take turns, so that another program slows all alike.

    Args:
        warm: first rounds that are not counted: caches fill, threads start, kernels are chosen.
    """
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for number in range(warm + repeats):
        for name, work in works.items():
            took = measure(work)
            if number >= warm:
                seconds[name].append(took)
    return seconds


def measure(work: Callable[[], object]) -> float:
    """Seconds that a work takes, until the GPU has finished as well."""
    _wait()
    began = time.perf_counter()
    work()
    _wait()
    return time.perf_counter() - began


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


class Table:
    """The rows of one benchmark, printed as they come."""

    def __init__(self, benchmark: str) -> None:
        self.benchmark, self.rows = benchmark, []

    def add(self, quantity: str, values: Sequence[float], unit: str) -> float:
        """A row for one value a repeat; gives their median."""
        value, low, high = (float(f"{number:.4g}") for number in (median(values), min(values), max(values)))
        spread = f" ({low:g} to {high:g})" if len(values) > 1 else ""
        print(f"{self.benchmark}: {quantity}: {value:g} {unit}{spread}", flush=True)
        self.rows.append(Row(self.benchmark, quantity, value, low, high, unit, len(values)))
        return median(values)

    def rate(self, quantity: str, amount: float, seconds: Sequence[float], unit: str = "images/s") -> float:
        """A row for `amount` done in each of these times."""
        return self.add(quantity, [amount / took for took in seconds], unit)

    def ratio(self, quantity: str, over: Sequence[float], under: Sequence[float]) -> float:
        """A row for the quotient of two rows of repeats, taken repeat by repeat."""
        return self.add(quantity, [a / b for a, b in zip(over, under, strict=True)], "ratio")

    def keep(self, given: argparse.Namespace) -> None:
        """Write the rows, with the machine's, into the results table; nothing after a trial run."""
        folder = given.out or (None if given.quick else project_root() / "reports" / "bench")
        if folder is None or not self.rows:
            return
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{machine_name()}.csv"
        rows = pd.DataFrame([astuple(row) for row in [*machine_rows(), *self.rows]], columns=_COLUMNS)
        with suppress(FileNotFoundError):
            before = pd.read_csv(file, dtype=str, keep_default_na=False)
            rows = pd.concat([before[~before["benchmark"].isin(rows["benchmark"])], rows])
        rows.sort_values("benchmark", kind="stable").to_csv(file, index=False, lineterminator="\n")
        print(f"kept in {file}")


_COLUMNS = [field.name for field in fields(Row)]


def machine_name() -> str:
    """Device and versions, as a results table is called: `cpu2_torch2.15_timm1.0.31`."""
    found = versions(*PACKAGES)
    torch_version = ".".join(found["torch"].partition("+")[0].split(".")[:2])
    if torch.cuda.is_available():
        device = re.sub(r"[^a-z0-9]+", "-", torch.cuda.get_device_name().lower()).strip("-")
    else:
        device = f"cpu{cores()}"
    return f"{device}_torch{torch_version}_timm{found['timm']}"


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine_rows() -> list[Row]:
    """Rows that say where the others were measured."""
    facts = {
        "processor": _processor(),
        "cores": str(cores()),
        "memory": f"{psutil.virtual_memory().total / 1e9:.0f} GB",
        "GPU": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "Python": platform.python_version(),
        **versions(*PACKAGES),
    }
    return [Row("machine", name, fact) for name, fact in facts.items()]


def _processor() -> str:
    with suppress(OSError):
        match = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        if match:
            return match[1]
    return platform.processor() or platform.machine()
