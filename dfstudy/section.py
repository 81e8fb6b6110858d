"""What the parts of a study have in common, and the words for a study file that does not fit.

Takes the errors that pydantic found; gives one `StudyError` that names all of them with key, value and what
is allowed. Nothing is read here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from dfstudy.errors import StudyError, near_match


class Section(BaseModel):
    """Base of every part of a study: immutable, and a mistyped key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def explain_misfit(path: Path, error: ValidationError, whole: type[Section], example: Path) -> StudyError:
    """Every problem of the file, each on a line.

    Args:
        whole: what the file should have been.
        example: a file that shows every key.
    """
    problems = [f"  {_problem(detail, whole)}" for detail in error.errors()]
    return StudyError(
        f"{path} does not fit ({len(problems)} problem{'s' * (len(problems) > 1)}):\n" + "\n".join(problems),
        f"mend the keys above; every key with its meaning stands in {example}",
    )


def _problem(detail: ErrorDetails, whole: type[Section]) -> str:
    place = [str(part) for part in detail["loc"]]
    key = ".".join(place)
    if detail["type"] == "extra_forbidden":
        allowed = _keys_at(place[:-1], whole)
        return f"{key}: unknown key{near_match(place[-1], allowed)}; allowed here: {', '.join(allowed)}"
    if detail["type"] == "missing":
        return f"{key}: missing"
    return f"{key}: {detail['input']!r}: {detail['msg'].removeprefix('Value error, ')}"


def _keys_at(place: list[str], whole: type[Section]) -> list[str]:
    section: Any = whole
    for part in place:
        section = section.model_fields[part].annotation
    return [key for key, field in section.model_fields.items() if not field.exclude]
