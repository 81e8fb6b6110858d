"""The command `dfstudy score`: images, folders and videos, each to a probability and a verdict.

Takes paths as typed and a run; prints a table, CSV or JSON lines, or appends to a file, and ends with
status 1 where anything could not be scored. Registered by `dfstudy.cli.main`; loads no network library for
`--help`.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Container, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from dfstudy.errors import StudyError, printable

if TYPE_CHECKING:
    from pathlib import Path

    from dfstudy.scoring.detector import Detector, Score

FLUSH = 64  # rows: a batch


@click.command()
@click.argument("paths", nargs=-1, required=True)
@click.option("--run", required=True, help="Folder of a run, or a study's results, such as reports/sample.")
@click.option("--find-faces", is_flag=True, help="Crop the main face first; videos need it.")
@click.option("--weights", default="", help="YuNet's .onnx file; default the cache, or fetched once.")
@click.option("--frames", type=int, help="Frames of each video; default 32.")
@click.option("--strategy", default="mean", show_default=True, help="How frames become a video's score.")
@click.option("--stability", is_flag=True, help="Unsure where a re-encoding changes the verdict; 5 passes.")
@click.option("--own-code", is_flag=True, help="Run the code of a run whose network is its maker's own.")
@click.option("--out", default="", help="Append to this .csv or .jsonl; the same command goes on with it.")
@click.option(
    "--format", "kind", type=click.Choice(["table", "csv", "jsonl"]), help="Printed; default table."
)
def score(
    paths: tuple[str, ...],
    run: str,
    find_faces: bool,
    weights: str,
    frames: int | None,
    strategy: str,
    stability: bool,
    own_code: bool,
    out: str,
    kind: str | None,
) -> None:
    """Score images and videos by a finished run (docs/scoring.md)."""
    from pathlib import Path

    from dfstudy.data.endings import describe_endings
    from dfstudy.faces.finder import FaceFinder
    from dfstudy.faces.settings import read_settings
    from dfstudy.scoring.detector import Detector

    if out and kind:
        raise StudyError("--format is for printing, and --out goes by its ending", "leave one of them out")
    if not find_faces and (weights or frames is not None):
        raise StudyError("--weights and --frames are about faces", "add --find-faces, or leave them out")
    faces = read_settings({} if frames is None else {"frames": frames})
    finder = FaceFinder.load(weights, faces.score) if find_faces else None
    detector, others = Detector.load(run, finder, faces, strategy, own_code), Counter()
    if stability:
        detector.check_stability()
    if out:
        done, failed = write_scores(detector, paths, Path(out), others)
        click.echo(f"{done:,} scored in {out}")
    else:
        done, failed = print_scores(detector, paths, kind or "table", others)
    if failed:
        click.echo(f"{failed:,} of {done + failed:,} could not be scored", err=True)
    if failed and out:
        click.echo(
            "next step: mend the cause and give the same command again, which tries them again", err=True
        )
    told = printable(", ".join(describe_endings(others)))
    if not done + failed:
        raise StudyError(
            f"no image or video lies in {', '.join(paths)}; there is {told or 'no file at all'}",
            "give images, or folders of them",
        )
    if told:
        click.echo(f"also there, and not scored: {told}", err=True)
    sys.exit(1 if failed else 0)


def print_scores(
    detector: Detector, paths: tuple[str, ...], kind: str, others: Counter[str]
) -> tuple[int, int]:
    """Print each score as it comes; how many were scored, and how many could not be."""
    from dfstudy.scoring.score_table import LINES, as_bytes, as_row

    header, line = LINES.get(kind, ("", None))
    for told in detector.legend():
        click.echo(told, err=kind != "table")
    click.echo(f"{'verdict':<8}{'score':<7}path" if line is None else header.rstrip("\n"), nl=kind != "jsonl")
    counts = [0, 0]
    # where rows go to a terminal, a bar would only get between them
    for one in _scores(detector, paths, set(), others, bar=not sys.stdout.isatty()):
        counts[bool(one.error)] += 1
        if line is not None:
            # as bytes: of a text that goes to no terminal click takes out what would command one
            click.echo(as_bytes(line(as_row(one, detector.key))), nl=False)
        elif one.error:
            click.echo(f"{'-':<8}{'-':<7}{printable(f'{one.name}: {one.error}')}")
        else:
            click.echo(f"{one.verdict:<8}{one.probability:<7.3f}{printable(one.name)}{_remarks(one)}")
    return counts[0], counts[1]


def write_scores(
    detector: Detector, paths: tuple[str, ...], out: Path, others: Counter[str]
) -> tuple[int, int]:
    """Append what the file lacks; how many rows have a score, and how many of these paths have none."""
    from tqdm import tqdm

    from dfstudy.scoring.score_table import ScoreTable

    with ScoreTable(out, detector.key) as table:
        if table.done:
            click.echo(f"{len(table.done):,} are in {out} already", err=True)
        for told in detector.legend():
            click.echo(told, err=True)
        done, failed = len(table.done), 0
        for number, one in enumerate(_scores(detector, paths, table, others, bar=True), 1):
            table.add(one)
            if number % FLUSH == 0:
                table.flush()
            if one.error:
                failed += 1
                tqdm.write(printable(f"{one.name}: {one.error}"), file=sys.stderr)
            else:
                done += 1
        if table.failed:
            click.echo(f"{len(table.failed):,} in {out} have no score, and were not named now", err=True)
    return done, failed


def _scores(
    detector: Detector, paths: tuple[str, ...], done: Container[str], others: Counter[str], bar: bool
) -> Iterator[Score]:
    """Scores of what is not done, each once, with a bar; `others` counts what is passed over.

    Listing twice is cheap, and holding the list would not be; only of several paths, which may hold the same
    files, what was listed is remembered.
    """
    from tqdm import tqdm

    from dfstudy.scoring.inputs import walk_items

    def wanted(passed: Counter[str] | None = None) -> Iterator[str]:
        listed: set[str] = set()
        for path in walk_items(paths, passed):
            if path in done or path in listed:
                continue
            if len(paths) > 1:
                listed.add(path)
            yield path

    with ExitStack() as stack:
        count = sum(1 for _ in wanted(others))
        progress = stack.enter_context(
            tqdm(total=count, desc="score", unit="file", disable=not (bar and count), leave=False)
        )
        seen = Counter(scored=0, unlike=0, flipped=0)
        for one in detector.stream(wanted()):
            progress.update()
            seen.update(scored=not one.error, unlike=bool(one.unlike), flipped=bool(one.flips))
            seen.update(filter(None, one.unlike.split(", ")))
            yield one
    for line in _summarise(seen):
        click.echo(line, err=True)


def _remarks(one: Score) -> str:
    remarks = [
        f"{one.frames} frames" * (one.kind == "video"),
        f"unlike training: {one.unlike}" * bool(one.unlike),
        f"another verdict after {one.flips} of its re-encodings" * bool(one.flips),
    ]
    told = "; ".join(filter(None, remarks))
    return f"  ({told})" if told else ""


def _summarise(seen: Counter[str]) -> Iterator[str]:
    """Lines on how many items are unlike the training images, and how many verdicts were not stable."""
    scored, unlike, flipped = seen.pop("scored"), seen.pop("unlike"), seen.pop("flipped")
    if unlike:
        by_kind = ", ".join(f"{name} {count:,}" for name, count in seen.items())
        yield (
            f"warning: {unlike:,} of {scored:,} are unlike the training images ({by_kind}); what validation "
            "promises does not hold for them"
        )
    if flipped:
        yield f"{flipped:,} of {scored:,} are unsure because a re-encoding got another verdict"
