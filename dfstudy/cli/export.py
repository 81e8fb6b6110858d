"""The command `dfstudy export`: a detector as one ONNX file. Registered by `dfstudy.cli.main`."""

from __future__ import annotations

import click


@click.command()
@click.option("--run", required=True, help="Folder of a run, or a study's results, such as reports/sample.")
@click.option("--onnx", "file", required=True, help="The file to write, such as detector.onnx.")
@click.option("--own-code", is_flag=True, help="Run the code of a run whose network is its maker's own.")
def export(run: str, file: str, own_code: bool) -> None:
    """Write a detector as one ONNX file (docs/scoring.md)."""
    from pathlib import Path

    from dfstudy.scoring.export import export_onnx

    click.echo(export_onnx(run, Path(file), own_code))
