"""Chapter 03 as the report knows it."""

from __future__ import annotations

from dfstudy.chapters.base import Chapter

CHAPTER = Chapter(
    id="03_train",
    title="Training",
    needs=(
        "pictures",
        "runs",
    ),
    timeout=86400,
    figures=(
        "train_curves",
        "timing_train",
    ),
    numbers=(
        "train.auc_gap",
        "train.best_epoch",
        "train.parameters",
        "train.trainable",
    ),
)
