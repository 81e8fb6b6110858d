"""Small files that outlive a process: written whole or not at all, thrown away where they are damaged.

Takes a path and bytes or a JSON value. A write goes to a file beside it, to the disk, and then over the old
one: a reader, a kill and a power cut meet the old content or the new. A full disk becomes a sentence that
says what was needed, what is free and where. State that is empty, cut off or no JSON object counts as none
and is removed with a line, because whoever wrote it writes it again. Cost: one wait for the disk a write.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dfstudy.errors import StudyError

FULL = (errno.ENOSPC, errno.EDQUOT)
MOST_BYTES = 200  # of the passing file's name before its endings: most file systems hold 255
MAKE_ROOM = "make room there, or give another place; the same command then goes on"


def write_atomic(file: Path, content: bytes, mark: str = "") -> None:
    """Replace a file's content in one step, after it has reached the disk.

    Args:
        mark: part of the passing file's name, for a file that several processes may write at a moment.
    Raises:
        StudyError: the disk is full; the old content is still there.
    """
    stem = os.fsencode(file.name)[:MOST_BYTES].decode("utf-8", "ignore")
    partial = file.with_name(f"{stem}{mark}.partial")
    try:
        with partial.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(file)
    except OSError as error:
        partial.unlink(missing_ok=True)
        if error.errno in FULL:
            raise no_room(file, len(content)) from None
        raise


def write_if_changed(file: Path, value: Any) -> Path:
    """Write JSON, unless the file holds the same already."""
    content = (json.dumps(value, indent=1, sort_keys=True) + "\n").encode()
    if not file.is_file() or file.read_bytes() != content:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(file, content)
    return file


def parse_json(content: bytes | str) -> Any:
    """A JSON value.

    Raises:
        ValueError: it is none, or lists lie in lists more deeply than Python's reader goes.
    """
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError("brackets within brackets, too many levels of them") from None


def read_json(file: Path) -> dict[str, Any]:
    """A small JSON file, or nothing where it is not there; a damaged one is removed, with a line."""
    try:
        value = parse_json(file.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError:
        value = None
    if isinstance(value, dict):
        return value
    throw_away(file)
    return {}


def is_json(file: Path) -> bool:
    """A file can be read as JSON of any shape."""
    try:
        parse_json(file.read_bytes())
    except ValueError:
        return False
    return True


def throw_away(file: Path) -> None:
    """Remove a file that cannot be read as what it should be, and say so."""
    damage = "cut off" if file.is_file() and file.stat().st_size else "empty"
    print(f"  {file.name} is {damage}: thrown away, and made again", file=sys.stderr, flush=True)
    file.unlink(missing_ok=True)


@contextmanager
def room_in(place: Path) -> Iterator[None]:
    """Tell of a full disk what was being written; for writers that name no file in their errors.

    Raises:
        StudyError: the disk became full.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise no_room(place) from None
        raise


def no_room(place: Path | None, needed: int = 0) -> StudyError:
    """The error for a full disk.

    Args:
        place: what was being written; None where nobody knows.
        needed: bytes; 0 where nobody knows.
    """
    if place is None:
        return StudyError(
            "no room left on a disk that this command writes to", f"look with df -h; {MAKE_ROOM}"
        )
    folder = next((each for each in (place, *place.parents) if each.is_dir()), Path("/"))
    free = shutil.disk_usage(folder).free
    wanted = f"{_amount(needed)} needed for {place.name}, " if needed else ""
    return StudyError(f"no room left in {folder}: {wanted}{_amount(free)} free", MAKE_ROOM)


def _amount(size: int) -> str:
    scale, unit = next(((s, u) for s, u in ((1e9, "GB"), (1e6, "MB")) if size >= s), (1e3, "kB"))
    return f"{size / scale:.1f} {unit}"
