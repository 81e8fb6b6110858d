"""Tables of text that any program wrote: index.csv, and tables of scores.

Takes a file with cells between commas, semicolons, tabs or bars, in UTF-8 or UTF-16, with or without a
byte-order mark and a first line `sep=;`; gives every cell as stripped text, under column names in lower case,
with the line where each row stands. Empty cells at the ends of lines are ignored. A spreadsheet runs a text
that begins like a formula: `as_text` puts an apostrophe before it in a table that dfstudy writes, and reading
takes it off. Refuses a file that is
missing, no file, empty, in another encoding, with a column twice, or with a row of more cells than there are
columns.
Cost: 0.2 s for 100,000 rows.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from dfstudy.errors import StudyError
from dfstudy.system.file_kind import no_file

LINE = "line"
SEPARATORS = ",;\t|"
MOST_COLUMNS = 1000
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how a spreadsheet knows a formula


def as_text(cell: str) -> str:
    """A stranger's text, such as a path, as a cell that no spreadsheet takes for a formula.

    Numbers are no texts: they are written as they are.
    """
    return f"'{cell}" if cell.lstrip("'").startswith(FORMULA) else cell


def bare_text(cell: str) -> str:
    """What `as_text` was given."""
    return cell[1:] if cell[:1] == "'" and cell.lstrip("'").startswith(FORMULA) else cell


def read_cells(file: Path, example: str) -> pd.DataFrame:
    """Every row that holds something: its cells, and `line`, counted from 1 for the header.

    Args:
        example: what the file should look like, as part of a message.
    Raises:
        StudyError: the file is no such table.
    """
    text = _text(file)
    first, _, rest = text.partition("\n")
    if first.lower().startswith("sep=") and len(first.strip()) == 5:
        separator, header_line, text = first[4], 2, rest
    else:
        separator, header_line = max(SEPARATORS, key=first.count), 1
    if not text.strip():
        raise StudyError(f"{file} is empty", example)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        columns = [name.strip().lower() for name in next(reader)]
        while columns and not columns[-1]:
            columns.pop()
        if len(columns) > MOST_COLUMNS:
            raise StudyError(
                f"{file} has {len(columns):,} columns, where at most {MOST_COLUMNS} are read", example
            )
        rows, lines, before = [], [], reader.line_num
        for cells in reader:
            rows.append([bare_text(cell.strip()) for cell in cells])
            lines.append(before + header_line)
            before = reader.line_num
    except csv.Error as error:
        raise StudyError(
            f"{file} cannot be read: line {reader.line_num + header_line - 1}: {error}",
            "mend that line, or save the file as comma-separated UTF-8 text",
        ) from None
    repeated = [name for name, times in Counter(columns).items() if name and times > 1]
    if repeated:
        raise StudyError(f"{file} has the column '{repeated[0]}' twice", "remove or rename one of them")
    for cells, line in zip(rows, lines, strict=True):
        if any(cells[len(columns) :]):
            raise StudyError(
                f"{file}, line {line}: {len(cells)} cells, where the first line has {len(columns)}",
                'put a path that holds the separator in double quotes, as in "a, b.png"',
            )
    whole = [(cells + [""] * len(columns))[: len(columns)] for cells in rows]
    table = pd.DataFrame(whole, columns=columns, dtype=str)
    table[LINE] = lines
    return table[pd.Series(map(any, whole), dtype=bool)].reset_index(drop=True)


def read_labels(words: pd.Series, aliases: Mapping[str, int]) -> pd.Series:
    """0 real, 1 fake, missing where a word means neither; numbers in any form, such as 1, 1.0 or 1e0."""
    table = {word: _label(word, aliases) for word in words.unique()}
    return words.map(table).astype("Int8")


def _label(word: str, aliases: Mapping[str, int]) -> int | None:
    if word.lower() in aliases:
        return aliases[word.lower()]
    try:
        number = float(word.replace(",", "."))
    except ValueError:
        return None
    return int(number) if number in (0, 1) else None


def _encoding(data: bytes) -> str:
    """UTF-16 by its mark, or by the zeros beside its first letter; else UTF-8."""
    if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    if data[:1] == b"\0":
        return "utf-16-be"
    return "utf-16-le" if data[1:2] == b"\0" else "utf-8-sig"


def _text(file: Path) -> str:
    try:
        if kind := no_file(file):
            raise StudyError(f"{file} is {kind}, no table", "give the path of a file")
        data = file.read_bytes()
        text = data.decode(_encoding(data))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise StudyError(
            f"{file} cannot be read: {reason}", "save it as comma-separated UTF-8 text"
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise StudyError(
            f"{file}, line {line}: a zero byte, which no text holds", "save it as comma-separated UTF-8 text"
        )
    return text
