"""The commands that make a report, and the options that every command on a study takes.

Takes what was typed; gives `dfstudy report` and the step `dfstudy speed`, which measures for a budget.
"""

from __future__ import annotations

from collections.abc import Callable

import click


def study_options(command: Callable) -> Callable:
    """`--study`, `--data` and `--out`, as every command takes them."""
    options = [
        click.option("--study", default="", help="Built-in study or path of a YAML file."),
        click.option("--data", default="", help="Folder of pictures instead of the study's own."),
        click.option("--out", default="", help="Folder of the results; default reports/<study>."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


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
    study: str,
    data: str,
    out: str,
    cores: int | None,
    budget: int | None,
    force: bool,
    dry_run: bool,
    cluster: str,
) -> None:
    """Make the report; only what changed runs again."""
    from dfstudy.pipeline.build import build
    from dfstudy.pipeline.invocation import resolve
    from dfstudy.system.bound import raise_on_signals

    raise_on_signals()
    build(resolve(study, data, out), cores or 0, force, dry_run, cluster, budget or 0)


@click.command()
@study_options
def speed(study: str, data: str, out: str) -> None:
    """Measure this machine for a budget (a step of the report)."""
    from dfstudy.pipeline.budget_study import run_speed
    from dfstudy.pipeline.invocation import resolve

    run_speed(resolve(study, data, out))
