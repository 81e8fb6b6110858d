"""Crops all faces of a folder of videos and photographs into a new folder: resumable, on all cores.

Takes a study, whose `pictures` is the folder, and a target; leaves there the crops in the same subfolders
(frames of a video in a folder called after it), `index.csv` with everything known about each, `set_aside.csv`
with what could not be used and why, and `contact_sheet.html`. The work goes on in a hidden folder beside the
target and takes its name when all is done: what is interrupted is continued, what is finished is left alone.
The bytes do not depend on the number of threads or on interruptions. Refuses a target that holds anything
that this command did not make from the same files and settings, and one inside the source or around it.
Cost: about 1.5 s of one core a video of 12 s at 1280 x 720 px, 12 ms a photograph of 256 px.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
from tqdm import tqdm

from dfstudy.data import images, limits, png_chunks
from dfstudy.data.index_csv import NAME
from dfstudy.data.names import fit_name
from dfstudy.data.tables import bare_text
from dfstudy.errors import StudyError
from dfstudy.faces.finder import FaceFinder, Finder
from dfstudy.faces.jobs import NOTES, Job, plan_jobs, run_job
from dfstudy.faces.outcome import Cropped, write_lists
from dfstudy.faces.settings import FaceSettings
from dfstudy.faces.sources import Sources, list_sources
from dfstudy.system.kept import read_json
from dfstudy.system.lock import file_lock
from dfstudy.system.provenance import digest, file_digest, versions
from dfstudy.system.threads import count_cores

if TYPE_CHECKING:
    from dfstudy.study.study import Study

MARK = ".dfstudy-faces.json"


def crop_folder(
    study: Study,
    target: Path,
    settings: FaceSettings | None = None,
    finder: Finder | None = None,
    weights: str | Path = "",
    workers: int | None = None,
    progress: bool = True,
) -> Cropped:
    """Crop the faces of all videos and photographs below `study.pictures`.

    Args:
        target: a folder that is absent, empty, or made here from the same files and settings.
        finder: default `FaceFinder.load(weights)`.
        workers: threads; None takes one a core. Changes no byte.
        progress: show a bar with the time left.
    Raises:
        StudyError: the target is somebody's, the source holds nothing, no face was found at all, or as
            `read_weights` and `list_sources` say.
    """
    settings = settings or FaceSettings()
    root, target = study.pictures.resolve(), target.expanduser().resolve()
    if target == root or root in target.parents or target in root.parents:
        raise StudyError(
            f"{target} and the files in {root} lie inside one another",
            "give a folder beside it: nothing of the original is ever written over",
        )
    sources = list_sources(study)
    finder = finder or FaceFinder.load(weights, settings.score)
    key = _key(sources, settings, finder)
    target.parent.mkdir(parents=True, exist_ok=True)
    with file_lock(target.parent / fit_name(f".{target.name}", ".lock")):
        if not _is_finished(target, key):
            _refuse_foreign(target)
            partial = target.parent / fit_name(f".{target.name}", ".partial")
            _begin(partial, key)
            jobs = plan_jobs(sources.files)
            _run(jobs, root, partial, finder, settings, workers or count_cores(), progress)
            _finish(partial, target, key, jobs, sources)
        return Cropped(target, sources.others, **_read_mark(target)["done"])


def _key(sources: Sources, settings: FaceSettings, finder: Finder) -> str:
    """Changes with files, what is said of them, settings, weights, this code and its libraries."""
    code = {path.name: file_digest(path) for path in sorted(Path(__file__).parent.glob("*.py"))}
    code |= {module.__name__: file_digest(Path(module.__file__)) for module in (images, limits, png_chunks)}
    files = [list(vars(source).values()) for source in sources.files]
    libraries = versions("numpy", "opencv-python", "pillow")
    return digest([files, sources.set_aside, settings.model_dump(), finder.key, code, libraries])


def _read_mark(folder: Path) -> dict:
    try:
        return json.loads((folder / MARK).read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def _is_finished(target: Path, key: str) -> bool:
    mark, index = _read_mark(target), target / NAME
    if mark.get("key") != key or not index.is_file() or file_digest(index) != mark.get("index"):
        return False
    with index.open(encoding="utf-8", newline="") as file:
        return all((target / bare_text(row["path"])).is_file() for row in csv.DictReader(file))


def _refuse_foreign(target: Path) -> None:
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    what = "is not empty"
    if _read_mark(target):
        what = "holds crops of other files, settings or another version, or was changed since"
    raise StudyError(
        f"{target} {what}", "give a new folder, or move that one away: nothing is ever written over"
    )


def _begin(partial: Path, key: str) -> None:
    """Keep what an interrupted run of the same key left; else begin afresh."""
    if _read_mark(partial).get("key") == key:
        return
    if partial.exists():
        shutil.rmtree(partial)
    (partial / NOTES).mkdir(parents=True)
    (partial / MARK).write_text(json.dumps({"key": key}), "utf-8")


def _run(
    jobs: Sequence[Job],
    root: Path,
    partial: Path,
    finder: Finder,
    settings: FaceSettings,
    workers: int,
    progress: bool,
) -> None:
    missing = [job for job in jobs if not read_json(partial / job.note)]
    total, left = sum(job.bytes for job in jobs), sum(job.bytes for job in missing)
    look = {"desc": "cropping faces", "unit": "B", "unit_scale": True, "leave": False}
    bar = tqdm(total=total, initial=total - left, disable=not progress, **look)
    with bar, _one_thread(), ThreadPoolExecutor(workers) as pool:
        # a fake needs what was found in its original
        for wave in (0, 1):
            now = [job for job in missing if bool(job.originals) == bool(wave)]
            tasks = {pool.submit(run_job, job, root, partial, finder, settings): job for job in now}
            try:
                for task in as_completed(tasks):
                    task.result()
                    bar.update(tasks[task].bytes)
            except BaseException as error:  # Ctrl-C must not wait for the videos that were not begun
                pool.shutdown(cancel_futures=True)
                if isinstance(error, OSError):
                    raise StudyError(
                        f"{partial} cannot be written: {error.strerror}",
                        "make room, or mend the permissions; the same command goes on from here",
                    ) from None
                raise


@contextmanager
def _one_thread() -> Iterator[None]:
    """Each job has one core; OpenCV's own threads would contend for the others."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


def _finish(partial: Path, target: Path, key: str, jobs: Sequence[Job], sources: Sources) -> None:
    done = write_lists(partial, jobs, sources)
    if not done["crops"]:
        reasons = "; ".join(f"{count:,} times {reason}" for reason, count in done["reasons"].items())
        shutil.rmtree(partial)
        raise StudyError(
            f"no face could be cropped from {done['files']:,} files: {reasons}",
            "look at one of them; a smaller --score or --smallest takes fainter and smaller faces",
        )
    mark = {"key": key, "index": file_digest(partial / NAME), "done": done}
    (partial / MARK).write_text(json.dumps(mark), "utf-8")
    shutil.rmtree(partial / NOTES)
    if target.exists():
        target.rmdir()  # empty, as checked: a rename needs the place
    partial.replace(target)
