"""Chapter 05 as the report knows it."""

from __future__ import annotations

from pathlib import Path

from dfstudy.chapters.base import Chapter, PageSection
from dfstudy.chapters.c05_policies.abstract import write_abstract
from dfstudy.chapters.c05_policies.questions import answer_questions

CHAPTER = Chapter(
    id="05_compare_augmentation",
    title="Augmentation compared",
    needs=(
        "pictures",
        "policies",
        "controls",
        "shortcuts",
    ),
    timeout=86400,
    figures=(),
    numbers=("policies.compared",),
    questions=answer_questions,
    abstract=write_abstract,
    section=PageSection("augmentation", "Augmentation", Path(__file__).with_name("section.md.j2")),
)
