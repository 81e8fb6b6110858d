"""The search for near hashes: all of them, each once, as comparing every pair finds them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfstudy.data import hash_search


def all_pairs(bits: np.ndarray, distance: int) -> set[tuple[int, int, int]]:
    off = np.bitwise_count(bits[:, None] ^ bits[None]).sum(axis=2, dtype=int)
    first, second = np.nonzero(np.triu(off <= distance, 1))
    return {(int(a), int(b), int(off[a, b])) for a, b in zip(first, second, strict=True)}


def searched(bits: np.ndarray, distance: int, apart=None) -> list[tuple[int, int, int]]:
    parts = [np.stack(part) for part in hash_search.near_pairs(bits, distance, apart)]
    return [tuple(pair) for part in parts for pair in part.T.tolist()]


def clustered(seed: int, clusters: int, size: int) -> np.ndarray:
    """Hashes around a few centres, from the same to some 45 bits away; one centre is all zeros."""
    rng = np.random.default_rng(seed)
    centres = rng.integers(0, 2**16, (clusters, 16), dtype=np.uint16)
    centres[0] = 0
    bits = np.repeat(centres, size, axis=0)
    shares = rng.uniform(0, 0.12, (len(bits), 1, 1))
    flips = np.packbits(rng.random((len(bits), 16, 16)) < shares, axis=2).view(np.uint16)[..., 0]
    return rng.permutation(bits ^ flips)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(1, 8),
    st.integers(0, 12),
    st.integers(0, hash_search.FARTHEST),
    st.sampled_from([1, 7, 2**21]),
    st.sampled_from([15, 16]),  # wider bands have tables of millions of entries: a test of their own
)
def test_every_pair_is_found_once_with_its_distance(seed, clusters, size, distance, chunk, bands):
    bits = clustered(seed, clusters, size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hash_search, "_CHUNK", chunk)
        patch.setattr(hash_search, "_CUTS", [bands])
        found = searched(bits, distance)
    assert len(found) == len(set(found))
    assert set(found) == all_pairs(bits, distance)


@pytest.mark.parametrize("bands", [11, 13])
def test_wide_bands_find_the_same(bands, monkeypatch):
    monkeypatch.setattr(hash_search, "_CUTS", [bands])
    bits = clustered(bands, 4, 12)
    found = searched(bits, hash_search.FARTHEST)
    assert len(found) == len(set(found)) and set(found) == all_pairs(bits, hash_search.FARTHEST)


def test_more_hashes_are_cut_into_fewer_and_wider_bands():
    cuts = [
        len(hash_search._cut(count, hash_search.FARTHEST)) - 1
        for count in (1000, 10_000, 100_000, 10**6, 10**7)
    ]
    assert cuts == sorted(cuts, reverse=True) and cuts[0] == 16 and cuts[-1] == 11


def test_the_clusters_hold_pairs_at_every_distance():
    """Else the test above would say little."""
    found = {off for seed in range(20) for *_, off in all_pairs(clustered(seed, 4, 12), hash_search.FARTHEST)}
    assert found == set(range(hash_search.FARTHEST + 1))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, hash_search.FARTHEST))
def test_pairs_that_are_not_apart_are_passed_over(seed, distance):
    bits = clustered(seed, 3, 10)
    apart = np.random.default_rng(seed).integers(0, 5, len(bits))
    wanted = {pair for pair in all_pairs(bits, distance) if apart[pair[0]] != apart[pair[1]]}
    assert set(searched(bits, distance, apart)) == wanted


def test_a_distance_beyond_the_bands_is_refused():
    for distance in (-1, hash_search.FARTHEST + 1):
        with pytest.raises(ValueError, match="0 to 31"):
            searched(clustered(0, 2, 2), distance)


def test_few_of_all_pairs_are_compared(monkeypatch):
    bits = np.random.default_rng(0).integers(0, 2**16, (4000, 16), dtype=np.uint16)
    compared = []
    original = hash_search._within
    monkeypatch.setattr(
        hash_search,
        "_within",
        lambda words, a, *rest: (compared.append(len(a)), original(words, a, *rest))[1],
    )
    assert searched(bits, hash_search.FARTHEST) == []
    assert sum(compared) < 0.005 * 4000 * 3999 / 2
