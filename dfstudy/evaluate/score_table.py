"""Scores on disk, row by row, in a table that grows and can be gone on with.

Takes scores as they come; appends to a .csv or .jsonl file, whose columns path and score are those of
docs/predictions.md. A second run with the same detector skips what is there already; a row that an
interruption cut short is taken off first. Refused with `StudyError`: a file of another detector, or one that
is no such table; nothing in it is touched. Cost: microseconds a row; going on holds the paths in memory.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dfstudy.errors import StudyError
from dfstudy.evaluate.detector import Score

COLUMNS = ("path", "score", "verdict", "logit", "kind", "frames", "error", "run")
Row = dict[str, Any]


def as_row(score: Score, key: str) -> Row:
    """One row: numbers with every bit, None where there is none."""
    values = (
        score.name,
        score.probability,
        score.verdict,
        score.logit,
        score.kind,
        score.frames,
        score.error,
    )
    return dict(zip(COLUMNS, (*values, key), strict=True))


def csv_line(row: Row) -> str:
    """A row as CSV; None is an empty cell."""
    return _csv([row[name] for name in COLUMNS])


def json_line(row: Row) -> str:
    """A row as one JSON object; None is null."""
    return json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"


def _bytes(text: str) -> bytes:
    """UTF-8; bytes of a file's name that are none come escaped."""
    return text.encode("utf-8", "backslashreplace")


def _csv(cells: list[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


HEADER = _csv(list(COLUMNS))
LINES: dict[str, tuple[str, Callable[[Row], str]]] = {  # format -> first line, and how a row is written
    "csv": (HEADER, csv_line),
    "jsonl": ("", json_line),
}
_BEGIN = {"csv": HEADER.encode(), "jsonl": b'{"path": '}


class ScoreTable:
    """A growing file of scores; a `with` block.

    Args:
        key: of the detector.

    Attributes:
        done: paths that the file held when it was opened.
        failed: those of them without a score.
    """

    def __init__(self, file: Path, key: str) -> None:
        kind = file.suffix.removeprefix(".").lower()
        if kind not in LINES:
            raise StudyError(f"{file}: neither .csv nor .jsonl", "choose one of these endings")
        self.file, self.key = file, key
        self._header, self._line = LINES[kind]
        self.done: set[str] = set()
        self.failed: set[str] = set()
        whole = 0
        if file.is_file():
            data = file.read_bytes()
            whole = data.rfind(b"\n") + 1
            self._read(kind, data[:whole], data[whole:])
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._stream = file.open("r+b" if file.exists() else "wb")
        except OSError as error:
            raise StudyError(f"{file} cannot be written: {error.strerror}", "choose another place") from None
        self._stream.seek(whole)
        self._stream.truncate()
        if not whole:
            self._stream.write(self._header.encode())

    def add(self, score: Score) -> None:
        """Append a row."""
        self._stream.write(_bytes(self._line(as_row(score, self.key))))

    def __contains__(self, path: str) -> bool:
        return _bytes(path).decode() in self.done

    def flush(self) -> None:
        """Hand what was added to the operating system, so that ending this process loses none of it."""
        self._stream.flush()

    def __enter__(self) -> ScoreTable:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def _read(self, kind: str, data: bytes, rest: bytes) -> None:
        hint = "give a new name to --out; nothing is overwritten"
        try:
            if not data and rest[: len(_BEGIN[kind])] != _BEGIN[kind][: len(rest)]:
                raise ValueError("it begins otherwise")
            text = data.decode("utf-8")
            if kind == "csv":
                if text and not text.startswith(HEADER):
                    raise ValueError("it has other columns")
                rows = list(csv.DictReader(io.StringIO(text), strict=True))
            else:
                rows = [json.loads(line) for line in text.split("\n")[:-1]]
            others = {str(row["run"]) for row in rows} - {self.key}
            self.done = {row["path"] for row in rows}
            self.failed = {row["path"] for row in rows if row["error"]}
        except (ValueError, KeyError, TypeError, csv.Error) as error:
            raise StudyError(f"{self.file} is no table that `dfstudy score` began: {error}", hint) from None
        if others:
            raise StudyError(
                f"{self.file} was written by {sorted(others)[0]}, and this is {self.key}: another run, or "
                "faces found otherwise",
                hint,
            )
