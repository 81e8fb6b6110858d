"""How faces are found and cropped: one set of settings for a whole folder.

Takes numbers and names; refuses what is out of range, all of it at once. Cost: none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator

from dfstudy.data.limits import LEAST_SIDE
from dfstudy.errors import StudyError
from dfstudy.study.section import Section

Kind = Literal["png", "jpeg"]


class FaceSettings(Section):
    """What `crop_folder` and `clip_faces` go by."""

    frames: int = Field(32, ge=1, description="frames taken from each video, evenly over its length")
    size: int = Field(
        256, ge=0, le=4096, description="side of a crop, pixels; 0 keeps the pixels as they are"
    )
    margin: float = Field(
        1.3, ge=0.5, le=4, description="side of the crop, in longer sides of the face's box"
    )
    align: bool = Field(False, description="turn each crop so that the eyes are above the mouth")
    keep: Literal["main", "all"] = Field("main", description="the main face of an image or video, or all")
    kind: Kind = Field("png", description="png is lossless; jpeg is 4:4:4")
    quality: int = Field(95, ge=1, le=100, description="quality of JPEG")
    score: Annotated[float, Field(gt=0, lt=1)] = Field(0.7, description="least score of a face")
    smallest: int = Field(64, ge=1, description="least side of a crop before it is resized, pixels")

    @field_validator("size")
    @classmethod
    def _can_be_judged(cls, size: int) -> int:
        if 0 < size < LEAST_SIDE:
            raise ValueError(f"0 or at least {LEAST_SIDE}: the index uses no smaller images")
        return size


def read_settings(given: Mapping[str, Any]) -> FaceSettings:
    """Settings that were typed, the others as they are by default.

    Raises:
        StudyError: a value is out of range; all of them at once.
    """
    try:
        return FaceSettings(**given)
    except ValidationError as error:
        problems = [
            f"{detail['loc'][0]} {detail['input']}: {detail['msg'].lower()}" for detail in error.errors()
        ]
        raise StudyError("; ".join(problems), "see dfstudy faces --help") from None
