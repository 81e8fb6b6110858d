"""The tracked reports: what a reader on the web sees, and what a new machine compares itself with.

Takes the finished report of a built-in study; gives `reports/published/<name>` with page, figures, numbers
and sealed plan, and the answers in the README. Finished reports of the same study on other splits of its
images are compared with it, and a page says what they agree on. Refuses an unfinished report, one that shows
photographs of people, and more than 5.5 MB in all, because every clone carries it.
"""

from __future__ import annotations

import html
import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dfstudy.chapters.base import Gathered
from dfstudy.chapters.c10_conclusions.answers import decide_answers
from dfstudy.chapters.c10_conclusions.seal import SEAL, SEALED
from dfstudy.errors import StudyError
from dfstudy.pipeline.archive.gather import may_go, refuse_photographs, shows_people
from dfstudy.pipeline.compare import command_of, exhibit_folder
from dfstudy.pipeline.compare_page import lead, write_page
from dfstudy.pipeline.compare_reports import WITHIN, compare_reports
from dfstudy.pipeline.finished_report import read_report
from dfstudy.pipeline.invocation import resolve
from dfstudy.pipeline.page.front import LISTED, list_answers
from dfstudy.present.numbers import read_numbers
from dfstudy.study.study import SAMPLE, built_in_studies, load_study
from dfstudy.system.provenance import project_root

if TYPE_CHECKING:
    from dfstudy.number import Number
    from dfstudy.pipeline.page.front import ShownAnswer
    from dfstudy.present.answer import Answer
    from dfstudy.study.study import Study

LIMIT = 5_500_000  # bytes of one report
PARTS = ("index.html", "figures", "numbers", SEAL, SEALED)
SPLITS = "other_splits"  # stem of the page that compares them, and of what it found
NOTHING = "not measured"
BEFORE = "<h3>What this does not say</h3>"  # of the page, where a line on other splits goes
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
    others = sorted(filter(_is_finished, made.parent.glob(f"{made.name}+data.split_seed=*")))
    if others:
        questions = {answer.id: answer.question for answer in _decide(read_all(shown), study)}
        compare_splits(made, others, shown, questions)
        page = shown / "index.html"
        page.write_text(tell_on_page(page.read_text("utf-8"), shown), "utf-8")
    readme = project_root() / "README.md"
    text = readme.read_text("utf-8")
    readme.write_text(RESULTS.sub(lambda table: f"{table[1]}{results_table()}{table[2]}", text), "utf-8")
    told = f"published report: {len(files)} files, {size:,} bytes"
    return f"{told}; look at it and commit reports/published/{name} and README.md"


def _is_finished(results: Path) -> bool:
    return (results / "steps" / "page.json").is_file()


def compare_splits(
    made: Path, others: Sequence[Path], shown: Path, questions: Mapping[str, str] | None = None
) -> None:
    """Write what reports of one study on several splits of its images agree on.

    Args:
        made, others: folders of finished reports.
        shown: folder of the page, and of what it says in short.
        questions: by id of an answer, to name those that the splits answer otherwise.
    """
    folders = [made, *others]
    found = compare_reports(
        [replace(read_report(str(folder)), name=f"reports/{folder.name}") for folder in folders]
    )
    write_page(found, shown / f"{SPLITS}.html")
    parted = {
        (questions or {}).get(row.name, row.name): row.values for row in found.verdicts if row.state != WITHIN
    }
    told = {"reports": found.names, "found": lead(found)[:2], "parted": parted}
    (shown / f"{SPLITS}.json").write_text(json.dumps(told, indent=1) + "\n", "utf-8")


def tell_on_page(page: str, shown: Path) -> str:
    """The page, with a line on the other splits where it says what it does not say."""
    words = '<p>On <a href="{page}">{splits} of the same images</a>: {found}.</p>\n'
    return page.replace(BEFORE, "".join(_tell_splits(shown, words, html.escape)) + BEFORE, 1)


def published_studies() -> list[str]:
    """Built-in studies whose report is tracked: those of real photographs first."""
    found = [name for name in built_in_studies() if (exhibit_folder(name) / "numbers").is_dir()]
    return sorted(found, key=lambda name: (name == SAMPLE, name))


def results_table() -> str:
    """The answers of all published reports as one Markdown table: a question a row, a report a column.

    A question that a report words otherwise, as where nobody named who is shown, stands in its cell.
    """
    names = published_studies()
    studies = {name: load_study(name) for name in names}
    found = {name: _shown_answers(name, study) for name, study in studies.items()}
    longest_first = sorted(names, key=lambda name: -len(found[name]))
    # questions in the page's order: the longest list has them all, unless studies declare other quantities
    questions = {key: one.question for name in longest_first[::-1] for key, one in found[name].items()}
    order = dict.fromkeys(key for name in longest_first for key in found[name])
    heads = [_head(name, study) for name, study in studies.items()]
    rows = [f"| | {' | '.join(heads)} |", "|---" * (len(names) + 1) + "|"]
    for key in order:
        cells = [_cell(found[name].get(key), questions[key]) for name in names]
        rows.append(f"| {questions[key]} | {' | '.join(cells)} |")
    on = "\n*{title}*, on [{{splits}} of the same images](reports/published/{name}/{{page}}): {{found}}."
    splits = [
        line
        for name, study in studies.items()
        for line in _tell_splits(exhibit_folder(name), on.format(title=study.title, name=name))
    ]
    return "\n".join(["", *rows, *splits, "", ""])


def _head(name: str, study: Study) -> str:
    kind = "rendered faces" if study.is_sample else "photographs"
    return f"[{study.title}](reports/published/{name}/index.html) ({kind})"


def _cell(answer: ShownAnswer | None, question: str) -> str:
    if answer is None:
        return NOTHING
    asked = f"*{answer.question}* " if answer.question != question else ""
    return f"{asked}**{answer.word}**. {answer.told}"


def _shown_answers(name: str, study: Study) -> dict[str, ShownAnswer]:
    numbers = read_all(exhibit_folder(name))
    shown = list_answers(_decide(numbers, study), numbers, study, most=len(LISTED))
    return {one.id: one for one in shown}


def read_all(folder: Path) -> dict[str, Number]:
    """The numbers of a report by id."""
    files = sorted((folder / "numbers").glob("*.json"))
    return {number.id: number for file in files for number in read_numbers(file)}


def _decide(numbers: dict[str, Number], study: Study) -> list[Answer]:
    asked = {key: number for key, number in numbers.items() if not key.startswith("answer.")}
    return decide_answers(Gathered(asked, study, numbers["answer.new_people"].value == 1))


def _tell_splits(shown: Path, words: str, safe: Callable[[str], str] = str) -> list[str]:
    """What the other splits agree on, and what they do not, in the given words; empty without any."""
    file = shown / f"{SPLITS}.json"
    if not file.is_file():
        return []
    told = json.loads(file.read_text("utf-8"))
    splits = f"{len(told['reports']) - 1} other split{'s' * (len(told['reports']) > 2)}"
    parted = [f"{question} ({', '.join(values)})" for question, values in told["parted"].items()]
    found = [*told["found"], *(f"answered otherwise: {each}" for each in parted)]
    return [words.format(page=f"{SPLITS}.html", splits=splits, found=safe("; ".join(found)))]
