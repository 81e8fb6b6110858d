"""Every setting of a study file in one list: key, values that it takes, default, meaning.

Takes nothing but the study's own model, whose descriptions are the only wording; gives the whole list, or the
part of it that a key names, as text for a terminal and as Markdown. Refuses a key that there is not, with the
nearest one. docs/settings.md is this list; a test holds the two together. Cost: milliseconds.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from itertools import groupby
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import annotated_types
from pydantic.fields import FieldInfo

from dfstudy.errors import StudyError, near_match
from dfstudy.study.recipe import POLICIES, PolicyName
from dfstudy.study.section import Section, list_keys
from dfstudy.study.study import Study

MUST = "must be given"  # what `list_keys` says in place of a default
WIDTH = 92  # characters of a line for a terminal
COMMAND = "dfstudy settings --markdown > docs/settings.md"
_HEAD = f"""# Settings

Every key of a study file with the values that it takes, its default and its meaning. `dfstudy settings`
prints the same, `dfstudy settings training` a section, `dfstudy settings training.epochs` one key. A key that
a file leaves out has its default; a wrong one is refused with the nearest right one. Without a file, a key is
set by `--set training.epochs=6` on the command line, `SET="training.epochs=6"` of make, and
`overrides = {{"training.epochs": 6}}` in a notebook: their results get a folder of their own.

This page is made from the code: `{COMMAND}`.
"""
_POLICY = PolicyName.__metadata__[0]  # type: ignore[attr-defined]  # of an Annotated alias
_LIMITS: dict[type, tuple[str, str]] = {
    annotated_types.Ge: ("ge", "at least"),
    annotated_types.Gt: ("gt", "above"),
    annotated_types.Le: ("le", "at most"),
    annotated_types.Lt: ("lt", "below"),
}
_WORDS = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    NoneType: "null",
    Any: "anything",
}


class Setting(NamedTuple):
    """One key of a study file; `values` and `default` in words, the default as YAML writes it."""

    key: str
    values: str
    default: str
    meaning: str


def list_settings(key: str = "") -> list[Setting]:
    """All settings, those of a section, or one.

    Args:
        key: such as `training` or `training.epochs`; entries of a list are `test_on[].root`.
    Raises:
        StudyError: there is no such key.
    """
    every = [
        Setting(name, _describe_values(_find_field(name)), default, meaning)
        for name, default, meaning in list_keys(Study)
    ]
    found = [
        one for one in every if not key or one.key == key or one.key.startswith((f"{key}.", f"{key}[]."))
    ]
    if not found:
        known = [one.key for one in every]
        sections = [name.rpartition(".")[0] for name in known]
        # what follows the last dot may be right where the section is not
        ends = {name.rpartition(".")[2]: name for name in reversed(known)}
        last = ends.get(key.rpartition(".")[2])
        near = f" (did you mean '{last}'?)" if last else near_match(key, [*known, *filter(None, sections)])
        raise StudyError(f"there is no setting '{key}'{near}", "list every one: dfstudy settings")
    return found


def as_text(settings: Iterable[Setting]) -> str:
    """For a terminal: `key: default`, and below it values and meaning."""
    lines = []
    for one in settings:
        lines.append(f"{one.key}: {one.default}")
        for words in filter(None, (f"values: {one.values}", one.meaning)):
            lines.append(textwrap.indent(textwrap.fill(words, WIDTH), "    "))
    return "\n".join(lines)


def as_markdown() -> str:
    """All settings as a page: a heading and a table for each section."""
    parts = [_HEAD]
    settings = list_settings()
    alone = [one for one in settings if "." not in one.key]
    parts.append(_table("The study", (Study.__doc__ or "").partition("\n")[0], alone))
    inner = [one for one in settings if "." in one.key]
    for name, rows in groupby(inner, key=lambda one: one.key.partition(".")[0]):
        section = _section_of(Study.model_fields[name.removesuffix("[]")].annotation)
        parts.append(_table(name.removesuffix("[]"), (section.__doc__ or "").partition("\n")[0], list(rows)))
    return "\n".join(parts)


def _table(title: str, words: str, settings: list[Setting]) -> str:
    lines = [f"## {title}", "", words, "", "| key | values | default | meaning |", "|---|---|---|---|"]
    for one in settings:
        default = one.default if one.default == MUST else f"`{one.default}`"
        cells = (f"`{one.key}`", one.values, default, one.meaning)
        lines.append(f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |")
    return "\n".join([*lines, ""])


def _find_field(key: str) -> FieldInfo:
    *above, last = key.replace("[]", "").split(".")
    section: type[Section] = Study
    for name in above:
        section = _section_of(section.model_fields[name].annotation)
    return section.model_fields[last]


def _section_of(annotation: Any) -> type[Section]:
    """The section itself, or the one in a list or beside None."""
    choices = [annotation, *get_args(annotation)]
    found: type[Section] = next(one for one in choices if isinstance(one, type) and issubclass(one, Section))
    return found


def _describe_values(field: FieldInfo) -> str:
    return _describe(field.annotation, field.metadata)


def _describe(kind: Any, metadata: Iterable[Any]) -> str:
    """A type in words, with its limits."""
    limits = [
        part for each in metadata for part in (each.metadata if isinstance(each, FieldInfo) else [each])
    ]
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _describe(inner[0], [*inner[1:], *limits])
    if origin in (Union, UnionType):
        ordered = sorted(inner, key=lambda part: part is not NoneType)  # null first: a list has commas
        return ", or ".join(_describe(part, limits) for part in ordered)
    if origin is Literal:
        return _join([str(value) or "empty" for value in inner])
    if origin is list:
        return f"list{_length(limits)}: {_describe(inner[0], ())}"
    if origin is dict:
        return f"mapping from {_describe(inner[0], ())} to {_describe(inner[1], ())}"
    if isinstance(kind, type) and issubclass(kind, Section):
        return "mapping with the keys below"
    if _POLICY in limits:
        named = _join([*POLICIES, "a name of augment.policies"])
        return f"policy: {named}, or one that differs from it, such as original-grey"
    known = [(_LIMITS[type(limit)], limit) for limit in limits if type(limit) in _LIMITS]
    ranges = [f"{words} {getattr(limit, name)}" for (name, words), limit in known]
    patterns = [limit.pattern for limit in limits if getattr(limit, "pattern", None)]
    matching = [f"matching `{pattern}`" for pattern in patterns]
    return " ".join([_WORDS[kind], *filter(None, [" and ".join(ranges), *matching])])


def _length(limits: Iterable[Any]) -> str:
    least = next((limit.min_length for limit in limits if isinstance(limit, annotated_types.MinLen)), 0)
    most = next((limit.max_length for limit in limits if isinstance(limit, annotated_types.MaxLen)), None)
    if not least:
        return ""
    return f" of {least}" if least == most else f" of at least {least}"


def _join(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
