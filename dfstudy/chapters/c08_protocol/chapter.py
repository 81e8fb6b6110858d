"""Chapter 08 as the report knows it."""

from __future__ import annotations

from pathlib import Path

from dfstudy.chapters.base import Chapter, PageSection
from dfstudy.chapters.c08_protocol.abstract import write_abstract
from dfstudy.chapters.c08_protocol.questions import answer_questions

CHAPTER = Chapter(
    id="08_audit_protocol",
    title="The original protocol",
    needs=(
        "pictures",
        "runs",
        "defects",
    ),
    timeout=86400,
    figures=(),
    numbers=(
        "defect.bgr_channels.applies",
        "defect.raw_pixels.applies",
        "defect.inverted_class_weight.applies",
        "defect.drifting_batch_norm.applies",
        "defect.random_split.applies",
        "defect.selection_is_result.applies",
        "defect.batch_means.applies",
        "defect.substring_labels.applies",
        "defect.plain_sgd.applies",
        "defect.timm_head.applies",
        "defect.all.applies",
    ),
    questions=answer_questions,
    abstract=write_abstract,
    section=PageSection("protocol", "Original protocol", Path(__file__).with_name("section.md.j2")),
)
