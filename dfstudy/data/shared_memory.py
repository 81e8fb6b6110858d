"""Images handed from a worker to the process that trains, in shared memory that is used again.

A worker writes a batch into a shared tensor, sends the tensor itself the first time and its name from then
on, and writes there again once nobody in the training process holds what it sent: so a batch stays as it is
for as long as it is held, by whomever. Which tensors came back is said with every order for a batch. Where
the system gives no shared memory, as containers with a /dev/shm of 64 MB do, the images themselves are sent
through the pipe, and the side that receives knows why.
Cost: after the first time no page is mapped and no file passed; memory, as many batches a worker as were
under way at once, and at most `KEPT`.
"""

from __future__ import annotations

import itertools
import os
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch

KEPT = 4  # tensors of one worker: two batches it has to prepare, one in use, one on its way
Names = dict[bytes, int]  # by the name of a tensor, how often it had been sent when it last came back

_inboxes: weakref.WeakValueDictionary[int, Inbox] = weakref.WeakValueDictionary()
_numbers = itertools.count()


class Inbox:
    """The side that receives. Knows every tensor it was sent, and those that are no longer held.

    Attributes:
        refusal: why a worker had no shared memory for a batch; empty where that did not happen.
    """

    def __init__(self) -> None:
        self.number = next(_numbers)
        self.refusal = ""
        self.clear()
        _inboxes[self.number] = self

    def clear(self) -> None:
        """Forget all tensors, when those who write into them have ended; what is held stays as it is."""
        self._tensors: dict[bytes, torch.Tensor] = {}
        self._returned: Names = {}

    def returned(self) -> Names:
        """What a worker must be told before it may write again."""
        return self._returned.copy()

    def open(self, name: bytes, times: int, tensor: torch.Tensor | None, count: int) -> torch.Tensor:
        """The first `count` images of a tensor; held until they and everything cut from them are gone."""
        if tensor is not None:
            self._tensors[name] = tensor
        pictures = self._tensors[name][:count].numpy()
        # one assignment, which no other thread can split; after `clear` it goes into the old table
        weakref.finalize(pictures, self._returned.__setitem__, name, times).atexit = False
        return torch.from_numpy(pictures)


class Outbox:
    """The side that sends, one in each worker: `take` memory, write, `seal`."""

    def __init__(self, inbox: int) -> None:
        self.inbox = inbox
        self._slots: list[_Slot] = []

    def take(self, count: int, shape: tuple[int, ...], returned: Names) -> _Slot:
        """Memory for `count` images of one shape that nobody holds; shared if the system has any."""
        for slot in self._slots:
            pictures = slot.tensor
            fits = len(pictures) >= count and pictures.shape[1:] == shape
            if fits and returned.get(slot.name, 0) == slot.times:
                return slot
        pictures = torch.empty((count, *shape), dtype=torch.uint8)
        try:
            slot = _Slot(pictures.share_memory_())
        except (RuntimeError, OSError) as error:
            return _Slot(pictures, str(error).strip() or type(error).__name__)
        if len(self._slots) < KEPT:  # what is beyond that is sent once and then forgotten
            self._slots.append(slot)
        return slot

    def seal(self, slot: _Slot, count: int, build: Callable[..., Any], *parts: Any) -> Sealed:
        """What to send: on arrival it becomes `build(pictures, *parts)`."""
        if slot.refusal:
            return Sealed(self.inbox, slot.refusal, 0, slot.pictures[:count], count, build, parts)
        slot.times += 1
        sent = slot.tensor if slot.times == 1 else None
        return Sealed(self.inbox, slot.name, slot.times, sent, count, build, parts)


class _Slot:
    """Room for a batch; `refusal` says why it is no shared memory, empty where it is."""

    def __init__(self, tensor: torch.Tensor, refusal: str = "") -> None:
        self.tensor, self.pictures, self.refusal = tensor, tensor.numpy(), refusal
        self.name, self.times = os.urandom(8), 0


class Sealed(NamedTuple):
    """A batch under way. Pickling is what sends it, and it arrives opened.

    `name` is of a shared tensor, which comes along the first time; or the reason why there is none, as text,
    and the images come along as an array.
    """

    inbox: int
    name: bytes | str
    times: int
    tensor: torch.Tensor | np.ndarray | None
    count: int
    build: Callable[..., Any]
    parts: tuple[np.ndarray, ...]

    def __reduce__(self) -> tuple[Any, ...]:
        return _receive, tuple(self)


def _receive(
    inbox: int,
    name: bytes | str,
    times: int,
    tensor: torch.Tensor | np.ndarray | None,
    count: int,
    build: Callable[..., Any],
    parts: tuple[np.ndarray, ...],
) -> Any:
    if isinstance(tensor, np.ndarray):
        _inboxes[inbox].refusal = str(name)
        pictures = torch.from_numpy(tensor)
    else:
        pictures = _inboxes[inbox].open(name, times, tensor, count)
    return build(pictures, *map(torch.from_numpy, parts))
