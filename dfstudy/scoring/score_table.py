"""Scores on disk, row by row, in a table that grows and can be gone on with.

Takes scores as they come; appends to a .csv or .jsonl file, whose columns path and score are those of
docs/predictions.md. A second run with the same detector skips what has a score already and tries the rest
again: the new row takes the place of the old one when the table is closed, or opened again after an
interruption. A row that one cut short is taken off first. Refused with `StudyError`: a file of another
detector, or one that is no such table; nothing in it is touched. Cost: microseconds a row; going on holds
the paths in memory, and for a moment the file.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dfstudy.data.tables import as_text, bare_text
from dfstudy.errors import StudyError
from dfstudy.system.file_kind import ANY_SIZE, no_file
from dfstudy.system.kept import parse_json, room_in, write_atomic

if TYPE_CHECKING:
    from dfstudy.scoring.detector import Score

COLUMNS = (
    "path",
    "score",
    "verdict",
    "logit",
    "kind",
    "frames",
    "unlike",
    "distance",
    "flips",
    "error",
    "run",
)
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
        score.unlike,
        score.distance,
        score.flips,
        score.error,
    )
    return dict(zip(COLUMNS, (*values, key), strict=True))


def csv_line(row: Row) -> str:
    """A row as CSV; None is an empty cell."""
    return _csv([row[name] for name in COLUMNS])


def json_line(row: Row) -> str:
    """A row as one JSON object; None is null."""
    return json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"


def as_bytes(text: str) -> bytes:
    """A row in UTF-8; bytes of a file's name that are none come escaped."""
    return text.encode("utf-8", "backslashreplace")


def _csv(cells: list[Any]) -> str:
    text = io.StringIO()
    cells = [as_text(cell) if isinstance(cell, str) else cell for cell in cells]
    csv.writer(text, lineterminator="\r\n").writerow(cells)  # it quotes what it ends lines with
    return text.getvalue().removesuffix("\r\n") + "\n"


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
        done: paths that had a score when the file was opened; what is `in` the table.
        failed: paths without one, as long as no new row was added for them.
    """

    def __init__(self, file: Path, key: str) -> None:
        kind = file.suffix.removeprefix(".").lower()
        if kind not in LINES:
            raise StudyError(f"{file}: neither .csv nor .jsonl", "choose one of these endings")
        self.file, self.key = file, key
        self._kind, (self._header, self._line) = kind, LINES[kind]
        self.done: set[str] = set()
        self.failed: set[str] = set()
        if file.exists() and (kind := no_file(file, ANY_SIZE)):
            raise StudyError(f"{file} is {kind}, where rows cannot be read back", "choose another place")
        self._has_two = False  # rows of one path: the one that failed, and the one of another try
        whole = 0
        if file.is_file():
            data = file.read_bytes()
            whole = data.rfind(b"\n") + 1
            self._read(data[:whole], data[whole:])
        try:
            if self._has_two:
                whole = self._settle()
            file.parent.mkdir(parents=True, exist_ok=True)
            self._stream = file.open("r+b" if file.exists() else "wb")
        except OSError as error:
            raise StudyError(f"{file} cannot be written: {error.strerror}", "choose another place") from None
        self._stream.seek(whole)
        self._stream.truncate()
        if not whole:
            self._stream.write(self._header.encode())

    def add(self, score: Score) -> None:
        """Append a row; one that failed before is replaced by it in the end."""
        name = as_bytes(score.name).decode()
        if name in self.failed:
            self.failed.remove(name)
            self._has_two = True
        with room_in(self.file):
            self._stream.write(as_bytes(self._line(as_row(score, self.key))))

    def __contains__(self, path: str) -> bool:
        return as_bytes(path).decode() in self.done

    def flush(self) -> None:
        """Hand what was added to the operating system, so that ending this process loses none of it."""
        with room_in(self.file):
            self._stream.flush()

    def __enter__(self) -> ScoreTable:
        return self

    def __exit__(self, *_: object) -> None:
        with room_in(self.file):
            self._stream.close()
        if self._has_two:
            try:
                self._settle()
            except OSError as error:
                raise StudyError(
                    f"{self.file} holds every row, but cannot be put in order: {error.strerror}",
                    "make room or mend the folder's permissions, and give the same command again",
                ) from None

    def _settle(self) -> int:
        """Keep the last row of each path, in the place of its first, in one step; the file's new bytes."""
        data = self.file.read_bytes()
        text = data[: data.rfind(b"\n") + 1].decode()
        kept = as_bytes(self._header + "".join({row["path"]: raw for row, raw in self._rows(text)}.values()))
        write_atomic(self.file.resolve(), kept)  # behind a link: the link stays
        self._has_two = False
        return len(kept)

    def _rows(self, text: str) -> Iterator[tuple[Row, str]]:
        """Rows of whole lines, each beside its own text, which may hold more than we know of."""
        lines = text.split("\n")[:-1]
        if self._kind == "jsonl":
            yield from ((parse_json(line), line + "\n") for line in lines)
            return
        reader, begin = csv.DictReader((line + "\n" for line in lines), strict=True), 1
        for row in reader:
            raw = "".join(line + "\n" for line in lines[begin : reader.line_num])
            yield {**row, "path": bare_text(row["path"])}, raw
            begin = reader.line_num

    def _read(self, data: bytes, rest: bytes) -> None:
        hint = "give a new name to --out; nothing is overwritten"
        try:
            if not data and rest[: len(_BEGIN[self._kind])] != _BEGIN[self._kind][: len(rest)]:
                raise ValueError("it begins otherwise")
            text = data.decode("utf-8")
            if text and not text.startswith(self._header):
                raise ValueError("it has other columns")
            rows = [
                (as_bytes(str(row["path"])).decode(), row["error"], str(row["run"]))
                for row, _ in self._rows(text)
            ]
            others = {run for _, _, run in rows} - {self.key}
            errors = {path: error for path, error, _ in rows}
            self.failed = {path for path, error in errors.items() if error}
            self.done = errors.keys() - self.failed
            self._has_two = len(errors) < len(rows)
        except (ValueError, LookupError, TypeError, AttributeError, csv.Error) as error:
            raise StudyError(f"{self.file} is no table that `dfstudy score` began: {error}", hint) from None
        if others:
            raise StudyError(
                f"{self.file} was written by {sorted(others)[0]}, and this is {self.key}: another run, or "
                "faces found otherwise",
                hint,
            )
