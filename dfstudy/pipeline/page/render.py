"""The report's page from executed chapters, numbers and settings: one self-contained HTML file.

Takes a study whose chapters have run; gives `<out>/index.html`, with pictures inside, readable offline, on
paper and on a narrow screen. Everything that may differ between two runs of one study stands in
`<section id="provenance">`. Refuses to write a page that `page_check` finds fault with. Cost: seconds.
"""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pandas as pd
from bs4 import BeautifulSoup
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dfstudy.chapters.registry import CHAPTERS
from dfstudy.errors import StudyError
from dfstudy.pipeline.listing import BUDGET
from dfstudy.pipeline.page import record
from dfstudy.pipeline.page.fragments import LIFTED, TEMPLATES, FigureCount, Fragment, make_fragment
from dfstudy.pipeline.page.links import settle_links
from dfstudy.pipeline.page.page_check import page_problems
from dfstudy.pipeline.page.tables import keep_together, tidy_table
from dfstudy.pipeline.plan import LEAKAGE, PLAN, TRAINING
from dfstudy.present.numbers import number_table, read_numbers
from dfstudy.present.settings import describe
from dfstudy.system.kept import read_json, write_atomic

if TYPE_CHECKING:
    from dfstudy.chapters.base import Chapter
    from dfstudy.study.study import Study

END = [("numbers", "All numbers"), ("settings", "Settings"), ("provenance", "Provenance")]


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
    count = FigureCount()
    fragments = [make_fragment(_executed(study, chapter), chapter.id, count) for chapter in chapters]
    text = settle_links(_fill(study, chapters, fragments))
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


def _fill(study: Study, chapters: tuple[Chapter, ...], fragments: list[Fragment]) -> str:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    lifted = {name: html for fragment in fragments for name, html in fragment.lifted.items()}
    opening = [(name, title, lifted[name]) for name, title in LIFTED.items() if name in lifted]
    ends = [{"id": name, "title": title, "sections": []} for name, title in END]
    starts = [{"id": name, "title": title, "sections": []} for name, title, _ in opening]
    trainings = [training["steps"].items() for training in read_json(study.out / PLAN).get("training", [])]
    steps = [(TRAINING.format(name), step["title"]) for part in trainings for name, step in part]
    steps.append((LEAKAGE, "Leakage estimate"))
    steps += [(f"steps/{chapter.id}.json", f"Chapter: {chapter.title}") for chapter in chapters]
    return environment.get_template("page.html.j2").render(
        title=study.title,
        css=(TEMPLATES / "page.css").read_text("utf-8"),
        contents=[*starts, *fragments, *ends],
        opening=opening,
        chapters=fragments,
        numbers=_numbers(study, fragments),
        settings=_settings(study),
        record=record.report_rows(study),
        versions=record.version_rows(),
        durations=record.duration_rows(study, steps),
        timing="".join(fragment.timing for fragment in fragments),
    )


def _numbers(study: Study, fragments: list[Fragment]) -> str:
    """One table, with a row for each chapter above its numbers."""
    files = {fragment.id: study.out / "numbers" / f"{fragment.id}.json" for fragment in fragments}
    parts = {name: read_numbers(file) for name, file in files.items() if file.is_file()}
    if not any(parts.values()):
        return ""
    soup = _table(number_table(number for numbers in parts.values() for number in numbers))
    rows = iter(soup.tbody.find_all("tr"))
    columns = len(soup.thead.find_all("th"))
    for fragment in fragments:
        for position, row in enumerate(itertools.islice(rows, len(parts.get(fragment.id, ())))):
            row.td["class"] = "id"
            if position == 0:
                heading = soup.new_tag("th", colspan=str(columns), scope="rowgroup")
                heading["class"] = "group"
                heading.string = fragment.title
                group = soup.new_tag("tr", id=f"numbers-{fragment.id}")
                group.append(heading)
                row.insert_before(group)
    return str(soup)


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
