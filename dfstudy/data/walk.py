"""The files below a folder, and their names as tables can hold them.

Takes a root; gives every file but hidden ones, masks and archives' leftovers, which are counted, following
links. Tables and messages are UTF-8, and a file's name need not be: `writable` gives the name that stands
for it there, and whoever lists files sets such a file aside for its `name_fault`. Refuses a folder that
cannot be listed.
Cost: under 1 us a file, and one stat where it is a link.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from dfstudy.data.layouts.names import MASK_FOLDERS
from dfstudy.errors import StudyError

_NOT_UTF8 = "the name is not UTF-8: rename it, as by convmv -f latin1 -t utf8 -r --notest FOLDER"
_RETURN = "the name holds a carriage return, at which tables of text end a line: rename it"
HIDDEN, MASKS = "hidden", "in mask folders"


def why_passed(name: str, is_folder: bool) -> str:
    """`HIDDEN` or `MASKS` where nobody looks at a file or folder of this name; `` where it is looked at."""
    if name.startswith(".") or name.lower() == "__macosx":
        return HIDDEN
    return MASKS if is_folder and name.lower() in MASK_FOLDERS else ""


def count_files(folder: str | Path) -> int:
    """Files in a folder that nobody looks at; what cannot be listed in it counts as none."""
    return sum(len(names) for _, _, names in os.walk(folder))


def walk_files(root: Path, skip: Path, passed: Counter[str]) -> Iterator[tuple[str, os.DirEntry]]:
    """Every file below `root`, but for hidden ones, masks and archives' leftovers, and the folder `skip`.

    Args:
        passed: what is passed over is counted here, as `why_passed` calls it.
    Raises:
        StudyError: a folder, or what a link leads to, may not be looked at.
    """
    waiting: list[tuple[str, str, tuple[str, ...]]] = [("", str(root), ())]
    while waiting:
        prefix, folder, above = waiting.pop()
        real = os.path.realpath(folder)
        if real in above or real == str(skip):  # a link back up would never end
            continue
        try:
            entries = list(os.scandir(folder))
        except OSError as error:
            raise _unlisted(folder, error) from None
        for entry in entries:
            name = entry.name
            is_folder = not why_passed(name, False) and _is_folder(entry)
            if why := why_passed(name, is_folder):
                inside = is_folder or entry.is_dir(follow_symlinks=False)
                passed[why] += count_files(entry.path) if inside else 1
            elif is_folder:
                waiting.append((f"{prefix}{name}/", entry.path, (*above, real)))
            else:
                yield prefix + name, entry


def writable(path: str) -> str:
    r"""The path itself where a table can hold it, else with the bytes that it cannot as `\xe9` or `\r`."""
    try:
        path.encode()
    except UnicodeEncodeError:  # an old archive's names, unpacked as the bytes that they were
        path = os.fsencode(path).decode("utf-8", "backslashreplace")
    return path.replace("\r", r"\r")


def name_fault(path: str) -> str:
    """Why a table cannot hold a file under its own name; `` where it can."""
    shown = writable(path)
    if shown == path:
        return ""
    return _RETURN if shown == path.replace("\r", r"\r") else _NOT_UTF8


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except PermissionError as error:  # it may lead to a folder of images, and none goes missing unseen
        raise _unlisted(entry.path, error) from None
    except OSError:  # a link that leads to itself: whoever reads it will say so
        return False


def _unlisted(path: str, error: OSError) -> StudyError:
    return StudyError(f"{writable(path)} cannot be listed: {error.strerror}", "mend its permissions")
