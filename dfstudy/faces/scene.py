"""The faces of one photograph or clip, cropped, with what could not be used.

Takes pixels or the path of a clip, a finder and settings; gives `FoundFaces`: crops with where and when each
was found, and what was missed with the reason. Cost: decoding and 16 ms a look; a clip of 12 s at 1280 x 720
px with 32 frames: 1.5 s of one core.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING

import numpy as np

from dfstudy.data import limits
from dfstudy.faces.clips import ClipFacts, count_frames, even_frames, is_whole, read_facts, read_frames
from dfstudy.faces.crop import Square, crop_face, square_around
from dfstudy.faces.finder import BETTER, DARK, SIDES, SURE, TURNS, Finder, shrink
from dfstudy.faces.track import Track, link_faces

if TYPE_CHECKING:
    from dfstudy.faces.face import Face
    from dfstudy.faces.settings import FaceSettings

PROBES = 8  # frames of a clip on which turns and borrowed boxes are tried
_CANDIDATES = 4  # most prominent faces of a frame that are cropped before it is known who stays


@dataclass(frozen=True)
class FaceSpot:
    """Where and when a face was found.

    Attributes:
        frame, seconds: of the clip; None for a photograph.
        number: 1 for the main face, further ones by their prominence.
        faces: how many there were in the same image.
        width, height: of the image, pixels.
    """

    face: Face
    width: int
    height: int
    frame: int | None = None
    seconds: float | None = None
    number: int = 1
    faces: int = 1


@dataclass(frozen=True)
class FaceCrop:
    """A face with its pixels: uint8 [side, side, 3] RGB, upright, cut from `square` of the image."""

    spot: FaceSpot
    square: Square
    pixels: np.ndarray


@dataclass(frozen=True)
class Missed:
    """What could not be used; frame and seconds None where it is the whole file."""

    reason: str
    frame: int | None = None
    seconds: float | None = None


@dataclass
class FoundFaces:
    """Result for one file; `example` is a frame and its number for the contact sheet, `people` how many."""

    crops: list[FaceCrop] = field(default_factory=list)
    missed: list[Missed] = field(default_factory=list)
    borrowed: bool = False
    people: int = 1
    example: tuple[int | None, np.ndarray] | None = None


def faces_in_picture(picture: np.ndarray, finder: Finder, settings: FaceSettings) -> FoundFaces:
    """The main face of a photograph, or all.

    Args:
        picture: uint8 [H, W, 3] RGB.
    """
    height, width = picture.shape[:2]
    faces = finder.find(picture)
    if not faces:
        return FoundFaces(missed=[Missed(_nothing(picture))])
    kept = faces if settings.keep == "all" else faces[:1]
    found = FoundFaces(example=(None, picture), people=len(faces))
    for number, face in enumerate(kept, 1):
        add_crop(found, picture, FaceSpot(face, width, height, number=number, faces=len(faces)), settings)
    if len(faces) > len(kept):
        found.missed.append(Missed(_others(len(faces) - 1)))
    return found


def faces_in_clip(
    path: Path, finder: Finder, settings: FaceSettings, facts: ClipFacts | None = None
) -> FoundFaces:
    """The main face of a clip, followed through it, or all.

    Raises:
        ClipError: no frame can be read.
    """
    told = facts = facts or read_facts(path)
    looks, wanted = even_frames(facts, settings.frames)
    seen = _look(path, facts, looks, set(wanted), finder, settings, turn=0)
    if set(wanted) - set(seen.looks):  # the container tells of frames that are not there
        facts = count_frames(path, told)
        looks, wanted = even_frames(facts, settings.frames)
        seen = _look(path, facts, looks, set(wanted), finder, settings, turn=0)
    turn = _better_turn(seen, finder)
    if turn:
        seen = _look(path, facts, looks, set(wanted), finder, settings, turn)
    found = _collect(seen, facts, wanted, settings)
    if facts.frames < told.frames and not is_whole(facts, told):
        left = f"{facts.frames:,} of {told.frames:,} frames can be read, and are used"
        found.missed.append(Missed(f"cut off or damaged, or its container tells a wrong count: {left}"))
    return found


@dataclass
class _Seen:
    """One pass over a clip: what each look showed, crops of the wanted frames, images to try turns on."""

    looks: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    faces: list[list[Face]] = field(default_factory=list)
    crops: dict[tuple[int, int], FaceCrop | str] = field(default_factory=dict)  # (look, face)
    probes: list[np.ndarray] = field(default_factory=list)
    example: tuple[int | None, np.ndarray] | None = None
    nothing: dict[int, str] = field(default_factory=dict)  # why a wanted look shows no face


def _look(
    path: Path,
    facts: ClipFacts,
    looks: Sequence[int],
    wanted: Set[int],
    finder: Finder,
    settings: FaceSettings,
    turn: int,
) -> _Seen:
    seen = _Seen()
    probes = set(looks[:: -(-len(looks) // PROBES)])
    middle = sorted(wanted)[len(wanted) // 2]
    for frame in read_frames(path, looks):
        at, picture = len(seen.looks), frame.picture
        faces = finder.find(picture, turn)[:_CANDIDATES]
        seen.looks.append(frame.number)
        seen.seconds.append(frame.seconds)
        seen.faces.append(faces)
        if frame.number in probes:
            seen.probes.append(shrink(picture, SIDES[0])[0])
        if frame.number not in wanted:
            continue
        if frame.number <= middle:
            seen.example = frame.number, picture
        if not faces:
            seen.nothing[at] = _nothing(picture)
        for number, face in enumerate(faces):
            spot = FaceSpot(face, facts.width, facts.height, frame.number, frame.seconds, faces=len(faces))
            seen.crops[at, number] = _crop(picture, spot, settings)
    return seen


def _better_turn(seen: _Seen, finder: Finder) -> int:
    """The turn that shows upright faces where these do not; 0 where the clip stands as it should."""

    def sure(found: Iterable[list[Face]]) -> float:
        return mean([faces[0].score if faces else 0.0 for faces in found] or [0.0])

    upright = sure(seen.faces)
    if upright >= SURE or not seen.probes:
        return 0
    upright = sure(finder.find(picture, 0) for picture in seen.probes)
    turned = {turn: sure(finder.find(picture, turn) for picture in seen.probes) for turn in TURNS}
    best = max(TURNS, key=lambda turn: turned[turn])
    return best if turned[best] > upright + BETTER else 0


def _collect(seen: _Seen, facts: ClipFacts, wanted: Sequence[int], settings: FaceSettings) -> FoundFaces:
    tracks = link_faces(seen.faces, facts.width, facts.height)
    # a face that one look alone shows is no person to be listed
    people = [track for track in tracks if len(track.faces) > 1 or len(seen.looks) < 3] or tracks[:1]
    kept = people if settings.keep == "all" else people[:1]
    found, cropped = FoundFaces(example=seen.example, people=len(people)), set(wanted)
    for at, number in enumerate(seen.looks):
        if number not in cropped:
            continue
        here = [_taken(seen, at, order, track) for order, track in enumerate(kept, 1) if at in track.faces]
        found.crops += [crop for crop in here if isinstance(crop, FaceCrop)]
        reasons = [crop for crop in here if isinstance(crop, str)]
        if not here:
            reasons = [seen.nothing.get(at, "the face that is followed is not in the frame")]
        found.missed += [Missed(reason, number, seen.seconds[at]) for reason in reasons]
    unread = set(wanted) - set(seen.looks)
    if unread:
        last = seen.looks[-1] if seen.looks else "none"
        reason = (
            f"cut off or damaged: {len(unread)} of {len(wanted)} frames cannot be read, the last is {last}"
        )
        found.missed.append(Missed(f"{reason} of {facts.frames}"))
    if len(people) > len(kept):
        found.missed.append(Missed(_others(len(people) - 1)))
    return found


def _taken(seen: _Seen, at: int, order: int, track: Track) -> FaceCrop | str:
    crop = seen.crops[at, seen.faces[at].index(track.faces[at])]
    return replace(crop, spot=replace(crop.spot, number=order)) if isinstance(crop, FaceCrop) else crop


def add_crop(
    found: FoundFaces, picture: np.ndarray, spot: FaceSpot, settings: FaceSettings, examine: bool = True
) -> None:
    """Crop a place and add it to what was found, or the reason why it shows no face worth judging.

    Args:
        examine: refuse what is too small; a borrowed place is as good as the original's.
    """
    crop = _crop(picture, spot, settings, examine)
    if isinstance(crop, str):
        found.missed.append(Missed(crop, spot.frame, spot.seconds))
    else:
        found.crops.append(crop)


def _crop(
    picture: np.ndarray, spot: FaceSpot, settings: FaceSettings, examine: bool = True
) -> FaceCrop | str:
    """The crop, or why it shows no face worth judging."""
    square = square_around(spot.face, spot.width, spot.height, settings.margin)
    if examine and square.side < settings.smallest:
        return f"too small: the crop would be smaller than {settings.smallest} px"
    pixels = crop_face(picture, spot.face, settings.size, settings.margin, settings.align)
    return limits.why_useless(pixels) or FaceCrop(spot, square, pixels)


def _nothing(picture: np.ndarray) -> str:
    if picture.mean() < DARK:
        return "no face found, the image is dark"
    useless = limits.why_useless(picture)
    return f"no face found: {useless}" if useless else "no face found"


def _others(count: int) -> str:
    return f"other faces: {count} less prominent, not cropped"
