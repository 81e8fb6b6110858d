"""Chunks of PNG files: metadata that Pillow refuses without need, and damage that it passes over.

Takes a file's bytes. `without_odd_metadata` gives them back without texts and colour profiles beyond Pillow's
limits, and without metadata whose checksum is wrong: programs store prompts, workflows and edit histories of
many megabytes there; they say nothing about pixels, and the image around them is whole. A bomb among them
is left out as well, unpacked no further than the limit. `has_damaged_pixels` looks at the checksums of the
pixels: an interrupted copy leaves zeros behind, which Pillow draws as a black half.
Cost: 0.5 ms a megabyte for checksums; short texts are not unpacked.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COMPRESSED = {b"zTXt", b"iTXt", b"iCCP"}
_MOST = 2**19  # bytes of one text, half of what Pillow unpacks
_ALL = 2**25  # of all of them, half of what Pillow keeps
_RATIO = 1032  # zlib's best: a shorter chunk cannot unpack to more than the limit
_OPTIONAL = 0x20  # bit of a chunk's first letter: an image is whole without it


def has_damaged_pixels(data: bytes) -> bool:
    """Whether a PNG's pixels are not what was written; False for any other file."""
    chunks = _chunks(data) if data.startswith(_SIGNATURE) else ()
    return any(kind == b"IDAT" and _has_wrong_sum(data, at, end) for kind, at, end in chunks)


def without_odd_metadata(data: bytes) -> bytes:
    """The same bytes where the file is no PNG, or its metadata is short and whole; else without the rest."""
    if not data.startswith(_SIGNATURE):
        return data
    kept, held, start = [], 0, 0
    for kind, at, end in _chunks(data):
        odd = bool(kind[0] & _OPTIONAL) and _has_wrong_sum(data, at, end)
        if not odd and (kind == b"tEXt" or kind in _COMPRESSED):
            size = _unpacked(kind, data[at + 8 : end - 4])
            held += size if size <= _MOST else 0
            odd = size > _MOST or held > _ALL
        if odd:
            kept.append(data[start:at])
            start = end
    return b"".join([*kept, data[start:]]) if kept else data


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, begin and end of each chunk of a PNG that is there as a whole."""
    at = len(_SIGNATURE)
    while at + 12 <= len(data):
        kind, end = data[at + 4 : at + 8], at + 12 + int.from_bytes(data[at : at + 4], "big")
        if end > len(data):
            return
        yield kind, at, end
        at = end


def _has_wrong_sum(data: bytes, at: int, end: int) -> bool:
    return zlib.crc32(memoryview(data)[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big")


def _unpacked(kind: bytes, body: bytes) -> int:
    """Bytes that a chunk unpacks to, counted no further than just above the limit."""
    if kind == b"tEXt" or len(body) * _RATIO <= _MOST:
        return len(body)
    start = body.find(b"\0") + 2  # behind the keyword and the byte that names the packing
    if kind == b"iTXt":
        if body[start - 1 : start] != b"\1":  # not packed
            return len(body)
        start = (
            body.find(b"\0", body.find(b"\0", start + 1) + 1) + 1
        )  # behind language and translated keyword
    try:
        return max(len(body), len(zlib.decompressobj().decompress(body[start:], _MOST + 1)))
    except zlib.error:
        return len(body)
