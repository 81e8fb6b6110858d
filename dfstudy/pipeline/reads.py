"""What a step of the report reads, each with a digest of its content: what decides whether it runs again.

Takes a study and names; gives a dictionary from names to digests or plain values, in which nothing is a time
and nothing a place: a checkout, images or results that were moved, copied or touched give the same one. A
name with a slash is a file of the code; the others are listed in `Present`. Cost: a read of each file, some
milliseconds for all of the code; versions take as long.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dfstudy.data.columns import NOTES
from dfstudy.data.external import fingerprint_files
from dfstudy.pipeline.compare import exhibit_folder
from dfstudy.study.own_code import name_content
from dfstudy.study.recipe import NOT_SHAPING
from dfstudy.system.kept import read_json
from dfstudy.system.provenance import PACKAGE, digest, file_digest, project_root, version_now

if TYPE_CHECKING:
    from dfstudy.study.study import Study

Reads = dict[str, str]

FINGERPRINT = "data/fingerprint.json"
# names of what a step reads, beside files of the code
VERSION, SETTING, SHAPING, WEIGHTS = "version of ", "setting ", "shaping part of ", "weights of "
PICTURES, LAYOUT, MASKS, PUBLISHED = "pictures", "layout of the images", "masks", "published report"
FURTHER = "further columns of index.csv"
OTHERS = "images of "  # and the slug of a folder of test_on
DIGEST = re.compile(r"[0-9a-f]{16,}|gone|")  # what says nothing to a person
SHORT = 16  # hexadecimal digits: 64 bits are enough for content that nobody forges


class Present:
    """What there is now, by name, each looked at once.

    Names: a file of the code, relative to its checkout; `version of <distribution>`; of the study `setting
    <section>`, `shaping part of <section>` (what of it shapes weights) and `weights of <section>`; from the
    index that was kept last `pictures`, `layout of the pictures`, `masks` and `FURTHER`; `pictures of
    <slug>`; `published report`. Any other name is something that only a plan knows, such as the number of
    cores.
    """

    def __init__(self, study: Study) -> None:
        self._study = study
        self._known: Reads = {}

    def of(self, names: Iterable[str]) -> Reads:
        """Digests of these names."""
        return {name: self[name] for name in names}

    def again(self, reads: Mapping[str, str]) -> Reads:
        """The same names as they are now; what only a plan knows stays."""
        return {name: self[name] if self._look(name) is not None else value for name, value in reads.items()}

    def __getitem__(self, name: str) -> str:
        found = self._look(name)
        if found is None:
            raise KeyError(name)
        return found

    def _look(self, name: str) -> str | None:
        if name not in self._known:
            found = self._look_anew(name)
            if found is None:
                return None
            self._known[name] = found
        return self._known[name]

    def _look_anew(self, name: str) -> str | None:
        if "/" in name:
            return _file(find_code(name))
        if name.startswith(VERSION):
            return version_now(name.removeprefix(VERSION))
        if name.startswith((SETTING, SHAPING, WEIGHTS)):
            return _setting(self._study, name)
        kept = {PICTURES: "fingerprint", LAYOUT: "layout", MASKS: "masks", FURTHER: NOTES}
        if name in kept:
            key = kept[name]
            return str(read_json(self._study.out / FINGERPRINT).get(key, ""))[:200]
        if name.startswith(OTHERS):
            slug = name.removeprefix(OTHERS)
            return str(
                read_json(self._study.out / fingerprint_files(self._study)[slug]).get("fingerprint", "")
            )
        return _published(self._study) if name == PUBLISHED else None


def name_code(files: Iterable[Path]) -> list[str]:
    """Files of the code by names that hold no place, such as `dfstudy/data/index.py`."""
    roots = (PACKAGE.parent, project_root())
    return sorted(
        {next(str(file.relative_to(root)) for root in roots if file.is_relative_to(root)) for file in files}
    )


def find_code(name: str) -> Path:
    """The file that `name_code` named so."""
    return (PACKAGE.parent if name.startswith(f"{PACKAGE.name}/") else project_root()) / name


def study_digest(study: Study) -> str:
    """Of the whole study but for where its files and folders lie."""
    return digest(_without_places(study.model_dump(mode="json")))


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What differs, in words."""
    return [
        _say(name, before.get(name), now.get(name))
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    ]


def _say(name: str, before: str | None, now: str | None) -> str:
    if before is None or now is None:
        return f"{name} is {'new' if before is None else 'not read any more'}"
    says_nothing = DIGEST.fullmatch(before) or DIGEST.fullmatch(now)
    return f"{name} changed" if says_nothing else f"{name}: {before}, now {now}"


def _file(file: Path) -> str:
    try:
        return file_digest(file)[:SHORT]
    except OSError:
        return "gone"


def _setting(study: Study, name: str) -> str:
    kind = next(kind for kind in (SETTING, SHAPING, WEIGHTS) if name.startswith(kind))
    section = name.removeprefix(kind)
    if kind == WEIGHTS:
        model = study.model if section == "model" else study.forgeries.second
        file = Path(model.weights) if model else Path()
        return _file(file) if file.is_file() else "none of its own"
    value = _without_places(study.model_dump(mode="json"))[section]
    if kind == SHAPING:
        value = {key: each for key, each in value.items() if key not in (*NOT_SHAPING, "root", "card")}
    return digest(value)[:SHORT]


def _without_places(settings: dict[str, Any]) -> dict[str, Any]:
    """The study with the names of files and folders, and not where they lie; words on the images apart.

    A network or policy of the user's own has its file's digest.
    """
    settings["card"] = settings["data"].pop("card")
    second = settings["forgeries"]["second"]
    for part, key in [
        (settings["data"], "root"),
        (settings["model"], "weights"),
        *([(second, "weights")] if second else []),
        *((other, "root") for other in settings["test_on"]),
    ]:
        part[key] = Path(part[key]).name
    whole: dict[str, Any] = name_content(settings)
    return whole


def _published(study: Study) -> str:
    files = sorted((exhibit_folder(study.name) / "numbers").glob("*.json"))
    return digest({file.name: file_digest(file) for file in files})[:SHORT]
