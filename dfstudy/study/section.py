"""What the parts of a study have in common, and the words for a study file that does not fit.

Takes a study file, or the errors that pydantic found in it; gives its settings, or one `StudyError` that
names every problem with key, value and what is allowed. Refuses a key that appears twice.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from dfstudy.errors import StudyError, near_match


class Section(BaseModel):
    """Base of every part of a study: immutable, and a mistyped key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def explain_misfit(path: Path, error: ValidationError, whole: type[Section], keys: str) -> StudyError:
    """Every problem of the file, each on a line.

    Args:
        whole: what the file should have been.
        keys: where every key stands with its meaning.
    """
    problems = [f"  {_problem(detail, whole)}" for detail in error.errors()]
    return StudyError(
        f"{path} does not fit ({len(problems)} problem{'s' * (len(problems) > 1)}):\n" + "\n".join(problems),
        f"mend the keys above; every key with its default and meaning: {keys}",
    )


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # yaml has no types
    """Refuses a key that appears twice, such as a second `data:`, where YAML would forget the first."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        for key, _ in node.value:
            if keys.count(key.value) > 1:
                raise yaml.MarkedYAMLError(
                    problem=f"'{key.value}' appears twice", problem_mark=key.start_mark
                )
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


def read_settings(path: Path, example: Path) -> dict[str, Any]:
    """What a study file says, unchecked.

    Args:
        example: a file to begin with.
    Raises:
        StudyError: it is no YAML, holds no settings, or says a key twice.
    """
    try:
        settings = yaml.load(path.read_text("utf-8"), _Loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise StudyError(f"{path}: not readable as YAML: {error}", "mend the line named above") from None
    if not isinstance(settings, dict):
        raise StudyError(f"{path}: holds no settings", f"copy one to begin with: {example}")
    for key in ("file", "out", "frozen"):
        if key in settings:
            raise StudyError(f"{path}: unknown key '{key}'", "remove it; give OUT= on the command line")
    return settings


def list_keys(whole: type[Section], above: str = "") -> list[tuple[str, str, str]]:
    """(key, default, meaning) of every setting that a file may give; `key[].name` in a list's entries."""
    rows = []
    for name, field in whole.model_fields.items():
        if field.exclude:
            continue
        section = _section_in(field.annotation)
        default = "" if field.is_required() else field.get_default(call_default_factory=True)
        is_part = isinstance(default, Section)
        if not is_part:
            shown = (
                "must be given" if field.is_required() else yaml.safe_dump(default, default_flow_style=True)
            )
            rows.append((above + name, shown.removesuffix("...\n").strip(), field.description or ""))
        if isinstance(section, type(Section)):
            rows += list_keys(section, f"{above}{name}{'.' if is_part or default is None else '[].'}")
    return rows


def _problem(detail: ErrorDetails, whole: type[Section]) -> str:
    place = [str(part) for part in detail["loc"]]
    key = ".".join(place)
    if detail["type"] == "extra_forbidden":
        allowed = _keys_at(place[:-1], whole)
        return f"{key}: unknown key{near_match(place[-1], allowed)}; allowed here: {', '.join(allowed)}"
    if detail["type"] == "missing":
        return f"{key}: missing"
    return f"{key}: {detail['input']!r}: {detail['msg'].removeprefix('Value error, ')}"


def _section_in(annotation: Any) -> Any:
    """The section itself, or the one in a list or beside None."""
    return next((part for part in get_args(annotation) if isinstance(part, type(Section))), annotation)


def _keys_at(place: list[str], whole: type[Section]) -> list[str]:
    section: Any = whole
    for part in place:
        if part in section.model_fields:  # else the number of an entry in a list, whose type is known already
            section = _section_in(section.model_fields[part].annotation)
    return [key for key, field in section.model_fields.items() if not field.exclude]
