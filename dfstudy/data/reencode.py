"""All images of a set written alike: one format and quality, one size, sRGB, no metadata.

Takes a study's images; gives a new folder with the same subfolders, an `index.csv` that carries label,
method, group, split, pipeline and all further columns over (masks would no longer lie on their images), and
`not_written.csv` with what was left out and why. An image is cut to the square in its middle and reduced to
the common side; none is enlarged, which would show as blur, so a smaller one is left out and listed. Refused:
a target inside the source (or around it), one that holds anything.
Nothing is seen of a target until it is whole. It cannot undo what lies in the pixels: compression before,
blur, bars. Cost: 3 ms a 256 px image and core.
"""

from __future__ import annotations

import errno
import io
import json
import shlex
import tempfile
from collections import Counter
from dataclasses import dataclass
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np
import pandas as pd
from PIL import Image, ImageCms

from dfstudy.data import images
from dfstudy.data.columns import NOTES, SPLIT, TABLE
from dfstudy.data.index import index_study
from dfstudy.data.index_csv import NAME
from dfstudy.data.layouts.names import CLASS_NAMES
from dfstudy.data.names import fit_path
from dfstudy.data.tables import as_text
from dfstudy.errors import StudyError
from dfstudy.system.kept import FULL, no_room, room_in
from dfstudy.system.threads import map_in_order

if TYPE_CHECKING:
    from dfstudy.study.study import Study

NOT_WRITTEN = "not_written.csv"
SMALLEST = 64  # pixels of a side; a smaller one shows no face worth judging
SUFFIX = {"jpeg": ".jpg", "png": ".png"}

Kind = Literal["jpeg", "png"]


@dataclass(frozen=True)
class Alike:
    """How every image is written.

    Attributes:
        side: width and height, pixels.
        kind: `jpeg` (4:4:4, so that colour keeps its detail) or `png`.
        quality: of JPEG, 1..100.
    """

    side: int
    kind: Kind = "jpeg"
    quality: int = 95


@dataclass(frozen=True)
class Reencoded:
    """What `reencode` did: the target, how images were written, how many, and what was left out."""

    target: Path
    alike: Alike
    written: int
    left_out: pd.DataFrame  # path, reason


def reencode(
    study: Study, target: Path, side: int = 0, kind: Kind = "jpeg", quality: int = 95, progress: bool = True
) -> Reencoded:
    """Write every usable image of a study alike.

    Args:
        target: a folder that is absent or empty.
        side: pixels; 0 takes the shorter side of the smallest image (of `SMALLEST` px or more).
        progress: show a bar with the time left.
    Raises:
        StudyError: the target holds something, or lies inside the images; no image is large enough.
    """
    if side < 0:
        raise StudyError(f"a side of {side} px holds no image", "give --size 224, or leave it out")
    target = target.expanduser().resolve()
    _check_target(study.pictures.resolve(), target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".reencode-", dir=target.parent) as scratch:
        rows = index_study(study.model_copy(update={"out": Path(scratch) / "results"}), progress=progress)
        alike = Alike(side or _common_side(study, rows), kind, quality)
        good, left_out = _usable(study, rows, alike)
        good["target"] = _names(good["path"].tolist(), SUFFIX[kind])
        folder = Path(scratch) / "pictures"
        pairs = list(zip(good["path"], good["target"], strict=True))
        reasons = map_in_order(
            lambda pair: _write(study.pictures / pair[0], folder / pair[1], alike),
            pairs,
            "writing images",
            progress,
        )
        failed = pd.DataFrame({"path": good["path"], "reason": reasons})
        left_out = pd.concat([left_out, failed[failed["reason"] != ""]]).sort_values("path")
        good = good[[not reason for reason in reasons]]
        with room_in(folder):
            _write_lists(folder, good, left_out)
        if target.exists():
            target.rmdir()  # empty, as checked: a rename needs the place
        folder.replace(target)
    return Reencoded(target, alike, len(good), left_out.reset_index(drop=True))


def summarise(done: Reencoded) -> str:
    """What was written, what was left out and why, and the next step."""
    alike = done.alike
    how = f"JPEG of quality {alike.quality}" if alike.kind == "jpeg" else "PNG"
    lines = [f"{done.written:,} images written as {how}, {alike.side} x {alike.side} px, without metadata"]
    if len(done.left_out):
        lines.append(f"{len(done.left_out):,} are left out, listed in {done.target / NOT_WRITTEN}:")
        counts = done.left_out["reason"].value_counts()
        lines += [f"  {count:>6,}  {reason}" for reason, count in counts.items()]
    return "\n".join([*lines, f"next step: make report DATA={shlex.quote(str(done.target))}"])


def _check_target(source: Path, target: Path) -> None:
    if target == source or source in target.parents or target in source.parents:
        raise StudyError(
            f"{target} and the images in {source} lie inside one another",
            "give a folder beside it: nothing of the original is ever written over",
        )
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise StudyError(f"{target} is not empty", "give a new folder: nothing is ever written over")


def _common_side(study: Study, rows: pd.DataFrame) -> int:
    shorter = rows.loc[rows["error"] == "", ["width", "height"]].min(axis=1)
    large = shorter[shorter >= SMALLEST]
    if large.empty:
        raise StudyError(
            f"{study.pictures}: no image is {SMALLEST} px wide and high", "give a smaller --size"
        )
    return int(large.min())


def _usable(study: Study, rows: pd.DataFrame, alike: Alike) -> tuple[pd.DataFrame, pd.DataFrame]:
    small = (rows["error"] == "") & (rows[["width", "height"]].min(axis=1) < alike.side)
    reason = rows["error"].where(~small, f"smaller than {alike.side} px, and nothing is enlarged")
    left_out = pd.DataFrame({"path": rows["path"], "reason": reason})[reason != ""]
    good = rows[reason == ""].reset_index(drop=True)
    lacking = [name for label, name in CLASS_NAMES.items() if not (good["label"] == label).any()]
    if lacking:
        raise StudyError(
            f"{study.pictures}: no {lacking[0]} image is {alike.side} px wide and high",
            "give a smaller --size",
        )
    return good, left_out


def _names(paths: list[str], suffix: str) -> list[str]:
    """Each path with the new suffix; where that makes two alike, the old suffix stays in the name."""
    plain = [fit_path(str(PurePosixPath(path).with_suffix("")), suffix) for path in paths]
    # lower case: some file systems do not tell A.jpg from a.jpg
    counts = Counter(name.lower() for name in plain)
    names = [
        name if counts[name.lower()] == 1 else fit_path(path, suffix)
        for name, path in zip(plain, paths, strict=True)
    ]
    taken: set[str] = set()
    for at in range(len(names)):
        while names[at].lower() in taken:
            names[at] = fit_path(names[at].removesuffix(suffix), f"-2{suffix}")
        taken.add(names[at].lower())
    return names


def _write(source: Path, target: Path, alike: Alike) -> str:
    """Write one image; the reason where it cannot be read, or has a name that cannot be written."""
    try:
        data = images.read_bytes(source)
        picture = _to_srgb(data, images.decode(data)[0])
    except images.PictureError as error:
        return error.reason
    shorter = min(picture.shape[:2])
    top, left = ((length - shorter) // 2 for length in picture.shape[:2])
    picture = picture[top : top + shorter, left : left + shorter]
    if shorter != alike.side:
        picture = cv2.resize(picture, (alike.side, alike.side), interpolation=cv2.INTER_AREA)
    image, written = Image.fromarray(np.ascontiguousarray(picture)), io.BytesIO()
    if alike.kind == "png":
        image.save(written, "PNG")
    else:
        image.save(written, "JPEG", quality=alike.quality, subsampling="4:4:4")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(written.getbuffer())
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:  # the whole path: names are kept short before
            return "the path is too long in the new folder"
        if error.errno in FULL:
            raise no_room(target, len(written.getbuffer())) from None
        raise StudyError(
            f"{target.parent} cannot be written: {error.strerror}", "mend the permissions"
        ) from None
    return ""


def _to_srgb(data: bytes, picture: np.ndarray) -> np.ndarray:
    """Colours of an image with a profile of its own, such as a telephone's, as sRGB shows them."""
    with images.open_image(data) as image:
        profile, mode = image.info.get("icc_profile"), image.mode
    if not profile or mode not in ("RGB", "RGBA"):
        return picture
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if own.profile.xcolor_space.strip() != "RGB":
            return picture
        srgb = ImageCms.createProfile("sRGB")
        return np.asarray(ImageCms.profileToProfile(Image.fromarray(picture), own, srgb))
    except (ImageCms.PyCMSError, OSError):  # a damaged profile says nothing about the colours
        return picture


def _further(good: pd.DataFrame) -> dict[str, list[str]]:
    """The columns that `index.csv` has beside those that dfstudy knows."""
    notes = [json.loads(note or "{}") for note in good[NOTES]]
    names = dict.fromkeys(chain.from_iterable(notes))
    return {name: [note.get(name, "") for note in notes] for name in names}


def _write_lists(folder: Path, good: pd.DataFrame, left_out: pd.DataFrame) -> None:
    listed = pd.DataFrame(
        {
            "path": good["target"],
            "label": good["label"].astype(int).map(CLASS_NAMES),
            "method": good["method"],
            # where nothing named groups, an image's group is its own path
            "group": good["group"].where(good["group"] != good["path"], good["target"]),
            "video": good["video"],
            SPLIT: good["given_split"],
            **{name: good[name] for name in TABLE},
            **_further(good),
        }
    )
    folder.mkdir(exist_ok=True)
    for table, name in ((listed, NAME), (left_out, NOT_WRITTEN)):
        safe = table.map(lambda cell: as_text(cell) if isinstance(cell, str) else cell)
        safe.to_csv(folder / name, index=False, lineterminator="\n")
