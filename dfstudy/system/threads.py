"""One function over many files, on all cores, with its results in order.

Takes a function and items; gives its results as a list in the items' order, whatever the number of threads.
Threads suffice where the work is decoding, hashing and array arithmetic, which release Python's lock. The
first failure ends all that has not begun. Says as well whether processes can be had.
Cost: a few microseconds an item.
"""

from __future__ import annotations

import multiprocessing
import os
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from PIL import Image
from tqdm import tqdm

CHUNK = 32  # items a task: enough that handing out work costs nothing, few enough for a smooth bar

Item = TypeVar("Item")
Result = TypeVar("Result")


def count_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def why_no_processes(start_method: str) -> str:
    """Why none can be started beside this one: their semaphores lie in /dev/shm; empty where they can."""
    try:
        multiprocessing.get_context(start_method).Lock()
    except (OSError, ImportError) as error:
        return str(error)
    return ""


def map_in_order(
    function: Callable[[Item], Result], items: Sequence[Item], title: str, progress: bool = True
) -> list[Result]:
    """`[function(item) for item in items]`, on all cores.

    Args:
        title: what the bar says.
        progress: show a bar with the time left on stderr.
    """
    chunks = [items[at : at + CHUNK] for at in range(0, len(items), CHUNK)]
    results: list[Result] = []
    bar = tqdm(total=len(items), desc=title, unit="", disable=not (progress and len(items)), leave=False)
    with warnings.catch_warnings(), bar, ThreadPoolExecutor(count_cores()) as pool:
        # Pillow warns of what `decode` turns into a reason; filters are set before any thread starts.
        warnings.filterwarnings("ignore", module="PIL")
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            for part in pool.map(lambda chunk: [function(item) for item in chunk], chunks):
                results += part
                bar.update(len(part))
        except BaseException:  # Ctrl-C must not wait for the items that were not begun
            pool.shutdown(cancel_futures=True)
            raise
    return results
