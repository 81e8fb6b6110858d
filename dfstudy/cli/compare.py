"""The command `dfstudy compare`: finished reports side by side.

Takes folders of reports; prints what differs, or JSON, and writes a page. Ends with status 0 where they
agree, 1 where a verdict or a number differs, 2 where they cannot be compared. Registered by
`dfstudy.cli.main`; loads neither torch nor the network's libraries.
"""

from __future__ import annotations

import sys

import click


@click.command()
@click.argument("reports", nargs=-1, required=True)
@click.option("--page", default="", help="Write one HTML file with everything.")
@click.option("--json", "as_data", is_flag=True, help="Print everything as JSON.")
def compare(reports: tuple[str, ...], page: str, as_data: bool) -> None:
    """Compare two or more finished reports (docs/compare.md)."""
    from pathlib import Path

    from dfstudy.pipeline.compare_page import as_json, as_text, write_page
    from dfstudy.pipeline.compare_reports import compare_reports
    from dfstudy.pipeline.finished_report import read_report

    found = compare_reports([read_report(report) for report in reports])
    if page:
        write_page(found, Path(page))
    click.echo(as_json(found) if as_data else as_text(found))
    sys.exit(0 if found.agree else 1)
