"""The order of an epoch in which a fake and its source share a batch: every image once, pairs together."""

from __future__ import annotations

import numpy as np
import pytest

from dfstudy.data.order import ORDER, Pairing, epoch_order, sample_key


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
