"""The archive as a file: a zip without compression, the same bytes for the same contents everywhere.

Takes names and streams; gives the zip. Takes a zip or the folder that it was unpacked into; gives its files
as streams, and unpacks nothing. An archive may come from a stranger: what `pack` would not have written is
refused before any of it is read, so that compression (and with it a bomb), links, encryption, overlapping
entries and names that leave the folder have no code to reach. Cost: one read of every byte, two of a zip.
"""

from __future__ import annotations

import os
import shutil
import stat
import struct
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from dfstudy.errors import StudyError, printable

Opener = Callable[[], BinaryIO]
Contents = Mapping[str, Opener]  # by name, with forward slashes

MOST_FILES = 20_000
MOST_BYTES = 2_000_000_000  # of an archive, and of a file of an unpacked one
MOST_LISTED = 4_000_000  # bytes of a zip's own list of contents
_LOCAL, _END, _END_SIGN, _ZIP64_SIGN = 30, 22, b"PK\x05\x06", b"PK\x06\x07"
_MODE = (stat.S_IFREG | 0o644) << 16
_UTF8 = 0x800
ASK = "get the archive again from whoever published it, or check the folder that it was unpacked into"
# what reading a changed file of an archive raises; the last where its own name beside it is no text
DAMAGED = (zipfile.BadZipFile, EOFError, OSError, UnicodeDecodeError)


def pack(target: BinaryIO, contents: Contents) -> None:
    """Write the archive.

    Raises:
        StudyError: it would be larger than `MOST_BYTES`.
    """
    try:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, allowZip64=False) as archive:
            for name in sorted(contents):
                entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
                entry.create_system, entry.external_attr = 3, _MODE
                with contents[name]() as source, archive.open(entry, "w") as written:
                    shutil.copyfileobj(source, written)
            if target.tell() > MOST_BYTES:
                raise zipfile.LargeZipFile
    except (zipfile.LargeZipFile, RuntimeError):
        raise StudyError(
            f"the archive would be larger than {MOST_BYTES / 1e9:.0f} GB",
            "publish the report without its weights, and those in another way",
        ) from None


@contextmanager
def opened(place: Path) -> Iterator[Contents]:
    """The files of an archive, or of the folder that it was unpacked into.

    Raises:
        StudyError: there is none, it holds too much, or it is not written as `pack` writes it.
    """
    if place.is_dir():
        yield _open_folder(place)
        return
    if not place.is_file():
        raise StudyError(f"there is no archive {place}", "give the path of a .zip of make publish")
    with place.open("rb") as stream:
        _refuse_foreign_list(place, stream)
        try:
            archive = zipfile.ZipFile(stream)
        except (*DAMAGED, ValueError, NotImplementedError) as error:
            raise StudyError(f"{place}: its list of contents is damaged: {error}", ASK) from None
        with archive:
            _refuse_foreign_entries(place, archive)
            yield {entry.filename: partial(archive.open, entry) for entry in archive.infolist()}


def first_difference(place: Path, contents: Contents) -> int | None:
    """Where a zip first differs from what `pack` makes of its files: a byte's number, from 0; else None."""
    with tempfile.TemporaryFile() as again, place.open("rb") as stream:
        pack(again, contents)
        again.seek(0)
        at = 0
        while True:
            here, there = stream.read(1 << 20), again.read(1 << 20)
            if here != there:
                same = (n for n, (one, other) in enumerate(zip(here, there, strict=False)) if one != other)
                return at + next(same, min(len(here), len(there)))
            if not here:
                return None
            at += len(here)


def is_safe(name: str) -> bool:
    """A name that stays inside of its folder on every system, and commands no terminal."""
    parts = name.split("/")
    odd = "\\" in name or ":" in name or printable(name) != name or len(name.encode()) > 255
    return not odd and not PurePosixPath(name).is_absolute() and not {"", ".", ".."} & set(parts)


def _open_folder(folder: Path) -> Contents:
    """Links and anything else that is no plain file cannot be read, and count as damaged or added."""
    found: dict[str, Opener] = {}
    for top, folders, names in os.walk(folder, followlinks=False):
        links = [name for name in folders if Path(top, name).is_symlink()]
        for name in [*names, *links]:
            file = Path(top, name)
            facts = file.lstat()
            plain = stat.S_ISREG(facts.st_mode) and facts.st_size <= MOST_BYTES
            found[file.relative_to(folder).as_posix()] = partial(file.open, "rb") if plain else _no_plain_file
        if len(found) > MOST_FILES:
            raise StudyError(f"{folder} holds more than {MOST_FILES:,} files", ASK)
    return found


def _no_plain_file() -> BinaryIO:
    raise OSError("no plain file, or one that is too large")


def _refuse_foreign_list(place: Path, stream: BinaryIO) -> None:
    """Before the library reads the list of contents into memory: it ends the file, and is small."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - _END - 20))
    end = stream.read()
    foreign = StudyError(f"{place} is no archive as make publish writes it, or its end is damaged", ASK)
    if not _END + _LOCAL <= size <= MOST_BYTES or end[-_END:][:4] != _END_SIGN or end[:4] == _ZIP64_SIGN:
        raise foreign
    _, _, _, _, count, listed, at, comment = struct.unpack("<4s4H2LH", end[-_END:])
    if comment or count > MOST_FILES or listed > MOST_LISTED or at + listed + _END != size:
        raise foreign


def _refuse_foreign_entries(place: Path, archive: zipfile.ZipFile) -> None:
    """Entries lie one after the other from the file's start, each as `pack` writes one."""
    at = 0
    for entry in archive.infolist():
        own = (zipfile.ZIP_STORED, _MODE, entry.file_size, at)
        found = (entry.compress_type, entry.external_attr, entry.compress_size, entry.header_offset)
        if own != found or entry.flag_bits & ~_UTF8 or entry.extra or not is_safe(entry.filename):
            raise StudyError(
                f"{place}: the entry {entry.filename!r} is not as make publish writes one: it is compressed, "
                "a link, encrypted, out of its place, or its name leaves the archive",
                ASK,
            )
        at += _LOCAL + len(entry.filename.encode()) + entry.file_size
    if at != archive.start_dir or len(set(archive.namelist())) != len(archive.infolist()):
        raise StudyError(f"{place} holds bytes between its entries, or an entry twice", ASK)
