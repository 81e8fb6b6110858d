"""Write the sample's images into a folder: all of them, once, the same bytes for any number of processes.

Takes a folder and `SamplePictures`; leaves `real/`, `fake/<method>/`, `masks/<method>/` and `index.csv`
there, with a hidden mark that names the settings and the version of the renderer. Rendering goes on in a
hidden folder beside it, a person at a time, and takes the final name when all is done: what is interrupted is
continued, what is finished is left alone, what was made by other settings or another version is made anew.
Refuses a folder with anything that was not written here. Cost: about 25 ms of one core an image.
"""

from __future__ import annotations

import csv
import io
import json
import multiprocessing
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from tqdm import tqdm

from dfstudy.errors import StudyError
from dfstudy.portraits.camera import record
from dfstudy.portraits.forgery import METHODS
from dfstudy.portraits.person import draw_person, draw_shot
from dfstudy.portraits.photograph import Photograph, sit, take
from dfstudy.portraits.version import VERSION
from dfstudy.system.bound import end_with_parent
from dfstudy.system.kept import room_in
from dfstudy.system.lock import GUARD, file_lock
from dfstudy.system.provenance import OPENCV, digest, file_digest, versions
from dfstudy.system.threads import count_cores, why_no_processes

if TYPE_CHECKING:
    from dfstudy.study.pictures import SamplePictures

MARK = ".dfstudy-sample.json"
INDEX = "index.csv"
COLUMNS = ["path", "label", "method", "group", "source", "mask", "difficulty", "variant"]
OURS = re.compile(r"(real|fake/\w+|masks/\w+)/person\d{4,}_\d+\.(jpg|png)")
_DONE = ".done"  # one small table a finished person, while the rest is being rendered
_FEW = 8  # fewer people a process are rendered sooner than a process starts


def render_sample(
    folder: Path,
    settings: SamplePictures,
    progress: bool = True,
    *,
    processes: int | None = None,
    beside: Path | None = None,
) -> None:
    """Make sure that `folder` holds the sample's images.

    Args:
        folder: final place of the images; made when missing.
        progress: show a bar with the time left.
        processes: how many render side by side; None takes one a core. It changes no byte.
        beside: a folder that may hold the same sample, whose files are then copied.
    Raises:
        StudyError: the folder holds something that was not made here, or a process was ended from outside.
    """
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    key = _key(settings)
    # Two notebooks opened together both ask for the sample: one renders, the other waits.
    with file_lock(folder.parent / f".{folder.name}.lock"):
        if _is_finished(folder, key):
            return
        _refuse_foreign(folder)
        partial = folder.parent / f".{folder.name}.partial"
        with room_in(partial):
            if beside is not None and _is_finished(beside, key):
                _copy(beside, partial, folder)
                return
            _begin(partial, key)
            rows = _render_missing(partial, settings, progress, processes)
            _finish(partial, folder, key, rows)


def render_person(folder: Path, settings: SamplePictures, number: int) -> list[dict[str, str]]:
    """Render one person's real images and a fake of each; returns their rows of the index.

    Every random number comes from (settings.seed, number, frame), so no other person matters.
    """
    likeness = sit(draw_person(_generator(settings, number)))
    rows = []
    for frame in range(settings.frames):
        real = take(likeness, draw_shot(_generator(settings, number, frame, 0)), settings.size)
        name = f"person{number:04d}_{frame}"
        rows.append(_write_real(folder, name, number, real, _generator(settings, number, frame, 1)))
        chosen = list(METHODS.values())[(number * settings.frames + frame) % len(METHODS)]
        rng = _generator(settings, number, frame, 2)
        difficulty = round(float(rng.random()), 3)
        forgery = chosen.forge(likeness, real, rng, difficulty)
        path, mask = f"fake/{chosen.name}/{name}.jpg", f"masks/{chosen.name}/{name}.png"
        _write(folder / path, record(forgery.image, _generator(settings, number, frame, 3)))
        share = (np.clip(forgery.mask, 0, 1) * 255 + 0.5).astype(np.uint8)
        _write(folder / mask, cv2.imencode(".png", share)[1].tobytes())
        source = rows[-1]["path"] if chosen.has_source else ""
        fake = {"path": path, "label": "1", "method": chosen.name, "source": source, "mask": mask}
        rows.append(rows[-1] | fake | {"difficulty": str(difficulty), "variant": forgery.variant})
    return rows


def _write_real(
    folder: Path, name: str, number: int, real: Photograph, rng: np.random.Generator
) -> dict[str, str]:
    path = f"real/{name}.jpg"
    _write(folder / path, record(real.image, rng))
    group = f"person{number:04d}"
    return {"path": path, "label": "0", "method": "real", "group": group} | dict.fromkeys(COLUMNS[4:], "")


def _generator(settings: SamplePictures, *numbers: int) -> np.random.Generator:
    return np.random.default_rng([settings.seed, *numbers])


def _key(settings: SamplePictures) -> str:
    """Changes with the settings, the renderer's version and the libraries that compute pixels."""
    return digest([settings.model_dump(), VERSION, versions("numpy", "scipy", *OPENCV)])


def _is_finished(folder: Path, key: str) -> bool:
    mark = _read_mark(folder)
    if (
        mark.get("key") != key
        or not (folder / INDEX).is_file()
        or file_digest(folder / INDEX) != mark["index"]
    ):
        return False
    files = [folder / path for path in _listed(folder)]
    return all(file.is_file() and file.stat().st_size for file in files)


def _read_mark(folder: Path) -> dict[str, str]:
    try:
        return json.loads((folder / MARK).read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def _listed(folder: Path) -> Iterator[str]:
    with (folder / INDEX).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield row["path"]
            if row["mask"]:
                yield row["mask"]


def _refuse_foreign(folder: Path) -> None:
    """The folder will be replaced: nothing in it may be somebody else's, not even one file."""
    if not folder.exists():
        return
    hint = f"move it away, or give another place for the results: OUT=folder (rendered into {folder})"
    if not folder.is_dir():
        raise StudyError(f"{folder} is a file, where the rendered images belong", hint)
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    mark = _read_mark(folder)
    if mark and INDEX in present and file_digest(folder / INDEX) != mark["index"]:
        raise StudyError(f"{folder / INDEX} was changed after it was written", hint)
    own = {MARK, INDEX, *(_listed(folder) if mark and INDEX in present else ())} if mark else set()
    if not mark and MARK in present:  # damaged, as after a power cut
        own = {MARK, INDEX, *filter(OURS.fullmatch, present)}
    foreign = sorted(present - own)
    if foreign:
        raise StudyError(f"{folder} holds {foreign[0]}, which the sample's rendering did not write", hint)


def _begin(partial: Path, key: str) -> None:
    """Keep what an interrupted rendering of the same key left; else begin afresh."""
    if _read_mark(partial).get("key") == key:
        return
    if partial.exists():
        shutil.rmtree(partial)
    for kind in ("real", _DONE, *(f"{part}/{name}" for part in ("fake", "masks") for name in METHODS)):
        (partial / kind).mkdir(parents=True)
    _write(partial / MARK, json.dumps({"key": key}).encode())


def _render_missing(
    partial: Path, settings: SamplePictures, progress: bool, processes: int | None
) -> list[dict[str, str]]:
    done = {int(path.stem) for path in (partial / _DONE).glob("*.json") if path.stat().st_size}
    missing = [number for number in range(settings.identities) if number not in done]
    processes = min(processes or count_cores(), max(1, len(missing) // _FEW))
    if processes > 1 and (refusal := why_no_processes("spawn")):
        processes = 1  # the same bytes, in more time
        tqdm.write(f"the sample is rendered on one core: no processes ({refusal})", file=sys.stderr)
    each = 2 * settings.frames
    every, ready = settings.identities * each, len(done) * each
    name = "rendering the sample"
    with tqdm(total=every, initial=ready, desc=name, unit="", disable=not progress, leave=False) as bar:
        for _ in _run(partial, settings, missing, processes):
            bar.update(each)
    tables = [
        json.loads((partial / _DONE / f"{n}.json").read_text("utf-8")) for n in range(settings.identities)
    ]
    return sorted((row for table in tables for row in table), key=lambda row: row["path"])


def _run(partial: Path, settings: SamplePictures, missing: list[int], processes: int) -> Iterable[None]:
    if processes == 1:
        with _one_thread():
            for number in missing:
                _render_and_note(partial, settings, number)
                yield None
        return
    # Spawned, not forked: a notebook's kernel has threads, and a fork of it may hang.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_begin_process)
    try:
        for task in as_completed([pool.submit(_render_and_note, partial, settings, n) for n in missing]):
            yield task.result()
    except BrokenProcessPool:
        raise StudyError(
            "a process that renders the sample was ended from outside, or could not start",
            f"run the same again, it goes on where it stopped ({GUARD})",
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _begin_process() -> None:
    cv2.setNumThreads(0)
    end_with_parent()


def _render_and_note(partial: Path, settings: SamplePictures, number: int) -> None:
    rows = render_person(partial, settings, number)
    note = partial / _DONE / f"{number}.json"
    _write(note.with_suffix(".tmp"), json.dumps(rows).encode())
    note.with_suffix(".tmp").replace(note)  # last: a person counts as done when every file is there


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = cv2.getNumThreads()
    cv2.setNumThreads(0)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


def _finish(partial: Path, folder: Path, key: str, rows: list[dict[str, str]]) -> None:
    table = io.StringIO()
    writer = csv.DictWriter(table, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    _write(partial / INDEX, table.getvalue().encode())
    _write(partial / MARK, json.dumps({"key": key, "index": file_digest(partial / INDEX)}).encode())
    shutil.rmtree(partial / _DONE)
    _put_in_place(partial, folder)


def _copy(beside: Path, partial: Path, folder: Path) -> None:
    if partial.exists():
        shutil.rmtree(partial)
    shutil.copytree(beside, partial)
    _put_in_place(partial, folder)


def _put_in_place(partial: Path, folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    partial.replace(folder)


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
