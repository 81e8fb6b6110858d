"""What is said of folders and words that mean neither real nor fake.

Takes the folders of a set and the labels that their names give; gives the error that lists them, names what
is missing, and shows the lines of a study file that mend it. It never guesses: a name stands on a side of
those lines only where the whole name is known. Cost: none.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from dfstudy.data.layouts.names import METHOD_NAMES, SOURCE_NAMES, whole_name
from dfstudy.data.layouts.splits import folders_above, read_name
from dfstudy.errors import StudyError
from dfstudy.study.study import STUDIES, Study

if TYPE_CHECKING:
    from dfstudy.data.layouts.layout import Files

_SHOWN = 20
_DFDC_PART = re.compile(r"dfdc_train_part_\d+|train_sample_videos|test_videos")
_DFDC_VIDEO = re.compile(r"[a-z]{10}(\.mp4)?")


def unknown_folders(
    files: Files, pictures: Mapping[str, int], meanings: Mapping[str, int | None]
) -> StudyError:
    """The folders that say neither real nor fake, and the next step.

    Args:
        pictures: folder -> images in it.
        meanings: folder -> label, None where its names say nothing.
    """
    known = {
        prefix for folder, label in meanings.items() if label is not None for prefix in folders_above(folder)
    }
    names: Counter = Counter()
    loose: Counter = Counter()
    for folder, label in meanings.items():
        if label is None:
            name = _class_folder(folder, known)
            (names if name else loose)[name or folder] += pictures[folder]
    lines = [f"  {name}: {count:,} images" for name, count in sorted(names.items())]
    lines += [
        f"  directly in {folder or 'the folder'}: {count:,} images" for folder, count in sorted(loose.items())
    ]
    lines = lines[:_SHOWN] + ([f"  and {len(lines) - _SHOWN:,} more folders"] if len(lines) > _SHOWN else [])
    message = f"{files.study.pictures}: these say neither real nor fake:\n" + "\n".join(lines)
    message += _missing_lists(files)
    if names:
        return StudyError(message, alias_hint(files.study, sorted(names)[:_SHOWN]))
    hint = "move them into folders called real and fake, or list them in index.csv (path,label)"
    left_out = sorted(folder for folder in loose if folder)[:_SHOWN]
    if left_out:
        hint += f"; to leave them out, {_two_lines(files.study, 'exclude', _json(left_out))}"
    return StudyError(message, hint)


def _missing_lists(files: Files) -> str:
    """A sentence where images bear names of a set whose labels stand in a file that is not there."""
    if files.named("metadata.json"):
        return ""
    folders = {part for folder in set(files.folders) for part in folder.split("/")}
    videos = [name for name in folders if _DFDC_VIDEO.fullmatch(name)]
    if not any(_DFDC_PART.fullmatch(name.lower()) for name in folders) and 2 * len(videos) <= len(folders):
        return ""
    return "\nthey bear names of DFDC, whose labels are in metadata.json, and no metadata.json lies there"


def _class_folder(folder: str, known: set[str]) -> str:
    """Name of the first folder that could be the class: no split, and no labelled image below it."""
    for prefix in folders_above(folder):
        name = prefix.rpartition("/")[2]
        if prefix not in known and not read_name(name, {}).split:
            return name
    return ""


def alias_hint(study: Study, names: Iterable[str]) -> str:
    """The two lines of YAML that give `names` a label, and where they belong.

    A name stands on a side only where all of it is the name of a known generator or set of photographs.
    """
    names = list(names)
    real = [name for name in names if whole_name(name, SOURCE_NAMES)]
    fake = [name for name in names if whole_name(name, METHOD_NAMES)]
    left = [name for name in names if name not in (*real, *fake)]
    lists = f"{{real: {_json(real)}, fake: {_json(fake)}}}"
    task = "each name on its right side"
    if left:
        task = f"and in one of the two lists each of {', '.join(map(_json, left))}"
    return _two_lines(study, "aliases", lists, f", {task}")


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _two_lines(study: Study, key: str, value: str, task: str = "") -> str:
    """What to write into which study file, and the command that then runs it."""
    built_in = study.file.parent == STUDIES
    file = "my.yaml" if built_in else study.file
    where = f"a copy of {study.file}, called my.yaml" if built_in else str(file)
    return (
        f"write these two lines into {where} (which has a `data:` already){task}:\n\n"
        f"data:\n  {key}: {value}\n\n"
        f"  then run: make report STUDY={file} DATA={study.pictures}"
    )
