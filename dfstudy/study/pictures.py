"""Settings of the images: where they lie, how their labels are read, how they are split.

The descriptions are the only wording of a setting: the report's settings table prints them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from dfstudy.study.section import Section

SAMPLE = "sample"  # value of data.root that stands for the rendered portraits

Fraction = Annotated[float, Field(gt=0, lt=1)]
Layout = Literal[
    "DeepfakeBench", "ForgeryNet", "tables by split", "DFDC", "FaceForensics++", "Celeb-DF", "class folders"
]


class SamplePictures(Section):
    """Settings of the rendered portraits (used where data.root is `sample`)."""

    identities: int = Field(240, ge=12, description="rendered people; each is one group")
    frames: int = Field(4, ge=1, description="real images of each person")
    size: int = Field(128, ge=48, le=512, description="side of an image, pixels")
    seed: int = Field(0, ge=0, description="seed of everything that is rendered")


class Card(Section):
    """What only a person knows of the images: words for the dataset card, which shape no result."""

    origin: str = Field("", description="where the images come from: name, version, address, date")
    licence: str = Field("", description="licence or terms under which they may be used")
    consent: str = Field("", description="what the people shown have agreed to")
    notes: str = Field("", description="what else a reader should know")


class Data(Section):
    """Which images, how their labels are read, and how they are split."""

    root: str = Field(SAMPLE, description="folder of images, or `sample` for rendered portraits")
    sample: SamplePictures = SamplePictures()
    aliases: dict[Literal["real", "fake"], list[str]] = Field(
        default={}, description="further names of class folders, beside the built-in table"
    )
    exclude: list[str] = Field(
        default=[],
        description="folders or files below root, as paths from there, that are left out (and counted)",
    )
    layout: Layout | Literal[""] = Field(
        "", description="known layout to read the folder by; empty recognises it"
    )
    near_duplicates: int = Field(
        31,
        ge=0,
        le=31,
        description="bits of 255 in which two images' hashes may differ where they join one group; "
        "0 joins copies only",
    )
    test_fraction: Fraction = Field(0.2, description="share of groups kept for the one test")
    val_fraction: Fraction = Field(0.15, description="share of groups that selects epoch and threshold")
    split_seed: int = Field(0, ge=0, description="seed of the split")
    card: Card = Card()

    @model_validator(mode="after")
    def _fractions_leave_training(self) -> Data:
        if self.test_fraction + self.val_fraction > 0.8:
            raise ValueError("test_fraction and val_fraction together leave less than 20 % for training")
        return self
