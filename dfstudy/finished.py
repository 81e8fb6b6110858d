"""What makes the folder of a run a finished training: the files that others read of it.

Takes a folder; gives the names of those that are gone. Loads no network library, so that a report can look
at its runs before it plans. Cost: a look at each file's size.
"""

from __future__ import annotations

from pathlib import Path

FILE = "checkpoint.json"  # written last: with it a training counts as finished
NEEDED = (FILE, "best.safetensors", "clean.csv", "history.csv", "timings.csv")


def lacking(folder: Path) -> list[str]:
    """Names of the needed files that are not there, or empty; none where the run is finished and whole."""
    files = [folder / name for name in NEEDED]
    return [file.name for file in files if not (file.is_file() and file.stat().st_size)]
