"""Celeb-DF v1 and v2: frames of videos whose names tell the person shown and the person whose face is lent.

Takes folders `Celeb-real` (idA_CCCC), `YouTube-real` (NNNNN), `Celeb-synthesis` (idA_idB_CCCC) and, where it
lies there, `List_of_testing_videos.txt`. Fakes connect nearly all people, so groups that kept both people of
each fake would be one group. Hence: where splits are given, a group is a clip of person A and every fake made
on it; where the split is made here, it is everything that shows person A. The face that B lends, and in the
first case A in other clips, stand on both sides; the line says so. Sources: docs/layouts.md.
"""

from __future__ import annotations

import re

from dfstudy.data.layouts.layout import Files, Place, Reading, count_videos, place_pictures, tabulate
from dfstudy.data.layouts.names import FAKE, REAL
from dfstudy.data.layouts.splits import split_of

_LIST = "list_of_testing_videos.txt"
_LABELS = {"celeb-real": REAL, "youtube-real": REAL, "celeb-synthesis": FAKE}
_NAMES = {
    "celeb-real": re.compile(r"(id\d+)_(\d{4})(?!\d)"),
    "youtube-real": re.compile(r"(\d{5})(?!\d)"),
    "celeb-synthesis": re.compile(r"(id\d+)_id\d+_(\d{4})(?!\d)"),
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
        if not given:
            note = "people whose face stands in another's fake are not tied"
            return Reading(self.name, rows, videos, "splits made here", "people shown", note)
        splits = "official list of testing videos" if listed else "splits of the folders"
        note = "people recur on both sides"
        return Reading(self.name, rows, videos, splits, "clips with their fakes", note)


def _read_list(files: Files) -> set[str]:
    """Videos of the official test, such as `celeb-real/id1_0007`; lines are `1 Celeb-real/id1_0007.mp4`."""
    lines = [line.split() for file in files.named(_LIST) for line in files.text(file).splitlines()]
    return {words[-1].lower().removesuffix(".mp4") for words in lines if words}


def _place(parts: list[str]) -> Place | None:
    words = [part.lower() for part in parts]
    at = next((at for at, word in enumerate(words) if word in _LABELS), None)
    if at is None:
        return None
    label, split = _LABELS[words[at]], split_of(parts)
    for word in words[at + 1 :]:
        if found := _NAMES[words[at]].match(word):
            group = "_".join(found.groups())
            if words[at] == "youtube-real":
                group = f"youtube-{group}"
            method = "real" if label == REAL else "Celeb-synthesis"
            return Place(label, method, group, f"{words[at]}/{found[0]}", split)
    return None


def _finish(place: Place, listed: set[str]) -> Place:
    if not listed or place.error:
        return place
    return place._replace(given_split="test" if place.video in listed else "train")
