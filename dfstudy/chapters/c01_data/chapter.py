"""Chapter 01 as the report knows it."""

from __future__ import annotations

from pathlib import Path

from dfstudy.chapters.base import Chapter, PageSection
from dfstudy.chapters.c01_data.questions import answer_questions

CHAPTER = Chapter(
    id="01_explore_data",
    title="The images",
    needs=(
        "pictures",
        "card",
        "leakage",
    ),
    timeout=7200,
    figures=(
        "data_strip",
        "data_shortcuts",
        "data_counts",
        "data_faces",
    ),
    numbers=(
        "data.pictures",
        "data.real",
        "data.fake",
        "data.groups",
        "data.set_aside",
        "split.train",
        "split.val",
        "split.test",
        "shortcut.together.auc",
        "shortcut.telling",
        "probe.images.auc",
        "labels.suspicious",
        "labels.planted.found",
        "duplicates.copies",
        "duplicates.both_labels",
        "duplicates.near",
        "leakage.auc.grouped",
        "leakage.auc.random",
        "leakage.inflation",
    ),
    questions=answer_questions,
    section=PageSection("data", "Data and trust", Path(__file__).with_name("section.md.j2")),
)
