"""A table as `index_study` gives it, and traits as `read_traits` does, of images that do not exist.

Takes a number of rows; gives the same table every time. Clips have 10 to 29 frames; frames of a clip differ
in 4 bits of 255 from one to the next. Of three clips the first is an original, the second its fake by one of
six methods, 8 bits from it, as a forged face leaves the rest of the image alone, and the third an original
without a fake. One scene in 99 stands under two names. One image in a thousand repeats another, of
whatever label. Bits are biased as those of real faces: two strangers share a band of 16 bits about twice as
often as by chance.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from dfstudy.data.traits import FAMILIES

METHODS = ("FaceSwap", "Face2Face", "StyleGAN2")
LONGEST = 30  # frames of a clip, and one more
_BIAS = 0.09  # standard deviation, over bits, of the chance that a bit is set
_DRIFT, _FORGED = 4, 8  # bits flipped from frame to frame, and from an original to its fake


def make_index(count: int, named: bool = True, seed: int = 0) -> pd.DataFrame:
    """`count` rows sorted by path, columns as of `index_study`.

    Args:
        named: each clip is a group; else nothing names groups, and each image is its own.
    """
    random = np.random.default_rng(seed)
    lengths = random.integers(10, LONGEST, count // 10 + 1)
    clip = np.repeat(np.arange(len(lengths)), lengths)[:count]
    frame = np.arange(count) - (np.cumsum(lengths) - lengths)[clip]
    fake = clip % 3 == 1
    method = np.where(fake, np.array(METHODS)[clip // 3 % len(METHODS)], "real").astype(object)
    names = pd.Series(clip).astype(str).str.zfill(6)
    folder = np.where(fake, "fake/", "real/") + method + "/" + names
    table = pd.DataFrame({"path": folder + "/" + pd.Series(frame).astype(str).str.zfill(2) + ".jpg"})
    table["label"] = pd.array(fake.astype(int), dtype="Int8")
    table["method"], table["group"], table["given_split"] = method, names if named else table["path"], ""
    table["sha256"] = _texts(random.integers(0, 256, (count, 32), np.uint8))
    table["bytes"] = random.integers(8_000, 30_000, count)
    table = table.assign(width=256, height=256, format="JPEG")
    table["phash"] = _texts(np.packbits(_make_bits(random, clip, frame, fake), axis=1))
    table["pixels"] = _texts(random.integers(0, 256, (count, 4), np.uint8))
    table["error"] = ""
    repeats, shown = random.choice(count, 2 * (count // 1000), replace=False).reshape(2, -1)
    for name in ("sha256", "phash", "pixels"):
        values = table[name].to_numpy(object).copy()
        values[repeats] = values[shown]
        table[name] = values
    texts = dict.fromkeys(
        ("path", "method", "group", "given_split", "sha256", "format", "phash", "pixels"), str
    )
    return table.astype(texts | {"error": str}).sort_values("path", ignore_index=True)


def make_traits(rows: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Traits of these rows by chance alone: there is no shortcut to be found."""
    random = np.random.default_rng(seed)
    columns = {"path": rows["path"]}
    for family in FAMILIES.values():
        columns |= {name: random.choice(list("abc"), len(rows)).astype(object) for name in family.texts}
        columns |= {name: random.normal(size=len(rows)) for name in (*family.values, *family.linear)}
    return pd.DataFrame(columns)


def _make_bits(
    random: np.random.Generator, clip: np.ndarray, frame: np.ndarray, fake: np.ndarray
) -> np.ndarray:
    """Bool [rows, 256]; the first bit is never set."""
    scene = clip - fake  # an original and its fake
    scene[scene % 297 == 2] -= 2  # once more, under another name
    count = scene[-1] + 1
    chance = np.clip(random.normal(0.5, _BIAS, 256), 0.05, 0.95)
    shown = random.random((count, 256), np.float32) < chance
    bits = np.empty((len(clip), 256), bool)
    for at in range(LONGEST):
        here = np.flatnonzero(frame == at)
        bits[here] = shown[scene[here]]
        shown[np.arange(count)[:, None], random.integers(1, 256, (count, _DRIFT))] ^= True
    forged = np.flatnonzero(fake)
    # the same bits in all frames of a clip: the forged face is the same
    flipped = random.integers(1, 256, (clip[-1] + 1, _FORGED))[clip[forged]]
    bits[forged[:, None], flipped] ^= True
    bits[:, 0] = False
    return bits


def _texts(values: np.ndarray) -> list[str]:
    """One hexadecimal text a row of uint8 [rows, bytes]."""
    text, width = values.tobytes().hex(), 2 * values.shape[1]
    return [text[at : at + width] for at in range(0, len(text), width)]
