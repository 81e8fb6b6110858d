"""The folder of a report: whose it is, and whether what it holds is still what was made.

Takes a study; refuses a folder that holds something else, and one in which another report is being made.
A study is known by its file or its settings, and images by their folder or their content; a folder that was
moved with both knows them by the way from here. Never
removes what a user made: only the notes of steps whose results are gone or were changed, so that those steps
run again.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import Timeout

from dfstudy.data.index import index_study
from dfstudy.errors import StudyError
from dfstudy.pipeline.invocation import shown_path
from dfstudy.pipeline.reads import FINGERPRINT, study_digest
from dfstudy.study.overrides import NONE, describe_overrides
from dfstudy.study.study import MARK
from dfstudy.system.finished import lacking
from dfstudy.system.kept import is_json, read_json, throw_away, write_if_changed
from dfstudy.system.lock import file_lock, wait_for_holders
from dfstudy.system.provenance import file_digest

if TYPE_CHECKING:
    from dfstudy.study.study import Study

STEPS_LOCK = ".steps.lock"  # held by every step on this machine as long as it lives
LEFT_OVER = 10  # seconds that the steps of a report which was killed have to end
MADE_BY_HAND = "data/index.parquet"  # what a notebook leaves that was run before any report


@contextmanager
def claimed(study: Study, replace: bool = False) -> Iterator[None]:
    """Hold the study's folder for one report at a time.

    Args:
        replace: take over a folder that holds the report of another study or of other images.
    Raises:
        StudyError: it holds other files, the results of another study or of other images, it cannot be
            written, or another report is being made in it.
    """
    out = study.out
    _refuse_foreign(study, replace)
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = file_lock(out / ".lock")
        lock.acquire(timeout=0)
    except Timeout:
        raise StudyError(
            f"another report is being made in {shown_path(out)}", "wait for it, or give another OUT="
        ) from None
    except OSError as error:
        raise StudyError(f"{shown_path(out)}: {error.strerror}", "give another OUT=") from None
    try:
        if not wait_for_holders(out / STEPS_LOCK, LEFT_OVER):
            raise StudyError(
                f"steps of an earlier report are still at work in {shown_path(out)}",
                "wait until they have ended, or end them",
            )
        write_if_changed(out / MARK, _owner(study))
        shutil.rmtree(out / ".staging", ignore_errors=True)  # of a run that was killed
        yield
    finally:
        lock.release()


def forget_damaged(out: Path) -> list[str]:
    """Remove the notes of steps whose results are gone or differ; returns the steps' names."""
    forgotten = []
    for file in (out / "numbers").glob("*.json"):  # chapters read those of others
        if not is_json(file):
            throw_away(file)
    for note in sorted((out / "steps").glob("*.json")):
        told = read_json(note)
        files = told.get("files", {})
        kept = ((out / name).is_file() and file_digest(out / name) == sha for name, sha in files.items())
        if not told or not all(kept):
            note.unlink(missing_ok=True)
            forgotten.append(note.stem)
    for note in sorted((out / "steps").glob("training_*.json")):
        named = [out / "runs" / f"{name}.json" for name in read_json(note).get("runs", [])]
        keys = [read_json(file).get("key", "") for file in named]
        if not all(key and not lacking(out / "runs" / key) for key in keys):
            note.unlink(missing_ok=True)
            forgotten.append(note.stem)
    if forgotten:  # Snakemake remakes what is missing only where a later step asks for it
        (out / "steps" / "page.json").unlink(missing_ok=True)
    return forgotten


def _owner(study: Study) -> dict[str, str]:
    return {
        "study": study.name,
        "pictures": study.data.root,
        "file": str(study.file),
        "file_from_here": os.path.relpath(study.file, study.out),
        "pictures_from_here": os.path.relpath(study.pictures, study.out),
        "settings": study_digest(study),
        "overrides": describe_overrides(study.overrides),
    }


def _refuse_foreign(study: Study, replace: bool) -> None:
    out = study.out
    if out.exists() and not out.is_dir():
        raise StudyError(f"{shown_path(out)} is a file, not a folder", "give another OUT=")
    if not out.is_dir() or not any(out.iterdir()):
        return
    is_own = any((out / name).is_file() for name in (MARK, MADE_BY_HAND))
    holder = read_json(out / MARK)
    if not holder:
        if is_own:  # what a notebook left, or a mark that was damaged
            return
        raise StudyError(
            f"{shown_path(out)} holds files that are not a report's", "give an empty or a new folder as OUT="
        )
    own = _owner(study)

    def same_in(*names: str) -> bool:
        return any(own[name] == holder.get(name) for name in names)

    same = {
        "study": same_in("study"),
        # an earlier version did not name it
        "file": "file" not in holder or same_in("file", "file_from_here", "settings"),
        "overrides": own["overrides"] == holder.get("overrides", NONE),
        "pictures": same_in("pictures", "pictures_from_here"),
    }
    key = next((key for key, is_same in same.items() if not is_same), None)
    if key is None or replace or (key == "pictures" and _take_moved_pictures(study)):
        return
    raise StudyError(
        f"{shown_path(out)} holds another report ({key}: {holder.get(key)}, now {own[key]})",
        "give another OUT=, or replace that report with FORCE=1 (dfstudy report --force): its trainings stay",
    )


def _take_moved_pictures(study: Study) -> bool:
    """Whether the images are those of the last report in another place; if so, their index comes along."""
    if not (study.out / MADE_BY_HAND).is_file():
        return False
    with tempfile.TemporaryDirectory() as passing:
        passing_index = Path(passing) / MADE_BY_HAND
        passing_index.parent.mkdir()
        shutil.copy(study.out / MADE_BY_HAND, passing_index)  # spares reading what only has another path
        try:
            index_study(study.model_copy(update={"out": Path(passing)}))
        except StudyError:
            return False  # whatever is wrong with them, they are others
        here, there = (read_json(folder / FINGERPRINT) for folder in (study.out, Path(passing)))
        if here.get("fingerprint") != there["fingerprint"]:
            return False
        shutil.copy(passing_index, study.out / MADE_BY_HAND)
        return True
