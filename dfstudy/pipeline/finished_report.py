"""A finished report, read from its folder: its numbers, its settings, and where it comes from.

Takes a folder of results, a published one or an unpacked archive, from anybody; gives a `FinishedReport`.
Numbers come from `numbers/`, all else from the tables of `index.html`, which every form of a report has; a
report without a page has numbers alone. Nothing is executed or fetched: the page is read as text, in time
that grows with its length alone, which a parser of HTML does not promise. Refused: a folder without numbers,
files that are too large or no files, numbers of another form. Texts keep whatever signs they hold: whoever
shows them escapes them.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dfstudy.errors import StudyError
from dfstudy.present.numbers import read_numbers

if TYPE_CHECKING:
    from dfstudy.number import Number

NUMBERS, PAGE = "numbers", "index.html"
MOST_FILES, MOST_NUMBERS = 100, 20_000
MOST_BYTES = {NUMBERS: 20_000_000, PAGE: 200_000_000}  # of one file
LONGEST = 1000  # letters of a text that is kept
MOST_DIGITS, MOST_TABLES, MOST_ROWS = 15, 50, 5000
# Heads of the page's tables that are read, by what they hold.
HEADS = {("setting", "value"): "settings", ("What", "Value"): "record", ("Package", "Version"): "versions"}
NEXT = "name the folder of a finished report, such as reports/sample or reports/published/sample"


class NotComparable(StudyError):
    """What was given is no report, or shares nothing with the others; commands end with status 2."""

    status = 2


@dataclass(frozen=True)
class FinishedReport:
    """What a finished report says.

    Attributes:
        name: the folder, as it was given.
        numbers: by id.
        settings: value by key, without folders of files; empty where there is no page.
        record: rows of the provenance, such as `Images`, `Code` and `Machine`.
        versions: of packages.
    """

    name: str
    numbers: dict[str, Number]
    settings: dict[str, str] = field(default_factory=dict)
    record: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)


def read_report(given: str) -> FinishedReport:
    """Read the report in a folder, or in the one folder inside it that holds numbers.

    Raises:
        NotComparable: there is none, or a file of it cannot be what it should be.
    """
    folder = _find(Path(given).expanduser(), given)
    files = sorted((folder / NUMBERS).glob("*.json"))
    if len(files) > MOST_FILES:
        raise NotComparable(f"{given}: {len(files):,} files of numbers, {MOST_FILES} are read", NEXT)
    listed = [number for file in files for number in _read_numbers(file)]
    if len(listed) > MOST_NUMBERS:
        raise NotComparable(f"{given}: {len(listed):,} numbers, {MOST_NUMBERS:,} are read", NEXT)
    tables: dict[str, dict[str, str]] = {}
    if (folder / PAGE).exists():
        tables = _tables(_checked(folder / PAGE, PAGE).read_text("utf-8", "replace"))
    return FinishedReport(given, {number.id: number for number in listed}, **tables)


def _find(folder: Path, given: str) -> Path:
    if not folder.is_dir():
        what = "is a file: unpack an archive first" if folder.is_file() else "is no folder"
        raise NotComparable(f"{given} {what}", NEXT)
    try:
        places = [folder] if (folder / NUMBERS).is_dir() else sorted(folder.iterdir())
        found = [place for place in places if next((place / NUMBERS).glob("*.json"), None)]
    except OSError as error:
        raise NotComparable(f"{given}: {error.strerror}", NEXT) from None
    if len(found) != 1:
        many = f"holds {len(found)} reports" if found else "holds no numbers of a report"
        raise NotComparable(f"{given} {many}", NEXT)
    return found[0]


def _checked(file: Path, kind: str) -> Path:
    """The file, if it is one and not too large."""
    try:
        if not file.is_file():  # a pipe or a device would never end
            raise NotComparable(f"{file} is no file", NEXT)
        size = file.stat().st_size
        if size > MOST_BYTES[kind]:
            raise NotComparable(f"{file}: {size:,} bytes, {MOST_BYTES[kind]:,} are read", NEXT)
    except OSError as error:
        raise NotComparable(f"{file}: {error.strerror}", NEXT) from None
    return file


def _read_numbers(file: Path) -> list[Number]:
    try:
        numbers = read_numbers(_checked(file, NUMBERS))
    except (ValueError, OverflowError):  # with the content in its words, which may be anything
        raise NotComparable(f"{file}: not the numbers of a report", NEXT) from None
    for number in numbers:
        texts = (number.id, number.unit, number.note)
        if not 0 <= number.digits <= MOST_DIGITS or max(map(len, texts)) > LONGEST:
            raise NotComparable(f"{file}: a number has {number.digits} digits, or a text too long", NEXT)
    return numbers


def _tables(page: str) -> dict[str, dict[str, str]]:
    """First two columns of the tables in `HEADS`, by what they hold."""
    found: dict[str, dict[str, str]] = {}
    for section in ("settings", "provenance"):
        begin = re.search(rf'<section[^<>]*\bid="{section}"', page)
        if not begin:
            continue
        part = page[begin.end() : page.find("</section>", begin.end())]
        for table in part.split("<table", MOST_TABLES)[1:]:
            rows = [_cells(row) for row in table.partition("</table>")[0].split("<tr", MOST_ROWS)[1:]]
            pairs = [(row[0], row[1]) for row in rows if len(row) > 1]
            if pairs and pairs[0] in HEADS:
                found[HEADS[pairs[0]]] = dict(pairs[1:])
    return found


def _cells(row: str) -> list[str]:
    """Texts of the first two cells of a row, without markup."""
    cells = re.split(r"</t[dh]>", row, maxsplit=2)[:-1]
    texts = [html.unescape(re.sub(r"<[^<>]*>", "", cell.partition(">")[2])) for cell in cells]
    return [" ".join(text.split())[:LONGEST] for text in texts]
