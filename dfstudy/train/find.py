"""A finished run by the name that a person gives it: a folder, or a study's results.

Takes what was typed, such as `reports/sample`, `sample` or the folder of one run, in any folder of the
checkout; gives the run's folder. Refused: nothing of that name, no finished run, and several of which none is
meant. Loads no network library. Cost: a few small files.
"""

from __future__ import annotations

import os
from pathlib import Path

from dfstudy.errors import StudyError
from dfstudy.system.kept import parse_json
from dfstudy.system.provenance import project_root

HINT = "give a run's folder, such as reports/sample/runs/seed0-..., or train one: make report"
REPORTS = "reports"


def find_run(run: str | os.PathLike[str]) -> Path:
    """The folder of the run that a folder is or holds.

    Args:
        run: a run's folder (with checkpoint.json), a study's results, or the results' name below `reports`. A
            relative path counts from the working folder; where nothing is there, from the checkout, and then
            from its `reports`.

    Raises:
        StudyError: there is none, or several and nothing says which belongs to the results.
    """
    folder = _find_folder(Path(run).expanduser())
    if (folder / "checkpoint.json").is_file():
        return folder
    runs = folder / "runs" if (folder / "runs").is_dir() else folder
    # the step of each seed notes the run that belongs to the results; older runs stay beside it
    notes = sorted(runs.glob("seed_*.json"), key=lambda note: (len(note.name), note.name))
    for note in notes:
        try:
            # a folder beside the note, whatever path it says
            name = Path(str(parse_json(note.read_text("utf-8"))["key"])).name
        except (ValueError, LookupError, TypeError):
            raise StudyError(f"{note} does not name a run", HINT) from None
        found = runs / name
        if (found / "checkpoint.json").is_file():
            return found
    finished = sorted(file.parent for file in runs.glob("*/checkpoint.json"))
    if len(finished) == 1:
        return finished[0]
    if finished:
        raise StudyError(
            f"{folder} holds {len(finished)} runs, and nothing says which one is meant",
            f"give one of them, such as {finished[0]}",
        )
    raise StudyError(f"{folder} holds no finished training", HINT)


def _find_folder(typed: Path) -> Path:
    root = project_root()
    for folder in (typed, root / typed, root / REPORTS / typed):  # an absolute path stays what it is
        if folder.is_dir():
            return folder
    raise StudyError(f"there is no folder {typed}", HINT)
