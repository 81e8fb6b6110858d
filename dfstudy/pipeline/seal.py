"""What was declared before anything was trained, and whether it still holds.

Takes a study and its split; at the first plan of a results folder writes `study/seal.json`: the declared
questions with their claims, the margins of all rules, the digests of the study file and of the images, every
setting that shapes a result, the images' split, and a digest of each file of rules. It holds no time and no
place, so that its sha256 is the same wherever the same is declared, and it is never written again. Every plan
writes `study/sealed.json`: that sha256, when it was first taken, how many trainings had ended by then, and
what has changed since, with the time at which each change was first seen. A changed comment in a file of
rules counts as a change. Cost: a read of these files.
"""

from __future__ import annotations

import ast
import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dfstudy.chapters.c05_policies.per_metric import QUANTITIES
from dfstudy.chapters.c05_policies.questions_policies import QUALITIES
from dfstudy.chapters.c10_conclusions.seal import SEAL, SEALED
from dfstudy.pipeline.reads import FINGERPRINT
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
IN_CLEAR = ("declared questions", "margins")
# Words and places: they shape no result.
APART = ("name", "title", "budget", "test_on")


def seal_study(study: Study, split: Split) -> Path:
    """Seal the results folder where it is not sealed yet, and say what has changed since."""
    now, at = _declare(study, split), datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    file = study.out / SEAL
    sealed, state = read_json(file), read_json(study.out / SEALED)
    if not sealed:
        sealed = read_json(write_if_changed(file, now))
    found = file_digest(file)
    if "sha256" not in state:
        # folders that were sealed before this form hold day and count in the seal itself
        ended = len(list((study.out / "runs").glob("*/checkpoint.json")))
        when, ended = sealed.get("day", at), sealed.get("finished", ended)
        state = {"sha256": found, "when": when, "finished": ended, "changed": {}}
    changed = [
        f"{kind}: {name}"
        for kind in ("study", "rules")
        for name in sorted({*sealed[kind], *now[kind]})
        if sealed[kind].get(name) not in (now[kind].get(name), digest(now[kind].get(name)))
    ]
    if found != state["sha256"]:
        changed.append(f"seal: {SEAL}")
    state["changed"] = {name: state["changed"].get(name, at) for name in changed}
    # what a reader may still rely on where a file of rules was edited, if only in its words
    state["kept"] = [name for name in IN_CLEAR if name in sealed and sealed[name] == now[name]]
    return write_if_changed(study.out / SEALED, state)


def _declare(study: Study, split: Split) -> dict[str, Any]:
    whole = study.model_dump(mode="json", exclude=set(APART))
    for place in ("root", "card"):
        whole["data"].pop(place)
    whole["report"].pop("groups")  # a word
    for name in NOT_SHAPING - {"seeds"}:  # workers and the like change speed alone
        whole["training"].pop(name)
    for model in (whole["model"], whole["forgeries"]["second"]):
        if model:
            model["weights"] = Path(model["weights"]).name
    whole = name_content(whole)
    asked = {name: whole["policies"].pop(name) for name in ("asked", "primary", "secondary")}
    rules = {name: PACKAGE / name for name in _rules()}
    return {
        "study file": {"name": study.file.name, "sha256": file_digest(study.file)},
        "images": read_json(study.out / FINGERPRINT).get("fingerprint", ""),
        "declared questions": _questions(study),
        "margins": {
            "least gain": {one.name: one.least for one in QUANTITIES.values() if one.least is not None},
            **{name: found for name, file in rules.items() if (found := _margins(file.read_text("utf-8")))},
        },
        "study": {**whole, "questions": asked, "images and their split": split.fingerprint},
        "rules": {name: file_digest(file) for name, file in rules.items()},
    }


def _questions(study: Study) -> list[dict[str, Any]]:
    """The primary and the secondary questions in words, with the least gain that each looks for."""
    declared = study.policies
    first = declared.names[0] if declared.names else "none"
    return [
        {
            "tier": "secondary" if place else "primary",
            "question": f"Does {declared.asked} {QUALITIES[name].asked}?",
            "claim": f"{QUALITIES[name].claim} than with {first}",
            "least gain": QUALITIES[name].least,
        }
        for place, name in enumerate([declared.primary, *declared.secondary])
    ]


def _margins(source: str) -> dict[str, float]:
    """Numbers that a file of rules gives a name, such as `GAP = 0.02`."""
    named = [
        (node.targets[0].id, node.value.value)
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    ]
    return {name: value for name, value in named if isinstance(value, int | float)}


def _rules() -> list[str]:
    """Files of rules, by their names in the package."""
    chapters = PACKAGE / "chapters"
    found = [file for pattern in OF_CHAPTERS for file in chapters.glob(f"c*/{pattern}")]
    return [*RULES, *OF_COMPARISONS, *sorted(str(file.relative_to(PACKAGE)) for file in found)]
