"""Chapter 09 as the report knows it."""

from __future__ import annotations

from dfstudy.chapters.base import Chapter
from dfstudy.chapters.c09_pretrained.questions import answer_questions

CHAPTER = Chapter(
    id="09_pretrained",
    title="What the pretrained network knows",
    needs=(
        "pictures",
        "runs",
        "tuning",
        "pairs",
        "curve",
    ),
    timeout=86400,
    figures=(),
    numbers=(),
    questions=answer_questions,
)
