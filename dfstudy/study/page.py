"""Settings of the report's page, which change no result."""

from __future__ import annotations

from pydantic import Field

from dfstudy.study.section import Section


class Page(Section):
    """What the page shows."""

    faces: bool = Field(
        True, description="show images of faces; false leaves out every one, so that the report can be shared"
    )
