"""Settings of the report's page, which change no result."""

from __future__ import annotations

from pydantic import Field

from dfstudy.study.section import Section


class Page(Section):
    """What the page shows."""

    faces: bool = Field(
        True, description="show images of faces; false leaves out every one, so that the report can be shared"
    )
    groups: str = Field(
        "",
        pattern=r"^([a-z][a-z ]{0,28}[a-z])?$",
        description="what the groups of the split are, as a plural: `people`, `videos`; empty says people or "
        "videos, and people of the sample",
    )
