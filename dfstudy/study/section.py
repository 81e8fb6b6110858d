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
from dfstudy.system.file_kind import no_file

# of a study file: far beyond any that a person writes
MOST_BYTES, MOST_LEVELS, MOST_VALUES = 2**20, 50, 100_000


class Section(BaseModel):
    """Base of every part of a study: immutable, and a mistyped key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


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
    """Refuses a key that appears twice, such as a second `data:`, where YAML would forget the first.

    And what is more than it looks: values that unfold to many by aliases of aliases, or lie within others
    without end, integers of thousands of digits, and texts that no path and no UTF-8 can hold.
    """

    _level = 0

    def fetch_flow_collection_start(self, kind: type[yaml.Token]) -> None:
        # its look ahead for a key takes time by the square of the brackets that are open
        if self.flow_level > MOST_LEVELS:
            raise yaml.MarkedYAMLError(
                problem=f"more than {MOST_LEVELS} levels", problem_mark=self.get_mark()
            )
        super().fetch_flow_collection_start(kind)

    def compose_node(self, parent: Any, index: Any) -> yaml.Node:
        self._level += 1
        if self._level > MOST_LEVELS:
            raise _refusal(f"more than {MOST_LEVELS} levels", self.peek_event())
        node = super().compose_node(parent, index)
        self._level -= 1
        return node

    def construct_document(self, node: yaml.Node) -> Any:
        values, levels = _unfold(node, {})
        if values > MOST_VALUES or levels > MOST_LEVELS:
            raise _refusal(
                f"aliases unfold to more than {MOST_VALUES:,} values or {MOST_LEVELS} levels", node
            )
        return super().construct_document(node)

    def construct_integer(self, node: yaml.ScalarNode) -> int:
        value: int = self.construct_yaml_int(node)
        if abs(value) >= 2**63:
            raise _refusal("an integer of more than 64 bits", node)
        return value

    def construct_text(self, node: yaml.ScalarNode) -> str:
        value: str = self.construct_scalar(node)
        if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
            raise _refusal("a text with a letter that no file's name holds", node)
        return value

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        for key, _ in node.value:
            if keys.count(key.value) > 1:
                raise yaml.MarkedYAMLError(
                    problem=f"'{key.value}' appears twice", problem_mark=key.start_mark
                )
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_integer)
_Loader.add_constructor("tag:yaml.org,2002:str", _Loader.construct_text)


def _refusal(problem: str, place: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=place.start_mark)


def _unfold(node: yaml.Node, known: dict[int, tuple[float, float]]) -> tuple[float, float]:
    """Values and levels of a node with its aliases written out; infinite where it holds itself."""
    if id(node) not in known:
        known[id(node)] = float("inf"), float("inf")
        pairs = isinstance(node, yaml.MappingNode)
        parts = [] if isinstance(node, yaml.ScalarNode) else node.value
        inside = [_unfold(one, known) for part in parts for one in (part if pairs else (part,))]
        known[id(node)] = (
            1 + sum(values for values, _ in inside),
            1 + max((levels for _, levels in inside), default=0),
        )
    return known[id(node)]


def read_settings(path: Path, example: Path) -> dict[str, Any]:
    """What a study file says, unchecked.

    Args:
        example: a file to begin with.
    Raises:
        StudyError: it is no YAML, holds no settings, or says a key twice.
    """
    try:
        if kind := no_file(path, MOST_BYTES):
            raise StudyError(f"{path} is {kind}, no study file", "give the path of a YAML file")
        settings = yaml.load(path.read_text("utf-8"), _Loader)
    except StudyError:
        raise
    # YAML's constructors meet values such as `!!bool x` with any exception at all
    except Exception as error:
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
    said = detail["msg"].removeprefix("Value error, ")
    # of a section that does not fit together the message names the keys
    whole_section = isinstance(detail["input"], dict)
    return ": ".join([*filter(None, [key]), *([] if whole_section else [repr(detail["input"])]), said])


def _section_in(annotation: Any) -> Any:
    """The section itself, or the one in a list or beside None."""
    return next((part for part in get_args(annotation) if isinstance(part, type(Section))), annotation)


def _keys_at(place: list[str], whole: type[Section]) -> list[str]:
    section: Any = whole
    for part in place:
        if part in section.model_fields:  # else the number of an entry in a list, whose type is known already
            section = _section_in(section.model_fields[part].annotation)
    return [key for key, field in section.model_fields.items() if not field.exclude]
