"""A report within a budget: measure this machine, decide, and write the decision down as a study.

Takes an invocation, its split and minutes; gives the invocation of a complete study that the whole report
runs with, `<out>/study/within_<minutes>_minutes.yaml`, and lines for the terminal. What an image costs is
measured by a step of its own, so that this process loads no network library, and kept in
`<out>/study/speed.json`. It is measured anew at every call, because other programs may slow the machine down
or have done so then; not where every training of the last decision is finished, so that a second call decides
the same and nothing runs again. Refuses a budget with a cluster, whose nodes are not measured here. Without a
budget it says how many runs there are. Cost: some 20 seconds a network.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from dfstudy.errors import StudyError
from dfstudy.pipeline.budget import FittedStudy, Speed, fit_budget, list_all_runs, networks
from dfstudy.pipeline.costs import is_finished
from dfstudy.pipeline.environment import steady_environment
from dfstudy.pipeline.invocation import Invocation, resolve, shown_path
from dfstudy.pipeline.listing import BUDGET
from dfstudy.pipeline.plan import list_runs
from dfstudy.pipeline.resources import Site, count_gpus
from dfstudy.study.overrides import describe_overrides
from dfstudy.system.bound import name_signal
from dfstudy.system.kept import read_json, write_atomic, write_if_changed
from dfstudy.system.provenance import machine

if TYPE_CHECKING:
    from dfstudy.data.split import Split
    from dfstudy.study.study import Study
    from dfstudy.variants.variant import Variant

SPEED = "study/speed.json"


def settle_budget(
    invocation: Invocation, split: Split, site: Site, minutes: int
) -> tuple[Invocation, list[str]]:
    """The report's invocation, and what to say of its length.

    Args:
        minutes: 0 is no budget: the study stays as it is.
    Raises:
        StudyError: the measuring failed.
    """
    study = invocation.settings
    if not minutes or not any(list_runs(study, split).values()):  # or nothing is trained
        write_if_changed(study.out / BUDGET, {})
        return invocation, [_say_runs(study, split)]
    fitted_study, fitted = _fit(invocation, split, site, minutes)
    file = write_study(study, fitted_study, fitted)
    decision = {"minutes": minutes, "reached": fitted.reached, "lines": fitted.lines(), "file": file.name}
    write_if_changed(study.out / BUDGET, decision)
    within = resolve(str(file), "", invocation.out)
    # the file holds them already; the page says which they were
    kept = within.settings.model_copy(update={"overrides": study.overrides})
    within = replace(within, settings=kept)
    return within, [*fitted.lines(), f"the study of this report: {shown_path(file)}"]


def leave_out(decision: dict[str, Any], slower: float) -> list[str]:
    """Rungs of a decision that would not fit if everything took so many times as long.

    Args:
        decision: what `settle_budget` wrote into `BUDGET`.
        slower: measured seconds for each that was planned.
    """
    names = [name for name, needed in decision["reached"] if needed * slower > decision["minutes"]]
    return names if len(names) < len(decision["reached"]) else names[1:]  # the lowest is always taken


def write_study(source: Study, fitted_study: Study, fitted: FittedStudy) -> Path:
    """The chosen study as a file that says everything; unchanged where it says so already."""
    file = source.out / "study" / f"within_{fitted.minutes}_minutes.yaml"
    header = [f"{source.title}: {source.file.name} within {fitted.minutes} minutes", *fitted.lines()]
    if source.overrides:
        header.append(f"with {describe_overrides(source.overrides)}")
    header.append(
        "Every key with its meaning: dfstudy settings. To go on from here, copy this file and change it."
    )
    text = "".join(textwrap.indent(textwrap.fill(line, 106), "# ") + "\n" for line in header)
    settings = fitted_study.model_dump(mode="json") | {"budget": 0}  # it is spent
    text += yaml.safe_dump(settings, sort_keys=False, allow_unicode=True, width=100)
    if not file.is_file() or file.read_bytes() != text.encode():
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(file, text.encode())
    return file


def run_speed(invocation: Invocation) -> Path:
    """Measure every network that a rung trains, and keep it with the machine's class (a step of a report)."""
    os.environ.update(steady_environment())
    # Imported here: the threads of torch are settled by the environment above.
    from dfstudy.data.index import index_study
    from dfstudy.data.split import split_study
    from dfstudy.pipeline.probe import measure_machine
    from dfstudy.train.speed import measure_pace

    study = invocation.settings
    split = split_study(study, index_study(study))
    machine_pace = measure_machine(int(steady_environment()["OMP_NUM_THREADS"]))
    paces = {name: measure_pace(each, split) for name, each in networks(study).items()}
    found = {
        "machine": machine_class(),
        "recipe": _recipe(study),
        "pace": machine_pace._asdict(),
        "networks": {name: {"train": pace.train, "predict": pace.predict} for name, pace in paces.items()},
    }
    return write_if_changed(study.out / SPEED, found)


def machine_class() -> str:
    """What a speed holds for: processor, cores and GPUs."""
    cores, gpus = steady_environment()["OMP_NUM_THREADS"], count_gpus()
    return f"{machine()['processor']}, {cores} cores, {gpus} GPU{'s' * (gpus != 1)}"


def read_speed(study: Study, site: Site) -> Speed | None:
    """What was measured on a machine like this one for these networks, or None."""
    found = read_json(study.out / SPEED)
    known = found.get("networks", {})
    same = found.get("machine") == machine_class() and found.get("recipe") == _recipe(study)
    if not same or not set(networks(study)) <= set(known):
        return None
    train, predict = ({name: pace[part] for name, pace in known.items()} for part in ("train", "predict"))
    rest = found.get("pace", {}).get("rest", 1.0)
    return Speed(train, predict, side_by_side(study, site), rest)


def side_by_side(study: Study, site: Site) -> int:
    """Runs that train at a time on this machine."""
    recipe = study.training
    if site.gpus:
        return max(1, site.gpus // recipe.devices)
    return 1 if recipe.threads == "auto" else max(1, site.cores // (recipe.threads * recipe.devices))


def _fit(invocation: Invocation, split: Split, site: Site, minutes: int) -> tuple[Study, FittedStudy]:
    """The decision: the last one again where all of it is trained, else one by today's speed."""
    study = invocation.settings

    def finished(variant: Variant, seed: int) -> bool:
        return is_finished(study.out, variant, seed)

    known = read_speed(study, site)
    if known is not None:
        fitted_study, fitted = fit_budget(study, split, known, minutes, finished)
        if all(finished(*run) for run in list_all_runs(fitted_study, split)):
            return fitted_study, fitted
    return fit_budget(study, split, measure_speed(invocation, site), minutes, finished)


def measure_speed(invocation: Invocation, site: Site) -> Speed:
    """What an image costs now, by a step of its own.

    Raises:
        StudyError: it failed; its own message is on the terminal by then.
    """
    study = invocation.settings
    print("  measuring what an image costs on this machine ...", flush=True)
    command = [sys.executable, "-m", "dfstudy", "speed", *invocation.options()]
    ended = subprocess.run(command, env=os.environ | steady_environment()).returncode
    if ended:
        reason = f"it was ended by {name_signal(-ended)}" if ended < 0 else "the reason is above"
        raise StudyError(
            f"this machine's speed could not be measured; {reason}",
            "mend it, and give the same command again",
        )
    known = read_speed(study, site)
    if known is None:
        raise StudyError(f"{shown_path(study.out / SPEED)} does not fit the study", "remove it and try again")
    return known


def _say_runs(study: Study, split: Split) -> str:
    runs = list_all_runs(study, split)
    finished = sum(is_finished(study.out, variant, seed) for variant, seed in runs)
    done = f", {finished} of them finished" if finished else ""
    return f"training runs: {len(runs)}{done}"


def _recipe(study: Study) -> dict[str, Any]:
    """What makes an image dear or cheap, beside the network."""
    recipe = study.training
    kept = ("batch_size", "accumulate", "devices", "precision", "threads", "workers", "cache")
    return {name: getattr(recipe, name) for name in kept} | {"policy": study.augment.policy}
