"""Chapter 02 as the report knows it."""

from __future__ import annotations

from dfstudy.chapters.base import Chapter

CHAPTER = Chapter(
    id="02_view_augmentation",
    title="The augmentation",
    needs=("pictures",),
    timeout=1800,
    figures=(
        "augment_transforms",
        "augment_policy",
        "augment_policies",
        "augment_strength",
        "timing_augment",
    ),
    numbers=(
        "augment.jpeg_quality",
        "augment.noise_sigma",
    ),
)
