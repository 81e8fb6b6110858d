"""The commands that make a report, and the options that every command on a study takes.

Takes what was typed; gives `dfstudy report` and the step `dfstudy speed`, which measures for a budget.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from dfstudy.pipeline.invocation import Invocation


def study_options(command: Callable) -> Callable:
    """`--study`, `--data`, `--out` and `--set`: the command takes the `Invocation` that they name, first."""

    @functools.wraps(command)
    def call(study: str, data: str, out: str, overrides: tuple[str, ...], **given: Any) -> Any:
        # Imported here: --help needs none of it.
        from dfstudy.pipeline.invocation import resolve
        from dfstudy.study.overrides import parse_overrides

        return command(resolve(study, data, out, parse_overrides(overrides)), **given)

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
