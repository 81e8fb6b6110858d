"""The report's page from executed chapters, numbers and settings: one self-contained HTML file.

Takes a study whose chapters have run; gives `<out>/index.html`, with pictures inside, readable offline, on
paper and on a narrow screen. Everything that may differ between two runs of one study stands in
`<section id="provenance">`. Refuses to write a page that `page_check` finds fault with. Cost: seconds.
"""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pandas as pd
from bs4 import BeautifulSoup
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dfstudy.errors import StudyError
from dfstudy.report import record
from dfstudy.report.chapters import Chapter, load_chapters
from dfstudy.report.fragments import LIFTED, TEMPLATES, FigureCount, Fragment, make_fragment
from dfstudy.report.numbers import number_table, read_numbers
from dfstudy.report.page_check import page_problems
from dfstudy.report.tables import tidy_table
from dfstudy.study import Study, describe

END = [("numbers", "All numbers"), ("settings", "Settings"), ("provenance", "Provenance")]


def render(study: Study, chapters: tuple[Chapter, ...] = ()) -> Path:
    """Write the report's page and return its path; the page before is replaced only by a good one.

    Args:
        chapters: which chapters, in reading order; empty is every one that is declared.
    Raises:
        StudyError: a chapter has not run, or the page would be faulty.
    """
    chapters = chapters or load_chapters()
    count = FigureCount()
    fragments = [make_fragment(_executed(study, chapter), chapter.id, count) for chapter in chapters]
    html = _fill(study, chapters, fragments)
    problems = page_problems(html)
    if problems:
        raise StudyError(
            "the page would not be readable by everyone:\n  " + "\n  ".join(problems[:20]),
            "mend the cell that shows it; figures come from save_figure, which asks for caption and alt text",
        )
    page = study.out / "index.html"
    partial = page.with_name(f".index.html.{os.getpid()}")
    partial.write_text(html, "utf-8")
    partial.replace(page)
    return page


def without_provenance(html: str) -> str:
    """The page without its provenance block: what two runs of one study must share byte by byte."""
    soup = BeautifulSoup(html, "html.parser")
    block = soup.find("section", id="provenance")
    if block is not None:
        block.decompose()
    return str(soup)


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
    opening = [(name.capitalize(), lifted[name]) for name in LIFTED if name in lifted]
    ends = [{"id": name, "title": title, "sections": []} for name, title in END]
    starts = [{"id": name.lower(), "title": name, "sections": []} for name, _ in opening]
    steps = [(f"train_seed_{seed}", f"Training, seed {seed}") for seed in study.training.seeds]
    steps += [(chapter.id, chapter.title) for chapter in chapters]
    return environment.get_template("page.html.j2").render(
        title=study.title,
        css=(TEMPLATES / "page.css").read_text("utf-8"),
        contents=[*starts, *fragments, *ends],
        opening=opening,
        chapters=fragments,
        numbers=_numbers(study, chapters, fragments),
        settings=_table(pd.DataFrame(describe(study), columns=["setting", "value", "meaning"])),
        record=record.report_rows(study),
        versions=record.version_rows(),
        durations=record.duration_rows(study, steps),
        timing="".join(fragment.timing for fragment in fragments),
    )


def _numbers(study: Study, chapters: tuple[Chapter, ...], fragments: list[Fragment]) -> str:
    """One table, with a row for each chapter above its numbers."""
    soup = BeautifulSoup('<div class="scroll" tabindex="0"><table></table></div>', "html.parser")
    for chapter, fragment in zip(chapters, fragments, strict=True):
        file = study.out / "numbers" / f"{chapter.id}.json"
        if not file.is_file():
            continue
        part = BeautifulSoup(_table(number_table(read_numbers(file))), "html.parser")
        if soup.table.thead is None:
            soup.table.append(part.thead.extract())
        columns = len(soup.table.thead.find_all("th"))
        group = BeautifulSoup("<tr><th></th></tr>", "html.parser")
        group.th.attrs = {"colspan": str(columns), "scope": "rowgroup", "class": "group"}
        group.th.string = fragment.title
        group.tr["id"] = f"numbers-{fragment.id}"
        part.tbody.insert(0, group)
        soup.table.append(part.tbody.extract())
    for row in soup.find_all("tr"):
        if row.td is not None:
            row.td["class"] = "id"
    return str(soup)


def _table(frame: pd.DataFrame) -> str:
    with pd.option_context("display.max_colwidth", None):  # else pandas cuts texts at 50 letters
        table = frame.to_html(index=False)
    soup = BeautifulSoup(f'<div class="scroll" tabindex="0">{table}</div>', "html.parser")
    tidy_table(soup.table)
    return str(soup)
