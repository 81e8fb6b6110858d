"""A report within a budget: measure this machine once, decide, and write the decision down as a study.

Takes an invocation, its split and minutes; gives the invocation of a complete study that the whole report
runs with, `<out>/study/within_<minutes>_minutes.yaml`, and lines for the terminal. What a picture costs is
measured by a step of its own, so that this process loads no network library, and kept in
`<out>/study/speed.json`: a second call on the same machine decides the same, and nothing runs again. Refuses
a budget with a cluster, whose nodes are not measured here. Without a budget it says how many runs there are,
and how long they take where a speed is known. Cost: some 20 seconds a network, once.
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
from dfstudy.pipeline.budget import FittedStudy, Speed, count_finished, estimate, fit_budget, networks
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

SPEED = "study/speed.json"


def settle_budget(
    invocation: Invocation, split: Split, site: Site, minutes: int
) -> tuple[Invocation, list[str]]:
    """The report's invocation, and what to say of its length.

    Args:
        minutes: 0 is no budget: the study stays as it is.
    Raises:
        StudyError: a budget for a cluster, or the measuring failed.
    """
    study = invocation.settings
    if not minutes or not any(list_runs(study, split).values()):  # or nothing is trained
        write_if_changed(study.out / BUDGET, {})
        return invocation, [_say_runs(study, split, site)]
    if site.cluster:
        raise StudyError(
            "a budget counts what this machine does, and a cluster's nodes are other machines",
            "give BUDGET= or CLUSTER=, not both",
        )
    fitted_study, fitted = fit_budget(study, split, _find_speed(invocation, site), minutes)
    file = write_study(study, fitted_study, fitted)
    write_if_changed(study.out / BUDGET, {"lines": fitted.lines(), "file": file.name})
    within = resolve(str(file), "", invocation.out)
    # the file holds them already; the page says which they were
    kept = within.settings.model_copy(update={"overrides": study.overrides})
    within = replace(within, settings=kept)
    return within, [*fitted.lines(), f"the study of this report: {shown_path(file)}"]


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
    from dfstudy.train.speed import measure_pace

    study = invocation.settings
    split = split_study(study, index_study(study))
    paces = {name: measure_pace(each, split) for name, each in networks(study).items()}
    found = {
        "machine": machine_class(),
        "recipe": _recipe(study),
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
    return Speed(train, predict, side_by_side(study, site))


def side_by_side(study: Study, site: Site) -> int:
    """Runs that train at a time on this machine."""
    recipe = study.training
    if site.gpus:
        return max(1, site.gpus // recipe.devices)
    return 1 if recipe.threads == "auto" else max(1, site.cores // (recipe.threads * recipe.devices))


def _find_speed(invocation: Invocation, site: Site) -> Speed:
    study = invocation.settings
    known = read_speed(study, site)
    if known is None:
        print("  measuring what a picture costs on this machine, once ...", flush=True)
        command = [sys.executable, "-m", "dfstudy", "speed", *invocation.options()]
        ended = subprocess.run(command, env=os.environ | steady_environment()).returncode
        if ended:
            reason = f"it was ended by {name_signal(-ended)}" if ended < 0 else "the reason is above"
            raise StudyError(
                f"this machine's speed could not be measured; {reason}",
                "mend it, or make the report without BUDGET=",
            )
        known = read_speed(study, site)
    if known is None:
        raise StudyError(f"{shown_path(study.out / SPEED)} does not fit the study", "remove it and try again")
    return known


def _say_runs(study: Study, split: Split, site: Site) -> str:
    runs, finished = count_finished(study, split)
    done = f", {finished} of them finished" if finished else ""
    speed = None if site.cluster else read_speed(study, site)
    long = "" if speed is None else f"; all of it takes about {estimate(study, split, speed):.0f} minutes"
    return f"training runs: {runs}{done}{long}"


def _recipe(study: Study) -> dict[str, Any]:
    """What makes a picture dear or cheap, beside the network."""
    recipe = study.training
    kept = ("batch_size", "accumulate", "devices", "precision", "threads", "workers", "cache")
    return {name: getattr(recipe, name) for name in kept} | {"policy": study.augment.policy}
