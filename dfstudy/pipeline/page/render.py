"""The report's page from executed chapters, numbers and settings: one self-contained HTML file.

Takes a study whose chapters have run; gives `<out>/index.html`, readable offline, without scripts, on paper
and on a narrow screen. A short main part comes first; chapters, numbers and settings are folded below, in the
same file, so that a report can be mailed and kept as one piece. Everything that may differ between two runs
of one study stands in `<section id="provenance">` or is marked `data-run`. Refuses to write a page that
`page_check` finds fault with. Cost: seconds.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pandas as pd
from bs4 import BeautifulSoup
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dfstudy.chapters.c10_conclusions.abstract import list_limits
from dfstudy.chapters.registry import CHAPTERS
from dfstudy.errors import StudyError
from dfstudy.pipeline.listing import BUDGET
from dfstudy.pipeline.page import numbers_table, record
from dfstudy.pipeline.page.figures import leave_out_faces, number_figures, place_figures
from dfstudy.pipeline.page.fragments import TEMPLATES, Fragment, make_fragment
from dfstudy.pipeline.page.front import decide, list_answers, make_cards, tell_distrust, tell_gains
from dfstudy.pipeline.page.links import settle_links
from dfstudy.pipeline.page.page_check import page_problems
from dfstudy.pipeline.page.sections import write_sections
from dfstudy.pipeline.page.tables import keep_together, tidy_table
from dfstudy.pipeline.plan import LEAKAGE, PLAN, TRAINING
from dfstudy.present.numbers import read_numbers
from dfstudy.present.settings import describe
from dfstudy.system.kept import read_json, write_atomic

if TYPE_CHECKING:
    from dfstudy.chapters.base import Chapter
    from dfstudy.number import Number
    from dfstudy.study.study import Study


def render(
    study: Study, chapters: tuple[Chapter, ...] = (), confirm: Callable[[], None] = lambda: None
) -> Path:
    """Write the report's page and return its path; the page before is replaced only by a good one.

    Args:
        chapters: which chapters, in reading order; empty is every one that is declared.
        confirm: called before the page is replaced; what it raises leaves it as before.
    Raises:
        StudyError: a chapter has not run, or the page would be faulty.
    """
    chapters = chapters or CHAPTERS
    fragments = [make_fragment(_executed(study, chapter), chapter.id) for chapter in chapters]
    text = _finish(_fill(study, chapters, fragments), study)
    problems = page_problems(text)
    if problems:
        raise StudyError(
            "the page would not be readable by everyone:\n  " + "\n  ".join(problems[:20]),
            "mend the cell that shows it; figures come from save_figure, which asks for caption and alt text",
        )
    confirm()
    page = study.out / "index.html"
    write_atomic(page, text.encode())
    return page


def _executed(study: Study, chapter: Chapter) -> nbformat.NotebookNode:
    file = study.out / "notebooks" / f"{chapter.id}.ipynb"
    if not file.is_file():
        raise StudyError(f"chapter {chapter.id} has not run in {study.out}", "run the report: make report")
    return nbformat.read(file, as_version=4)


def _finish(text: str, study: Study) -> str:
    """Figures in their places and numbered, links settled, the list of figures filled."""
    soup = BeautifulSoup(text, "html.parser")
    place_figures(soup)
    if not study.report.faces:
        leave_out_faces(soup)
    listed = number_figures(soup)
    settle_links(soup)
    index = soup.find(id="figure-list")
    for name, words in listed:
        entry, link = soup.new_tag("li"), soup.new_tag("a", href=f"#{name}")
        link.string = words
        entry.append(link)
        index.append(entry)
    keep_together(soup)
    return str(soup)


def _fill(study: Study, chapters: tuple[Chapter, ...], fragments: list[Fragment]) -> str:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    parts = _read_numbers(study, chapters)
    numbers = {number.id: number for listed in parts.values() for number in listed}
    answers = decide(numbers, study)
    script = (TEMPLATES / "page.js").read_text("utf-8")
    trainings = [training["steps"].items() for training in read_json(study.out / PLAN).get("training", [])]
    steps = [(TRAINING.format(name), step["title"]) for part in trainings for name, step in part]
    steps.append((LEAKAGE, "Leakage estimate"))
    steps += [(f"steps/{chapter.id}.json", f"Chapter: {chapter.title}") for chapter in chapters]
    data, run = record.stamp(study)
    titles = {fragment.id: fragment.title for fragment in fragments}
    return environment.get_template("page.html.j2").render(
        title=study.title,
        data=data,
        run=run,
        css=(TEMPLATES / "page.css").read_text("utf-8"),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        verdicts={answer.id: answer.verdict for answer in answers},
        asked=study.policies.asked,
        cards=make_cards(answers, numbers, study),
        answers=list_answers(answers, numbers, study),
        gains=tell_gains(answers),
        distrust=tell_distrust(numbers),
        groups=study.groups,
        count=len(answers),
        limits=list_limits(numbers, study.is_sample) if answers else [],
        is_sample=study.is_sample,
        every_answer="".join(fragment.lifted.get("answers", "") for fragment in fragments),
        sections=write_sections(chapters, numbers, answers, study),
        chapters=fragments,
        numbers=numbers_table.write_table(titles, parts, _table),
        csv=_download("text/csv", numbers_table.write_csv, parts),
        json=_download("application/json", numbers_table.write_json, parts),
        settings=_settings(study),
        record=record.report_rows(study),
        versions=record.version_rows(),
        durations=record.duration_rows(study, steps),
        timing="".join(fragment.timing for fragment in fragments),
    )


def _read_numbers(study: Study, chapters: tuple[Chapter, ...]) -> dict[str, list[Number]]:
    files = {chapter.id: study.out / "numbers" / f"{chapter.id}.json" for chapter in chapters}
    return {name: read_numbers(file) for name, file in files.items() if file.is_file()}


def _download(
    kind: str, write: Callable[[dict[str, list[Number]]], str], parts: dict[str, list[Number]]
) -> str:
    return numbers_table.as_address(kind, write(parts)) if any(parts.values()) else ""


def _settings(study: Study) -> str:
    soup = _table(pd.DataFrame(describe(study), columns=["setting", "value", "meaning"]))
    said = "".join(f"<p>{html.escape(line)}</p>" for line in read_json(study.out / BUDGET).get("lines", []))
    return said + re.sub(r"`([^`<]+)`", r"<code>\1</code>", str(soup))


def _table(frame: pd.DataFrame) -> BeautifulSoup:
    table = frame.to_html(index=False)
    soup = BeautifulSoup(f'<div class="scroll" tabindex="0">{table}</div>', "html.parser")
    tidy_table(soup.table)
    keep_together(soup)
    return soup
