"""Which video a fake was made from, where their names say so.

Takes the names of videos and what a layout read about them; gives fake -> original, and groups that hold
both. Known are FaceForensics++ (071_054 from 071), DeepFakeDetection (02_15__talking__HASH from 02__talking)
and Celeb-DF (id0_id3_0007 from id0_0007), also with words in front as in `ffpp_Deepfakes_071_054`; and DFDC,
whose metadata.json names the original. A pattern counts only where it leads at least one fake to an original
that is there, so that numbered files of another set are not taken for pairs. Cost: 10 us a video.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from dfstudy.data.layouts.faceforensics import join_pairs
from dfstudy.data.layouts.names import FAKE, REAL

_START = r"(?:^|.*[^0-9A-Za-z])"


class Clip(NamedTuple):
    """A video: path relative to the root, label, group as the layout gives it (its own path: none)."""

    path: str
    label: int | None
    group: str


class _Names(NamedTuple):
    """One way of naming: patterns of a fake and of a real video, the key that ties them, and the group."""

    fake: re.Pattern
    real: re.Pattern
    key: Callable[[re.Match], str]
    group: Callable[[re.Match], str]


def _join(*groups: int) -> Callable[[re.Match], str]:
    return lambda found: "_".join(found[group] for group in groups)


# Groups as the layouts form them: connected pairs, the person shown, the target actor.
_KNOWN = {
    "Celeb-DF": _Names(
        re.compile(_START + r"(id\d+)_id\d+_(\d{4})$"),
        re.compile(_START + r"(id\d+)_(\d{4})$"),
        _join(1, 2),
        _join(1),
    ),
    "DeepFakeDetection": _Names(
        re.compile(_START + r"(\d\d)_\d\d__(.+)__[A-Z0-9]{8}$"),
        re.compile(_START + r"(\d\d)__(.+)$"),
        _join(1, 2),
        lambda found: f"actor {found[1]}",
    ),
    "FaceForensics++": _Names(
        re.compile(_START + r"(\d{3})(_\d{3})$"),
        re.compile(_START + r"(\d{3})$"),
        _join(1),
        lambda found: "".join(found.groups()),
    ),
}


def find_originals(clips: list[Clip]) -> dict[str, str]:
    """Path of a fake -> path of the original that it was made from, where both are there.

    Of several originals with one name, such as two compressions, the one whose path shares most with the
    fake's.
    """
    found: dict[str, str] = {}
    for names in _KNOWN.values():
        found |= _match(clips, names)
    stems: dict[str, list[str]] = {}
    for clip in clips:
        if clip.label == REAL:
            stems.setdefault(stem(clip.path), []).append(clip.path)
    for clip in clips:
        # DFDC's group is the name of the original video
        if clip.label == FAKE and clip.path not in found and clip.group in stems:
            found[clip.path] = _nearest(clip.path, stems[clip.group])
    return found


def name_groups(clips: list[Clip], originals: dict[str, str]) -> dict[str, str]:
    """Path -> group, one for a fake and its original: the layout's, else that of their names, else none."""
    groups = {clip.path: clip.group for clip in clips if clip.group != clip.path}
    for kind, names in _KNOWN.items():
        if not _match(clips, names).keys() & originals.keys():
            continue
        own = {
            clip.path: names.group(match)
            for clip in clips
            if clip.label is not None
            and clip.path not in groups
            and (match := (names.fake if clip.label == FAKE else names.real).match(stem(clip.path)))
        }
        if kind == "FaceForensics++":
            joined = join_pairs(set(own.values()), {})
            own = {path: joined[group.partition("_")[0]] for path, group in own.items()}
        groups |= own
    return {clip.path: groups.get(clip.path, clip.path) for clip in clips}


def stem(path: str) -> str:
    """Name of a file without folders and suffix."""
    name = path.rpartition("/")[2]
    return name.rpartition(".")[0] or name


def _match(clips: list[Clip], names: _Names) -> dict[str, str]:
    reals: dict[str, list[str]] = {}
    for clip in clips:
        if clip.label == REAL and (match := names.real.match(stem(clip.path))):
            reals.setdefault(names.key(match), []).append(clip.path)
    fakes = {
        clip.path: names.key(match)
        for clip in clips
        if clip.label == FAKE and (match := names.fake.match(stem(clip.path)))
    }
    return {path: _nearest(path, reals[key]) for path, key in fakes.items() if key in reals}


def _nearest(path: str, others: list[str]) -> str:
    parts = set(re.split(r"[/_]", path))
    return min(others, key=lambda other: (-len(parts & set(re.split(r"[/_]", other))), other))
