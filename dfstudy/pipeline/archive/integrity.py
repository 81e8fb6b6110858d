"""Whether an archive is as it was published: its files against SHA256SUMS, and the zip around them.

Takes the files of an archive as streams; gives what was changed, is missing or was added, by name. Checksums
show that an archive agrees with itself: whoever changes a file and its line leaves no trace but another
fingerprint. Nothing is unpacked or run. Cost: one read, and for a whole zip a second one.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dfstudy.errors import StudyError
from dfstudy.pipeline.archive.container import ASK, DAMAGED, Contents, first_difference, is_safe

MANIFEST = "SHA256SUMS"
MOST_TEXT = 50_000_000  # bytes of a file that is read into memory
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")
NAMED = 20  # names that are told; the others are counted


@dataclass
class Integrity:
    """What is wrong with an archive, if anything is.

    Attributes:
        files: how many it holds, with the list.
        fingerprint: sha256 of its list; it stands for all files.
        changed, missing, added: names of files.
        structure: first byte of the zip, from 0, that is not as it was written, where all files are whole.
    """

    files: int
    fingerprint: str
    changed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    structure: int | None = None

    @property
    def is_intact(self) -> bool:
        """Nothing is wrong."""
        return not (self.changed or self.missing or self.added) and self.structure is None

    def lines(self) -> list[str]:
        """For the terminal, a line a finding."""
        found = [
            f"{what}: {name}"
            for what, names in (
                ("changed", self.changed),
                ("missing", self.missing),
                ("added", self.added),
            )
            for name in names
        ]
        more = [f"and {len(found) - NAMED:,} more"] if len(found) > NAMED else []
        if self.structure is not None:
            more.append(f"changed: the zip around its files, from byte {self.structure:,} on")
        return [*found[:NAMED], *more]


def check_integrity(place: Path, contents: Contents) -> Integrity:
    """Compare every file with the list.

    Args:
        place: the zip or folder whose files these are.
    Raises:
        StudyError: there is no list.
    """
    if MANIFEST not in contents:
        raise StudyError(f"{place} holds no {MANIFEST}: nothing says what it should hold", ASK)
    listed, text = {}, read_whole(contents, MANIFEST)
    found = Integrity(len(contents), hashlib.sha256(text).hexdigest())
    for number, line in enumerate(text.decode("utf-8", "replace").splitlines(), start=1):
        match = _LINE.fullmatch(line)
        if match and is_safe(match[2]) and match[2] not in listed:
            listed[match[2]] = match[1]
        else:
            found.changed.append(f"{MANIFEST}, line {number}")
    found.missing = sorted(set(listed) - set(contents))
    found.added = sorted(set(contents) - set(listed) - {MANIFEST})
    for name in sorted(set(listed) & set(contents)):
        try:
            with contents[name]() as stream:
                same = hashlib.file_digest(stream, "sha256").hexdigest() == listed[name]
        except DAMAGED:
            same = False
        if not same:
            found.changed.append(name)
    if found.is_intact and place.is_file():
        found.structure = first_difference(place, contents)
    return found


def read_whole(contents: Contents, name: str) -> bytes:
    """A file of the archive in memory.

    Raises:
        StudyError: it is not there, damaged, or larger than `MOST_TEXT`.
    """
    try:
        with contents[name]() as stream:
            text = stream.read(MOST_TEXT + 1)
    except (KeyError, *DAMAGED) as error:
        raise StudyError(f"the archive's {name} cannot be read: {error}", ASK) from None
    if len(text) > MOST_TEXT:
        raise StudyError(f"the archive's {name} is larger than {MOST_TEXT:,} bytes", ASK)
    return text


def read_told(contents: Contents, name: str) -> Any:
    """A JSON file of the archive.

    Raises:
        StudyError: see `read_whole`, or it is no JSON.
    """
    try:
        return json.loads(read_whole(contents, name))
    except (ValueError, RecursionError):
        raise StudyError(f"the archive's {name} is no JSON", ASK) from None
