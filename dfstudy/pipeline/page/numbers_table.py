"""All numbers of a report: one table, and the same as files to download, inside the page.

Takes the numbers files of the chapters; gives HTML with a heading row for each chapter, and CSV and JSON as
`data:` addresses. A cell of the CSV that a spreadsheet would take for a formula begins with an apostrophe.
Cost: a second for a thousand numbers.
"""

from __future__ import annotations

import base64
import csv
import dataclasses
import io
import itertools
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from bs4 import BeautifulSoup

from dfstudy.data.tables import as_text
from dfstudy.present.numbers import number_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from pandas import DataFrame

    from dfstudy.number import Number


def write_table(
    titles: Mapping[str, str],
    numbers: Mapping[str, list[Number]],
    to_html: Callable[[DataFrame], BeautifulSoup],
) -> str:
    """HTML of the table; empty where there is no number.

    Args:
        titles: of the chapters, by id, in reading order.
        numbers: of each chapter that saved some.
        to_html: makes a table of a data frame.
    """
    if not any(numbers.values()):
        return ""
    soup = to_html(number_table(number for name in titles for number in numbers.get(name, ())))
    rows = iter(soup.tbody.find_all("tr"))
    columns = len(soup.thead.find_all("th"))
    for name, title in titles.items():
        for position, row in enumerate(itertools.islice(rows, len(numbers.get(name, ())))):
            row.td["class"] = "id"
            if position == 0:
                heading = soup.new_tag("th", colspan=str(columns), scope="rowgroup")
                heading["class"] = "group"
                heading.string = title
                group = soup.new_tag("tr", id=f"numbers-{name}")
                group.append(heading)
                row.insert_before(group)
    return str(soup)


def write_csv(numbers: Mapping[str, list[Number]]) -> str:
    """Every number in full precision, a row each, after the chapter that saved it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    fields = [
        field.name for field in dataclasses.fields(next(x for every in numbers.values() for x in every))
    ]
    writer.writerow(["chapter", *fields])
    for chapter, listed in numbers.items():
        for number in listed:
            writer.writerow([chapter, *(_as_text(value) for value in dataclasses.astuple(number))])
    return text.getvalue()


def write_json(numbers: Mapping[str, list[Number]]) -> str:
    """The numbers files as one, by chapter."""
    return json.dumps({name: [dataclasses.asdict(x) for x in listed] for name, listed in numbers.items()})


def as_address(kind: str, text: str) -> str:
    """A file inside the page, such as `data:text/csv;base64,...`."""
    return f"data:{kind};base64,{base64.b64encode(text.encode()).decode()}"


def _as_text(value: object) -> object:
    return as_text(value) if isinstance(value, str) else value
