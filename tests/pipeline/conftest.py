"""A toy study and toy notebooks: a chapter that runs in a second."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from dfstudy.chapters.base import Chapter
from dfstudy.pipeline.invocation import Invocation, resolve

PARAMETERS = 'study = "sample"\ndata = ""\nout = ""'


@pytest.fixture
def invocation(tmp_path: Path) -> Invocation:
    """The sample study with results in a folder of this test."""
    return resolve(out=str(tmp_path / "out"))


@pytest.fixture
def chapter() -> Chapter:
    """A chapter that must make one figure and one number."""
    return Chapter("toy", "The toy", ("pictures",), 20, ("toy_figure",), ("toy.answer",))


@pytest.fixture
def notebook(tmp_path: Path) -> Callable[..., Path]:
    """Writes a notebook of a parameters cell and the given code cells."""

    def write(*cells: str, parameters: str = PARAMETERS) -> Path:
        made = nbformat.v4.new_notebook()
        made.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        made.cells = [nbformat.v4.new_code_cell(text) for text in (parameters, *cells)]
        made.cells[0].metadata["tags"] = ["parameters"]
        for position, cell in enumerate(made.cells):
            cell.id = f"cell-{position}"
        path = tmp_path / "toy.ipynb"
        nbformat.write(made, path)
        return path

    return write
