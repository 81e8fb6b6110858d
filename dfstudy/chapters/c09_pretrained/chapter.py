"""Chapter 09 as the report knows it."""

from __future__ import annotations

from dfstudy.chapters.base import Chapter

CHAPTER = Chapter(
    id="09_pretrained",
    title="What the pretrained network knows",
    needs=(
        "pictures",
        "runs",
        "curve",
    ),
    timeout=86400,
    figures=(),
    numbers=(),
)
