"""What makes the folder of a run a finished training: the files that others read of it.

Takes a folder; gives the names of those that are gone or cut off. Loads no network library, so that a report
can look at its runs before it plans. Cost: a look at each file's size and head.
"""

from __future__ import annotations

import os
from pathlib import Path

from dfstudy.system.kept import parse_json

FILE = "checkpoint.json"  # written last: with it a training counts as finished
MOST_HEAD = 10**8  # bytes of a weights file that say what follows: the limit of safetensors
NEEDED = (FILE, "best.safetensors", "clean.csv", "history.csv", "timings.csv")


def lacking(folder: Path) -> list[str]:
    """Names of the needed files that are not there, or cut off; none where the run is finished and whole."""
    return [name for name in NEEDED if not _is_whole(folder / name)]


def _is_whole(file: Path) -> bool:
    """As far as its size and its head say: tables end with a line, weights where their head says."""
    try:
        with file.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            if file.suffix == ".csv":
                stream.seek(-1, os.SEEK_END)
                return stream.read() == b"\n"
            stream.seek(0)
            if file.suffix == ".json":
                return isinstance(parse_json(stream.read()), dict)
            head = int.from_bytes(stream.read(8), "little")
            told = parse_json(stream.read(head)) if head < min(size, MOST_HEAD) else {}
            ends = [tensor["data_offsets"][1] for name, tensor in told.items() if name != "__metadata__"]
            return bool(ends) and size == 8 + head + max(ends)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):  # a head of any other shape
        return False
