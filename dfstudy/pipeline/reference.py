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
    others = {seed: out for seed, out in find_other_splits(made).items() if _is_finished(out)}
    if others:
        questions = {answer.id: answer.question for answer in decide(load_numbers(study), study)}
        compare_splits([made, *others.values()], shown, questions, share_tests(study, others))
        page = shown / "index.html"
        page.write_text(tell_on_page(page.read_text("utf-8"), shown), "utf-8")
    readme = project_root() / "README.md"
    text = readme.read_text("utf-8")
    readme.write_text(RESULTS.sub(lambda table: f"{table[1]}{results_table()}{table[2]}", text), "utf-8")
    told = f"published report: {len(files)} files, {size:,} bytes"
    return f"{told}; look at it and commit reports/published/{name} and README.md"


def _is_finished(results: Path) -> bool:
    return (results / "steps" / "page.json").is_file()
