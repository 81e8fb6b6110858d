"""What each step of a report depends on, written down for the Snakefile.

Takes an invocation; writes `<out>/study/*.json`: the parts of the study, the versions, and `plan.json` with
the inputs of every step. A file is written only when its content changes, so that Snakemake, which looks at
times first and at checksums then, re-runs what a changed setting, module or notebook shapes and nothing
else. Cost: milliseconds; the index must be up to date.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dfstudy.data import Split
from dfstudy.data.elsewhere import fingerprint_files
from dfstudy.errors import StudyError
from dfstudy.evaluate.arms import GROUPS as ARM_GROUPS
from dfstudy.evaluate.arms import MAIN, list_arms
from dfstudy.invocation import Invocation
from dfstudy.provenance import SHAPING_PACKAGES, file_digest, import_closure, imported_modules, versions
from dfstudy.report.chapters import Chapter, load_chapters
from dfstudy.report.resources import NETWORKS, Needs, Site
from dfstudy.study import NOT_SHAPING, Study

# Beside what shapes weights: what shapes numbers and pictures of the report.
REPORT_PACKAGES = ("scikit-learn", "pandas", "matplotlib", "papermill", "nbconvert", "snakemake")
TEMPLATES = Path(__file__).parent / "templates"
FINGERPRINT = "data/fingerprint.json"
PLAN = "study/plan.json"
PARTS = ("data", "model", "augment", "training", "forgeries")
TRAINING_PARTS = PARTS[:-1]
LEAKAGE = "steps/leakage.json"


def write_plan(invocation: Invocation, split: Split, site: Site) -> Path:
    """Write the study's parts and the plan; returns the plan's path."""
    study = invocation.settings
    _write_parts(study)
    runs = _plan_runs(study, split, site)
    plan = {
        "dfstudy": shlex.join([sys.executable, "-m", "dfstudy"]),
        "options": shlex.join(invocation.options()),
        "cluster": site.cluster,
        "into": "&>" if site.cluster else "2>&1",
        "training": {"resources": list(Needs._fields[1:]), "runs": runs},
        "leakage": {"inputs": _leakage_inputs(), **_ask(site.leakage(study))},
        "chapters": [_plan_chapter(study, chapter, site, runs) for chapter in load_chapters()],
        "page": {"inputs": _page_inputs(runs)},
    }
    return write_if_changed(study.out / PLAN, plan)


def write_if_changed(file: Path, value: Any) -> Path:
    """Write JSON, unless the file holds the same already."""
    text = json.dumps(value, indent=1, sort_keys=True) + "\n"
    if not file.is_file() or file.read_text("utf-8") != text:
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(f".{file.name}")
        partial.write_text(text, "utf-8")
        partial.replace(file)
    return file


def read_json(file: Path) -> dict[str, Any]:
    """A small JSON file, or nothing where it is not there."""
    return json.loads(file.read_text("utf-8")) if file.is_file() else {}


def notebook_sources(notebook: Path) -> list[Path]:
    """Modules of dfstudy that the notebook's code imports, directly or not.

    Raises:
        StudyError: the notebook is missing, or its code is not Python.
    """
    try:
        cells = json.loads(notebook.read_text("utf-8"))["cells"]
        code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        return import_closure(*imported_modules(code))
    except (OSError, ValueError, KeyError, SyntaxError) as error:
        raise StudyError(
            f"{notebook.name}: cannot be read for its imports: {error}",
            f"restore it: git checkout {notebook}",
        ) from None


def _write_parts(study: Study) -> None:
    whole = study.model_dump(mode="json")
    whole["weights_sha256"] = _weights_digest(study)
    # words for the reader: another origin or licence trains nothing again
    write_if_changed(study.out / "study" / "card.json", whole["data"].pop("card"))
    write_if_changed(study.out / "study" / "study.json", whole)
    for name in PARTS:
        part = {k: v for k, v in whole[name].items() if name != "training" or k not in NOT_SHAPING}
        if name == "model":
            part["weights_sha256"] = whole["weights_sha256"]
        write_if_changed(study.out / "study" / f"{name}.json", part)
    installed = versions(*SHAPING_PACKAGES, *REPORT_PACKAGES) | {"python": sys.version.split()[0]}
    write_if_changed(study.out / "study" / "versions.json", installed)


def _weights_digest(study: Study) -> str:
    file = Path(study.model.weights)
    return file_digest(file) if file.is_file() else ""


def _plan_runs(study: Study, split: Split, site: Site) -> dict[str, dict[str, Any]]:
    """Every training run that a chapter needs, by the stem of the note that it leaves."""
    runs = {}
    for group in [
        group for group in ARM_GROUPS if any(group in chapter.needs for chapter in load_chapters())
    ]:
        parts = TRAINING_PARTS if group == "runs" else PARTS
        inputs = [*_names(import_closure("dfstudy.train")), *(f"study/{name}.json" for name in parts)]
        for arm in list_arms(study, split, group):
            for seed in arm.study.training.seeds:
                title = f"Training, {'' if arm.name == MAIN else f'{arm.name}, '}seed {seed}"
                runs[arm.note(seed)] = {
                    "group": group,
                    "inputs": [*inputs, "study/versions.json", FINGERPRINT],
                    "which": f"--arm {arm.name} --seed {seed}",
                    "title": title,
                    **_ask(site.training(arm.study)),
                }
    return runs


def _leakage_inputs() -> list[str]:
    modules = _names(import_closure("dfstudy.evaluate.meter"))
    return [*modules, "study/data.json", "study/versions.json", FINGERPRINT]


def _plan_chapter(
    study: Study, chapter: Chapter, site: Site, runs: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    inputs = [*_names([chapter.notebook, *notebook_sources(chapter.notebook)])]
    inputs += ["study/study.json", "study/versions.json", FINGERPRINT]
    inputs += [f"runs/{name}.json" for name, run in runs.items() if run["group"] in chapter.needs]
    if "elsewhere" in chapter.needs:
        inputs += fingerprint_files(study)
    if "leakage" in chapter.needs:
        inputs.append(LEAKAGE)
    if "card" in chapter.needs:
        inputs.append("study/card.json")
    if "numbers" in chapter.needs:
        chapters = load_chapters()
        inputs += [f"steps/{above.id}.json" for above in chapters[: chapters.index(chapter)]]
    return {
        "id": chapter.id,
        "title": chapter.title,
        "inputs": inputs,
        "declared": json.dumps([chapter.figures, chapter.numbers]),
        "local": not NETWORKS & set(chapter.needs),
        **_ask(site.chapter(study, chapter)),
    }


def _ask(needs: Needs) -> dict[str, Any]:
    """Threads have a directive of their own in the Snakefile; the rest are resources."""
    resources = needs._asdict()
    return {"threads": resources.pop("threads"), "resources": resources}


def _page_inputs(runs: Iterable[str]) -> list[str]:
    templates = [path for path in TEMPLATES.rglob("*") if path.is_file()]
    inputs = _names([*import_closure("dfstudy.report.render"), *templates])
    inputs += [f"steps/{chapter.id}.json" for chapter in load_chapters()]
    inputs += [f"runs/{name}.json" for name in runs]
    return [*inputs, "study/study.json", "study/card.json", "study/versions.json"]


def _names(files: Iterable[Path]) -> list[str]:
    return sorted({str(file) for file in files})
