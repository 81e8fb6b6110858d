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
from typing import Any, NamedTuple

from dfstudy.data import Split
from dfstudy.data.elsewhere import fingerprint_files
from dfstudy.errors import StudyError
from dfstudy.evaluate.arms import COMPARISONS, MAIN, RUNS, Arm, list_arms
from dfstudy.evaluate.arms import GROUPS as ARM_GROUPS
from dfstudy.invocation import Invocation, shown_path
from dfstudy.kept import write_if_changed
from dfstudy.provenance import SHAPING_PACKAGES, file_digest, import_closure, imported_modules, versions
from dfstudy.report.cells import plain_python
from dfstudy.report.chapters import Chapter, load_chapters
from dfstudy.report.inputs import link_code, name_inputs
from dfstudy.report.resources import NETWORKS, Needs, Site
from dfstudy.study import NOT_SHAPING, Model, Study

# Beside what shapes weights: what shapes numbers and pictures of the report.
REPORT_PACKAGES = ("scikit-learn", "pandas", "matplotlib", "papermill", "nbconvert", "snakemake")
TEMPLATES = Path(__file__).parent / "templates"
FINGERPRINT = "data/fingerprint.json"
PLAN = "study/plan.json"
BUDGET = "study/budget.json"  # what the page says of it
TRAINING_PARTS = ("data", "model", "augment", "training", "protocol")
LEAKAGE = "steps/leakage.json"
SEALED = "study/sealed.json"  # what has changed since the study was sealed
TRAINING = "steps/training_{}.json"  # by the step's name


def write_plan(invocation: Invocation, split: Split, site: Site) -> Path:
    """Write the study's parts and the plan; returns the plan's path."""
    study = invocation.settings
    link_code(study.out)
    _write_parts(study)
    trainings = _plan_trainings(study, split, site)
    plan = {
        "dfstudy": shlex.join([sys.executable, "-m", "dfstudy"]),
        "options": shlex.join(invocation.options()),
        "cluster": site.cluster,
        "into": "&>" if site.cluster else "2>&1",
        "resources": list(Needs._fields[1:]),
        "training": _by_rule(trainings.steps),
        "leakage": {"inputs": _leakage_inputs(), **_ask(site.leakage(study))},
        "chapters": [_plan_chapter(study, chapter, site, trainings.behind) for chapter in load_chapters()],
        "page": {"inputs": _page_inputs(trainings.steps)},
    }
    return write_if_changed(study.out / PLAN, plan)


def notebook_sources(notebook: Path) -> list[Path]:
    """Modules of dfstudy that the notebook's code imports, directly or not.

    Raises:
        StudyError: the notebook is missing, or its code is not Python.
    """
    try:
        cells = json.loads(notebook.read_text("utf-8"))["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        return import_closure(*imported_modules("\n".join(map(plain_python, code))))
    except SyntaxError as error:
        line = (error.text or "").strip()
        raise StudyError(
            f"{notebook.name}: a code cell is not Python: {error.msg}: {line}",
            f"mend that cell: {shown_path(notebook)}",
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StudyError(
            f"{notebook.name}: cannot be read as a notebook: {error}",
            f"restore it from your own copy, or from git: git checkout {shown_path(notebook)}",
        ) from None


def _write_parts(study: Study) -> None:
    whole = study.model_dump(mode="json")
    second = study.forgeries.second
    digests = {"model": _weights_digest(study.model), "forgeries": _weights_digest(second) if second else ""}
    whole["weights_sha256"] = digests
    # words for the reader: another origin or licence trains nothing again
    write_if_changed(study.out / "study" / "card.json", whole["data"].pop("card"))
    write_if_changed(study.out / "study" / "study.json", whole)
    for name in (BUDGET, SEALED):  # who plans without a report has no budget and no seal
        if not (study.out / name).is_file():
            write_if_changed(study.out / name, {})
    for name in (*TRAINING_PARTS, *COMPARISONS.values()):
        part = {k: v for k, v in whole[name].items() if name != "training" or k not in NOT_SHAPING}
        if name in digests:
            part["weights_sha256"] = digests[name]
        write_if_changed(study.out / "study" / f"{name}.json", part)
    installed = versions(*SHAPING_PACKAGES, *REPORT_PACKAGES) | {"python": sys.version.split()[0]}
    write_if_changed(study.out / "study" / "versions.json", installed)


def _weights_digest(model: Model) -> str:
    file = Path(model.weights)
    return file_digest(file) if file.is_file() else ""


def list_runs(study: Study, split: Split) -> dict[str, list[tuple[Arm, int]]]:
    """Arm and seed of every training that a chapter needs, by its group; a run of several groups stands once.

    Groups come in the order in which they are trained, so that what the first chapters need is there first.
    """
    known: set[str] = set()
    runs: dict[str, list[tuple[Arm, int]]] = {}
    for group, asked in _asked_runs(study, split).items():
        runs[group] = [run for identity, run in asked.items() if identity not in known]
        known |= set(asked)
    return runs


def _asked_runs(study: Study, split: Split) -> dict[str, dict[str, tuple[Arm, int]]]:
    """By group and identity, every run that a chapter asks for; groups may share some."""
    needed = {word for chapter in load_chapters() for word in chapter.needs}
    return {
        group: {
            arm.identity(seed): (arm, seed)
            for arm in list_arms(study, split, group)
            for seed in arm.study.training.seeds
        }
        for group in ARM_GROUPS
        if group in needed
    }


class Trainings(NamedTuple):
    """Steps that train, by name, and the names of those that a group's chapters wait for."""

    steps: dict[str, dict[str, Any]]
    behind: dict[str, set[str]]


def _plan_trainings(study: Study, split: Split, site: Site) -> Trainings:
    """A step trains one run or several; the last ones half as many, so that cores end together."""
    modules = name_inputs(
        import_closure("dfstudy.train", "dfstudy.evaluate.predict", "dfstudy.evaluate.arms")
    )
    steps: dict[str, dict[str, Any]] = {}
    where: dict[str, str] = {}  # step by the identity of its runs
    listed = list_runs(study, split)
    last = next((group for group in reversed(listed) if listed[group]), "")
    for group, runs in listed.items():
        parts = [*TRAINING_PARTS, *([COMPARISONS[group]] if group in COMPARISONS else [])]
        inputs = [*modules, *(f"study/{name}.json" for name in parts), "study/versions.json", FINGERPRINT]
        # the chapters' own runs are waited for: they stand side by side
        size = 1 if group == RUNS else -(-study.training.runs_a_step // (1 + (group == last)))
        for number, start in enumerate(range(0, len(runs), size)):
            share = runs[start : start + size]
            arm, seed = share[0]
            told = f"seed {seed}" if arm.name == MAIN else f"{arm.name}, seed {seed}"
            name = arm.note(seed) if size == 1 else f"{group}_{number + 1:02d}"
            where |= {each.identity(own): name for each, own in share}
            steps[name] = {
                "group": group,
                "inputs": inputs,
                "which": " ".join(f"--arm {each.name}:{own}" for each, own in share),
                "title": f"Training, {told if size == 1 else f'{group}, {len(share)} runs'}",
                **_ask(site.training(arm.study)),
            }
    asked = _asked_runs(study, split).items()
    return Trainings(steps, {group: {where[identity] for identity in runs} for group, runs in asked})


def _by_rule(trainings: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Steps by their rule, in the order of the groups: `training`, `training_forgeries` ..."""
    groups = dict.fromkeys(step["group"] for step in trainings.values())
    return [
        {
            "rule": "training" if group == RUNS else f"training_{group}",
            "steps": {name: step for name, step in trainings.items() if step["group"] == group},
        }
        for group in groups
    ]


def _leakage_inputs() -> list[str]:
    modules = name_inputs(import_closure("dfstudy.evaluate.meter"))
    return [*modules, "study/data.json", "study/versions.json", FINGERPRINT]


def _plan_chapter(study: Study, chapter: Chapter, site: Site, behind: dict[str, set[str]]) -> dict[str, Any]:
    inputs = [*name_inputs([chapter.notebook, *notebook_sources(chapter.notebook)])]
    inputs += ["study/study.json", "study/versions.json", FINGERPRINT]
    steps = set().union(*(behind.get(word, set()) for word in chapter.needs))
    inputs += [TRAINING.format(name) for name in sorted(steps)]
    if "elsewhere" in chapter.needs:
        inputs += fingerprint_files(study)
    if "leakage" in chapter.needs:
        inputs.append(LEAKAGE)
    if "card" in chapter.needs:
        inputs.append("study/card.json")
    if "numbers" in chapter.needs:
        chapters = load_chapters()
        inputs += [f"steps/{above.id}.json" for above in chapters[: chapters.index(chapter)]]
        inputs.append(SEALED)
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


def _page_inputs(trainings: Iterable[str]) -> list[str]:
    templates = [path for path in TEMPLATES.rglob("*") if path.is_file()]
    inputs = name_inputs([*import_closure("dfstudy.report.render"), *templates])
    inputs += [f"steps/{chapter.id}.json" for chapter in load_chapters()]
    inputs += [TRAINING.format(name) for name in trainings]
    return [*inputs, "study/study.json", "study/card.json", BUDGET, "study/versions.json"]
