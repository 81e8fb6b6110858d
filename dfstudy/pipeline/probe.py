"""How fast this machine is now, beside the one on which the costs of steps were measured.

Two short tests: products of matrices, which is what a network mostly does, and a loop of plain Python, which
is what drawing and reading mostly does. Products run on as many cores as steps will share, one thread each,
so that other programs which take these cores slow them down, as they will slow down the report. Gives
factors: 2 takes twice the seconds. Cost: about a second.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

# What the tests take on one core of `costs.REFERENCE` with nothing beside them, seconds of processor time.
PRODUCT, LOOP = 0.0216, 0.0080
SIDE = 1024  # of the matrices, float32
ROUNDS = 200_000  # of the loop
SECONDS = 0.5  # of each test, at least


class MachinePace(NamedTuple):
    """Seconds here for a second of the reference machine's.

    Attributes:
        networks: of training and prediction.
        rest: of anything else.
    """

    networks: float
    rest: float


def measure_machine(cores: int) -> MachinePace:
    """Test this machine with so many threads side by side."""
    with threadpool_limits(1), ThreadPoolExecutor(cores) as pool:
        products = list(pool.map(lambda _: _seconds_a_product(), range(cores)))
    return MachinePace(sum(products) / cores / PRODUCT, _seconds_a_loop() / LOOP)


def processor_name() -> str:
    """The processor as its maker calls it; empty where the system does not say."""
    try:
        told = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return ""
    names = [line.partition(":")[2].strip() for line in told.splitlines() if line.startswith("model name")]
    return names[0] if names else ""


def _seconds_a_product() -> float:
    matrix = np.full((SIDE, SIDE), 0.5, np.float32)
    product = np.empty_like(matrix)
    np.matmul(matrix, matrix, out=product)
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < SECONDS:
        np.matmul(matrix, matrix, out=product)
        count += 1
    return (time.perf_counter() - began) / count


def _seconds_a_loop() -> float:
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < SECONDS:
        sum(number * number for number in range(ROUNDS))
        count += 1
    return (time.perf_counter() - began) / count
