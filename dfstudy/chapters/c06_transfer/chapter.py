"""Chapter 06 as the report knows it."""

from __future__ import annotations

from pathlib import Path

from dfstudy.chapters.base import Chapter, PageSection
from dfstudy.chapters.c06_transfer.questions import answer_questions

CHAPTER = Chapter(
    id="06_cross_forgery",
    title="Unseen forgeries",
    needs=(
        "pictures",
        "elsewhere",
        "runs",
        "forgeries",
    ),
    timeout=86400,
    figures=("forgeries_published",),
    numbers=(
        "probe.unseen.auc",
        "published.correlation",
        "published.difference.balanced",
    ),
    questions=answer_questions,
    section=PageSection("unseen", "Unseen forgeries", Path(__file__).with_name("section.md.j2")),
)
