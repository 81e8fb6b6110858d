"""A chapter by its id, as the command line names it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dfstudy.chapters.registry import CHAPTERS
from dfstudy.errors import StudyError, near_match

if TYPE_CHECKING:
    from dfstudy.chapters.base import Chapter


def find_chapter(name: str) -> Chapter:
    """The chapter with that id.

    Raises:
        StudyError: there is none.
    """
    known = {chapter.id: chapter for chapter in CHAPTERS}
    if name not in known:
        raise StudyError(
            f"there is no chapter '{name}'{near_match(name, known)}", f"give one of {', '.join(known)}"
        )
    return known[name]
