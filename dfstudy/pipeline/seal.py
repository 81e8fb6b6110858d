"""What was declared before anything was trained, and whether it still holds.

Takes a study and its split; at the first plan of a results folder writes `study/seal.json`: the questions, a
digest of each section of the study, of the images' split, and of each file of rules, the day, and how many
trainings were finished by then. It is never written again. Every later plan writes `study/sealed.json`, which
says what has changed since; chapter 10 tells it beside the answers. A changed comment in a file of rules
counts as a change. Cost: a read of these files.
"""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dfstudy.chapters.c10_conclusions.seal import SEAL, SEALED
from dfstudy.study.own_code import name_content
from dfstudy.study.recipe import NOT_SHAPING
from dfstudy.system.kept import read_json, write_if_changed
from dfstudy.system.provenance import PACKAGE, digest, file_digest

if TYPE_CHECKING:
    from dfstudy.data.split import Split
    from dfstudy.study.study import Study

# What turns intervals into words, beside the rules that stand in the chapters.
RULES = (
    "stats/verdicts.py",
    "stats/learning.py",
    "stats/paired.py",
    "stats/registry.py",
    "present/answer.py",
)
OF_CHAPTERS = ("questions*.py", "abstract.py", "answers.py")  # in every chapter's folder
OF_COMPARISONS = (
    "chapters/c05_policies/compare.py",
    "chapters/c05_policies/controls.py",
    "chapters/c05_policies/families.py",
    "chapters/c05_policies/per_metric.py",
    "chapters/c08_protocol/effect.py",
)
# Words and places: they shape no result.
APART = ("name", "title", "budget", "test_on")


def seal_study(study: Study, split: Split) -> Path:
    """Seal the results folder where it is not sealed yet, and say what has changed since."""
    now = _declare(study, split)
    file = study.out / SEAL
    sealed = read_json(file)
    if not sealed:
        finished = len(list((study.out / "runs").glob("*/checkpoint.json")))
        sealed = {**now, "day": datetime.date.today().isoformat(), "finished": finished}
        write_if_changed(file, sealed)
    changed = [
        f"{kind}: {name}"
        for kind in ("study", "rules")
        for name in sorted({*sealed[kind], *now[kind]})
        if sealed[kind].get(name) != now[kind].get(name)
    ]
    state = {"seal": digest({kind: sealed[kind] for kind in now})[:12], "finished": sealed["finished"]}
    return write_if_changed(study.out / SEALED, {**state, "changed": changed})


def _declare(study: Study, split: Split) -> dict[str, Any]:
    whole = study.model_dump(mode="json", exclude=set(APART))
    for place in ("root", "card"):
        whole["data"].pop(place)
    for name in NOT_SHAPING - {"seeds"}:  # workers and the like change speed alone
        whole["training"].pop(name)
    for model in (whole["model"], whole["forgeries"]["second"]):
        if model:
            model["weights"] = Path(model["weights"]).name
    whole = name_content(whole)
    asked = {name: whole["policies"].pop(name) for name in ("asked", "primary", "secondary")}
    sections = {name: digest(section) for name, section in whole.items()}
    return {
        "study": {
            **sections,
            "questions": digest(asked),
            "images and their split": digest(split.fingerprint),
        },
        "rules": {name: file_digest(PACKAGE / name) for name in _rules()},
    }


def _rules() -> list[str]:
    """Files of rules, by their names in the package."""
    chapters = PACKAGE / "chapters"
    found = [file for pattern in OF_CHAPTERS for file in chapters.glob(f"c*/{pattern}")]
    return [*RULES, *OF_COMPARISONS, *sorted(str(file.relative_to(PACKAGE)) for file in found)]
