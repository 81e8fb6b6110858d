"""How much of the time a GPU works, as its driver sees it.

Takes a stretch of a program, as a `with` block; gives the mean utilisation in percent over samples a tenth of
a second apart: the share of time in which any kernel ran. None without a GPU or without `nvidia-smi`.
"""

from __future__ import annotations

import subprocess
from statistics import mean
from types import TracebackType

COMMAND = (
    "nvidia-smi",
    "--query-gpu=utilization.gpu",
    "--format=csv,noheader,nounits",
    "-lms",
    "100",
    "-i",
    "0",
)


class BusyShare:
    """A `with` block that is watched; `percent` holds the mean afterwards."""

    def __init__(self, device: str) -> None:
        self.device, self.percent, self._watch = device, None, None

    def __enter__(self) -> BusyShare:
        if self.device == "cuda":
            try:
                self._watch = subprocess.Popen(COMMAND, stdout=subprocess.PIPE, text=True)
            except FileNotFoundError:
                print("busy: there is no nvidia-smi to ask")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watch is None:
            return
        self._watch.terminate()
        told, _ = self._watch.communicate()
        # the first samples still hold what ran before
        samples = [float(line) for line in told.split() if line.isdigit()][2:]
        self.percent = mean(samples) if samples else None
