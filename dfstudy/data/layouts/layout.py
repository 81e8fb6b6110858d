"""What a layout is: a known way in which a set of images lies in folders.

A layout takes `Files`, what lies below a study's root, and gives a `Reading`: one row an image, and the
words of the line that confirms it; or None where it does not know the folder. It refuses nothing but a
side file that is damaged. An image that it cannot place keeps a row, with the reason in `error`.
Cost: one look at each folder; at each image only where file names carry the video's name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import pandas as pd

from dfstudy.data.layouts.names import COLUMNS
from dfstudy.errors import StudyError
from dfstudy.system.file_kind import no_file
from dfstudy.system.kept import parse_json

if TYPE_CHECKING:
    from dfstudy.study.study import Study


@dataclass(frozen=True)
class Files:
    """What lies below a study's root, all paths posix and relative to it.

    Attributes:
        pictures: sorted.
        side_files: files that end in one of `endings.DESCRIPTIONS`, sorted.
    """

    study: Study
    pictures: Sequence[str]
    side_files: Sequence[str] = ()

    @cached_property
    def folders(self) -> list[str]:
        """The folder of each image, `` for the root."""
        return [path.rpartition("/")[0] for path in self.pictures]

    @cached_property
    def words(self) -> set[str]:
        """Every folder name on the way to an image, in lower case."""
        return {part.lower() for folder in set(self.folders) for part in folder.split("/")}

    def named(self, *names: str) -> list[str]:
        """Side files that are called so, in any case."""
        return [file for file in self.side_files if file.rpartition("/")[2].lower() in names]

    def text(self, file: str) -> str:
        """Content of a side file.

        Raises:
            StudyError: it cannot be read, or is no UTF-8.
        """
        path = self.study.pictures / file
        try:
            if kind := no_file(path):
                raise StudyError(f"{path} is no file but {kind}", "move it away")
            return path.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise StudyError(f"{path} cannot be read: {error}", "save it as UTF-8 text") from None

    def json(self, file: str) -> Any:
        """Content of a JSON file.

        Raises:
            StudyError: it is no JSON.
        """
        try:
            return parse_json(self.text(file))
        except ValueError as error:
            path = self.study.pictures / file
            raise StudyError(f"{path} is no JSON: {error}", "fetch the file again, or move it away") from None


class Place(NamedTuple):
    """What one image is; `video` names the clip that it is a frame of, `` where it is none."""

    label: int | None
    method: str
    group: str
    video: str = ""
    given_split: str = ""
    error: str = ""


class Reading(NamedTuple):
    """How a layout read a folder.

    Attributes:
        layout: its name.
        rows: one row an image, columns `names.COLUMNS`.
        videos: clips among the rows that can be used; 0 where they are no frames.
        splits: where given splits come from, such as `official splits`.
        groups: what makes a group, such as `pairs of videos`.
        note: what the reader must know, such as a leak that groups cannot stop.
    """

    layout: str
    rows: pd.DataFrame
    videos: int
    splits: str
    groups: str
    note: str = ""

    @property
    def line(self) -> str:
        """One line that confirms what was recognised."""
        pictures = int((self.rows["error"] == "").sum())
        counts = [f"{pictures:,} image{'s' * (pictures != 1)}"]
        counts += [f"{self.videos:,} video{'s' * (self.videos != 1)}"] * bool(self.videos)
        note = f"; {self.note}" if self.note else ""
        return f"layout: {self.layout} ({', '.join([*counts, self.splits])}; groups: {self.groups}{note})"


class Layout(Protocol):
    """One known layout: a module of this package with a class of its own."""

    name: str

    def read(self, files: Files) -> Reading | None:
        """Rows of the folder, or None where it is laid out in another way."""
        ...


def place_pictures(files: Files, place: Callable[[list[str]], Place | None], reason: str) -> list[Place]:
    """The place of each image: from its folder where that says enough, else with its own name.

    Args:
        place: parts of a path -> its place, None where these parts do not say.
        reason: error of images that have no place.
    """
    by_folder = {folder: place(folder.split("/")) for folder in dict.fromkeys(files.folders)}
    nowhere = Place(None, "", "", error=reason)
    return [
        by_folder[folder] or place(path.split("/")) or nowhere
        for path, folder in zip(files.pictures, files.folders, strict=True)
    ]


def tabulate(paths: Sequence[str], places: Sequence[Place]) -> pd.DataFrame:
    """Rows of images and their places; a place without a group makes the image its own.

    A video's name holds its method, because methods give their fakes the same names.
    """
    table = pd.DataFrame(places, columns=Place._fields).assign(path=list(paths))
    table["video"] = (table["method"] + "/" + table["video"]).where(table["video"] != "", "")
    table["label"] = table["label"].astype("Int8")
    table["group"] = table["group"].where(table["group"] != "", table["path"])
    return table[COLUMNS]


def count_videos(places: Sequence[Place]) -> int:
    """Different clips among the places that can be used; methods give their fakes the same names."""
    return len({(place.method, place.video) for place in places if place.video and not place.error})
