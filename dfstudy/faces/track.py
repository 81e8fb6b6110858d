"""One face through a clip: faces of successive looks, linked where they lie near each other.

Takes the faces of each look; gives tracks, the most persistent and prominent first. A face goes on where the
next one of like size lies within its own width; of several the nearest. A cut to another scene ends a track,
as nothing here recognises people. Cost: microseconds a look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import hypot

from dfstudy.faces.face import Face, prominence

REACH = 1.0  # mean widths of the two boxes that a face may move between looks
RESIZE = 1.8  # factor by which it may grow or shrink
PATIENCE = 4  # looks for which a face may be away, turned or covered


@dataclass
class Track:
    """One face: look -> where it was."""

    faces: dict[int, Face] = field(default_factory=dict)
    weight: float = 0.0


def link_faces(looks: Sequence[Sequence[Face]], width: int, height: int) -> list[Track]:
    """Tracks through the looks, the one that shows most face altogether first.

    Args:
        looks: faces of each look, in order.
        width, height: of the image, pixels.
    """
    tracks: list[Track] = []
    for at, faces in enumerate(looks):
        active = [track for track in tracks if at - max(track.faces) <= PATIENCE]
        pairs = sorted(
            (distance, one, other)
            for one, track in enumerate(active)
            for other, face in enumerate(faces)
            if (distance := _distance(track.faces[max(track.faces)], face)) <= REACH
        )
        taken_tracks, taken_faces = set(), set()
        for _, one, other in pairs:
            if one not in taken_tracks and other not in taken_faces:
                active[one].faces[at] = faces[other]
                taken_tracks.add(one)
                taken_faces.add(other)
        tracks += [Track({at: face}) for other, face in enumerate(faces) if other not in taken_faces]
    for track in tracks:
        track.weight = sum(prominence(face, width, height) for face in track.faces.values())
    return sorted(tracks, key=lambda track: -track.weight)


def _distance(one: Face, other: Face) -> float:
    """Way between two faces in mean widths; infinite where their sizes differ too much."""
    sizes = sorted((max(one.box[2:]), max(other.box[2:])))
    if sizes[1] > RESIZE * sizes[0]:
        return float("inf")
    way = hypot(*(a - b for a, b in zip(one.centre, other.centre, strict=True)))
    return way / ((one.box[2] + other.box[2]) / 2)
