"""The command line: `dfstudy report`, `index`, `audit`, `doctor`, and the steps that a report is made of.

A user's mistake ends with its message, a line `next step: ...` and exit status 1, without a traceback;
anything else that escapes is a defect of dfstudy and keeps its own. `--help`, `index` and `doctor` load
neither torch nor the network's libraries.
"""

from __future__ import annotations

import os
import signal
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from dfstudy import __version__
from dfstudy.cli.compare import compare
from dfstudy.cli.evaluate import evaluate
from dfstudy.cli.export import export
from dfstudy.cli.publish import publish, verify
from dfstudy.cli.report import report, speed, study_options
from dfstudy.cli.score import score
from dfstudy.errors import StudyError, printable
from dfstudy.system.bound import bind
from dfstudy.system.home import settle_home
from dfstudy.system.kept import FULL, no_room
from dfstudy.system.lock import refuse_unguarded

if TYPE_CHECKING:
    from dfstudy.pipeline.invocation import Invocation


class Commands(click.Group):
    """A group whose commands end a `StudyError` as a message."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was named."""
        try:
            refuse_unguarded()
            return super().invoke(ctx)
        except StudyError as error:
            told = "\n".join(map(printable, str(error).split("\n")))
            click.echo(f"{click.style('error:', fg='red', bold=True)} {told}", err=True)
            ctx.exit(getattr(error, "status", 1))
        except KeyboardInterrupt as stop:
            number = getattr(stop, "number", signal.SIGINT)
            with suppress(OSError):  # the terminal may be gone
                click.echo("\ninterrupted: the same command goes on from here", err=True)
            ctx.exit(128 + number)
        except OSError as error:
            if error.errno not in FULL:
                raise
            told = no_room(Path(error.filename) if error.filename else None)
            click.echo(f"{click.style('error:', fg='red', bold=True)} {told}", err=True)
            ctx.exit(1)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Commands in the order of this file: what a user types comes first."""
        return list(self.commands)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="dfstudy")
def main() -> None:
    """A reproducible study of deepfake face-image detection."""
    bind()
    if note := settle_home():
        click.echo(f"note: {note}", err=True)
    if not sys.stderr.isatty():  # nobody watches: bars wait for ever before they show themselves
        os.environ.setdefault("TQDM_DELAY", "1e9")
    # what it says about damaged files goes into our own lists
    warnings.filterwarnings("ignore", category=UserWarning, module="PIL")


main.add_command(report)


@main.command()
@study_options
def index(invocation: Invocation) -> None:
    """Count the images of a study by split and class."""
    from dfstudy.data.duplicates import count_duplicates
    from dfstudy.data.endings import describe_endings
    from dfstudy.data.index import index_study
    from dfstudy.data.index_file import layout_line
    from dfstudy.data.listing import count_others
    from dfstudy.data.split import set_aside, split_study

    settings = invocation.settings
    table = index_study(settings)
    click.echo(printable(layout_line(settings)))
    split = split_study(settings, table)
    counts = split.rows.groupby(["split", "label", "method"], observed=True).size()
    click.echo(f"{len(split.rows):,} images of {settings.title} are used:")
    for (part, label, method), count in counts.items():
        click.echo(f"  {part:<6} {('real', 'fake')[label]:<5} {printable(method):<20} {count:>8,}")
    if len(split.set_aside):
        click.echo(f"{len(split.set_aside):,} are excluded:")
        for row in set_aside(split.set_aside).itertuples(index=False):
            click.echo(f"  {row.images:>6,}  {printable(row.reason)}")
    others = describe_endings(count_others(settings))
    if others:
        click.echo(f"also there, and taken for no image: {printable(', '.join(others))}")
    found = count_duplicates(split.duplicates, split.rows)
    if found["near"]:
        groups = f"{found['joined_groups']:,} group{'s' * (found['joined_groups'] != 1)}"
        largest = f"the largest of {found['largest_joined']:,} images"
        click.echo(f"near-duplicates join images into {groups}, {largest}")


@main.command()
@study_options
def audit(invocation: Invocation) -> None:
    """Look for shortcuts that predict the label, and for duplicates."""
    from dfstudy.chapters.c01_data.shortcuts import audit_shortcuts, shortcut_table
    from dfstudy.data.duplicates import count_duplicates
    from dfstudy.data.index import index_study
    from dfstudy.data.index_file import layout_line
    from dfstudy.data.split import split_study
    from dfstudy.data.traits import draw_pictures, read_traits

    settings = invocation.settings
    split = split_study(settings, index_study(settings))
    click.echo(printable(layout_line(settings)))
    rows = draw_pictures(split.rows, settings.evaluate.seed)
    findings = audit_shortcuts(rows, read_traits(settings, rows), settings.evaluate)
    click.echo(shortcut_table(findings).to_string(index=False))
    found = count_duplicates(split.duplicates, split.rows)
    click.echo(
        f"copies: {found['copies']:,}; under both labels: {found['both_labels']:,}; near-duplicates between "
        f"groups: {found['near']:,}, {found['near_labels']:,} of them between real and fake; over given "
        f"splits: {found['given_splits']:,}"
    )
    if split.why_groups_unknown:
        click.echo(f"{split.why_groups_unknown}: videos and people may lie on both sides of the split")


@main.command()
@click.argument("source")
@click.argument("target")
@click.option("--study", default="", help="Study whose aliases name the class folders.")
@click.option("--size", default=0, help="Side of every image, pixels; default that of the smallest.")
@click.option("--format", "kind", type=click.Choice(["jpeg", "png"]), default="jpeg", show_default=True)
@click.option("--quality", type=click.IntRange(1, 100), default=95, show_default=True, help="Of JPEG.")
def reencode(
    source: str, target: str, study: str, size: int, kind: Literal["jpeg", "png"], quality: int
) -> None:
    """Write all images of SOURCE alike into TARGET."""
    from pathlib import Path

    from dfstudy.data.reencode import reencode, summarise
    from dfstudy.pipeline.invocation import resolve

    click.echo(summarise(reencode(resolve(study, source).settings, Path(target), size, kind, quality)))


@main.command()
@click.argument("source")
@click.argument("target")
@click.option("--study", default="", help="Study whose aliases name the class folders.")
@click.option("--weights", default="", help="YuNet's .onnx file; default the cache, or fetched once.")
@click.option("--frames", type=int, help="Frames of each video; default 32.")
@click.option("--size", type=int, help="Side of a crop, pixels; 0 keeps them as they are; default 256.")
@click.option("--margin", type=float, help="Side of the crop in sides of the face's box; default 1.3.")
@click.option("--align", is_flag=True, help="Turn each crop so that the eyes are above the mouth.")
@click.option("--keep", type=click.Choice(["main", "all"]), help="Which faces of a file; default main.")
@click.option("--format", "kind", type=click.Choice(["png", "jpeg"]), help="Default png, lossless.")
@click.option("--quality", type=int, help="Of JPEG; default 95.")
@click.option("--score", type=float, help="Least score of a face, 0 to 1; default 0.7.")
@click.option("--smallest", type=int, help="Least side of a crop before resizing, pixels; default 64.")
@click.option("--workers", type=click.IntRange(min=1), help="Files at a time; default one a core.")
def faces(source: str, target: str, study: str, weights: str, workers: int | None, **given: Any) -> None:
    """Crop the faces of videos and photographs in SOURCE into TARGET."""
    from pathlib import Path

    from dfstudy.faces.folder import crop_folder
    from dfstudy.faces.outcome import summarise
    from dfstudy.faces.settings import read_settings
    from dfstudy.pipeline.invocation import resolve

    settings = read_settings({name: value for name, value in given.items() if value is not None})
    pictures = resolve(study, source).settings
    done = crop_folder(pictures, Path(target), settings, weights=weights, workers=workers)
    click.echo(summarise(done))


main.add_command(compare)
main.add_command(evaluate)
main.add_command(score)
main.add_command(export)


@main.command()
@click.argument("key", default="")
@click.option("--markdown", is_flag=True, help="All of them as the page docs/settings.md.")
def settings(key: str, markdown: bool) -> None:
    """Explain the settings of a study file, or one KEY."""
    from dfstudy.study.reference import as_markdown, as_text, list_settings

    click.echo(as_markdown() if markdown else as_text(list_settings(key)), nl=not markdown)


@main.command()
def doctor() -> None:
    """Check this machine and its environment."""
    from dfstudy.cli.doctor import examine

    checks = examine()
    for check in checks:
        mark, colour = {"good": ("ok", "green"), "note": ("note", "yellow"), "bad": ("BAD", "red")}[
            check.state
        ]
        click.echo(f"{click.style(f'{mark:>4}', fg=colour)}  {check.name:<14} {check.found}")
        if check.hint:
            click.echo(f"      {'':<14} next step: {check.hint}")
    sys.exit(1 if any(check.state == "bad" for check in checks) else 0)


@main.command()
@study_options
@click.option("--seed", type=click.IntRange(min=0), help="One seed; default every seed of the study.")
@click.option(
    "--variant", "variants", multiple=True, default=("main",), help="Training of a comparison, or NAME:SEED."
)
@click.option("--step", default="", hidden=True)
def train(invocation: Invocation, seed: int | None, variants: tuple[str, ...], step: str) -> None:
    """Train the networks of a study (a step of the report)."""
    from dfstudy.pipeline.steps import run_training

    run_training(invocation, variants, seed, step)


@main.command()
@study_options
def leakage(invocation: Invocation) -> None:
    """Train for the leakage estimate (a step of the report)."""
    from dfstudy.pipeline.steps import run_leakage

    run_leakage(invocation)


main.add_command(speed)


@main.command()
@study_options
@click.option("--seed", type=click.IntRange(min=0), help="Default the study's first seed.")
@click.option("--low", default=1e-6, show_default=True, help="Learning rate of the first step.")
@click.option("--high", default=10.0, show_default=True, help="Learning rate of the last step.")
@click.option("--steps", default=100, show_default=True, help="Training steps between them.")
def rates(invocation: Invocation, seed: int | None, low: float, high: float, steps: int) -> None:
    """Try learning rates in a minute, and suggest one."""
    from dfstudy.pipeline.rates import run_rates

    chosen = invocation.settings.training.seeds[0] if seed is None else seed
    click.echo(run_rates(invocation, chosen, low, high, steps))


@main.command()
@click.argument("name")
@study_options
def chapter(invocation: Invocation, name: str) -> None:
    """Run one chapter, such as 04_test (a step of the report)."""
    from dfstudy.pipeline.steps import run_chapter_step

    run_chapter_step(invocation, name)


@main.command()
@study_options
def render(invocation: Invocation) -> None:
    """Write the page (the last step of the report)."""
    from dfstudy.pipeline.steps import run_page

    run_page(invocation)


@main.command()
@study_options
def tensorboard(invocation: Invocation) -> None:
    """Show the training curves of a study in TensorBoard."""
    from dfstudy.pipeline.board import Board, serve

    settings = invocation.settings
    if not (settings.out / "runs").is_dir():
        raise StudyError("nothing has been trained yet", "begin with make report, or notebook 03")
    board = Board(settings)
    names = board.refresh()
    with serve(board.folder) as url:
        click.echo(f"TensorBoard shows {len(names)} runs by variant and seed; Ctrl-C ends it")
        click.echo(f"  the study's own: {url}?runFilter=%5Emain%2F")
        click.echo(f"  all of them:     {url}")
        board.keep_up()


main.add_command(publish)
main.add_command(verify)


@main.command()
@click.option("--study", default="", help="a built-in study; empty is the sample")
@click.option("--splits", is_flag=True, help="only compare the published report with those on other splits")
def exhibit(study: str, splits: bool) -> None:
    """Copy a built-in study's report to reports/published."""
    from dfstudy.pipeline.reference import add_splits, publish_exhibit

    click.echo((add_splits if splits else publish_exhibit)(*filter(None, [study])))
