"""The abstract: what was declared first, then the other chapters in order, and what it does not say.

Takes answers and the numbers behind them; gives text for `say`. No number is typed here. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dfstudy.chapters.registry import CHAPTERS
from dfstudy.present.lookup import read_id

if TYPE_CHECKING:
    from dfstudy.chapters.base import Gathered
    from dfstudy.present.answer import Answer, Numbers

DECLARED = ("primary", "secondary")


def write_abstract(answers: Iterable[Answer], gathered: Gathered) -> str:
    """A paragraph of each chapter that has one to say, and what the study does not say."""
    every = list(answers)
    notebooks = {answer.figure.partition(".")[0] for answer in every if answer.tier in DECLARED}
    writing = [chapter for chapter in CHAPTERS if chapter.abstract is not None]
    writing.sort(key=lambda chapter: chapter.id not in notebooks)
    parts = [chapter.abstract(every, gathered) for chapter in writing if chapter.abstract is not None]
    parts.append(" ".join(list_limits(gathered.numbers, gathered.study.is_sample)))
    return "\n\n".join(part for part in parts if part)


def list_limits(numbers: Numbers, is_sample: bool) -> list[str]:
    """What the study does not say, a sentence each."""
    if is_sample:
        return [
            "The faces are rendered and show no person: the result says nothing about forgeries of real "
            "people."
        ]
    known = [read_id(name) for name, number in numbers.items() if number.value is not None]
    unseen = [of for of in known if (of.kind, of.quantity) == ("policy", "unseen") and of.aspect]
    kinds = {of.kind for of in known}
    asked = {
        "forgery methods left out of training": bool(unseen) or "cross" in kinds,
        "other sets of images": "elsewhere" in kinds,
    }
    missing = [what for what, was in asked.items() if not was]
    rest = f" It was not tested on {' and '.join(missing)}." if missing else ""
    return [f"The result holds for images like these.{rest}"]
