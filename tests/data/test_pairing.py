"""Batches that hold a fake and its source: every image once, the same for any workers, start and share."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from test_loader import COUNT, LABELS, collect, loader, paths, same  # noqa: F401 -- paths is a fixture

from dfstudy.data.order import ORDER, Pairing, epoch_order, sample_key

SETS = np.array([row // 3 for row in range(COUNT)])
PAIRS = Pairing(np.array(LABELS), SETS, 5)


def pairs_in_batches(order: np.ndarray, pairing: Pairing) -> int:
    """Fakes and reals of one set in one batch, each counted once."""
    found = 0
    for first in range(0, len(order), pairing.batch_size):
        rows = order[first : first + pairing.batch_size]
        for each in set(pairing.sets[rows]):
            labels = pairing.labels[rows][pairing.sets[rows] == each]
            found += min(int(labels.sum()), int((1 - labels).sum()))
    return found


def test_without_pairs_the_order_is_what_it_was():
    for seed, epoch, count in ((0, 1, 23), (7, 3, 100)):
        old = np.random.default_rng(sample_key(seed, epoch, ORDER)).permutation(count)
        alone = Pairing(np.arange(count) % 2, np.arange(count), 8)
        assert np.array_equal(epoch_order(seed, epoch, count), old)
        assert np.array_equal(epoch_order(seed, epoch, count, alone), old)


@pytest.mark.parametrize("batch_size", [2, 5, 8, 64])
def test_every_image_stands_once_and_every_pair_in_one_batch(batch_size):
    random = np.random.default_rng(batch_size)
    labels, sets = random.integers(0, 2, 400), random.integers(0, 90, 400)
    pairing = Pairing(labels, sets, batch_size)
    fakes, size = np.bincount(sets, labels), np.bincount(sets)
    possible = int(np.minimum(fakes, size - fakes).sum())
    orders = [epoch_order(1, epoch, 400, pairing) for epoch in (1, 2)]
    for order in orders:
        assert np.array_equal(np.sort(order), np.arange(400))
        assert pairs_in_batches(order, pairing) >= possible
    shuffled = epoch_order(1, 1, 400)
    assert pairs_in_batches(shuffled, pairing) < possible / 2 or batch_size == 64
    assert not np.array_equal(*orders)
    # the classes come as evenly over the epoch as when shuffled: rows without a partner are not left for last
    halves = [labels[orders[0][:200]].mean(), labels[orders[0][200:]].mean()]
    assert abs(halves[0] - halves[1]) < 0.15


def test_workers_starts_and_shares_change_nothing(paths):  # noqa: F811
    alone = collect(paths, 0, pairing=PAIRS)
    assert same(alone, collect(paths, 2, pairing=PAIRS))
    assert not same(alone, collect(paths, 0))
    with loader(paths, pairing=PAIRS) as batches:
        assert same(list(batches.epoch(1, start_batch=2)), alone[5:10][2:])
    shares = [collect(paths, 0, epochs=[0], pairing=PAIRS, share=(rank, 2)) for rank in (0, 1)]
    joined = [torch.cat([one.rows, other.rows]) for one, other in zip(*shares, strict=True)]
    assert all(torch.equal(rows, batch.rows) for rows, batch in zip(joined, alone, strict=False))
