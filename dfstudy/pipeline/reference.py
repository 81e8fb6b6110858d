"""The tracked exhibit: what a reader on the web sees, and what a new machine compares itself with.

Takes the finished report of the sample study; gives `reports/published/sample` with page, figures, numbers
and sealed plan, and the answers in the README. Refuses an unfinished report and more than 5 MB in all,
because every clone carries it.
"""

from __future__ import annotations

import re
import shutil

from dfstudy.chapters.base import Gathered
from dfstudy.chapters.c09_conclusions.answers import decide_answers
from dfstudy.chapters.c09_conclusions.seal import SEAL, SEALED
from dfstudy.errors import StudyError
from dfstudy.pipeline.compare import exhibit_folder
from dfstudy.pipeline.invocation import resolve
from dfstudy.pipeline.page.front import list_answers
from dfstudy.present.numbers import read_numbers
from dfstudy.study.study import load_study
from dfstudy.system.provenance import project_root

LIMIT = 5_000_000  # bytes of the whole exhibit
PARTS = ("index.html", "figures", "numbers", SEAL, SEALED)
RESULTS = re.compile(r"(<!-- results: .*? -->\n).*?(<!-- end of results -->)", re.DOTALL)  # of the README


def publish_exhibit() -> str:
    """Replace the exhibit by the sample report of `reports/sample`; returns what was done, in words.

    Raises:
        StudyError: there is no finished sample report, or it is too large.
    """
    made, shown = resolve().settings.out, exhibit_folder()
    if not (made / "steps" / "page.json").is_file():
        raise StudyError("there is no finished sample report", "make one first: make report")
    files = [path for part in PARTS for path in [made / part, *(made / part).glob("*")] if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    if size > LIMIT:
        largest = max(files, key=lambda path: path.stat().st_size)
        raise StudyError(
            f"the published report would take {size:,} bytes, {LIMIT:,} are allowed",
            f"make the figures smaller; the largest file is {largest.name}",
        )
    shutil.rmtree(shown, ignore_errors=True)
    for path in files:
        target = shown / path.relative_to(made)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    readme = project_root() / "README.md"
    readme.write_text(RESULTS.sub(rf"\1{results_table()}\2", readme.read_text("utf-8")), "utf-8")
    told = f"published report: {len(files)} files, {size:,} bytes"
    return f"{told}; look at it and commit reports/published/sample and README.md"


def results_table() -> str:
    """The answers of the published report as a Markdown table: question, verdict, values."""
    files = sorted((exhibit_folder() / "numbers").glob("*.json"))
    numbers = {number.id: number for file in files for number in read_numbers(file)}
    asked = {name: number for name, number in numbers.items() if not name.startswith("answer.")}
    study = load_study()
    shown = list_answers(decide_answers(Gathered(asked, study, groups_known=True)), numbers, study)
    rows = [f"| {one.question} | **{one.word}** | {one.told} |" for one in shown]
    return "\n".join(["", "| question | answer | values |", "|---|---|---|", *rows, "", ""])
