"""Celeb-DF v1, v2 and ++: frames of videos whose names tell who is shown and whose face is lent.

Takes folders `Celeb-real` (idA_CCCC), `YouTube-real` (NNNNN), `Celeb-synthesis` (idA_idB_CCCC; in ++ below
KIND/METHOD, which gives the method, and each method has clips of the same names) and, where it lies there,
`List_of_testing_videos.txt`. Fakes connect nearly all people, so groups that kept both people of
each fake would be one group. Hence: where splits are given, a group is a clip of person A and every fake made
on it; where the split is made here, it is everything that shows person A. The face that B lends, and in the
first case A in other clips, stand on both sides; the line says so. Sources: docs/layouts.md.
"""

from __future__ import annotations

import re

from dfstudy.data.layouts.layout import Files, Place, Reading, count_videos, place_pictures, tabulate
from dfstudy.data.layouts.levels import is_container
from dfstudy.data.layouts.names import FAKE, REAL
from dfstudy.data.layouts.splits import split_of

_LIST = "list_of_testing_videos.txt"
_LABELS = {"celeb-real": REAL, "youtube-real": REAL, "celeb-synthesis": FAKE}
_NAMES = {
    "celeb-real": re.compile(r"(id\d+)_(\d{4})(?!\d)"),
    "youtube-real": re.compile(r"(\d{5})(?!\d)"),
    "celeb-synthesis": re.compile(r"(id\d+)(?:_id\d+)?_(\d{4})(?!\d)"),  # a talking face lends none
}


class CelebDF:
    """Li et al. 2020."""

    name = "Celeb-DF"

    def read(self, files: Files) -> Reading | None:
        """Rows where a folder Celeb-synthesis lies there."""
        if "celeb-synthesis" not in files.words:
            return None
        listed = _read_list(files)
        places = place_pictures(files, _place, "Celeb-DF: neither folder nor name says which video")
        made = {place: _finish(place, listed) for place in dict.fromkeys(places)}
        given = any(place.given_split for place in made.values())
        if not given:  # the split is made here: person A never stands on both sides
            made = {key: place._replace(group=place.group.partition("_")[0]) for key, place in made.items()}
        rows = tabulate(files.pictures, [made[place] for place in places])
        videos = count_videos(list(made.values()))
        methods = len({place.method for place in made.values() if place.label == FAKE})
        name = f"{self.name}++ of {methods} methods" if methods > 1 else self.name
        if not given:
            note = "people whose face appears in another's fake are not tied"
            return Reading(name, rows, videos, "splits made here", "people shown", note)
        splits = "official list of testing videos" if listed else "splits of the folders"
        note = "people recur on both sides"
        return Reading(name, rows, videos, splits, "clips with their fakes", note)


def _read_list(files: Files) -> set[str]:
    """Videos of the official test, such as `celeb-real/id1_0007`; lines are `1 Celeb-real/id1_0007.mp4`.

    In ++, such as `celeb-synthesis/faceswap/simswap/id0_id1_0007`.
    """
    lines = [line.split() for file in files.named(_LIST) for line in files.text(file).splitlines()]
    names = {words[-1].lower().removesuffix(".mp4") for words in lines if words}
    return {"/".join(part for part in name.split("/") if not is_container(part)) for name in names}


def _place(parts: list[str]) -> Place | None:
    words = [part.lower() for part in parts]
    at = next((at for at, word in enumerate(words) if word in _LABELS), None)
    if at is None:
        return None
    label, split = _LABELS[words[at]], split_of(parts)
    for place, word in enumerate(words[at + 1 :], at + 1):
        if found := _NAMES[words[at]].match(word):
            group = "_".join(found.groups())
            if words[at] == "youtube-real":
                group = f"youtube-{group}"
            between = [part for part in parts[at + 1 : place] if not _is_passed(part)]
            method = "real" if label == REAL else (between or ["Celeb-synthesis"])[-1]
            above = "".join(f"{part.lower()}/" for part in between)
            return Place(label, method, group, f"{words[at]}/{above}{found[0]}", split)
    return None


def _is_passed(folder: str) -> bool:
    """Whether a folder between class and video names no method: a split, or how frames were made ready."""
    return is_container(folder) or bool(split_of([folder]))


def _finish(place: Place, listed: set[str]) -> Place:
    if not listed or place.error:
        return place
    return place._replace(given_split="test" if place.video in listed else "train")
