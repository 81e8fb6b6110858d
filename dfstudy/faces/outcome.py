"""What came of cropping a folder: its tables, its contact sheet, and the words for it.

Takes the notes of finished jobs; writes `index.csv`, `set_aside.csv` and `contact_sheet.html`, row by row, so
that no number of videos has to fit into memory. Cost: 20 us a row.
"""

from __future__ import annotations

import base64
import csv
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dfstudy.data.endings import describe_endings
from dfstudy.data.index_csv import NAME
from dfstudy.data.tables import as_text
from dfstudy.errors import printable
from dfstudy.faces.jobs import Job, read_note
from dfstudy.faces.sheet import Example, render_sheet
from dfstudy.faces.table import ASIDE, COLUMNS

if TYPE_CHECKING:
    from dfstudy.faces.sources import Sources

TEXTS = frozenset({"path", "method", "group", "split", "source", "original", "reason"})  # a stranger's words
SET_ASIDE, SHEET = "set_aside.csv", "contact_sheet.html"


@dataclass(frozen=True)
class Cropped:
    """What `crop_folder` did.

    Attributes:
        others: files that are neither video nor image, by ending.
        line: how the folder was read.
        files: sources; `used` gave at least one crop, `borrowed` of these by their original's boxes.
        crops: images written.
        reasons: why something was excluded -> how often.
    """

    target: Path
    others: Counter[str]
    line: str
    files: int
    used: int
    borrowed: int
    crops: int
    labelled: bool
    reasons: dict[str, int]


def write_lists(folder: Path, jobs: Sequence[Job], sources: Sources) -> dict[str, Any]:
    """Write the tables and the sheet; gives the fields of `Cropped` but for its target and others."""
    used: set[str] = set()
    borrowed: set[str] = set()
    crops, reasons, examples = 0, Counter(), []
    with _table(folder / NAME, COLUMNS) as index, _table(folder / SET_ASIDE, ASIDE) as aside:
        for source, reason in sorted(sources.set_aside.items()):
            aside.writerow(_texts({"source": source, "reason": reason}))
            reasons[_kind(reason)] += 1
        for job in jobs:
            note = read_note(folder, job.number)
            index.writerows(map(_texts, note["rows"]))
            aside.writerows(map(_texts, note["aside"]))
            crops += len(note["rows"])
            used |= {row["source"] for row in note["rows"]}
            borrowed |= {row["source"] for row in note["rows"] if row["box_from"] == "original"}
            reasons.update(_kind(row["reason"]) for row in note["aside"])
            examples += [Example(base64.b64decode(data), *words) for data, *words in note["examples"]]
    done = {
        "line": sources.line,
        "files": len(sources.files),
        "used": len(used),
        "borrowed": len(borrowed),
        "crops": crops,
        "labelled": any(source.label is not None for source in sources.files),
        "reasons": dict(reasons.most_common()),
    }
    page = render_sheet("Faces", [sources.line, *_account(done)], done["reasons"], examples)
    (folder / SHEET).write_text(page, "utf-8")
    return done


def summarise(done: Cropped) -> str:
    """What was found, written and excluded, and the next step."""
    lines = [done.line, *_account(vars(done))]
    if done.reasons:
        lines.append(f"listed in {done.target / SET_ASIDE}:")
        lines += [f"  {count:>6,}  {reason}" for reason, count in done.reasons.items()]
    if done.others:
        others = ", ".join(describe_endings(done.others))
        lines.append(f"also there, and taken for neither video nor image: {others}")
    lines.append(f"look at {done.target / SHEET} before you train")
    if done.labelled:
        lines.append(f"next step: make report DATA={shlex.quote(str(done.target))}")
    return "\n".join(map(printable, lines))


def _account(done: Mapping[str, Any]) -> list[str]:
    """How much was found, in two lines at most."""
    lines = [f"{done['crops']:,} crops of {done['used']:,} files; {done['files']:,} were looked at"]
    if done["borrowed"]:
        lines.append(f"{done['borrowed']:,} fakes are cropped where their originals are")
    return lines


def _texts(row: Mapping[str, str]) -> dict[str, str]:
    """A row for a file; numbers stay as they are, and may be negative."""
    return {name: as_text(cell) if name in TEXTS else cell for name, cell in row.items()}


def _kind(reason: str) -> str:
    """A reason without its details, which stand behind a colon."""
    return reason.partition(":")[0]


@contextmanager
def _table(file: Path, columns: Sequence[str]) -> Iterator[csv.DictWriter]:
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, lineterminator="\n")
        writer.writeheader()
        yield writer
