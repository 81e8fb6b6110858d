"""The commands `dfstudy publish` and `dfstudy verify`: a report as an archive, and an archive tested.

Takes what was typed; prints what was done or found. `verify` exits with 0 where the archive is intact and, if
it was made again, agrees; 1 where it is not intact, or something stopped the command; 3 where it is intact
and the report made again does not agree.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dfstudy.cli.report import study_options
from dfstudy.errors import StudyError, printable

if TYPE_CHECKING:
    from dfstudy.pipeline.invocation import Invocation

DISAGREES = 3


@click.command()
@study_options
@click.option("--to", "target", default="", help="The archive; default beside the results, as .zip.")
@click.option("--weights", is_flag=True, help="With the study's own networks.")
@click.option("--licence", default="", help="Of the archive, in words or as an address.")
def publish(invocation: Invocation, target: str, weights: bool, licence: str) -> None:
    """Pack the finished report into one archive."""
    from dfstudy.pipeline.archive.publish import publish

    for line in publish(invocation.settings, Path(target) if target else None, weights, licence):
        click.echo(line)


@click.command()
@click.argument("archive")
@click.option("--data", default="", help="Folder of its images (or sample): make the report again, compare.")
@click.option("--out", default="", help="Folder of the new results; default reports/verify-<fingerprint>.")
@click.option("--with", "given", multiple=True, help="File or folder that its study names, such as own code.")
def verify(archive: str, data: str, out: str, given: tuple[str, ...]) -> None:
    """Check an archive of publish, or make it again."""
    from dfstudy.pipeline.archive.container import opened
    from dfstudy.pipeline.archive.integrity import check_integrity
    from dfstudy.system.provenance import project_root

    place = Path(archive).expanduser().resolve()
    with opened(place) as contents:
        found = check_integrity(place, contents)
        for line in found.lines():
            click.echo(printable(line))
        if not found.is_intact:
            raise StudyError(
                f"{place.name} is not as it was published", "do not use it; get it again from its publisher"
            )
        click.echo(f"intact: {found.files:,} files are as SHA256SUMS lists them")
        click.echo(f"fingerprint: {found.fingerprint} (compare it with the one that the publisher gives)")
        if not data:
            click.echo("only the integrity was checked: with --data and its images the report is made again")
            return
        from dfstudy.pipeline.archive.rerun import agrees, make_again
        from dfstudy.system.bound import raise_on_signals

        raise_on_signals()
        beside = project_root() / "reports" / f"verify-{found.fingerprint[:12]}"
        agreement = make_again(contents, data, Path(out).expanduser().resolve() if out else beside, given)
    for line in str(agreement).split("\n"):
        click.echo(printable(line))
    if not agrees(agreement):
        click.echo("the report made again does not agree with the archive", err=True)
        sys.exit(DISAGREES)
    click.echo("the report made again agrees with the archive")
