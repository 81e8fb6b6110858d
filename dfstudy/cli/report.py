"""The commands that make a report, and the options that every command on a study takes.

Takes what was typed; gives `dfstudy report` and the step `dfstudy speed`, which measures for a budget.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from dfstudy.pipeline.invocation import Invocation


OWN_CODE = "DFSTUDY_OWN_CODE"  # files named by the user, for commands that a command starts


def study_options(command: Callable) -> Callable:
    """`--study`, `--data`, `--out`, `--set` and `--own-code`: the command takes their `Invocation`, first."""

    @functools.wraps(command)
    def call(study: str, data: str, out: str, overrides: tuple[str, ...], own_code: str, **given: Any) -> Any:
        # Imported here: --help needs none of it.
        from dfstudy.pipeline.invocation import resolve
        from dfstudy.pipeline.own_check import refuse_unnamed
        from dfstudy.study.overrides import parse_overrides

        invocation = resolve(study, data, out, parse_overrides(overrides))
        # steps get the frozen copy of a study that was looked at when the report began
        if not invocation.settings.frozen or command.__name__ == "report":
            named = [str(Path(path).expanduser().resolve()) for path in own_code.split(os.pathsep) if path]
            refuse_unnamed(invocation.settings, named)
            if named:
                os.environ[OWN_CODE] = os.pathsep.join(named)
        return command(invocation, **given)

    options = [
        click.option("--study", default="", help="Built-in study or path of a YAML file."),
        click.option("--data", default="", help="Folder of images instead of the study's own."),
        click.option("--out", default="", help="Folder of the results; default reports/<study>."),
        click.option(
            "--set",
            "overrides",
            multiple=True,
            metavar="KEY=VALUE",
            help="Change a setting, such as training.epochs=6 (dfstudy settings); in a folder of its own.",
        ),
        click.option(
            "--own-code",
            default="",
            envvar=OWN_CODE,
            metavar="FILE",
            help=f"Python that the study may run (docs/own.md); several with {os.pathsep} between.",
        ),
    ]
    wrapped: Callable = call
    for option in reversed(options):
        wrapped = option(wrapped)
    return wrapped


@click.command()
@study_options
@click.option("--cores", type=click.IntRange(min=1), help="Cores of this machine for steps; default all.")
@click.option("--budget", type=click.IntRange(min=1), help="Minutes: make what fits, most telling first.")
@click.option(
    "--force", is_flag=True, help="Run every step again, and replace another report in OUT; trainings stay."
)
@click.option("-n", "--dry-run", is_flag=True, help="Say which steps would run and why.")
@click.option("--cluster", default="", help="Run what needs a network as jobs: slurm, or a profile's path.")
def report(
    invocation: Invocation,
    cores: int | None,
    budget: int | None,
    force: bool,
    dry_run: bool,
    cluster: str,
) -> None:
    """Make the report; only what changed runs again."""
    from dfstudy.pipeline.preflight import Preflight
    from dfstudy.pipeline.room import refuse_small_disk
    from dfstudy.system.bound import raise_on_signals

    raise_on_signals()
    refuse_small_disk(invocation.settings, {}, [])  # a full one
    with Preflight(invocation.settings) as preflight:  # it works while the rest is loaded
        from dfstudy.pipeline.build import build

        build(invocation, cores or 0, force, dry_run, cluster, budget or 0, preflight)


@click.command()
@study_options
def speed(invocation: Invocation) -> None:
    """Measure this machine for a budget (a step of the report)."""
    from dfstudy.pipeline.budget_study import run_speed

    run_speed(invocation)
