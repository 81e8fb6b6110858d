"""The house's rules: layers, a light door, sizes, doors that say what they give, no traces of a machine."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from random import Random

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted((ROOT / "dfstudy").rglob("*.py"))
ROOMS = ("data", "augment", "model", "train", "evaluate", "report")
MOST_LINES, MOST_FUNCTION = 300, 60


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
    [["--help"], ["index", "--help"], ["index"], ["doctor"], ["evaluate", "--help"], ["score", "--help"]],
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


@pytest.mark.parametrize("room", ROOMS)
def test_a_door_lists_what_it_gives(room):
    door = import_module(f"dfstudy.{room}")
    assert door.__doc__ and door.__all__ == sorted(door.__all__)
    assert all(hasattr(door, name) for name in door.__all__)


@pytest.mark.parametrize("file", MODULES, ids=names(MODULES))
def test_a_file_is_read_in_one_sitting(file):
    text = file.read_text("utf-8")
    tree = ast.parse(text)
    assert len(text.splitlines()) <= MOST_LINES
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
