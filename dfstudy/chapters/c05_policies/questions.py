"""What chapter 05 can answer: the declared policy first, then the others, single transforms, the controls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dfstudy.chapters.c05_policies.questions_controls import decide_on_controls
from dfstudy.chapters.c05_policies.questions_policies import decide_on_policies
from dfstudy.chapters.c05_policies.questions_transforms import decide_on_transforms

if TYPE_CHECKING:
    from dfstudy.chapters.base import Gathered
    from dfstudy.present.answer import Answer


def answer_questions(gathered: Gathered) -> list[Answer]:
    """Every answer for which the chapter gave a number."""
    numbers, study = gathered.numbers, gathered.study
    return [
        *decide_on_policies(numbers, study),
        *decide_on_transforms(numbers, study),
        *decide_on_controls(numbers),
    ]
