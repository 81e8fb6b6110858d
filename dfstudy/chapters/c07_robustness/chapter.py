"""Chapter 07 as the report knows it."""

from __future__ import annotations

from pathlib import Path

from dfstudy.chapters.base import Chapter, PageSection

CHAPTER = Chapter(
    id="07_robustness",
    title="Robustness",
    needs=(
        "pictures",
        "runs",
    ),
    timeout=21600,
    figures=(
        "robust_examples",
        "robust_auc",
        "robust_flips",
    ),
    numbers=(
        "robust.pictures",
        "robust.level",
        "robust.clean.auc",
        "robust.clean.balanced_accuracy",
        "robust.auc",
        "robust.drop",
        "robust.balanced_accuracy",
        "robust.flipped",
    ),
    section=PageSection("robustness", "Robustness", Path(__file__).with_name("section.md.j2")),
)
