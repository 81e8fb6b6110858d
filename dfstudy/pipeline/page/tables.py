"""Tables of pandas as a reader wants them.

Takes a parsed `<table>` and changes it in place: no inline style, no running index, no empty column, numbers
to the right, long ids that may break, a line that says so where there is nothing, and its own scroll.
"""

from __future__ import annotations

import re

from bs4 import BeautifulSoup, Tag

NUMERIC = re.compile(r"[-−+]?[\d.,]+( ?%| \[.*\])?")
LONG_ID = re.compile(r"[a-z0-9]+([._][a-z0-9+-]+){2,}")


def tidy_table(table: Tag) -> None:
    """Make one table readable."""
    for tag in [table, *table.find_all(True)]:
        for attribute in ("border", "style", "class"):
            tag.attrs.pop(attribute, None)
    rows = [row.find_all(["th", "td"], recursive=False) for row in table.find_all("tr")]
    head = [cells for cells in rows if cells and all(cell.name == "th" for cell in cells)]
    body = [cells for cells in rows if cells and cells not in head]
    for column in reversed(range(max(map(len, rows), default=0))):
        if _says_nothing(head, body, column):
            for cells in [*head, *body]:
                cells.pop(column).extract()
    for cell in [cell for cells in head for cell in cells]:
        if cell.get_text(strip=True):
            cell["scope"] = "col"
        else:  # above row headings: no heading of a column, which a screen reader would read out as empty
            cell.name = "td"
    for cells in body:
        if cells[0].name == "th":
            cells[0]["scope"] = "row"
        for cell in cells:
            _let_break(cell)
    for column in range(max(map(len, rows), default=0)):
        _align(
            [cells[column] for cells in head if column < len(cells)],
            [cells[column] for cells in body if column < len(cells)],
        )
    if head and not body:
        empty = BeautifulSoup(f'<tr><td colspan="{len(head[-1])}">none</td></tr>', "html.parser")
        (table.tbody or table).append(empty)
    parent = table.parent
    if parent is not None and parent.name == "div" and not parent.get("class"):
        parent["class"] = "scroll"
        parent["tabindex"] = "0"  # a keyboard can scroll it


def keep_together(soup: BeautifulSoup) -> None:
    """A number and its percent sign stay on one line, except in code."""
    for text in soup.find_all(string=re.compile(r"\d %")):
        if text.find_parent(["pre", "code"]) is None:
            text.replace_with(re.sub(r"(?<=\d) %", "\u00a0%", text))


def _says_nothing(head: list[list[Tag]], body: list[list[Tag]], column: int) -> bool:
    """A running index 0, 1, 2 ... under an empty heading, or a column without any text."""
    if any(column >= len(cells) for cells in [*head, *body]):
        return False
    texts = [cells[column].get_text(strip=True) for cells in body]
    headings = [cells[column].get_text(strip=True) for cells in head]
    if column == 0 and not any(headings):
        return texts == [str(position) for position in range(len(texts))]
    pictures = any(cells[column].find("img") for cells in body)
    return bool(body) and not any(texts) and not pictures


def _let_break(cell: Tag) -> None:
    """Ids such as `test.auc.method.swap` may break after a dot or an underscore."""
    text = cell.get_text()
    if cell.string is not None and LONG_ID.fullmatch(text):
        cell.clear()
        cell.append(BeautifulSoup(re.sub(r"([._])", r"\1<wbr>", text), "html.parser"))


def _align(head: list[Tag], body: list[Tag]) -> None:
    """A column of numbers, with or without intervals and gaps, stands to the right."""
    texts = [cell.get_text(strip=True) for cell in body]
    said = [text for text in texts if text and not text.startswith("not defined")]
    if said and all(NUMERIC.fullmatch(text) for text in said):
        for cell, text in zip([*head, *body], [""] * len(head) + texts, strict=True):
            if text in ("", *said):
                cell["class"] = "number"
