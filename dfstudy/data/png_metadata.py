"""PNG files without the metadata that Pillow refuses to unpack: long texts and colour profiles.

Takes a file's bytes; gives them back, without text and profile chunks beyond Pillow's limits. Programs store
prompts, workflows and edit histories of many megabytes there; they say nothing about pixels, and the picture
around them is whole. A bomb among them is left out as well, unpacked no further than the limit.
Cost: under 1 us a chunk; short texts are not unpacked.
"""

from __future__ import annotations

import zlib

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COMPRESSED = {b"zTXt", b"iTXt", b"iCCP"}
_MOST = 2**19  # bytes of one text, half of what Pillow unpacks
_ALL = 2**25  # of all of them, half of what Pillow keeps
_RATIO = 1032  # zlib's best: a shorter chunk cannot unpack to more than the limit


def without_long_texts(data: bytes) -> bytes:
    """The same bytes where the file is no PNG, or its metadata is short; else without what is long."""
    if not data.startswith(_SIGNATURE):
        return data
    kept, held, at, start = [], 0, len(_SIGNATURE), 0
    while at + 12 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        end = at + 12 + length
        if kind == b"tEXt" or kind in _COMPRESSED:
            size = _unpacked(kind, data[at + 8 : end - 4])
            held += size if size <= _MOST else 0
            if size > _MOST or held > _ALL:
                kept.append(data[start:at])
                start = end
        at = end
    return b"".join([*kept, data[start:]]) if kept else data


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
