"""Where a report comes from, as rows of its provenance block.

Takes a study whose steps have run; gives (what, value) rows: study, data, code, versions, machine, seeds,
durations, comparison with the exhibit. Everything here may differ between two runs of the same study, and
nothing outside the block does. Reads small files only; never loads torch.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from dfstudy import __version__
from dfstudy.chapters.c10_conclusions.seal import sealed_on
from dfstudy.pipeline.compare import command_of, compare_with_exhibit, is_built_in
from dfstudy.pipeline.plan import PLAN, TRAINING
from dfstudy.study.overrides import describe_overrides
from dfstudy.study.study import FROZEN, Study
from dfstudy.system.kept import read_json
from dfstudy.system.provenance import (
    REPORT_PACKAGES,
    SHAPING_PACKAGES,
    commit,
    file_digest,
    machine,
    versions,
)

Rows = list[tuple[str, str]]


def report_rows(study: Study) -> Rows:
    """What was run on what: study, images, code, machine, runs, time of rendering."""
    fingerprint = read_json(study.out / "data" / "fingerprint.json")
    runs = _runs(study)
    system = machine()
    rows = [
        ("Study", f"{study.name} ({study.file.name}, sha256 {_sha256(study)[:16]})"),
        ("Overrides", describe_overrides(study.overrides)),
        (
            "Images",
            f"{fingerprint.get('pictures', '?'):,}, fingerprint {fingerprint.get('fingerprint', '?')[:16]}",
        ),
        ("Layout", str(fingerprint.get("layout", "?")).removeprefix("layout: ")),
        ("Code", f"dfstudy {__version__}, commit {commit()}"),
        ("Machine", f"{system['system']}, {system['processor']}, Python {system['python']}"),
        ("Device of the training", ", ".join(sorted({str(run["device"]) for run in runs})) or "none"),
        ("Seeds", ", ".join(map(str, study.training.seeds))),
        ("Training runs", ", ".join(run["key"] for run in runs) or "none"),
        ("Sealed", sealed_on(study)),
        ("Rendered", datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %z")),
    ]
    if is_built_in(study):
        rows.insert(1, ("Command", command_of(study.name)))
    comparison = compare_with_exhibit(study)
    return rows + ([("Published report", str(comparison))] if comparison else [])


def stamp(study: Study) -> tuple[str, str]:
    """What the heading says: (of the data, the same on every run; of this run: day and commit)."""
    fingerprint = read_json(study.out / "data" / "fingerprint.json")
    whose = "rendered portraits" if study.is_sample else study.pictures.name
    count = fingerprint.get("pictures")
    data = f"{whose}, {count:,} images" if isinstance(count, int) else whose
    return data, f"{datetime.now().astimezone():%d %B %Y}, commit {commit()[:12]}"


def _sha256(study: Study) -> str:
    """Of the study's file, as it was when the report began."""
    return read_json(study.out / FROZEN)["sha256"] if study.frozen else file_digest(study.file)


def _runs(study: Study) -> list[dict[str, Any]]:
    """Trainings of this report, as their steps describe them: others may lie in the folder."""
    steps = [name for rule in read_json(study.out / PLAN).get("training", []) for name in rule["steps"]]
    found: dict[str, dict[str, Any]] = {}
    for step in steps:
        found |= read_json(study.out / TRAINING.format(step)).get("runs", {})
    return [found[name] for name in sorted(found)]


def version_rows() -> Rows:
    """Versions of every package that shapes a result."""
    return sorted(versions(*SHAPING_PACKAGES, *REPORT_PACKAGES).items())


def duration_rows(study: Study, steps: list[tuple[str, str]]) -> Rows:
    """Seconds that each step took when it last ran; `steps` are (note in the study's folder, title)."""
    rows = []
    for note, title in steps:
        made = read_json(study.out / note)
        if "seconds" in made:
            rows.append((title, f"{made['seconds']:.1f} s"))
    return rows
