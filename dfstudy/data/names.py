"""Names of files that get longer, kept to what a file system can hold.

Takes a name and what is to be added; gives both where they fit, and else the name cut, with a part of its
digest so that two such names stay unlike. Cost: none.
"""

from __future__ import annotations

import hashlib
import os

MOST_BYTES = 255  # of one name, on nearly every file system


def fit_name(stem: str, ending: str) -> str:
    """`stem` with `ending`, at most `MOST_BYTES` long; the ending stays whole."""
    whole = stem + ending
    if len(os.fsencode(whole)) <= MOST_BYTES:
        return whole
    mark = f"~{hashlib.sha256(os.fsencode(stem)).hexdigest()[:12]}"
    room = MOST_BYTES - len(os.fsencode(mark + ending))
    return os.fsencode(stem)[:room].decode("utf-8", "ignore") + mark + ending


def fit_path(path: str, ending: str) -> str:
    """The same for the last part of a path with forward slashes."""
    folder, slash, stem = path.rpartition("/")
    return folder + slash + fit_name(stem, ending)
