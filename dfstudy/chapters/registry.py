"""The chapters of the report, as `chapters.yaml` declares them, and where their notebooks lie.

Gives frozen `Chapter`s in reading order. Refuses an unknown chapter, with the near match. No cost.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from dfstudy.errors import StudyError, near_match
from dfstudy.system.provenance import project_root

DECLARED = Path(__file__).with_name("chapters.yaml")


@dataclass(frozen=True)
class Chapter:
    """One notebook of the report.

    Attributes:
        id: stem of the notebook and of its numbers file, such as `03_train`.
        title: what the terminal and the contents call it.
        needs: what must exist first: `pictures` (index), `card` (the dataset card of the study file),
            `leakage` (the meter's trainings), `elsewhere` (other folders to test on), `runs` and `forgeries`
            (trainings), `numbers` (those of the chapters above).
        timeout: seconds that one cell may take.
        figures, numbers: ids that must exist after it has run; more may.
    """

    id: str
    title: str
    needs: tuple[str, ...]
    timeout: int
    figures: tuple[str, ...]
    numbers: tuple[str, ...]

    @property
    def notebook(self) -> Path:
        """The notebook in the checkout."""
        return project_root() / "notebooks" / f"{self.id}.ipynb"


@cache
def load_chapters() -> tuple[Chapter, ...]:
    """Every chapter in reading order."""
    entries = yaml.safe_load(DECLARED.read_text("utf-8"))
    lists = ("needs", "figures", "numbers")
    return tuple(Chapter(**{**entry, **{key: tuple(entry[key]) for key in lists}}) for entry in entries)


def find_chapter(name: str) -> Chapter:
    """The chapter with that id.

    Raises:
        StudyError: there is none.
    """
    known = {chapter.id: chapter for chapter in load_chapters()}
    if name not in known:
        raise StudyError(
            f"there is no chapter '{name}'{near_match(name, known)}", f"give one of {', '.join(known)}"
        )
    return known[name]
