"""A study's settings as rows of a table: key, value, meaning.

The meaning is the description that stands beside the setting in `dfstudy.study.study`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dfstudy.study.own_code import title_of
from dfstudy.study.section import Section

if TYPE_CHECKING:
    from dfstudy.study.study import Study


def describe(study: Study) -> list[tuple[str, str, str]]:
    """(key, value, meaning) of every setting, for the report's table; `root` without its folders."""
    rows = []
    for section, field in type(study).model_fields.items():
        part = getattr(study, section)
        if isinstance(part, Section):
            rows += _describe_section(section, part)
        elif not field.exclude:
            shown = ", ".join(map(str, part)) if isinstance(part, list) else str(part)
            rows.append((section, shown, field.description or ""))
    return rows


def _describe_section(prefix: str, part: Section) -> list[tuple[str, str, str]]:
    rows = []
    for key, field in type(part).model_fields.items():
        value = getattr(part, key)
        if isinstance(value, Section):
            rows += _describe_section(f"{prefix}.{key}", value)
        else:
            shown = Path(value).name if key in {"root", "weights"} else _without_folders(value)
            rows.append((f"{prefix}.{key}", shown, field.description or ""))
    return rows


def _without_folders(value: object) -> str:
    """A value as text, of own code without the folders of its file."""
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_without_folders(each)}" for name, each in value.items()) or "{}"
    return title_of(value) if isinstance(value, str) else str(value)
