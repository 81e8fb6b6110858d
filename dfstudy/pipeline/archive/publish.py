"""A finished report as one archive with a checksum of every file: `dfstudy publish`.

Takes a study whose report is finished; gives a zip, the same bytes for the same report. Refused: a report
that is not finished, faces of people, and what `metadata` finds at fault. Cost: seconds.
"""

from __future__ import annotations

import hashlib
import io
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from dfstudy.data.index import index_study
from dfstudy.data.split import split_study
from dfstudy.errors import StudyError
from dfstudy.pipeline.archive.container import Contents, is_safe, opened, pack
from dfstudy.pipeline.archive.gather import SPLIT, Files, finished_study, gather, study_file
from dfstudy.pipeline.archive.integrity import MANIFEST, check_integrity
from dfstudy.pipeline.archive.metadata import CRATE, CROISSANT, NOT_STATED, describe_archive, describe_images
from dfstudy.pipeline.invocation import shown_path
from dfstudy.system.kept import room_in
from dfstudy.system.provenance import file_digest

if TYPE_CHECKING:
    from dfstudy.study.study import Study

RENDERED = re.compile(r">Rendered</th>\s*<td[^>]*>(\d{4}-\d\d-\d\d)")  # of the provenance block
README = """# {title}

A report of dfstudy, {day}: open index.html in a browser. Its numbers, figures, notebooks, study, split and
plan lie beside it, and no image of the data set. SHA256SUMS has the sha256 of every file.

    dfstudy verify FOLDER-OR-ZIP

finds what was changed, is missing or was added. Compare the fingerprint that it prints with the one that the
publisher gives elsewhere. With `--data` and the folder of images it makes the report again and compares.
"""


def publish(asked: Study, target: Path | None = None, weights: bool = False, licence: str = "") -> list[str]:
    """Write the archive; returns what to say of it.

    Args:
        target: the zip; default beside the results, under their name.
        weights: the study's own networks as well.
        licence: of the archive, in words or as an address.
    Raises:
        StudyError: see above, or the target cannot be written.
    """
    study = finished_study(asked)
    split = split_study(study, index_study(study))
    files = gather(study, split, study_file(asked), weights)
    page = files["index.html"].decode()
    found = RENDERED.search(page)
    if not found:
        raise StudyError("the page does not say when it was made", "make the report again: make report")
    files["README.md"] = README.format(title=study.title, day=found[1]).encode()
    files[CROISSANT] = describe_images(study, split, files[SPLIT])
    files[CRATE] = describe_archive(study, files, found[1], licence or NOT_STATED)
    files[MANIFEST] = _list_digests(files)
    target = (target or study.out.with_name(f"{study.out.name}.zip")).expanduser().resolve()
    _write(target, {name: partial(_open, content) for name, content in files.items()})
    with opened(target) as contents:
        told = check_integrity(target, contents)
    size = target.stat().st_size
    return [
        f"published: {shown_path(target)}, {len(files)} files, {size / 1e6:.1f} MB, no image of the data set",
        f"fingerprint: {told.fingerprint}",
        "give the fingerprint by another way than the archive: who has both can see that nothing was changed",
    ]


def _list_digests(files: Files) -> bytes:
    if odd := [name for name in files if not is_safe(name)]:
        raise StudyError(f"{odd[0]!r} is no name that every system can unpack", "rename that file")
    lines = [f"{_digest(files[name])}  {name}\n" for name in sorted(files)]
    return "".join(lines).encode()


def _digest(content: bytes | Path) -> str:
    return file_digest(content) if isinstance(content, Path) else hashlib.sha256(content).hexdigest()


def _open(content: bytes | Path) -> BinaryIO:
    return content.open("rb") if isinstance(content, Path) else io.BytesIO(content)


def _write(target: Path, contents: Contents) -> None:
    partial_file = target.with_name(f"{target.name}.partial")
    try:
        with room_in(target), partial_file.open("wb") as stream:
            pack(stream, contents)
        partial_file.replace(target)
    except OSError as error:
        raise StudyError(
            f"{target} cannot be written: {error.strerror}", "give another place: --to"
        ) from None
    finally:
        partial_file.unlink(missing_ok=True)
