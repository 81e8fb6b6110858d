"""Chapter 09 as the report knows it."""

from __future__ import annotations

from dfstudy.chapters.base import Chapter

CHAPTER = Chapter(
    id="09_conclusions",
    title="Conclusions",
    needs=("numbers",),
    timeout=600,
    figures=(),
    numbers=("answer.above_chance",),
)
