"""The tracked reports: what a reader on the web sees, and what a new machine compares itself with.

Takes the finished report of a built-in study; gives `reports/published/<name>` with page, figures, numbers
and sealed plan, and the answers in the README. Finished reports of the same study on other splits of its
images are compared with it, and a page says what they agree on. Refuses an unfinished report, one that shows
photographs of people, and more than 5.5 MB in all, because every clone carries it.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from dfstudy.chapters.c10_conclusions.seal import SEAL, SEALED
from dfstudy.errors import StudyError
from dfstudy.pipeline.archive.gather import may_go, refuse_photographs, shows_people
from dfstudy.pipeline.compare import command_of, exhibit_folder
from dfstudy.pipeline.invocation import resolve
from dfstudy.pipeline.other_splits import compare_splits, find_other_splits, share_tests, tell_on_page
from dfstudy.pipeline.page.front import decide
from dfstudy.pipeline.results_table import results_table
from dfstudy.present.numbers import load_numbers
from dfstudy.study.study import SAMPLE
from dfstudy.system.provenance import project_root

if TYPE_CHECKING:
    from dfstudy.study.study import Study

LIMIT = 5_500_000  # bytes of one report
PARTS = ("index.html", "figures", "numbers", SEAL, SEALED)
RESULTS = re.compile(r"(<!-- results: .*? -->\n).*?(<!-- end of results -->)", re.DOTALL)  # of the README


def publish_exhibit(name: str = SAMPLE) -> str:
    """Replace a study's tracked report by that of `reports/<name>`; returns what was done, in words.

    Args:
        name: of a built-in study.
    Raises:
        StudyError: there is no finished report, it shows people, or it is too large.
    """
    study = resolve(name).settings
    made, shown = study.out, exhibit_folder(name)
    if not _is_finished(made):
        raise StudyError(f"there is no finished report of {name}", f"make one first: {command_of(name)}")
    people = shows_people(study)
    if people and study.report.faces:
        raise StudyError(
            f"the report of {name} shows photographs of people, which must not be passed on",
            "set report.faces: false in the study file, and make the report again",
        )
    paths = [path for part in PARTS for path in [made / part, *(made / part).glob("*")] if path.is_file()]
    found = {path.relative_to(made).as_posix(): path for path in paths}
    files = {file: path.read_bytes() for file, path in found.items() if may_go(file, people)}
    if people:
        refuse_photographs(files)
    size = sum(map(len, files.values()))
    if size > LIMIT:
        raise StudyError(
            f"the published report would take {size:,} bytes, {LIMIT:,} are allowed",
            f"make the figures smaller; the largest file is {max(files, key=lambda file: len(files[file]))}",
        )
    shutil.rmtree(shown, ignore_errors=True)
    for file, content in files.items():
        (shown / file).parent.mkdir(parents=True, exist_ok=True)
        (shown / file).write_bytes(content)
    _show_splits(study, made)
    _write_results()
    told = f"published report: {len(files)} files, {size:,} bytes"
    return f"{told}; look at it and commit reports/published/{name} and README.md"


def add_splits(name: str = SAMPLE) -> str:
    """Compare the tracked report, as it stands, with finished reports on other splits; returns what was done.

    For splits that were made where the tracked report was not: nothing of it is made again.

    Args:
        name: of a built-in study.
    Raises:
        StudyError: there is no tracked report, or none on another split.
    """
    study = resolve(name).settings
    if not (exhibit_folder(name) / "index.html").is_file():
        raise StudyError(f"there is no published report of {name}", f"make one: make exhibit STUDY={name}")
    splits = _show_splits(study, exhibit_folder(name))
    if not splits:
        raise StudyError(
            f"there is no finished report of {name} on another split",
            f"make one first: make report STUDY={name} SET=data.split_seed=1",
        )
    _write_results()
    told = f"compared with {splits} other split{'s' * (splits > 1)}"
    return f"{told}; look at it and commit reports/published/{name} and README.md"


def _show_splits(study: Study, made: Path) -> int:
    """Compare a finished report with those on other splits, on the published page; returns how many."""
    others = {seed: out for seed, out in find_other_splits(study.out).items() if _is_finished(out)}
    if others:
        shown = exhibit_folder(study.name)
        numbers = load_numbers(study.model_copy(update={"out": made}))
        questions = {answer.id: answer.question for answer in decide(numbers, study)}
        compare_splits([made, *others.values()], shown, questions, share_tests(study, others))
        page = shown / "index.html"
        page.write_text(tell_on_page(page.read_text("utf-8"), shown), "utf-8")
    return len(others)


def _write_results() -> None:
    """The answers of all tracked reports, into the README."""
    readme = project_root() / "README.md"
    text = readme.read_text("utf-8")
    readme.write_text(RESULTS.sub(lambda table: f"{table[1]}{results_table()}{table[2]}", text), "utf-8")


def _is_finished(results: Path) -> bool:
    return (results / "steps" / "page.json").is_file()
