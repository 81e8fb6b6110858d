"""Every pair of hashes that differ in few bits, without comparing all pairs.

Takes hashes of 256 bits (`phash.hash_bits`) and the largest number of bits in which two may differ; gives
their pairs, each once. Multi-index hashing (Norouzi, Punjani and Fleet, "Fast search in Hamming space with
multi-index hashing", CVPR 2012): the bits are cut into bands; where two hashes differ in few bits, some band
differs in two bits at most, so only hashes that share such a band, but for two bits, are compared. Nothing is
missed. More hashes are cut into fewer, wider bands: shared by fewer hashes, and looked up more often.
Cost: 2 s of one core for 100,000 hashes at 31 bits, 45 s for a million and 0.3 GB.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise
from math import comb

import numpy as np
from tqdm import tqdm

FARTHEST = 31  # bits; beyond, bands say too little
_BITS = 256
_CUTS = range(11, 17)  # numbers of bands: of 23 to 16 bits
_CHUNK = 2**21  # candidate pairs looked at together: some 60 MB

# What a step costs, in nanoseconds, to choose the number of bands.
_LOOK_UP, _COMPARE, _CALL = 10, 60, 100_000


def near_pairs(
    bits: np.ndarray, distance: int, apart: np.ndarray | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield all pairs of hashes that differ in at most `distance` bits, in parts that fit into memory.

    A search that takes long shows a bar with the time left, on a terminal.

    Args:
        bits: uint16 [n, 16].
        distance: 0..31 bits.
        apart: int [n]; pairs with equal values are of no interest and passed over.
    Yields:
        first, second (int64, first < second) and their distance (int64), each pair in one part only.
    Raises:
        ValueError: the distance is out of range.
    """
    if not 0 <= distance <= FARTHEST:
        raise ValueError(f"a distance of {distance} bits is not searched for: 0 to {FARTHEST}")
    bits = np.ascontiguousarray(bits, np.uint16)
    ends = _cut(len(bits), distance)
    radii = _radii(len(ends) - 1, distance)
    keys = _band_keys(bits, ends)  # [bands, n]
    widths = np.diff(ends).tolist()
    looks = [_looks(width, radius) for width, radius in zip(widths, radii, strict=True)]
    with tqdm(total=sum(looks), desc="near-duplicates", unit="", disable=None, delay=3, leave=False) as bar:
        for band in np.flatnonzero(looks):
            # In the order of the band's keys, so that hashes which are compared lie together in memory.
            order = np.argsort(keys[band], kind="stable")
            words = np.ascontiguousarray(bits[order].view(np.uint64).T)  # [4, n]
            candidates = _candidates(keys[band, order], widths[band], radii[band], bar)
            for first, second in candidates:
                first, second, bits_off = _within(words, first, second, distance)
                first, second = order[first], order[second]
                if apart is not None:
                    differ = apart[first] != apart[second]
                    first, second, bits_off = first[differ], second[differ], bits_off[differ]
                new = ~_seen(keys[:band], first, second, radii)
                first, second, bits_off = first[new], second[new], bits_off[new].astype(np.int64)
                if len(first):
                    yield np.minimum(first, second), np.maximum(first, second), bits_off


def _cut(count: int, distance: int) -> np.ndarray:
    """Where bands begin and end: the cut that makes the search of `count` hashes cheapest."""

    def cost(bands: int) -> float:
        radii, width = _radii(bands, distance), _BITS / bands
        looks = sum(_looks(round(width), radius) for radius in radii)
        return looks * (_CALL + count / 2 * (_LOOK_UP + _COMPARE * count / 2**width))

    bands = min(_CUTS, key=cost)
    return np.linspace(0, _BITS, bands + 1).round().astype(int)


def _radii(bands: int, distance: int) -> list[int]:
    """Bits in which a band may differ: two near hashes keep to this in at least one band; -1 never is."""
    # With `distance` bits in all, one of the bands 0..distance % bands differs in at most distance // bands
    # bits, or one of the others in fewer.
    base, loose = divmod(distance, bands)
    return [base if band <= loose else base - 1 for band in range(bands)]


def _looks(width: int, radius: int) -> int:
    """In how many ways at most `radius` of `width` bits can differ."""
    return sum(comb(width, flips) for flips in range(radius + 1))


def _band_keys(bits: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """The bits of each band as a number: int32 [bands, n]."""
    keys = np.zeros((len(ends) - 1, len(bits)), np.int32)
    for band, (begin, end) in enumerate(pairwise(ends)):
        for at in range(begin, end):
            keys[band] |= ((bits[:, at // 16] >> (at % 16)) & 1).astype(np.int32) << (at - begin)
    return keys


def _candidates(
    keys: np.ndarray, width: int, radius: int, bar: tqdm
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Places of keys (sorted, `width` bits) that differ in at most `radius` bits; each pair once."""
    keys = keys.astype(np.intp)
    fill = np.bincount(keys, minlength=2**width)
    starts = np.zeros(2**width + 1, np.int32)
    np.cumsum(fill, out=starts[1:])
    taken = fill > 0
    place = np.arange(len(keys))
    yield from _products(place, place + 1, starts[keys + 1])
    bar.update()
    for bit in range(width) if radius else ():
        here = np.flatnonzero(~keys & (1 << bit))  # from the side that lacks the bit
        flipped = keys[here] | (1 << bit)
        for mask in _masks(bit, radius - 1):
            other = flipped ^ mask
            some = np.flatnonzero(taken[other])
            other = other[some]
            yield from _products(here[some], starts[other], starts[other + 1])
            bar.update()


def _masks(width: int, radius: int) -> list[int]:
    """Every choice of at most `radius` of `width` bits."""
    places = [1 << at for at in range(width)]
    return [sum(some) for flips in range(radius + 1) for some in combinations(places, flips)]


def _products(here: np.ndarray, low: np.ndarray, high: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Each place `here` with each of the places low..high - 1, in chunks."""
    counts = high - low
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    if not total:
        return
    cuts = np.searchsorted(ends, np.arange(0, total, _CHUNK), side="right")
    for begin, end in zip(cuts, [*cuts[1:], len(here)], strict=True):
        some = counts[begin:end]
        if not (size := int(some.sum())):
            continue
        shift = low[begin:end] - (np.cumsum(some) - some)
        second = np.repeat(shift, some)
        second += np.arange(size)
        yield np.repeat(here[begin:end], some), second


def _within(
    words: np.ndarray, first: np.ndarray, second: np.ndarray, distance: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The pairs that differ in at most `distance` bits, and in how many; most fall out at the first words."""
    bits_off = np.zeros(len(first), np.uint8)  # no overflow: a near sum, and at most 64 more
    for word in words[::-1]:  # the finer frequencies first: they tell more images apart
        bits_off += np.bitwise_count(word[first] ^ word[second])
        near = bits_off <= distance
        first, second, bits_off = first[near], second[near], bits_off[near]
    return first, second, bits_off


def _seen(keys: np.ndarray, first: np.ndarray, second: np.ndarray, radii: list[int]) -> np.ndarray:
    """Which pairs an earlier band has given already; `keys` are those of the earlier bands."""
    seen = np.zeros(len(first), bool)
    for of_band, radius in zip(keys, radii, strict=False):
        seen |= np.bitwise_count(of_band[first] ^ of_band[second]) <= radius
    return seen
