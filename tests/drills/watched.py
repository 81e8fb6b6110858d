"""`dfstudy train`, seen from outside: what it is doing at every moment, and how far it is.

Started by kill.py. Arguments: the file in which it tells (`SIZE` bytes, mapped into memory, so that what it
told last outlives a SIGKILL), seconds between saved states, then the options of `dfstudy train`. Nothing
that shapes a weight is touched: a few methods are wrapped, and no wrapping is part of a run's key.
"""

from __future__ import annotations

import mmap
import os
import struct
import sys
from collections.abc import Callable
from pathlib import Path

PHASES = (
    "starting",
    "in a step",
    "waiting for images",
    "in validation",
    "between epochs",
    "in a save",
    "scoring",
)
STARTING, STEP, PICTURES, VALIDATION, BETWEEN, SAVE, SCORING = PHASES
POSITION, PHASE = struct.Struct("=q"), struct.Struct("=q")
SIZE = POSITION.size + PHASE.size  # zeros: starting, before any step
OVER = 2**62  # a step after the last


class Telltale:
    """A phase, and the number of the step under way (from 1), in memory that processes share."""

    def __init__(self, file: Path) -> None:
        with file.open("r+b") as stream:
            self._memory = mmap.mmap(stream.fileno(), SIZE)

    @property
    def position(self) -> int:
        return POSITION.unpack_from(self._memory)[0]

    @position.setter
    def position(self, step: int) -> None:
        POSITION.pack_into(self._memory, 0, step)

    @property
    def phase(self) -> str:
        return PHASES[PHASE.unpack_from(self._memory, POSITION.size)[0]]

    @phase.setter
    def phase(self, phase: str) -> None:
        PHASE.pack_into(self._memory, POSITION.size, PHASES.index(phase))


def watch(told: Telltale, save_seconds: float) -> None:
    """Make training tell its phases, and save as often as asked."""
    from dfstudy.model import checkpoint
    from dfstudy.train import loop, run

    def telling(function: Callable, during: str, after: str = "") -> Callable:
        def call(*arguments, **named):
            before, told.phase = told.phase, during
            try:
                return function(*arguments, **named)
            finally:
                told.phase = after or before

        return call

    step = telling(loop.Trainer.step, STEP, PICTURES)

    def counted_step(trainer, *arguments):
        at = trainer.progress
        told.position = (at.epoch - 1) * trainer.batches + at.batch + 1
        return step(trainer, *arguments)

    def whole_run(trainer, *arguments):
        run_to_the_end(trainer, *arguments)
        told.position, told.phase = OVER, SCORING

    run_to_the_end = loop.Trainer.run
    loop.SAVE_SECONDS = save_seconds
    loop.Trainer.step = counted_step
    loop.Trainer._validate = telling(loop.Trainer._validate, VALIDATION, BETWEEN)
    loop.Trainer.run = whole_run
    checkpoint.write_atomic = run.write_atomic = telling(checkpoint.write_atomic, SAVE)


def main() -> None:
    file, save_seconds, *arguments = sys.argv[1:]
    from dfstudy.pipeline.environment import steady_environment

    os.environ.update(steady_environment())  # before torch is loaded, as `dfstudy train` does it
    watch(Telltale(Path(file)), float(save_seconds))
    from dfstudy.cli.main import main as dfstudy

    dfstudy(["train", *arguments])


if __name__ == "__main__":
    main()
