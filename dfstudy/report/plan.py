"""The steps of a report: what each reads, which it waits for, and what it asks of the machine.

Takes an invocation of a frozen study; writes `<out>/study/plan.json` for the Snakefile, and `reads.json`
with what every step reads, by content (see `reads`), which decides what runs again (see `bookings`). The
index must be up to date. Cost: the code is read and parsed once, half a second.
"""

from __future__ import annotations

import json
import platform
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
from dfstudy.invocation import Invocation
from dfstudy.kept import read_json, write_if_changed
from dfstudy.provenance import (
    PACKAGE,
    REPORT_PACKAGES,
    SHAPING_PACKAGES,
    digest,
    import_closure,
    imported_modules,
    read_beside,
)
from dfstudy.report.chapters import Chapter, load_chapters
from dfstudy.report.environment import steady_environment
from dfstudy.report.reads import (
    LAYOUT,
    MASKS,
    OTHERS,
    PICTURES,
    PUBLISHED,
    SETTING,
    SHAPING,
    SHORT,
    VERSION,
    WEIGHTS,
    Present,
    Reads,
    name_code,
)
from dfstudy.report.resources import NETWORKS, Needs, Site, gpu_names
from dfstudy.study import STUDIES, Study

PLAN = "study/plan.json"
READS = "study/reads.json"  # what every step reads
BUDGET = "study/budget.json"  # what the page says of it
TRAINING_PARTS = ("data", "model", "augment", "training", "protocol")
OWN = ("file", "out", "frozen")  # fields of a study that are none of its settings
NO_SETTINGS = (*OWN, "budget")  # nor what a chapter shows
LEAKAGE = "steps/leakage.json"
TRAINING = "steps/training_{}.json"  # by the step's name
PAGE = "steps/page.json"


def write_plan(invocation: Invocation, split: Split, site: Site) -> Path:
    """Write the plan and what its steps read; returns the plan's path."""
    study = invocation.settings
    reader = _Reader(study, split, site)
    trainings = _plan_trainings(study, split, site)
    chapters = [_plan_chapter(study, chapter, site, trainings.behind) for chapter in load_chapters()]
    notes = [TRAINING.format(name) for name in trainings.steps] + [step["note"] for step in chapters]
    plan = {
        "dfstudy": shlex.join([sys.executable, "-m", "dfstudy"]),
        "options": shlex.join(invocation.options()),
        "cluster": site.cluster,
        "into": "&>" if site.cluster else "2>&1",
        "resources": list(Needs._fields[1:]),
        "training": _by_rule(trainings.steps),
        "leakage": {"inputs": [], **_ask(site.leakage(study))},
        "chapters": chapters,
        "page": {"inputs": notes},
    }
    steps = {TRAINING.format(name): reader.training(step) for name, step in trainings.steps.items()}
    if any(LEAKAGE in step["inputs"] for step in chapters):
        steps[LEAKAGE] = reader.leakage()
    for chapter, step in zip(load_chapters(), chapters, strict=True):
        steps[step["note"]] = reader.chapter(chapter, step["inputs"])
    steps[PAGE] = reader.page(notes)
    listed = {
        "code": str(PACKAGE),
        "steps": [{"note": note, **step._asdict()} for note, step in steps.items()],
    }
    write_if_changed(study.out / READS, listed)
    return write_if_changed(study.out / PLAN, plan)


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


class Step(NamedTuple):
    """What decides whether a step runs: what it reads, and the notes of the steps whose results it reads."""

    title: str
    reads: Reads
    after: list[str]


class _Reader:
    """What the steps of one report read."""

    def __init__(self, study: Study, split: Split, site: Site) -> None:
        self._study, self._present = study, Present(study)
        self._cores = steady_environment()["OMP_NUM_THREADS"]
        self._split, self._device = split.fingerprint[:SHORT], _name_device(study, site, self._cores)

    def _of(self, names: Iterable[str], **given: str) -> Reads:
        """The names' digests, those of all versions and the pictures, and what only the plan knows."""
        packages = [VERSION + name for name in (*SHAPING_PACKAGES, *REPORT_PACKAGES)]
        reads = self._present.of([*names, *packages, PICTURES])
        return reads | given | {"python": platform.python_version(), "split": self._split}

    def _training_code(self, *modules: str) -> list[str]:
        return name_code(_with_data(import_closure(*modules)))

    def training(self, step: dict[str, Any]) -> Step:
        """A step of trainings; another choice of a comparison's runs is for its own group alone."""
        names = self._training_code("dfstudy.train", "dfstudy.evaluate.predict", "dfstudy.evaluate.arms")
        names += [SHAPING + part for part in TRAINING_PARTS] + [WEIGHTS + "model"]
        if step["group"] in COMPARISONS:
            names.append(SETTING + COMPARISONS[step["group"]])
        if COMPARISONS.get(step["group"]) == "forgeries":
            names.append(WEIGHTS + "forgeries")
        return Step(step["title"], self._of(names, runs=step["which"], device=self._device), [])

    def leakage(self) -> Step:
        """The leakage meter, which has a network of its own."""
        names = [*self._training_code("dfstudy.evaluate.meter"), SHAPING + "data"]
        return Step("Leakage meter", self._of(names, device=self._device), [])

    def chapter(self, chapter: Chapter, inputs: list[str]) -> Step:
        """A chapter: its notebook, the code that this imports, and all of the study that it may show."""
        code = _with_data(notebook_sources(chapter.notebook))
        names = [
            *name_code([chapter.notebook, *code]),
            LAYOUT,
            MASKS,
            WEIGHTS + "model",
            WEIGHTS + "forgeries",
        ]
        names += [SETTING + part for part in Study.model_fields if part not in NO_SETTINGS]
        if "card" in chapter.needs:
            names.append(SETTING + "card")
        if "elsewhere" in chapter.needs:
            names += [OTHERS + slug for slug in fingerprint_files(self._study)]
        declared = digest([chapter.figures, chapter.numbers])[:SHORT]
        given = {"device": self._device} if NETWORKS & set(chapter.needs) else {}
        reads = self._of(names, cores=self._cores, **{"declared in chapters.yaml": declared}, **given)
        return Step(chapter.title, reads, inputs)

    def page(self, inputs: list[str]) -> Step:
        """The page: what renders it, all words on the study, and what it is compared with."""
        names = name_code(_with_data(import_closure("dfstudy.report.render")))
        names += [
            LAYOUT,
            SETTING + "card",
            *(SETTING + part for part in Study.model_fields if part not in OWN),
        ]
        if self._study.file == STUDIES / "sample.yaml":
            names.append(PUBLISHED)
        budget = digest(read_json(self._study.out / BUDGET))[:SHORT]
        return Step("The page", self._of(names, budget=budget), inputs)


def _with_data(modules: list[Path]) -> list[Path]:
    return [*modules, *read_beside(modules)]


def _name_device(study: Study, site: Site, cores: str) -> str:
    """What trained weights depend on beside the study, as far as it is known without torch."""
    if site.cluster:
        return "a cluster's"
    if site.gpus:
        return ", ".join(sorted(set(gpu_names())))
    threads = cores if study.training.threads == "auto" else study.training.threads
    return f"processor, threads {threads}"


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
    steps: dict[str, dict[str, Any]] = {}
    where: dict[str, str] = {}  # step by the identity of its runs
    listed = list_runs(study, split)
    last = next((group for group in reversed(listed) if listed[group]), "")
    for group, runs in listed.items():
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
                "inputs": [],
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


def _plan_chapter(study: Study, chapter: Chapter, site: Site, behind: dict[str, set[str]]) -> dict[str, Any]:
    steps = set().union(*(behind.get(word, set()) for word in chapter.needs))
    inputs = [TRAINING.format(name) for name in sorted(steps)]
    if "leakage" in chapter.needs:
        inputs.append(LEAKAGE)
    if "numbers" in chapter.needs:
        chapters = load_chapters()
        inputs += [f"steps/{above.id}.json" for above in chapters[: chapters.index(chapter)]]
    return {
        "id": chapter.id,
        "title": chapter.title,
        "note": f"steps/{chapter.id}.json",
        "inputs": inputs,
        "local": not NETWORKS & set(chapter.needs),
        **_ask(site.chapter(study, chapter)),
    }


def _ask(needs: Needs) -> dict[str, Any]:
    """Threads have a directive of their own in the Snakefile; the rest are resources."""
    resources = needs._asdict()
    return {"threads": resources.pop("threads"), "resources": resources}
