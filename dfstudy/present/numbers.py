"""Numbers on disk and in prose: one JSON file a chapter, and sentences that are filled from it.

Takes `Number`s; gives `numbers/<chapter>.json` with sorted ids and full precision, tables and Markdown.
Refuses a repeated id and, through `Number`, anything not finite. Prose never types a number: `say` puts
`{id}` in its place, and an id that does not exist is an error.
"""

from __future__ import annotations

import dataclasses
import html
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from IPython.display import Markdown
from pydantic import TypeAdapter

from dfstudy.errors import near_match
from dfstudy.number import Number
from dfstudy.present.place import results_folder
from dfstudy.stats.units import UNITS

if TYPE_CHECKING:
    from dfstudy.study.comparisons import Evaluate
    from dfstudy.study.study import Study

_LISTED = TypeAdapter(list[Number])  # types are checked: a report may come from anybody

pd.set_option("display.max_colwidth", None)  # a table in a report is not cut off at 50 letters


def save_numbers(study: Study, chapter: str, numbers: Iterable[Number]) -> pd.DataFrame:
    """Write the chapter's numbers and return them as the table that the report shows."""
    listed = sorted(numbers, key=lambda number: number.id)
    ids = [number.id for number in listed]
    repeated = sorted({name for name in ids if ids.count(name) > 1})
    if repeated:
        raise ValueError(f"chapter {chapter}: numbers given twice: {', '.join(repeated)}")
    text = json.dumps([dataclasses.asdict(number) for number in listed], indent=1, allow_nan=False)
    (results_folder(study, "numbers") / f"{chapter}.json").write_text(text + "\n", "utf-8")
    return number_table(listed)


def read_numbers(file: Path) -> list[Number]:
    """The numbers of one file, as they were saved.

    Raises:
        ValueError: the file holds something else, or a number that `Number` refuses.
    """
    return parse_numbers(file.read_bytes())


def parse_numbers(text: bytes) -> list[Number]:
    """The numbers of a file's text, which may come from anybody.

    Raises:
        ValueError: as in `read_numbers`.
    """
    return _LISTED.validate_json(text, strict=True)


def load_numbers(study: Study, *chapters: str) -> dict[str, Number]:
    """Numbers by id, of the named chapters or of every one; those that have not run give none."""
    folder = study.out / "numbers"
    files = [folder / f"{chapter}.json" for chapter in chapters] or sorted(folder.glob("*.json"))
    return {number.id: number for file in files if file.is_file() for number in read_numbers(file)}


def number_table(numbers: Iterable[Number]) -> pd.DataFrame:
    """One row a number: id, value with interval, unit, n, groups, note; as text, for reading."""
    columns = ["number", "value [interval]", "unit", "images", "groups", "note"]
    rows = [
        (
            x.id,
            str(x),
            x.unit,
            f"{x.n:,}",
            "" if x.groups is None else f"{x.groups:,}",
            "" if x.value is None else x.note,  # the value says it already
        )
        for x in numbers
    ]
    return pd.DataFrame(rows, columns=columns)


def say(text: str, numbers: Mapping[str, Number] | Iterable[Number]) -> Markdown:
    """Markdown in which every `{id}` is replaced by that number and its interval, and `{{` by a brace.

    Names that a user chose come through `literal`, or in a block of code through `as_code`: a brace in one
    is only a character.

    Raises:
        KeyError: the text names a number that does not exist.
    """
    known = numbers if isinstance(numbers, Mapping) else {number.id: number for number in numbers}

    def fill(match: re.Match[str]) -> str:
        name = match.group(1)
        if name is None:
            return "{"
        if name not in known:
            raise KeyError(f"prose names number '{name}', which does not exist{near_match(name, known)}")
        return str(known[name])

    return Markdown(re.sub(r"\{\{|\{([a-z0-9][a-z0-9_.+-]*)\}", fill, text))


def literal(text: str) -> str:
    """A name as Markdown for `say` that shows it as it is, whatever signs it holds."""
    text = re.sub(r"&(?=#?\w+;)", "&amp;", text)  # an entity in a name is no character of it
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", text).replace("{", "&#123;").replace("$", "&#36;")


def as_code(text: str) -> str:
    """A text in a block of code for `say`, where Markdown has no signs and only braces count."""
    return text.replace("{", "{{")


def plain(text: str) -> str:
    """What `literal` made, as it was: for places that are no Markdown, such as a table of HTML."""
    return re.sub(r"\\([\\`*_\[\]<>|#])", r"\1", html.unescape(text))


def describe_interval(settings: Evaluate) -> str:
    """What a caption must say where an interval is drawn."""
    drawn = f"{settings.replicates:,} resamples of {UNITS[settings.level]}"
    return f"Interval: {100 * settings.confidence:g} % over {drawn}."
