"""Class folders: label, method, group and given split from the names of folders in any depth.

Takes the paths below a root; gives rows as `Layout` says. Names are matched as whole folder names, in any
case, below the root and never above it; of two that say a class, the one nearest the image decides. What
else a name may say stands in `splits` (given splits) and `videos` (groups and methods). Refuses, naming the
folders and the lines of YAML that mend it, an image whose folders say neither real nor fake, and a set of
which some parts bear a split's name and others do not.
Cost: one look at each folder, and one at each image's name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Set
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from dfstudy.data.endings import is_clip
from dfstudy.data.layouts.layout import Files, Reading
from dfstudy.data.layouts.levels import Spot, is_bare, is_container
from dfstudy.data.layouts.names import FAKE, FAKE_WORDS, REAL, build_aliases
from dfstudy.data.layouts.splits import EVAL, read_name, split_pictures
from dfstudy.data.layouts.unknown import unknown_folders
from dfstudy.data.layouts.videos import find_videos
from dfstudy.errors import StudyError

if TYPE_CHECKING:
    from dfstudy.study.study import Study

_NUMBERED = {"0_real", "1_fake"}


class FolderMeaning(NamedTuple):
    """What the names along one folder's path say; label None where they say nothing.

    `given_split` is `train`, `val`, `test`, or `eval`, which the set's other splits decide (`splits.settle`).
    """

    label: int | None
    method: str
    given_split: str


class ClassFolders:
    """Folders called real and fake, or as the study's aliases say."""

    name = "class folders"

    def read(self, files: Files) -> Reading:
        """Rows of all images.

        Raises:
            StudyError: as `read_folders`.
        """
        rows, taken, notes = _read(files)
        given = [name for name in ("train", "val", "test") if (rows["given_split"] == name).any()]
        splits = f"given: {', '.join(given)}" if given else "no splits given"
        splits += ", which is split here" if len(given) == 1 else ""
        return Reading(self.name, rows, 0, splits, taken or "none named", "; ".join(notes))


def read_folders(study: Study, paths: list[str]) -> pd.DataFrame:
    """One row an image, from the names of its folders.

    Args:
        paths: posix, relative to `study.pictures`.
    Raises:
        StudyError: a folder says neither real nor fake, or names two splits; or some of the set's parts bear
            a split's name and others do not.
    """
    return _read(Files(study, paths))[0]


def _read(files: Files) -> tuple[pd.DataFrame, str, list[str]]:
    """Rows, what makes groups, and what else a reader must know."""
    aliases = build_aliases(files.study.data.aliases)
    paths, folders = list(files.pictures), files.folders
    counts = Counter(folders)
    meanings = {folder: read_meaning(folder, aliases) for folder in counts}
    if any(meaning.label is None for meaning in meanings.values()):
        labels = {folder: meaning.label for folder, meaning in meanings.items()}
        raise unknown_folders(files, counts, labels)
    named = {folder: meaning.given_split for folder, meaning in meanings.items()}
    splits = split_pictures(counts, named, str(files.study.pictures))
    pictures: dict[str, list[str]] = {folder: [] for folder in counts}
    places = []
    for path, folder in zip(paths, folders, strict=True):
        places.append(len(pictures[folder]))
        pictures[folder].append(path[len(folder) + bool(folder) :].rpartition(".")[0])
    # A video file is no frame: its name, and the folder of many, say who is shown only where a layout knows.
    clips = any(map(is_clip, paths))
    # beside 2_fake, 1_fake is the name of a video
    numbered = _NUMBERED if {"2_real", "2_fake"} & files.words else set()
    spots = [
        _spot(folder, meanings[folder], splits[folder], aliases, numbered, [] if clips else names)
        for folder, names in pictures.items()
    ]
    found = find_videos(spots)
    at = {folder: place for place, folder in enumerate(pictures)}
    groups = [
        "" if clips else found.groups[at[folder]][place]
        for folder, place in zip(folders, places, strict=True)
    ]
    table = pd.DataFrame(
        {
            "path": paths,
            "label": pd.array([meanings[folder].label for folder in folders], dtype="Int8"),
            "method": [found.methods[at[folder]] for folder in folders],
            "group": [group or path for group, path in zip(groups, paths, strict=True)],
            "video": "",
            "given_split": [splits[folder] for folder in folders],
            "error": "",
        }
    )
    return table, "" if clips else found.taken, [*_nearer(counts, aliases), *found.unsure]


def read_meaning(folder: str, aliases: Mapping[str, int]) -> FolderMeaning:
    """Read one folder's path, such as `Train/Fake/stylegan`.

    The folder nearest the image decides between real and fake: a method's or a model's folder holds both.
    The method of a fake is the first name, from the first folder that says fake on, that says more than
    `fake` or a split: the class folder itself, or a folder below one of the general names; else `fake`.
    """
    parts = [part for part in folder.split("/") if part]
    said = [read_name(part, aliases) for part in parts]
    splits = {name.split: part for part, name in zip(parts, said, strict=True) if name.split}
    if "test" in splits:  # test/eval is one place
        splits.pop(EVAL, None)
    if len(splits) > 1:
        raise StudyError(
            f"the path '{folder}' names two splits: {' and '.join(part.lower() for part in splits.values())}",
            "rename one of the folders, or list the images in index.csv with columns path,label,split",
        )
    given_split = next(iter(splits), "")
    labels = [name.label for name in said if name.label is not None]
    if not labels:
        return FolderMeaning(None, "", given_split)
    if labels[-1] == REAL:
        return FolderMeaning(REAL, "real", given_split)
    below = _specific(parts, aliases)
    return FolderMeaning(FAKE, below[0] if below else "fake", given_split)


def _specific(parts: list[str], aliases: Mapping[str, int]) -> list[str]:
    """Names from the first folder that says fake on, but for those that say only fake, real or a split."""
    said = [read_name(part, aliases) for part in parts]
    first = next(at for at, name in enumerate(said) if name.label == FAKE)
    return [
        part
        for part, name in zip(parts[first:], said[first:], strict=True)
        if not name.split and part.lower() not in FAKE_WORDS and (name.label != REAL)
    ]


def _spot(
    folder: str,
    meaning: FolderMeaning,
    split: str,
    aliases: Mapping[str, int],
    numbered: Set[str],
    pictures: list[str],
) -> Spot:
    """A folder as `find_videos` takes it; `numbered` names below a class folder are no class folders."""
    parts = [part for part in folder.split("/") if part]
    said = [read_name(part, aliases) for part in parts]
    classes = [at for at, name in enumerate(said) if name.label is not None]
    classes = classes[:1] + [at for at in classes[1:] if parts[at].lower() not in numbered]
    nearest = classes[-1]
    levels = tuple(
        part for part, name in zip(parts[nearest + 1 :], said[nearest + 1 :], strict=True) if not name.split
    )
    between = [
        part
        for part, name in zip(parts[classes[0] : nearest + 1], said[classes[0] : nearest + 1], strict=True)
        if not name.split and name.label != REAL and part.lower() not in FAKE_WORDS
    ]
    over = tuple(
        part
        for part, name in zip(parts[: classes[0]], said[: classes[0]], strict=True)
        if not name.split and not is_container(part)
    )
    above = tuple(part for part in between if is_bare(part))
    methods = [part for part in between if not is_bare(part)] if meaning.label == FAKE else []
    return Spot(int(meaning.label or 0), split, methods[0] if methods else "", levels, over, above, pictures)


def _nearer(folders: Mapping[str, int], aliases: Mapping[str, int]) -> list[str]:
    """What is said where two folders of one path disagree about the class."""
    pictures, example = 0, ""
    for folder, count in folders.items():
        said = [read_name(part, aliases).label for part in folder.split("/")]
        if len({label for label in said if label is not None}) > 1:
            pictures += count
            example = example or folder
    if not pictures:
        return []
    return [f"{pictures:,} images are below real and fake, as in {example}: the nearer folder decides"]
