"""One job of a folder's work: a video, or a handful of photographs, from file to crops on disk.

Takes sources and a folder; writes the crops and, last, a note with the rows: a job counts as done when every
file of it is there. A file that cannot be used is a row with the reason, never the end of the work.
Cost: as `scene`, and 6 ms a PNG of 256 px.
"""

from __future__ import annotations

import base64
import errno
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2

from dfstudy.data import images
from dfstudy.data.layouts.names import FAKE
from dfstudy.data.names import fit_path
from dfstudy.faces.clips import read_facts
from dfstudy.faces.containers import ClipError
from dfstudy.faces.reuse_boxes import borrow_in_clip, borrow_in_picture
from dfstudy.faces.scene import FaceCrop, FaceSpot, FoundFaces, Missed, faces_in_clip, faces_in_picture
from dfstudy.faces.sheet import MOST, draw_example
from dfstudy.faces.table import aside_row, crop_row, spot_of
from dfstudy.faces.unchanged import is_unchanged

if TYPE_CHECKING:
    from dfstudy.faces.finder import Finder
    from dfstudy.faces.settings import FaceSettings
    from dfstudy.faces.sources import Source

NOTES = ".done"
UNCHANGED = "unchanged: it shows what its original shows"
TOGETHER = 32  # photographs a job
SUFFIX = {"png": ".png", "jpeg": ".jpg"}


@dataclass(frozen=True)
class Job:
    """Sources of one note, which is called by the number of the first.

    `originals` tells for an original's path the number of the job that crops it.
    """

    number: int
    sources: tuple[Source, ...]
    shown: frozenset[str] = frozenset()  # paths that the contact sheet shows
    originals: Mapping[str, int] = field(default_factory=dict)

    @property
    def note(self) -> str:
        """File below the folder of the work."""
        return f"{NOTES}/{self.number}.json"

    @property
    def bytes(self) -> int:
        """Size of all sources."""
        return sum(source.bytes for source in self.sources)


def plan_jobs(files: Sequence[Source]) -> list[Job]:
    """Jobs: a video each, then photographs some together."""
    shown = {files[at * len(files) // min(MOST, len(files))].path for at in range(min(MOST, len(files)))}
    number = {source.path: at for at, source in enumerate(files)}
    jobs = [[source] for source in files if source.is_clip]
    for borrows in (False, True):  # an original is no part of a job that needs it
        pictures = [one for one in files if not one.is_clip and (one.original in number) == borrows]
        jobs += [pictures[at : at + TOGETHER] for at in range(0, len(pictures), TOGETHER)]
    holder = {source.path: number[job[0].path] for job in jobs for source in job}
    return [
        Job(
            number[job[0].path],
            tuple(job),
            frozenset(source.path for source in job if source.path in shown),
            {source.original: holder[source.original] for source in job if source.original in holder},
        )
        for job in jobs
    ]


def run_job(job: Job, root: Path, folder: Path, finder: Finder, settings: FaceSettings) -> None:
    """Crop the sources of one job into `folder` and leave its note there."""
    note: dict[str, list[Any]] = {"rows": [], "aside": [], "examples": []}
    for source in job.sources:
        originals = _original_rows(source, job, folder)
        found = _find(source, root, finder, settings, list(map(spot_of, originals)))
        if source.label == FAKE:
            _keep_forged(found, source, originals, folder)
        rows = _write_all(source, found, folder, settings)
        note["rows"] += rows
        note["aside"] += [aside_row(source.path, missed) for missed in found.missed]
        if source.path in job.shown and found.example is not None:
            frame, picture = found.example
            here = [crop for crop in found.crops if crop.spot.frame == frame]
            said = f"{len(rows)} crop{'s' * (len(rows) != 1)}"
            drawn = base64.b64encode(draw_example(picture, here)).decode()
            note["examples"].append([drawn, source.path, said + ", boxes of its original" * found.borrowed])
    file = folder / job.note
    file.with_suffix(".tmp").write_text(json.dumps(note), "utf-8")
    file.with_suffix(".tmp").replace(file)


def read_note(folder: Path, number: int) -> dict[str, list[Any]]:
    """What `run_job` wrote down: rows, rows excluded, examples (base64 JPEG, source, words)."""
    return json.loads((folder / NOTES / f"{number}.json").read_text("utf-8"))


def _original_rows(source: Source, job: Job, folder: Path) -> list[dict[str, str]]:
    if source.original not in job.originals:
        return []
    rows = read_note(folder, job.originals[source.original])["rows"]
    return [row for row in rows if row["source"] == source.original]


def _keep_forged(
    found: FoundFaces, source: Source, originals: Sequence[dict[str, str]], folder: Path
) -> None:
    """Take out crops of a fake that show what the original shows; where nobody can tell, say so."""
    if not found.borrowed:
        if found.people > 1 and found.crops:
            why = "the original's places do not fit" if originals else "its original is not in the folder"
            found.missed.append(
                Missed(f"not known which of several faces is forged: {found.people} people, and {why}")
            )
        return
    files = {(row["frame"], row["face"]): row["path"] for row in originals}
    forged = []
    for crop in found.crops:
        spot = crop.spot
        file = files.get(("" if spot.frame is None else str(spot.frame), str(spot.number)))
        if file and is_unchanged(crop.pixels, images.read_picture(folder / file)):
            found.missed.append(
                Missed("unchanged: it shows what its original shows", spot.frame, spot.seconds)
            )
        else:
            forged.append(crop)
    if found.crops and not forged:
        found.missed.append(Missed("no face cropped of it is forged: try --keep all, for the others in it"))
    found.crops = forged


def _find(
    source: Source, root: Path, finder: Finder, settings: FaceSettings, spots: Sequence[FaceSpot]
) -> FoundFaces:
    path = root / source.path
    try:
        if source.is_clip:
            facts = read_facts(path)
            found = borrow_in_clip(path, spots, finder, settings, facts) if spots else ""
            own = found if isinstance(found, FoundFaces) else faces_in_clip(path, finder, settings, facts)
        else:
            picture = images.read_picture(path)
            found = borrow_in_picture(picture, spots, finder, settings) if spots else ""
            own = found if isinstance(found, FoundFaces) else faces_in_picture(picture, finder, settings)
        if isinstance(found, str) and found:
            own.missed.insert(0, Missed(f"boxes of its original are not used: {found}"))
        return own
    except (ClipError, images.PictureError) as error:
        return FoundFaces(missed=[Missed(error.reason)])
    except cv2.error as error:  # a stranger's file must not end the work on all others
        return FoundFaces(missed=[Missed(f"OpenCV cannot process it: {getattr(error, 'err', '') or error}")])


def _write_all(
    source: Source, found: FoundFaces, folder: Path, settings: FaceSettings
) -> list[dict[str, str]]:
    """Rows of the crops that are written; one whose path is too long is missed, and the others are not."""
    rows = []
    for crop in found.crops:
        try:
            rows.append(_write(source, crop, folder, found.borrowed, settings))
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
            reason = "the path is too long in the new folder"
            found.missed.append(Missed(reason, crop.spot.frame, crop.spot.seconds))
    return rows


def _write(
    source: Source, crop: FaceCrop, folder: Path, borrowed: bool, settings: FaceSettings
) -> dict[str, str]:
    number = f"_face{crop.spot.number}" if crop.spot.number > 1 else ""
    frame = f"/{crop.spot.frame:06d}" if crop.spot.frame is not None else ""
    path = fit_path(f"{source.name}{frame}", f"{number}{SUFFIX[settings.kind]}")
    options = []
    if settings.kind == "jpeg":
        options = [cv2.IMWRITE_JPEG_QUALITY, settings.quality]
        options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    good, data = cv2.imencode(SUFFIX[settings.kind], crop.pixels[..., ::-1], options)
    if not good:
        raise ValueError(f"{path} cannot be encoded")
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data.tobytes())
    return crop_row(source, crop, path, borrowed)
