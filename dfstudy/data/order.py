"""Which row comes when: the order of an epoch, its batches, and each process's share of a batch.

Takes seed, epoch and counts; gives row numbers and 64-bit keys. Everything depends on (seed, epoch, row)
alone: workers, processes and interruptions change nothing. Cost: a permutation an epoch, 1 us a key.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

MASK = 2**64 - 1
ORDER = MASK  # stands where a row number would: no row is that large, so the order has its own stream


def sample_key(seed: int, epoch: int, index: int) -> int:
    """64-bit key of one sample: seeds the random streams of its transform.

    Each part is mixed in with the finaliser of SplitMix64 (Steele, Lea and Flood 2014), a bijection in
    which every input bit moves about half of the output bits: within an epoch no two rows share a key.
    """
    key = 0
    for part in (seed, epoch, index):
        key = _mix(key + part)
    return key


def step_key(seed: int, epoch: int, step: int) -> int:
    """64-bit key of what happens to a training step as a whole, apart from the keys of its samples."""
    return sample_key(sample_key(seed, epoch, ORDER), step, 0)


def _mix(value: int) -> int:
    value = (value + 0x9E3779B97F4A7C15) & MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)


class Pairing(NamedTuple):
    """Which rows shall stand in one batch.

    Attributes:
        labels: [N], 1 is fake.
        sets: int64 [N]; a fake and a real of one set are a pair.
        batch_size: images a step, over all processes.
    """

    labels: np.ndarray
    sets: np.ndarray
    batch_size: int


def epoch_order(seed: int, epoch: int, count: int, pairing: Pairing | None = None) -> np.ndarray:
    """Row numbers int64 [count] in the shuffled order of one epoch, each once.

    With a pairing, a fake and a real of its set follow each other in one batch, as many as both classes
    allow; who meets whom changes from epoch to epoch. Without a pair, the order is the shuffled one.
    """
    shuffled = np.random.default_rng(sample_key(seed, epoch, ORDER)).permutation(count)
    return shuffled if pairing is None else _paired(shuffled, pairing)


def _paired(shuffled: np.ndarray, pairing: Pairing) -> np.ndarray:
    labels, sets, batch_size = pairing
    partner: dict[int, int] = {}
    waiting: dict[tuple[int, int], deque[int]] = defaultdict(deque)  # rows without a partner yet
    for row in map(int, shuffled):
        own, other = int(labels[row]), int(sets[row])
        if waiting[other, 1 - own]:
            match = waiting[other, 1 - own].popleft()
            partner[row], partner[match] = match, row
        else:
            waiting[other, own].append(row)
    alone = deque(row for row in map(int, shuffled) if row not in partner)
    order: list[int] = []
    taken: set[int] = set()

    def take(row: int) -> None:
        order.append(row)
        taken.add(row)

    for row in map(int, shuffled):
        if row in taken:
            continue
        if row in partner and (len(order) + 1) % batch_size == 0:
            # one place is left in this batch: a row without a partner takes it, as long as there is one
            while alone and alone[0] in taken:
                alone.popleft()
            if alone:
                take(alone.popleft())
        take(row)
        if row in partner:
            take(partner[row])
    return np.array(order, np.int64)


class EpochBatches:
    """Lists of (epoch, row), one a batch: workers hold a copy of the samples that learns of no epoch.

    Of each batch only this process's share is listed: the rows in order, cut into `processes` pieces whose
    sizes differ by one at most, larger ones first. The last batch may leave a process an empty list.
    """

    def __init__(
        self,
        count: int,
        batch_size: int,
        seed: int,
        shuffle: bool,
        share: tuple[int, int] = (0, 1),
        pairing: Pairing | None = None,
    ) -> None:
        self.count, self.batch_size, self.seed, self.shuffle = count, batch_size, seed, shuffle
        self.rank, self.processes = share
        self.pairing = pairing
        self.epoch = self.start = 0

    def __len__(self) -> int:
        """Batches of a whole epoch, the same for every process."""
        return -(-self.count // self.batch_size)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        for rows in self.whole():
            yield [(self.epoch, int(row)) for row in self.share(rows)]

    def whole(self) -> Iterator[np.ndarray]:
        """Rows int64 of each batch of the epoch from `start` on, over all processes."""
        order = np.arange(self.count)
        if self.shuffle:
            order = epoch_order(self.seed, self.epoch, self.count, self.pairing)
        for first in range(self.start * self.batch_size, self.count, self.batch_size):
            yield order[first : first + self.batch_size]

    def share(self, rows: np.ndarray) -> np.ndarray:
        """This process's share of what belongs to a whole batch."""
        return np.array_split(rows, self.processes)[self.rank]
