"""Chapter 10 as the report knows it."""

from __future__ import annotations

from pathlib import Path

from dfstudy.chapters.base import Chapter, PageSection

CHAPTER = Chapter(
    id="10_conclusions",
    title="Conclusions",
    needs=("numbers",),
    timeout=600,
    figures=(),
    numbers=("answer.above_chance",),
    section=PageSection("methods", "Methods and rules", Path(__file__).with_name("section.md.j2")),
)
