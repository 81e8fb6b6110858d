"""The steps of a report: what each reads, which it waits for, and what it asks of the machine.

Takes an invocation of a frozen study; writes `<out>/study/plan.json` for the Snakefile, and `reads.json`
with what every step reads, by content (see `reads`), which decides what runs again (see `bookings`). The
index must be up to date. Cost: that of the listing.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dfstudy.chapters.registry import CHAPTERS
from dfstudy.pipeline.listing import Reader
from dfstudy.pipeline.resources import NETWORKS, Needs, Site
from dfstudy.system.kept import write_if_changed
from dfstudy.system.provenance import PACKAGE
from dfstudy.variants.registry import GROUPS as VARIANT_GROUPS
from dfstudy.variants.registry import RUNS, list_variants
from dfstudy.variants.variant import MAIN, Variant

if TYPE_CHECKING:
    from dfstudy.chapters.base import Chapter
    from dfstudy.data.split import Split
    from dfstudy.pipeline.invocation import Invocation
    from dfstudy.study.study import Study

PLAN = "study/plan.json"
READS = "study/reads.json"  # what every step reads
LEAKAGE = "steps/leakage.json"
TRAINING = "steps/training_{}.json"  # by the step's name
PAGE = "steps/page.json"


def write_plan(invocation: Invocation, split: Split, site: Site) -> Path:
    """Write the plan and what its steps read; returns the plan's path."""
    study = invocation.settings
    reader = Reader(study, split, site)
    trainings = plan_trainings(study, split, site)
    chapters = [_plan_chapter(study, chapter, site, trainings.behind) for chapter in CHAPTERS]
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
    for chapter, step in zip(CHAPTERS, chapters, strict=True):
        steps[step["note"]] = reader.chapter(chapter, step["inputs"])
    steps[PAGE] = reader.page(notes)
    listed = {
        "code": str(PACKAGE),
        "steps": [{"note": note, **step._asdict()} for note, step in steps.items()],
    }
    write_if_changed(study.out / READS, listed)
    return write_if_changed(study.out / PLAN, plan)


def list_runs(study: Study, split: Split) -> dict[str, list[tuple[Variant, int]]]:
    """Variant and seed of every training that a chapter needs, by group; a run of several groups stands once.

    Groups come in the order in which they are trained, so that what the first chapters need is there first.
    """
    known: set[str] = set()
    runs: dict[str, list[tuple[Variant, int]]] = {}
    for group, asked in _asked_runs(study, split).items():
        runs[group] = [run for identity, run in asked.items() if identity not in known]
        known |= set(asked)
    return runs


def _asked_runs(study: Study, split: Split) -> dict[str, dict[str, tuple[Variant, int]]]:
    """By group and identity, every run that a chapter asks for; groups may share some."""
    needed = {word for chapter in CHAPTERS for word in chapter.needs}
    return {
        group: {
            variant.identity(seed): (variant, seed)
            for variant in list_variants(study, split, group)
            for seed in variant.study.training.seeds
        }
        for group in VARIANT_GROUPS
        if group in needed
    }


class Trainings(NamedTuple):
    """Steps that train, by name, with their runs, and the names of those that a group's chapters wait for."""

    steps: dict[str, dict[str, Any]]
    runs: dict[str, list[tuple[Variant, int]]]
    behind: dict[str, set[str]]


def plan_trainings(study: Study, split: Split, site: Site) -> Trainings:
    """A step trains one run or several; the last ones half as many, so that cores end together."""
    steps: dict[str, dict[str, Any]] = {}
    trained: dict[str, list[tuple[Variant, int]]] = {}
    where: dict[str, str] = {}  # step by the identity of its runs
    listed = list_runs(study, split)
    last = next((group for group in reversed(listed) if listed[group]), "")
    for group, runs in listed.items():
        # the chapters' own runs are waited for: they stand side by side
        size = 1 if group == RUNS else -(-study.training.runs_a_step // (1 + (group == last)))
        shares = [runs[start : start + size] for start in range(0, len(runs), size)]
        for number, share in enumerate(shares):
            variant, seed = share[0]
            told = f"seed {seed}" if variant.name == MAIN else f"{variant.name}, seed {seed}"
            name = variant.note(seed) if size == 1 else f"{group}_{number + 1:02d}"
            which = f"{group} {number + 1}/{len(shares)}" if shares[1:] else group
            where |= {each.identity(own): name for each, own in share}
            trained[name] = share
            steps[name] = {
                "group": group,
                "inputs": [],
                "which": " ".join(f"--variant {each.name}:{own}" for each, own in share),
                "title": f"Training, {told if size == 1 else f'{which}, {len(share)} runs'}",
                **_ask(site.training(variant.study)),
            }
    asked = _asked_runs(study, split).items()
    behind = {group: {where[identity] for identity in runs} for group, runs in asked}
    return Trainings(steps, trained, behind)


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
    if "shortcuts" in chapter.needs:
        inputs.append(f"steps/{CHAPTERS[0].id}.json")
    if "numbers" in chapter.needs:
        chapters = CHAPTERS
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
