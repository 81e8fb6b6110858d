"""What a chapter is: a notebook, what it needs and must give, and the questions that its numbers answer.

A chapter is a folder here, a notebook of the same number, and a line in `registry`. Its `chapter.py` declares
it; beside it lie what it measures, draws and says. A chapter imports no other chapter: what two of them use
lives in a room below (`present`, `predict`, `stats`, `variants`). Chapter 10 reads the others' numbers, and
asks their questions through the registry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dfstudy.system.provenance import project_root

if TYPE_CHECKING:
    from dfstudy.present.answer import Answer, Numbers
    from dfstudy.study.study import Study


@dataclass(frozen=True)
class Gathered:
    """What chapter 10 has when it asks.

    Attributes:
        numbers: of all chapters, by id.
        study: whose budget the verdicts name.
        groups_known: whether the images name the groups that the split keeps whole.
    """

    numbers: Numbers
    study: Study
    groups_known: bool


@dataclass(frozen=True)
class PageSection:
    """What a chapter says in the main part of the page: a few paragraphs and one or two figures.

    Attributes:
        id: anchor on the page.
        title: its heading.
        template: Markdown with Jinja, filled by `pipeline.page.sections`; it holds no number of its own.
    """

    id: str
    title: str
    template: Path


@dataclass(frozen=True)
class Chapter:
    """One notebook of the report.

    Attributes:
        id: stem of the notebook and of its numbers file, such as `03_train`.
        title: what the terminal and the contents call it.
        needs: what must exist first: `pictures` (index), `card` (the dataset card of the study file),
            `leakage` (trainings of the estimate), `elsewhere` (other folders to test on), `runs` (every
            training run of the study), `policies`, `controls`, `forgeries`, `defects`, `tuning`, `pairs` and
            `curve` (those of a comparison), `shortcuts` (numbers of the first chapter), `numbers` (those of
            the chapters above).
        timeout: seconds that one cell may take.
        figures, numbers: ids that must exist after it has run; more may.
        questions: answers to what its numbers can answer; none where they are missing. Pure.
        abstract: its paragraph of the abstract, from all answers; empty where it has nothing to say. Pure.
        section: what it says in the main part of the page; none where it is only an appendix.
    """

    id: str
    title: str
    needs: tuple[str, ...]
    timeout: int
    figures: tuple[str, ...]
    numbers: tuple[str, ...]
    questions: Callable[[Gathered], list[Answer]] | None = None
    abstract: Callable[[Sequence[Answer], Gathered], str] | None = None
    section: PageSection | None = None

    @property
    def notebook(self) -> Path:
        """The notebook in the checkout."""
        return project_root() / "notebooks" / f"{self.id}.ipynb"
