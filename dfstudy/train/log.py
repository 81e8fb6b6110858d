"""What a training reports while it runs: a bar with the time left, a line an epoch, TensorBoard events.

Takes finished steps and epochs; writes to stderr and to `<run>/tensorboard`. The bar is for a person at a
terminal or a notebook, the lines are for a log as well. Nothing here reaches a
result: events and bars carry times, and no key or number reads them.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from torch import Tensor
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from dfstudy.system.kept import FULL

if TYPE_CHECKING:
    from dfstudy.train.state import Progress

# Set where nobody watches, see `dfstudy.cli.main`: tqdm shows no bar before it, but redraws one below a line.
NO_BARS = "TQDM_DELAY"
GRID = 16  # augmented images shown in TensorBoard

logging.getLogger("tensorboard").setLevel(logging.ERROR)  # it asks for TensorFlow, which nothing here needs


def tell(text: str, progress: bool) -> None:
    """A line for the person who waits, above any bar; nothing where progress is off."""
    if progress:
        tqdm.write(text, file=sys.stderr)


class Log:
    """One training's reports; a `with` block closes bar and events.

    `writes` is True in the one process of a group that reports; the others write nothing.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        pictures: int,
        batches: int,
        epochs: int,
        at: Progress,
        progress: bool,
        *,
        writes: bool = True,
    ) -> None:
        self.name, self.epochs, self.batches, self.progress = name, epochs, batches, progress
        step = (at.epoch - 1) * batches + at.batch
        events = folder / "tensorboard"
        self.events: SummaryWriter | None = None
        self.bar = tqdm(
            total=pictures * epochs,
            initial=min(pictures * (at.epoch - 1) + pictures * at.batch // batches, pictures * epochs),
            desc=name,
            unit=" images",
            unit_scale=True,
            file=sys.stderr,
            disable=not progress or NO_BARS in os.environ,
            leave=False,
        )
        if writes:
            with self._expendable():
                self.events = SummaryWriter(str(events), purge_step=step or None)

    def note(self, text: str) -> None:
        """A line about this training."""
        tell(f"{self.name}: {text}", self.progress)

    def pictures(self, images_NHWC: Tensor) -> None:
        """Show the first augmented images, as the network gets them."""
        if self.events is None:
            return
        with self._expendable():
            self.events.add_images("augmented images", images_NHWC[:GRID].numpy(), 0, dataformats="NHWC")

    def step(self, pictures: int, step: int, learning_rate: float) -> None:
        """One training step is done."""
        self.bar.update(pictures)
        if self.events is not None:
            with self._expendable():
                self.events.add_scalar("learning rate", learning_rate, step)

    def epoch(self, row: Mapping[str, float], timing: Mapping[str, float], is_best: bool) -> None:
        """One epoch is done and validated."""
        step = int(row["epoch"]) * self.batches
        if self.events is not None:
            with self._expendable():
                for quantity in ("loss", "accuracy", "auc"):
                    self.events.add_scalar(f"{quantity}/training", row[f"train_{quantity}"], step)
                    self.events.add_scalar(f"{quantity}/validation", row[f"val_{quantity}"], step)
                self.events.add_scalar("images per second", timing["pictures_per_second"], step)
                self.events.flush()
        self.note(
            f"epoch {row['epoch']} of {self.epochs}: "
            f"loss {row['train_loss']:.3f}, validation {row['val_loss']:.3f}, "
            f"accuracy {row['val_accuracy']:.3f}, AUC {row['val_auc']:.3f}{' (best)' if is_best else ''}; "
            f"{timing['seconds']:.1f} s, {timing['pictures_per_second']:.0f} images/s"
        )

    def __enter__(self) -> Log:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.close()
        if self.events is not None:
            with self._expendable():
                self.events.close()

    @contextmanager
    def _expendable(self) -> Iterator[None]:
        """Events that find no room are given up; what a result needs says so itself when it is written."""
        try:
            yield
        except OSError as error:
            if error.errno not in FULL:
                raise
            self.events = None
            self.note("no room for the events that TensorBoard shows: this training writes no more of them")
