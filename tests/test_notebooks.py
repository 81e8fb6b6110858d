"""Manners of the notebooks: short, literal parameters, no output, nothing defined, nothing of a machine."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import nbformat
import pytest

from dfstudy.chapters.registry import CHAPTERS
from dfstudy.pipeline.check_parameters import read_parameters
from dfstudy.pipeline.page.fragments import TRY
from dfstudy.study.study import built_in_studies

ROOT = Path(__file__).resolve().parents[1]
START = ROOT / "notebooks" / "00_start.ipynb"  # what `make lab` opens
NOTEBOOKS = sorted(set((ROOT / "notebooks").glob("*.ipynb")) - {START})
each = pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)


# A cell that a reader adds and tags so may be as it likes, and `make lint` stays of use beside it.
OWN = "mine"


def chapters_cells(file: Path) -> list[nbformat.NotebookNode]:
    """Cells of the chapter, without what a reader added."""
    cells = nbformat.read(file, as_version=4).cells
    return [cell for cell in cells if OWN not in cell.metadata.get("tags", [])]


def code_cells(file: Path, tried: bool | None = None) -> list[str]:
    """Sources of the code cells; only those that invite a change, or all but those."""
    return [
        cell.source
        for cell in chapters_cells(file)
        if cell.cell_type == "code" and tried in (None, TRY in cell.metadata.get("tags", []))
    ]


def test_every_chapter_has_its_notebook_and_the_other_way_round():
    assert [chapter.id for chapter in CHAPTERS] == [file.stem for file in NOTEBOOKS]


def test_the_start_leads_to_every_notebook_and_only_to_what_is_there():
    cells = nbformat.read(START, as_version=4).cells
    assert {cell.cell_type for cell in cells} == {"markdown"}
    links = re.findall(r"\]\(([^)]+)\)", "\n".join(cell.source for cell in cells))
    assert [name for name in links if name.endswith(".ipynb")] == [file.name for file in NOTEBOOKS]
    assert all((START.parent / name).is_file() for name in links)
    assert {f"{study}.yaml" for study in built_in_studies()} <= {Path(name).name for name in links}


def test_ids_of_figures_and_numbers_are_declared_once():
    for kind in ("figures", "numbers"):
        names = [name for chapter in CHAPTERS for name in getattr(chapter, kind)]
        assert len(names) == len(set(names)) and names


@pytest.mark.parametrize("file", [START, *NOTEBOOKS], ids=lambda file: file.stem)
def test_a_notebook_in_git_carries_no_output_and_no_machine(file):
    raw = json.loads(file.read_text("utf-8"))
    assert (raw["nbformat"], raw["nbformat_minor"]) == (4, 5)
    assert set(raw["metadata"]) == {"kernelspec"} and raw["metadata"]["kernelspec"]["name"] == "python3"
    for cell in raw["cells"]:
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", cell["id"]) and set(cell["metadata"]) <= {"tags"}
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [] and cell["execution_count"] is None
    notebook = nbformat.read(file, as_version=4)
    nbformat.validate(notebook)
    # as JupyterLab and make strip write it, so that saving an unchanged notebook is no change
    assert nbformat.writes(notebook).rstrip() == file.read_text("utf-8").rstrip()


@each
def test_parameters_are_the_same_everywhere(file):
    notebook = nbformat.read(file, as_version=4)
    assert read_parameters(notebook, file.name) == {
        "study": "sample",
        "data": "",
        "out": "",
        "overrides": {},
    }


@each
def test_a_notebook_is_a_sentence_a_few_lines_and_a_result(file):
    cells = chapters_cells(file)
    assert cells[0].cell_type == "markdown" and cells[0].source.startswith("# ")
    assert "**" in cells[0].source and "Reads" in cells[0].source and "Runs" in cells[0].source
    assert len(code_cells(file, tried=False)) <= 20
    for source in code_cells(file):
        statements = ast.parse(source).body
        only_imports = all(isinstance(each, ast.Import | ast.ImportFrom) for each in statements)
        assert len(statements if only_imports else source.splitlines()) <= 12 + 8 * only_imports, source
        kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
        assert not any(isinstance(node, kinds) for node in ast.walk(ast.parse(source))), source
        assert "sys.path" not in source and not source.startswith(("%", "!"))
        assert not re.search(r"[\"'](/|~|[A-Z]:\\)", source), source


@each
def test_imports_come_first_and_from_the_package(file):
    for position, source in enumerate(code_cells(file, tried=False)):
        for module in imported(source):
            assert position == 0, f"{module} is imported in code cell {position + 1}"
            assert module.split(".")[0] == "dfstudy", module


def imported(source: str) -> list[str]:
    nodes = list(ast.walk(ast.parse(source)))
    modules = [node.module for node in nodes if isinstance(node, ast.ImportFrom)]
    return modules + [name.name for node in nodes if isinstance(node, ast.Import) for name in node.names]


@each
def test_a_notebook_ends_with_cells_that_invite_a_change(file):
    """Each stands by itself, so that it can be copied: it imports what it needs, and saves nothing."""
    cells = chapters_cells(file)
    tried = [TRY in cell.metadata.get("tags", []) for cell in cells]
    first = tried.index(True)
    assert all(tried[first:]) and cells[first].source.startswith("## Try it")
    sources = code_cells(file, tried=True)
    assert 1 <= len(sources) <= 3
    for source in sources:
        assert source.startswith("from dfstudy.") and not re.search(r"\bsave_\w+\(", source)
        assert all(module.split(".")[0] == "dfstudy" for module in imported(source))


@each
def test_a_notebook_saves_its_numbers_under_its_own_name(file):
    saved = re.findall(r"save_numbers\(\s*\w+,\s*\"(\w+)\"", "\n".join(code_cells(file)))
    assert saved == [file.stem]


@each
def test_prose_types_no_result(file):
    """A decimal number in prose would be a result that nobody recomputes."""
    for cell in chapters_cells(file):
        if cell.cell_type == "markdown":
            prose = re.sub(r"`[^`]*`", "", cell.source)
            assert not re.search(r"(?<![\d.v])0?\.\d{2,}", prose), prose
