"""The command `dfstudy evaluate`: tables of scores that any tool made, one judged, or two compared.

Takes paths of tables; prints numbers with their intervals, and remarks. Registered by `dfstudy.cli.main`;
loads neither torch nor the network's libraries.
"""

from __future__ import annotations

from typing import Any

import click

from dfstudy.errors import StudyError


@click.command()
@click.argument("scores")
@click.option("--truth", default="", help="Table of all images to be scored: path, label, group ...")
@click.option("--threshold", type=float, help="Called fake from this score on; chosen on other images.")
@click.option("--against", default="", help="Second table over the same images, compared with SCORES.")
@click.option("--against-threshold", type=float, help="Of the second table; default that of the first.")
@click.option("--level", type=click.Choice(["group", "identity", "video", "picture"]), default="group")
@click.option("--replicates", type=click.IntRange(min=100), help="Resamples; default those of a study.")
def evaluate(
    scores: str,
    truth: str,
    threshold: float | None,
    against: str,
    against_threshold: float | None,
    level: Any,
    replicates: int | None,
) -> None:
    """Judge a table of scores, or compare two (docs/predictions.md)."""
    from pathlib import Path

    from dfstudy.scoring.paired_comparison import compare_scores
    from dfstudy.scoring.scores import describe, evaluate_scores
    from dfstudy.scoring.scores_file import read_scores
    from dfstudy.study.comparisons import Evaluate

    if against_threshold is not None and (not against or threshold is None):
        raise StudyError(
            "--against-threshold goes with --against and --threshold", "give all three, or leave it out"
        )
    pictures = Path(truth) if truth else None
    table = read_scores(Path(scores), pictures)
    settings = Evaluate(level=level) if replicates is None else Evaluate(level=level, replicates=replicates)
    if against:
        other = read_scores(Path(against), pictures)
        click.echo(
            f"second, {against}, minus first, {scores}, over {settings.replicates:,} resamples", err=True
        )
        second = threshold if against_threshold is None else against_threshold
        thresholds = None if threshold is None or second is None else (threshold, second)
        click.echo(describe(*compare_scores(table, other, settings, thresholds)))
        return
    click.echo(f"judging {len(table.pictures):,} images over {settings.replicates:,} resamples", err=True)
    click.echo(describe(*evaluate_scores(table, settings, threshold)))
