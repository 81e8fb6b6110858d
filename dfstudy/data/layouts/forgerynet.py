"""ForgeryNet's image lists: one of 16 classes for each image.

Takes lists whose lines are `<image> <binary> <triple> <class>`, class 0 real and 1-15 a forgery method, each
list for the images beneath its own folder (`Training`, `Validation`) where there are any, else for all.
Gives the method by name and the split by the names of folder and list. Frames of one video are not named as
such in the lists, so nothing names groups, and the line says so. A line whose three labels contradict each
other sets its image aside. Sources: docs/layouts.md.
"""

from __future__ import annotations

import re
from functools import cache

from dfstudy.data.layouts.layout import Files, Place, Reading, tabulate
from dfstudy.data.layouts.lists import ListFinder
from dfstudy.data.layouts.names import FAKE, REAL
from dfstudy.data.layouts.splits import split_of

# By number; 0 is real. The triple label is 0 real, else whether the identity is replaced or remains.
METHODS = (
    "real",
    "FaceShifter",
    "FS-GAN",
    "DeepFakes",
    "BlendFace",
    "MMReplacement",
    "DeepFakes-StarGAN stack",
    "TalkingHead",
    "ATVG-Net",
    "StarGAN-BlendFace stack",
    "FOMM",
    "StyleGAN2",
    "MaskGAN",
    "StarGAN2",
    "SC-FEGAN",
    "DiscoFaceGAN",
)
_LINE = re.compile(r"(?P<image>\S.*?)\s+(?P<binary>[01])\s+(?P<triple>[0-2])\s+(?P<number>1[0-5]|\d)\s*")


class ForgeryNet:
    """He et al. 2021."""

    name = "ForgeryNet"

    def read(self, files: Files) -> Reading | None:
        """Rows where an image list names an image on disk."""
        found: dict[str, Place] = {}
        for file in files.side_files:
            if "list" not in file.lower() or not file.lower().endswith(".txt"):
                continue
            lines = [line for line in files.text(file).splitlines() if line.strip()]
            matches = [_LINE.fullmatch(line) for line in lines]
            if not matches or not all(matches[:10]):  # a list of something else
                continue
            for path, place in _read_list(files, file, [match for match in matches if match]):
                if found.setdefault(path, place) != place:
                    found[path] = place._replace(error="two lines of the lists describe it differently")
        if not found:
            return None
        nowhere = Place(None, "", "", error="in no image list of ForgeryNet")
        places = [found.get(path, nowhere) for path in files.pictures]
        given = sorted({place.given_split for place in places} - {""}, key=("train val test").find)
        splits = f"given: {', '.join(given)}" if len(given) > 1 else "no splits given"
        methods = len({place.method for place in found.values() if place.label == FAKE})
        splits = f"{methods} forgery method{'s' * (methods != 1)}, {splits}"
        note = "frames of one video may be on both sides"
        return Reading(self.name, tabulate(files.pictures, places), 0, splits, "none named", note)


def _read_list(files: Files, file: str, matches: list[re.Match]) -> list[tuple[str, Place]]:
    folder = file.rpartition("/")[0]
    below = [path for path in files.pictures if path.startswith(f"{folder}/")] if folder else []
    paths = ListFinder(below or files.pictures).find([match["image"] for match in matches])
    words = [word for part in file.removesuffix(".txt").split("/") for word in (part, *part.split("_"))]
    split = split_of(words)
    by_folder = {
        path: split or split_of(path.split("/")) for path in {path.rpartition("/")[0] for path in paths}
    }
    return [
        (path, _place(*match.group("binary", "triple", "number"), by_folder[path.rpartition("/")[0]]))
        for path, match in zip(paths, matches, strict=True)
        if path
    ]


@cache
def _place(binary: str, triple: str, number: str, split: str) -> Place:
    fake = int(number) > 0
    place = Place(FAKE if fake else REAL, METHODS[int(number)], "", "", split)
    if {int(binary) > 0, int(triple) > 0} != {fake}:
        return place._replace(error="its three labels in the image list contradict each other")
    return place
