"""The report of an archive made again on the same images, and compared.

Takes the files of an archive and a folder of images; gives how the new numbers agree with the archive's. The
study comes from the archive's frozen study as values alone, checked like any study file. Files that it names,
Python among them, are those that the user names, and none of the archive: code runs only where its user said
which, and where it is the code that the archive lists. Other images are refused before anything trains. Cost:
that of the report.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import yaml
from pydantic import ValidationError

from dfstudy.data.index import index_study
from dfstudy.errors import StudyError, printable
from dfstudy.pipeline.archive.gather import LOCK, OWN, SPLIT
from dfstudy.pipeline.archive.integrity import read_told, read_whole
from dfstudy.pipeline.archive.paths import change_paths
from dfstudy.pipeline.build import build, say
from dfstudy.pipeline.compare import Agreement, compare_numbers
from dfstudy.pipeline.invocation import Invocation, resolve
from dfstudy.pipeline.reads import FINGERPRINT
from dfstudy.present.numbers import parse_numbers
from dfstudy.study.pictures import SAMPLE
from dfstudy.study.study import FROZEN, Study
from dfstudy.system.kept import read_json, write_atomic
from dfstudy.system.provenance import file_digest, project_root

if TYPE_CHECKING:
    from dfstudy.pipeline.archive.container import Contents

NUMBERS = "numbers/"
FOREIGN = "ask whoever published the archive: it is not as make publish writes it"


def make_again(contents: Contents, data: str, out: Path, given: Sequence[str] = ()) -> Agreement:
    """Make the report in `out`, and compare its numbers with the archive's.

    Args:
        data: folder of images, or `sample` where the archive's are rendered.
        given: files and folders that the study names: own code, weights, other test sets.
    Raises:
        StudyError: the images are others, something that the study names was not given, or a step failed.
    """
    there = read_numbers_of(contents)
    again = restore(contents, data, out, given)
    index_study(again.settings)
    refuse_other_images(contents, again.settings)
    lock = project_root() / LOCK
    if LOCK in contents and lock.is_file() and lock.read_bytes() != read_whole(contents, LOCK):
        say(f"note: the archive's {LOCK} lists other versions of libraries: small differences may follow")
    build(again)
    files = {f"{NUMBERS}{file.name}": file for file in (out / "numbers").glob("*.json")}
    here = read_numbers_of({name: partial(file.open, "rb") for name, file in files.items()})
    return compare_numbers(here, there)


def agrees(found: Agreement) -> bool:
    """Every verdict is the same, no number is outside of the archive's interval or on one side alone."""
    return not (found.differing or found.outside or found.only_here or found.only_there)


def restore(contents: Contents, data: str, out: Path, given: Sequence[str] = ()) -> Invocation:
    """The archive's study on these images, with results in `out`; its study file is written beside `out`.

    Raises:
        StudyError: the archive's study is none, or what it names was not given.
    """
    try:
        kept = read_told(contents, FROZEN)
        settings = Study.model_validate(kept["settings"]).model_dump(mode="json")
    except (KeyError, TypeError, ValidationError) as error:
        raise StudyError(f"the archive's {FROZEN} is no study: {str(error)[:300]}", FOREIGN) from None
    rendered = settings["data"]["root"] == SAMPLE
    if rendered != (data == SAMPLE):
        raise StudyError(
            "the archive's images are rendered" if rendered else "the archive's images are a folder's",
            "give --data sample" if rendered else "give --data and the folder that holds them",
        )
    named = {Path(each).name: Path(each).expanduser().resolve() for each in given}

    def find(file: Path) -> Path:
        if len(file.parts) != 1 or file.name in ("", ".", ".."):
            raise StudyError(f"the archive's study names the place {str(file)!r}", FOREIGN)
        if file.name not in named:
            raise StudyError(
                f"the archive's study needs {file.name}, and nothing in an archive is run by itself",
                f"look at it ({OWN}{file.name} where it is code), and name your copy if you trust it: "
                f"--with path/to/{file.name}",
            )
        _refuse_other_code(contents, named[file.name])
        return named[file.name]

    settings["title"] = printable(settings["title"])
    settings = change_paths(settings, find, lambda _: Path(data).expanduser().resolve())
    file = out.with_name(f"{out.name}.yaml")
    text = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True).encode()
    is_ours = file.is_file() and file.read_bytes() == text  # an interrupted one goes on
    if not is_ours and (file.exists() or out.is_file() or (out.is_dir() and any(out.iterdir()))):
        raise StudyError(f"{out} holds something else", "give a new folder: --out")
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(file, text)
    return resolve(str(file), "", str(out))


def refuse_other_images(contents: Contents, study: Study) -> None:
    """Compare the images that were found with the archive's, by content.

    Raises:
        StudyError: they are others.
    """
    there = read_told(contents, FINGERPRINT)
    here = read_json(study.out / FINGERPRINT)
    if isinstance(there, dict) and there.get("fingerprint") == here.get("fingerprint"):
        return
    try:
        table = pd.read_csv(contents[SPLIT](), dtype=str, keep_default_na=False)
        lacking = table[~table["sha256"].isin(set(index_study(study)["sha256"]))]
        first = f", such as {lacking['path'].iloc[0]!r}" if len(lacking) else ""
        told = f"{len(lacking):,} of its {len(table):,} images are not there{first}"
    except (KeyError, ValueError) as error:
        raise StudyError(f"the archive's {SPLIT} is no table of images: {error}", FOREIGN) from None
    raise StudyError(
        f"{study.pictures} does not hold the archive's images under the same names and labels: {told}",
        "give the folder that the report was made of, with its index.csv or lists if it had any",
    )


def read_numbers_of(contents: Contents) -> dict[str, Mapping[str, Any]]:
    """The numbers of an archive, by id.

    Raises:
        StudyError: a file of numbers holds something else.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for name in sorted(contents):
        if name.startswith(NUMBERS) and name.endswith(".json"):
            try:
                found |= {number.id: asdict(number) for number in parse_numbers(read_whole(contents, name))}
            except ValueError:
                raise StudyError(f"the archive's {name} is no file of numbers", FOREIGN) from None
    return found


def _refuse_other_code(contents: Contents, file: Path) -> None:
    name = f"{OWN}{file.name}"
    if not file.exists():
        raise StudyError(f"there is no {file}", "check the path given with --with")
    if name in contents and file_digest(file) != hashlib.sha256(read_whole(contents, name)).hexdigest():
        raise StudyError(
            f"{file} is not the code that the archive was made with ({name})", "give a copy of that file"
        )
