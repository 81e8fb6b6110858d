"""What of a finished report goes into its archive, and what never does: images of people, and places.

Takes a study whose report is finished; gives the archive's files by name. Images of the data set are not
among them. Photographs that figures show are JPEG, charts are PNG: where people may be seen, the page must
have been made without them (`report.faces`), and figures and outputs of notebooks that hold any are left out
here, as are outputs of the cells that invite a change. Paths of this machine become names. Refused: a report
that is not finished or was changed since. Cost: one read of the report, and the split.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dfstudy.chapters.c10_conclusions.seal import SEAL, SEALED
from dfstudy.data.endings import PICTURES, UNREAD_PICTURES, ending
from dfstudy.data.tables import as_text
from dfstudy.errors import StudyError
from dfstudy.pipeline.archive.paths import change_paths
from dfstudy.pipeline.bookings import stale_steps
from dfstudy.pipeline.invocation import resolve, shown_path
from dfstudy.pipeline.page.fragments import TRY
from dfstudy.pipeline.plan import PAGE, READS
from dfstudy.pipeline.reads import FINGERPRINT, SETTING, Present, differences
from dfstudy.study.study import FROZEN
from dfstudy.system.finished import NEEDED
from dfstudy.system.kept import read_json
from dfstudy.system.provenance import file_digest, project_root

if TYPE_CHECKING:
    from dfstudy.data.split import Split
    from dfstudy.study.study import Study

Files = dict[str, "bytes | Path"]

STUDY_FILE = "study/study.yaml"
OWN = "study/own/"  # files of Python that the study names
SPLIT = "data/split.csv"
LOCK = "requirements.lock"
COLUMNS = ["path", "sha256", "label", "method", "group", "split"]
AGAIN = "make the report again: make report"
# of an image that may be a photograph, in HTML and among the outputs of a notebook
PHOTOGRAPH = re.compile(rb'data:image/(?!png|svg)|"image/(?!png|svg)|data:(?:video|audio)')
MAYBE_PHOTOGRAPHS = {*PICTURES, *UNREAD_PICTURES} - {".png"}  # charts are PNG and SVG
_MADE_IN = re.compile(rb'"out = \\"(/[^"\\]+)\\"')  # among the parameters of a notebook that was run
_TEXT = {".html", ".ipynb", ".json", ".md", ".yaml", ".csv"}


def finished_study(asked: Study) -> Study:
    """The frozen study of a finished report, as it was made.

    Raises:
        StudyError: the report is not finished, was changed afterwards, or is of another state of its study.
    """
    out = asked.out
    kept = read_json(out / FROZEN) if (out / PAGE).is_file() else {}
    stale = stale_steps(out) if kept else {}
    if not kept or stale:
        reason = f" ({next(iter(stale.values()))})" if stale else ""
        raise StudyError(f"there is no finished report in {shown_path(out)}{reason}", AGAIN)
    study = resolve(str(out / FROZEN), "", str(out)).settings
    steps = read_json(out / READS)["steps"]
    present, settings = Present(study), {}
    for step in steps:  # own code is part of a setting by its content
        settings |= {name: told for name, told in step["reads"].items() if name.startswith(SETTING)}
    changed = differences(settings, present.again(settings))
    file = study_file(asked)
    if _digest(file) != kept["sha256"]:
        changed.append(str(file))
    for step in steps:
        made = _files_of(out / step["note"])
        changed += [name for name, sha in made.items() if _digest(out / name) != sha]
    if changed:
        raise StudyError(f"since the report in {shown_path(out)} was made, changed: {changed[0]}", AGAIN)
    return study


def study_file(asked: Study) -> Path:
    """The file whose values the report has: a budget's lies in the results, any other where it was typed."""
    kept = Path(read_json(asked.out / FROZEN).get("file", ""))
    fitted = asked.out / "study" / kept.name
    return fitted if fitted.is_file() else asked.file


def shows_people(study: Study) -> bool:
    """Whether some image of the study may show a person."""
    return not study.is_sample or bool(study.test_on)


def gather(study: Study, split: Split, file: Path, weights: bool = False) -> Files:
    """The archive's files but for what describes them.

    Args:
        study: frozen, of a finished report.
        file: see `study_file`.
        weights: the study's own networks as well.
    Raises:
        StudyError: the page shows faces of people, or a file holds images that may.
    """
    people = shows_people(study)
    if people and study.report.faces:
        raise StudyError(
            "the page shows faces of people, and an archive passes them on",
            "make and publish the report without them (its trainings are taken over): make report "
            "SET=report.faces=false, then make publish SET=report.faces=false, STUDY= and DATA= as before",
        )
    out = study.out
    found: Files = {STUDY_FILE: file.read_bytes(), FROZEN: as_json(bare_study(study))}
    made = [name for step in read_json(out / READS)["steps"] for name in _files_of(out / step["note"])]
    for name in (*made, FINGERPRINT, SEAL, SEALED):
        if may_go(name, people) and (out / name).is_file():
            content = (out / name).read_bytes()
            found[name] = _without_photographs(content) if people and name.endswith(".ipynb") else content
    found |= _own_code(study) | _runs(study, weights)
    found[SPLIT] = split_table(split)
    lock = project_root() / LOCK
    if lock.is_file():  # an installed package has none
        found[LOCK] = lock.read_bytes()
    places = _places(study, found)
    found = {name: _without_places(name, content, places) for name, content in found.items()}
    if people:
        refuse_photographs(found)
    return found


def refuse_photographs(files: Files) -> None:
    """The last look: nothing that is packed may show a person.

    Raises:
        StudyError: it may.
    """
    for name, content in files.items():
        if isinstance(content, bytes) and (PHOTOGRAPH.search(content) or ending(name) in MAYBE_PHOTOGRAPHS):
            raise StudyError(
                f"{name} holds an image that may show a person, and is not published",
                "mend what makes it, so that report.faces=false leaves it out",
            )


def bare_study(study: Study) -> dict[str, Any]:
    """The frozen study with names for paths: what an archive holds as `FROZEN`."""
    kept = read_json(study.out / FROZEN)
    settings = change_paths(study.model_dump(mode="json"), lambda file: file.name, lambda folder: folder.name)
    file = Path(kept["file"]).name
    return {
        "file": file,
        "sha256": kept["sha256"],
        "settings": settings,
        "overrides": sorted(study.overrides),
    }


def split_table(split: Split) -> bytes:
    """The used images as CSV: path, sha256, label (1 fake), method, group, split; no pixel of any."""
    return split.rows[COLUMNS].astype(str).map(as_text).to_csv(index=False).encode()


def as_json(value: Any) -> bytes:
    """As every JSON file of an archive is written."""
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _digest(file: Path) -> str:
    return file_digest(file) if file.is_file() else ""


def _files_of(note: Path) -> dict[str, str]:
    """What a step made, and the digest of each file."""
    return read_json(note).get("files", {})


def may_go(name: str, people: bool) -> bool:
    """Whether a file of the results is passed on; of people, figures of photographs (JPEG) are not."""
    if name.startswith("figures/"):
        return name.endswith(".png") or not people
    return name.startswith(("index.html", "numbers/", "notebooks/", "data/", "study/"))


def _without_photographs(notebook: bytes) -> bytes:
    """Without outputs that may show people; whole outputs, because a caption alone would mislead."""
    told = json.loads(notebook)
    for cell in told["cells"]:
        outputs = [] if TRY in cell["metadata"].get("tags", ()) else cell.get("outputs", [])
        if "outputs" in cell:
            cell["outputs"] = [each for each in outputs if not PHOTOGRAPH.search(json.dumps(each).encode())]
    return as_json(told)


def _own_code(study: Study) -> Files:
    found: Files = {}

    def take(file: Path) -> str:
        name = f"{OWN}{file.name}"
        if (
            file.suffix == ".py"
            and file.is_file()
            and found.setdefault(name, file.read_bytes()) != file.read_bytes()
        ):
            raise StudyError(f"the study names two files called {file.name}", "rename one of them")
        return file.name

    change_paths(study.model_dump(mode="json"), take, take)
    return found


def _runs(study: Study, weights: bool) -> Files:
    """Model cards; and what makes a run a detector, where its weights are published."""
    found: Files = {}
    for note in sorted((study.out / "runs").glob("seed_*.json")):
        key = read_json(note).get("key", "")
        kept = [study.out / "runs" / key / name for name in ("model_card.md", *(NEEDED if weights else ()))]
        found |= {f"runs/{key}/{file.name}": file for file in kept if file.is_file()}
        if weights:
            found[f"runs/{note.name}"] = note
    return {
        name: file if file.suffix == ".safetensors" else file.read_bytes() for name, file in found.items()
    }


def _places(study: Study, files: Files) -> dict[str, str]:
    """Folders of this machine that texts may name, and what an archive calls them; the longest first."""
    places = {str(study.out): ".", str(study.file.parent): "."}
    for name, content in files.items():  # results that were moved name the place where they were made
        if name.endswith(".ipynb") and (found := _MADE_IN.search(content)):
            places[found[1].decode()] = "."
    folders = [Path(other.root) for other in study.test_on]
    folders += [] if study.is_sample else [study.pictures]
    places |= {str(folder): folder.name for folder in folders}
    return dict(sorted(places.items(), key=lambda item: -len(item[0])))


def _without_places(name: str, content: bytes | Path, places: dict[str, str]) -> bytes | Path:
    if isinstance(content, Path) or Path(name).suffix not in _TEXT:
        return content
    for place, called in places.items():
        whole = rb"(?<![\w./-])" + re.escape(place.encode()) + rb"(?![\w.-])"
        content = re.sub(whole, called.encode().replace(b"\\", rb"\\"), content)
    return content
