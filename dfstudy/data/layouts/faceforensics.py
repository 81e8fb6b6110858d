"""FaceForensics++, with DeepFakeDetection: frames of videos whose names tell target and source.

Takes folders `original_sequences/...` and `manipulated_sequences/<method>/...`, or the bare folders of the
methods where every name fits, and where they lie there the official `train.json`, `val.json`, `test.json`.
Gives as group the pair: 071_054, its inverse 054_071 and both originals stay together. DeepFakeDetection's
28 actors meet in nearly all pairs, which would be one group; there the target actor is the group.
Refuses two official splits that name one video. Sources: docs/layouts.md.
"""

from __future__ import annotations

import re

from dfstudy.data.layouts.layout import Files, Place, Reading, count_videos, place_pictures, tabulate
from dfstudy.data.layouts.names import FAKE, REAL
from dfstudy.data.layouts.splits import split_of
from dfstudy.errors import StudyError

_METHODS = ("Deepfakes", "Face2Face", "FaceSwap", "FaceShifter", "NeuralTextures", "DeepFakeDetection")
_BY_WORD = {method.lower(): method for method in _METHODS}
_ROOTS = {"original_sequences", "manipulated_sequences"}
_REAL_WORDS = {"original_sequences", "original", "originals", "youtube", "actors", "real", "pristine"}
PAIR = re.compile(r"(\d{3})_(\d{3})(?!\d)")
_ORIGINAL = re.compile(r"(\d{3})(?!\d)")
_ACTORS = re.compile(r"((\d{2})_\d{2}__.+?__[A-Z0-9]{8})(?![A-Za-z0-9])")
_ACTOR = re.compile(r"((\d{2})__[a-z_]*[a-z])")


class FaceForensics:
    """Rössler et al. 2019."""

    name = "FaceForensics++"

    def read(self, files: Files) -> Reading | None:
        """Rows where folders have its names; a StudyError where official splits overlap."""
        rooted = bool(_ROOTS & files.words)
        if not rooted and not (_BY_WORD.keys() & files.words):
            return None
        official = read_splits(files)
        places = place_pictures(files, _place, "FaceForensics++: neither folder nor name says which video")
        if not rooted and any(place.error for place in places):
            return None
        groups = join_pairs({place.video for place in places if place.group == "pair"}, official)
        made: dict[Place, Place] = {}
        for place in dict.fromkeys(places):
            made[place] = _finish(place, groups, official)
        places = [made[place] for place in places]
        splits = "official splits" if official else "splits of the folders"
        if not any(place.given_split for place in places):
            splits = "splits made here: no train.json, val.json, test.json"
        kinds = {place.group.startswith("actor") for place in places if not place.error}
        grouped = "target actors" if kinds == {True} else "pairs"
        note = "actors whose faces appear in another actor's fake are not tied" if True in kinds else ""
        rows = tabulate(files.pictures, places)
        return Reading(self.name, rows, count_videos(places), splits, grouped, note)


def read_splits(files: Files) -> dict[str, str]:
    """Video number -> official split, and pairs as `a_b`; empty where no split file lies there.

    Raises:
        StudyError: one video stands in two splits.
    """
    found: dict[str, str] = {}
    for split in ("train", "val", "test"):
        for file in files.named(f"{split}.json"):
            pairs = files.json(file)
            if not _is_pairs(pairs):  # another set's file of the same name
                continue
            for one, other in pairs:
                for video in (one, other, f"{one}_{other}"):
                    if found.setdefault(video, split) != split:
                        raise StudyError(
                            f"{files.study.pictures / file}: video {video} is in {found[video]} as well",
                            "fetch train.json, val.json and test.json again: each video is in one",
                        )
    return found


def join_pairs(videos: set[str], official: dict[str, str]) -> dict[str, str]:
    """Number of an original -> its group: numbers that pairs connect, as `054+071`.

    Args:
        videos: names such as `071` and `071_054`.
        official: as `read_splits` gives; its pairs connect as well.
    """
    leader: dict[str, str] = {}

    def find(number: str) -> str:
        while leader.setdefault(number, number) != number:
            number = leader[number]
        return number

    for name in sorted({*videos, *official}):
        leaders = {find(number) for number in name.split("_")}
        leader |= dict.fromkeys(leaders, min(leaders))
    members: dict[str, list[str]] = {}
    for number in sorted(leader):
        members.setdefault(find(number), []).append(number)
    return {number: "+".join(group) for group in members.values() for number in group}


def _place(parts: list[str]) -> Place | None:
    words = [part.lower() for part in parts]
    at = next((at for at, word in enumerate(words) if word in _REAL_WORDS or word in _BY_WORD), None)
    if "manipulated_sequences" in words:
        at = words.index("manipulated_sequences") + 1
    if at is None or at >= len(parts):
        return None
    label = REAL if words[at] in _REAL_WORDS else FAKE
    method = "real" if label == REAL else _BY_WORD.get(words[at], parts[at])
    split = split_of(parts)
    for part in parts[at + 1 :]:
        if actor := (_ACTORS if label else _ACTOR).match(part):
            return Place(label, method, f"actor {actor[2]}", actor[1], split)
        if video := (PAIR if label else _ORIGINAL).match(part):
            return Place(label, method, "pair", video[0], split)
    return None


def _finish(place: Place, groups: dict[str, str], official: dict[str, str]) -> Place:
    """Group and official split of a pair."""
    if place.group != "pair":
        return place._replace(given_split="") if official else place
    numbers = place.video.split("_")
    place = place._replace(group=groups[numbers[0]])
    if not official:
        return place
    splits = {official.get(number, "") for number in numbers}
    if len(splits) > 1:
        return place._replace(error="its target and source are in different official splits")
    return place._replace(given_split=splits.pop())


def _is_pairs(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(pair, list) and len(pair) == 2 and all(isinstance(name, str) for name in pair)
        for pair in value
    )
