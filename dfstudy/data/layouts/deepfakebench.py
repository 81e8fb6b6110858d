"""The JSON lists of DeepfakeBench and DF40: data set -> class -> split -> video -> label and frames.

Takes .json files in the root or in a folder `dataset_json`; between split and video may stand a compression
(c23, c40, raw). Labels end in real or fake, or are one of FaceForensics++'s codes. The lists repeat videos:
Celeb-DF's tested ones stand under train and val as well, and sets without a split of their own stand whole
under all three. The test keeps what it has, then validation; a file that lists all its videos for the test
gives no split. Groups come from the videos' names: pairs (071_054), clips of a person (id0_id1_0002), else
the video. Refuses a label that says neither. Sources: docs/layouts.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from dfstudy.data.layouts.faceforensics import PAIR, join_pairs
from dfstudy.data.layouts.layout import Files, Place, Reading, count_videos, tabulate
from dfstudy.data.layouts.lists import ListFinder
from dfstudy.data.layouts.names import FAKE, REAL, build_aliases
from dfstudy.data.layouts.splits import split_name
from dfstudy.data.layouts.unknown import alias_hint
from dfstudy.errors import StudyError

_FOLDER = "dataset_json"
_CODES = {
    "ff-df": "Deepfakes",
    "ff-f2f": "Face2Face",
    "ff-fs": "FaceSwap",
    "ff-nt": "NeuralTextures",
    "ff-fh": "FaceShifter",
    "ff-sh": "FaceShifter",
    "dfd_fake": "DeepFakeDetection",
}
_WORD = re.compile(r"(.*?)[-_ ]?(real|fake)([ab]?)", re.IGNORECASE)
_CLIP = re.compile(r"(id\d+)_(?:id\d+_)?(\d{4})")
_ORIGINAL = re.compile(r"\d{3}")
_RANK = ("", "train", "val", "test")


class Listed(NamedTuple):
    """One video of a list; frames as the list gives them."""

    dataset: str
    label: str
    split: str
    video: str
    frames: list[str]


class DeepfakeBench:
    """Yan et al. 2023 and 2024."""

    name = "DeepfakeBench"

    def read(self, files: Files) -> Reading | None:
        """Rows where a list names an image on disk; a StudyError where a label says neither."""
        found: dict[str, Place] = {}
        sets: set[str] = set()
        missing, finder = 0, ListFinder(files.pictures)
        for file in files.side_files:
            folder = file.lower().rpartition("/")[0].rpartition("/")[2]
            if not file.lower().endswith(".json") or folder not in ("", _FOLDER):
                continue
            content = files.json(file)
            videos = list(_walk(content)) if isinstance(content, dict) else []
            lost = _add(found, files, finder, file, videos)
            if lost is not None:
                missing += lost
                sets |= {video.dataset for video in videos}
        if not found:
            return None
        groups = join_pairs({place.video for place in found.values() if place.group == "pair"}, {})
        nowhere = Place(None, "", "", error="in no list of DeepfakeBench")
        places = [_with_group(found.get(path, nowhere), groups) for path in files.pictures]
        given = sorted({place.given_split for place in places} - {""}, key=_RANK.index)
        splits = f"given: {', '.join(given)}" if len(given) > 1 else "no splits given"
        notes = ["people may recur on both sides"]
        notes += [f"listed but not there: {missing:,}"] if missing else []
        named = f"{self.name} lists of {', '.join(sorted(sets))}"
        rows = tabulate(files.pictures, places)
        return Reading(named, rows, count_videos(places), splits, "pairs, clips or videos", "; ".join(notes))


def _walk(content: Mapping[str, Any]) -> Iterator[Listed]:
    for dataset, classes in content.items():
        for splits in classes.values() if isinstance(classes, dict) else ():
            for word, videos in splits.items() if isinstance(splits, dict) else ():
                split = split_name(word)
                if split and isinstance(videos, dict):
                    yield from _videos(dataset, split, videos)


def _videos(dataset: str, split: str, videos: Mapping[str, Any]) -> Iterator[Listed]:
    for name, facts in videos.items():
        if not isinstance(facts, dict):
            continue
        if isinstance(facts.get("frames"), list) and "label" in facts:
            yield Listed(dataset, str(facts["label"]), split, name, [str(path) for path in facts["frames"]])
        else:  # one level more: the compression
            yield from _videos(dataset, split, facts)


def _add(
    found: dict[str, Place], files: Files, finder: ListFinder, file: str, videos: list[Listed]
) -> int | None:
    """Add a file's frames; returns how many are not on disk, None where all are missing."""
    aliases = build_aliases(files.study.data.aliases)
    paths = finder.find([path for video in videos for path in video.frames])
    if not any(paths):
        return None
    splits: dict[str, str] = {}
    rows: dict[str, Place] = {}
    at = 0
    for video in videos:
        place = _place(video, *_read_label(files, file, video.label, aliases))
        for path in filter(None, paths[at : at + len(video.frames)]):
            splits[path] = max(splits.get(path, ""), video.split, key=_RANK.index)
            rows[path] = _agree(rows.get(path, place), place)
        at += len(video.frames)
    whole = set(splits.values()) == {"test"}
    for path, place in rows.items():
        before = found.get(path, place)
        split = max(before.given_split, "" if whole else splits[path], key=_RANK.index)
        found[path] = _agree(before, place)._replace(given_split=split)
    return sum(not path for path in paths)


def _agree(first: Place, second: Place) -> Place:
    """The first of two descriptions of one frame, with an error where they differ in what it is."""
    if first.error or (first.label, first.method) == (second.label, second.method):
        return first
    return first._replace(error="two lists describe it differently")


def _read_label(files: Files, file: str, word: str, aliases: Mapping[str, int]) -> tuple[int, str]:
    """Label and method."""
    if word.lower() in _CODES:
        return FAKE, _CODES[word.lower()]
    if word.lower() in aliases:
        return aliases[word.lower()], word if aliases[word.lower()] == FAKE else "real"
    if found := _WORD.fullmatch(word):
        name = found[1] + (f"_{found[3]}" if found[3] else "")
        return (FAKE, name or "fake") if found[2].lower() == "fake" else (REAL, "real")
    raise StudyError(
        f"{files.study.pictures / file}: the label '{word}' says neither real nor fake",
        alias_hint(files.study, [word]),
    )


def _place(video: Listed, label: int, method: str) -> Place:
    if PAIR.fullmatch(video.video) or _ORIGINAL.fullmatch(video.video):
        return Place(label, method, "pair", video.video)
    if clip := _CLIP.fullmatch(video.video):
        return Place(label, method, "_".join(clip.groups()), video.video)
    # UADFV calls a fake like its original, with _fake behind.
    return Place(label, method, video.video.removesuffix("_fake"), video.video)


def _with_group(place: Place, groups: Mapping[str, str]) -> Place:
    return place._replace(group=groups[place.video[:3]]) if place.group == "pair" else place
