"""The house's rules: layers, chapters that stand alone, doors without code, a light command line."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from random import Random

import grimp
import pytest

from dfstudy.chapters.registry import CHAPTERS

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted((ROOT / "dfstudy").rglob("*.py"))
MOST_FUNCTION = 60


def names(files: list[Path]) -> list[str]:
    return [str(file.relative_to(ROOT)) for file in files]


def test_the_rooms_are_layers():
    """The contract stands in pyproject.toml; it has no exceptions."""
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and "1 kept, 0 broken" in done.stdout, done.stdout + done.stderr
    assert "ignore_imports" not in (ROOT / "pyproject.toml").read_text()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["index", "--help"],
        ["index"],
        ["doctor"],
        ["evaluate", "--help"],
        ["score", "--help"],
        ["compare", *[str(ROOT / "reports" / "published" / "sample")] * 2],
    ],
)
def test_the_light_door_loads_no_network_library(arguments, tmp_path):
    from PIL import Image

    for number, name in enumerate(["real", "fake"] * 3):
        (tmp_path / "faces" / name).mkdir(parents=True, exist_ok=True)
        face = Image.frombytes("RGB", (37, 53), Random(number).randbytes(37 * 53 * 3))
        face.save(tmp_path / "faces" / name / f"{number}.png")
    if arguments == ["index"]:
        arguments = ["index", "--data", str(tmp_path / "faces"), "--out", str(tmp_path / "out")]
    code = (
        "import sys\nfrom dfstudy.cli.main import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "except SystemExit as end:\n    assert end.code in (0, None), end.code\n"
        "heavy = {'torch', 'timm', 'albumentations', 'matplotlib', 'snakemake', 'papermill'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


DOORS = sorted(set((ROOT / "dfstudy").rglob("__init__.py")) - {ROOT / "dfstudy" / "__init__.py"})


@pytest.mark.parametrize("file", DOORS, ids=names(DOORS))
def test_a_door_holds_its_text_and_nothing_else(file):
    """So that an import says where a thing lives, and a digest of code follows what is really used."""
    tree = ast.parse(file.read_text("utf-8"))
    assert ast.get_docstring(tree) and len(tree.body) == 1


def test_a_chapter_imports_no_other_chapter():
    """What two chapters use lives in a room below them; chapter 10 asks the others through the registry."""
    graph = grimp.build_graph("dfstudy")
    chapters = sorted(name for name in graph.find_children("dfstudy.chapters") if graph.find_children(name))
    assert len(chapters) == len(CHAPTERS)
    crossing = [
        (module, imported)
        for chapter in chapters
        for module in graph.find_descendants(chapter)
        for imported in graph.find_modules_directly_imported_by(module)
        if imported.startswith("dfstudy.chapters.c") and not imported.startswith(f"{chapter}.")
    ]
    assert crossing == []


@pytest.mark.parametrize("file", MODULES, ids=names(MODULES))
def test_a_file_is_read_in_one_sitting(file):
    text = file.read_text("utf-8")
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "a module's text is its contract"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            length = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            assert length <= MOST_FUNCTION, f"{node.name} has {length} lines"


def test_nothing_tracked_names_a_machine():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    suffixes = {".py", ".md", ".yaml", ".yml", ".toml", ".ipynb", ".json"}
    files = [ROOT / name for name in listed.stdout.splitlines()]
    texts = [file for file in files if file.suffix in suffixes and file.is_file()]
    # put together here so that this file does not hold what it looks for
    trace = re.compile("|".join(f"/{top}/" for top in ("home", "work", "Users", "root")))
    found = [str(file.relative_to(ROOT)) for file in texts if trace.search(file.read_text("utf-8"))]
    assert found == [] and len(texts) > 50


def test_a_class_name_stands_once():
    """Else an import does not say which of two is meant."""
    trees = {file: ast.parse(file.read_text("utf-8")) for file in MODULES}
    found = [node.name for tree in trees.values() for node in tree.body if isinstance(node, ast.ClassDef)]
    assert sorted({name for name in found if found.count(name) > 1}) == []


def test_the_architecture_page_draws_the_house():
    """Its drawing is the contract's, and its sentence on a room is the room's own."""
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    drawn = [
        line.split("  ")[0] if "chapters" in line else line for line in page.split("```")[1].splitlines()
    ]
    layers = [line.split() for line in drawn if line.strip()]
    [contract] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    flat = [name.removeprefix("dfstudy.") for layer in contract["layers"] for name in layer.split(" | ")]
    assert [name for layer in layers for name in layer] == flat
    told = dict(re.findall(r"^\| \[(\w+)\]\(.*?\) \| (.*) \|$", page, re.MULTILINE))
    rooms = [file.parent for file in DOORS if file.parent.parent == ROOT / "dfstudy"]
    assert told == {
        room.name: ast.get_docstring(ast.parse((room / "__init__.py").read_text())) for room in rooms
    }
    assert {room.name for room in rooms} < set(flat)
