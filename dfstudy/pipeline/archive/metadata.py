"""What an archive says of itself to machines: RO-Crate for the archive, Croissant for its images.

Takes a study, its split and the archive's files; gives two JSON-LD documents, each read back by the library
made for it. Neither says what nobody stated, and the images themselves are described and not passed on.
Contexts are named and never fetched: no connection is made. Cost: 3 s, for the libraries.
"""

from __future__ import annotations

import hashlib
import json
import logging
import mimetypes
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from dfstudy import __version__
from dfstudy.chapters.c01_data.dataset_card import MISUSE
from dfstudy.data.split import SPLITS, set_aside
from dfstudy.errors import StudyError
from dfstudy.pipeline.archive.gather import COLUMNS, SPLIT, Files, as_json
from dfstudy.pipeline.reads import FINGERPRINT
from dfstudy.study.study import FROZEN
from dfstudy.system.kept import read_json
from dfstudy.system.provenance import file_digest

if TYPE_CHECKING:
    from dfstudy.data.split import Split
    from dfstudy.study.study import Study

CRATE, CROISSANT = "ro-crate-metadata.json", "croissant.json"
NOT_STATED = "not stated"
_KINDS = {".ipynb": "application/x-ipynb+json", ".yaml": "application/yaml", ".md": "text/markdown"}
_KINDS |= {".lock": "text/plain", ".safetensors": "application/octet-stream"}
_MEANINGS = {
    "path": "path below the folder of images",
    "sha256": "of the file's bytes",
    "label": "1 fake, 0 real",
    "method": "forgery method, or the kind of real image",
    "group": "images of one video, person or source: all in one part",
    "split": "train, val or test",
}


def describe_images(study: Study, split: Split, table: bytes) -> bytes:
    """The data card as Croissant 1.0 with its responsible-AI fields.

    Args:
        table: the file `SPLIT`, which is described as the one file.
    Raises:
        StudyError: the library finds a fault.
    """
    import mlcroissant as mlc

    card, rows = study.data.card, split.rows
    line = read_json(study.out / FINGERPRINT).get("layout", NOT_STATED)
    parts = ", ".join(f"{len(split.part(name)):,} {name}" for name in SPLITS)
    excluded = "; ".join(f"{row.images:,}: {row.reason}" for row in set_aside(split.set_aside).itertuples())
    groups = split.why_groups_unknown or "named by the set"
    shown = "rendered portraits that show no person" if study.is_sample else "images of faces"
    fields = [
        mlc.Field(
            id=f"images/{name}",
            name=name,
            description=_MEANINGS[name],
            data_types=mlc.DataType.INTEGER if name == "label" else mlc.DataType.TEXT,
            source=mlc.Source(file_object=SPLIT, extract=mlc.Extract(column=name)),
        )
        for name in COLUMNS
    ]
    quiet = logging.getLogger("absl")
    before = quiet.level
    quiet.setLevel(logging.ERROR)  # what nobody stated, such as a citation, it recommends on the terminal
    try:
        described = mlc.Metadata(
            name=study.name,
            description=f"{study.title}: {len(rows):,} {shown}, described here and not part of this archive",
            license=[card.licence.strip() or NOT_STATED],
            conforms_to=["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"],
            distribution=[
                mlc.FileObject(
                    id=SPLIT,
                    name=SPLIT,
                    content_url=SPLIT,
                    encoding_formats=["text/csv"],
                    sha256=hashlib.sha256(table).hexdigest(),
                )
            ],
            record_sets=[mlc.RecordSet(id="images", name="images", fields=fields)],
            data_collection=card.origin.strip() or NOT_STATED,
            data_collection_missing_data=excluded or "no image was excluded",
            data_annotation_protocol=[f"labels are those of the set: {line.removeprefix('layout: ')}"],
            data_preprocessing_protocol=[f"split by groups ({groups}): {parts}"],
            data_limitations=[card.notes.strip() or NOT_STATED],
            data_use_cases=["training and testing detectors of forged face images; the report says how well"],
            data_social_impact=MISUSE,
            personal_sensitive_information=[f"{shown}; consent: {card.consent.strip() or NOT_STATED}"],
        ).to_json()
        mlc.Dataset(jsonld=deepcopy(described))  # it writes into what it reads
    except (mlc.ValidationError, ValueError) as error:
        raise StudyError(f"{CROISSANT} is not valid: {error}", "mend data.card of the study file") from None
    finally:
        quiet.setLevel(before)
    return as_json(described)


def describe_archive(study: Study, files: Files, day: str, licence: str) -> bytes:
    """The archive as an RO-Crate: every file with its size and sha256, and what made which.

    Args:
        day: of the report, as `2026-11-29`; another one would change the bytes of the same report.
        licence: of the archive, as its publisher states it.
    Raises:
        StudyError: the library does not read back what it wrote.
    """
    from rocrate.rocrate import ROCrate

    crate = ROCrate(version="1.1")
    crate.name, crate.datePublished, crate.license = study.title, day, licence
    crate.description = (
        "A report on detecting forged face images: its page, numbers, figures, notebooks, study, split and "
        "plan. No image of the data set is in it. SHA256SUMS names every file; dfstudy verify checks them."
    )
    parts = {
        name: crate.add_file(dest_path=name, properties=_describe_file(name, files[name]))
        for name in sorted(files)
    }
    made_by = {"@type": "SoftwareApplication", "name": "dfstudy", "version": __version__}
    software = crate.add_jsonld(made_by | {"@id": "#dfstudy"})
    used = [parts[name] for name in (FROZEN, SPLIT)]
    made = [part for name, part in parts.items() if name.startswith(("index", "numbers", "figures", "note"))]
    crate.add_action(software, "#report", object=used, result=made, properties={"name": "make report"})
    told = crate.metadata.generate()
    try:
        read = {unquote(entity.id) for entity in ROCrate(json.loads(json.dumps(told))).data_entities}
    except (ValueError, KeyError) as error:
        raise StudyError(f"{CRATE} is not valid: {error}", "mend the study's title and file names") from None
    if read != set(files):
        raise StudyError(f"{CRATE} does not name {min(read ^ set(files))}", "rename that file")
    return as_json(told)


def _describe_file(name: str, content: bytes | Path) -> dict[str, str]:
    is_path = isinstance(content, Path)
    suffix = Path(name).suffix
    return {
        "name": name,
        "encodingFormat": _KINDS.get(suffix) or mimetypes.types_map.get(suffix, "application/octet-stream"),
        "contentSize": str(content.stat().st_size if is_path else len(content)),
        "sha256": file_digest(content) if is_path else hashlib.sha256(content).hexdigest(),
    }
