"""A whole toy report by its real machinery: what runs again, what stays, what is said."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import numpy as np
import pytest
from PIL import Image

from dfstudy.errors import StudyError
from dfstudy.pipeline import build
from dfstudy.pipeline.invocation import resolve
from dfstudy.pipeline.page.page_check import page_problems

ROOT = Path(__file__).resolve().parents[2]

CHAPTERS = '''"""Two chapters."""

from dfstudy.chapters.base import Chapter

CHAPTERS = (
    Chapter("01_first", "The first", ("pictures",), 60, ("first",), ("first.n",)),
    Chapter("09_last", "The last", ("numbers",), 60, (), ("last.n",)),
)
'''
FIRST = """
import matplotlib.pyplot as plt
from dfstudy.data.index import index_study
from dfstudy.number import Number
from dfstudy.present.numbers import save_numbers; from dfstudy.present.style import save_figure
from dfstudy.study.study import load_study
settings = load_study(study, data, out)
index = index_study(settings, progress=False)
---
figure, axes = plt.subplots(figsize=(2, 1))
axes.plot([1, 2])
save_figure(figure, settings, "first", caption="A line, n = 2.", alt="It rises.")
---
save_numbers(settings, "01_first", [Number("first.n", len(index), "pictures", len(index))])
"""
LAST = """
from dfstudy.number import Number
from dfstudy.present.numbers import load_numbers, save_numbers
from dfstudy.study.study import load_study
settings = load_study(study, data, out)
n = load_numbers(settings)["first.n"].value
save_numbers(settings, "09_last", [Number("last.n", 2 * n, "pictures", n)])
"""


def write_notebook(path: Path, title: str, code: str) -> None:
    cells = [nbformat.v4.new_markdown_cell(f"# {title}\n\nWhat is it?")]
    parameters = nbformat.v4.new_code_cell('study = "sample"\ndata = ""\nout = ""')
    parameters.metadata["tags"] = ["parameters"]
    cells += [parameters, *(nbformat.v4.new_code_cell(part.strip()) for part in code.split("---"))]
    for position, cell in enumerate(cells):
        cell.id = f"cell-{position}"
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)


class Checkout:
    """A copy of the project with two toy chapters and twelve images."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "dfstudy", folder / "dfstudy", ignore=ignore)
        (folder / "pyproject.toml").write_text("")
        (folder / "dfstudy" / "chapters" / "registry.py").write_text(CHAPTERS)
        self.notebooks = folder / "notebooks"
        self.notebooks.mkdir()
        write_notebook(self.notebooks / "01_first.ipynb", "The first", FIRST)
        write_notebook(self.notebooks / "09_last.ipynb", "The last", LAST)
        noise = np.random.default_rng(0)
        for name in ("real", "fake"):
            (folder / "faces" / name).mkdir(parents=True)
            for number in range(6):
                pixels = noise.integers(0, 255, (37, 53, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / "faces" / name / f"{number}.png")

    def start(self, *options: str, out: str = "results") -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "dfstudy", "report", "--data", "faces", "--out", out, *options]
        # the checkout's own package comes first, whatever is installed
        environment = os.environ | {"PYTHONPATH": str(self.folder)}
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def report(self, *options: str, out: str = "results", status: int = 0) -> str:
        process = self.start(*options, out=out)
        said = process.communicate(timeout=300)[0]
        assert process.returncode == status, said
        assert "Traceback (most recent call last):" not in said
        return said

    def page(self, out: str = "results") -> str:
        return (self.folder / out / "index.html").read_text("utf-8")

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Checkout:
    made = Checkout(tmp_path_factory.mktemp("checkout"))
    made.first_words = made.report()
    return made


def ran(said: str) -> list[str]:
    """Titles of the steps that a run names as finished."""
    return [line.split("]")[1].split("  ")[0].strip() for line in said.splitlines() if line.startswith("  [")]


def test_a_cold_run_says_each_step_and_makes_a_good_page(checkout):
    lines = [line for line in checkout.first_words.splitlines() if line.startswith("  [")]
    assert ran(checkout.first_words) == ["The first", "The last", "The page"]
    assert lines[0].startswith("  [1/3]") and "   2 steps left, about " in lines[0] and " s " in lines[0]
    assert lines[-1].endswith("the last step")
    assert re.search(r"  3 steps to run: about \d+ (s|min) on this machine \(", checkout.first_words)
    assert re.search(
        r"done: planned .+, took .+ \(\d+\.\d CPU minutes\): the report is", checkout.first_words
    )
    assert "12 to use, 0 excluded" in checkout.first_words
    assert "  layout: class folders (12 images, no splits given; groups: none named)" in checkout.first_words
    assert "the report is at results/index.html" in checkout.first_words
    page = checkout.page()
    assert page_problems(page) == []
    assert 'id="09_last"' in page and "last.n" in page and "A line, n = 2." in page


def test_nothing_to_do_is_quick_and_said(checkout):
    before = checkout.page()
    for file in [*checkout.folder.rglob("*.py"), *checkout.notebooks.iterdir()]:
        file.touch()
    before_cpu = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = checkout.report()
    after_cpu = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert ran(said) == [] and "nothing changed: the report is at results/index.html" in said
    assert checkout.page() == before
    # the aim is 5 s on an idle machine; this one may be busy with other tests
    assert after_cpu.ru_utime + after_cpu.ru_stime - before_cpu.ru_utime - before_cpu.ru_stime < 10


def test_two_folders_differ_in_the_provenance_only(checkout, without_provenance):
    checkout.report(out="elsewhere/again")
    one, two = checkout.page(), checkout.page("elsewhere/again")
    assert without_provenance(one) == without_provenance(two)
    assert "Measured" not in without_provenance(one) and "Provenance" in one
    for kind in ("figures", "numbers"):
        files = sorted(p.name for p in (checkout.folder / "results" / kind).iterdir())
        assert files
        for name in files:
            one, two = (checkout.folder / out / kind / name for out in ("results", "elsewhere/again"))
            assert one.read_bytes() == two.read_bytes()


def test_an_edited_notebook_runs_with_what_builds_on_it(checkout):
    checkout.edit("notebooks/09_last.ipynb", "What is it?", "What was it?")
    said = checkout.report("-n")
    assert "would run: The last (notebooks/09_last.ipynb changed)" in said and "The first" not in said
    said = checkout.report()
    assert ran(said) == ["The last", "The page"]
    assert "again: The last (notebooks/09_last.ipynb changed)" in said
    assert "What was it?" in checkout.page()


def test_a_lost_or_changed_result_is_made_again(checkout):
    (checkout.folder / "results/figures/first.png").write_bytes(b"scribbled over")
    assert "would run: The first (not made yet)" in checkout.report("-n")
    assert ran(checkout.report())[0] == "The first"


def test_the_plan_names_what_each_step_depends_on(checkout):
    listed = json.loads((checkout.folder / "results/study/reads.json").read_text())["steps"]
    steps = {step["note"].removeprefix("steps/").removesuffix(".json"): step for step in listed}
    assert list(steps) == ["01_first", "09_last", "page"]  # no chapter of it asks for a training

    def reads(step: str, name: str) -> bool:
        return name in steps[step]["reads"]

    assert reads("01_first", "notebooks/01_first.ipynb") and reads("01_first", "dfstudy/data/index.py")
    assert not reads("09_last", "notebooks/01_first.ipynb")
    assert steps["09_last"]["after"] == ["steps/01_first.json"] and reads("01_first", "pictures")
    for chapter in ("01_first", "09_last"):
        assert not any(
            reads(chapter, f"dfstudy/pipeline/{name}.py") for name in ("page/render", "build", "execute")
        )
    assert reads("page", "dfstudy/pipeline/page/templates/page.css") and reads(
        "page", "dfstudy/chapters/registry.py"
    )


def test_failed_and_interrupted_reports_keep_the_last_one_and_go_on(checkout):
    before = checkout.page()
    good = (checkout.notebooks / "09_last.ipynb").read_text()
    checkout.edit("notebooks/09_last.ipynb", "2 * n", "2 / 0")
    said = checkout.report(status=1)
    assert "09_last.ipynb, code cell 2 of 2" in said and "ZeroDivisionError" in said
    assert "-m jupyterlab results/failed/09_last.ipynb" in said
    assert "the report stopped: The last failed" in said
    assert "The last good report is untouched: results/index.html" in said
    assert said.rstrip().splitlines()[-1].startswith("  next step:")
    assert "snakemake" not in said.lower() and checkout.page() == before

    (checkout.notebooks / "09_last.ipynb").write_text(good)
    Image.linear_gradient("L").resize((20, 30)).save(checkout.folder / "faces" / "real" / "new.png")
    running = (
        checkout.folder / "running"
    )  # written by the cell: an interrupt must meet it, not its kernel's start
    wait = f"; import time; open('{running.as_posix()}', 'w').close(); time.sleep(60)"
    checkout.edit("notebooks/01_first.ipynb", "axes.plot([1, 2])", f"axes.plot([1, 3]){wait}")
    slow = checkout.start()
    wait_for(running.exists)
    assert "another report is being made in results" in checkout.report(status=1)
    os.killpg(slow.pid, signal.SIGINT)
    words = slow.communicate(timeout=60)[0]
    assert slow.returncode == 130 and "interrupted" in words and "Traceback" not in words
    assert checkout.page() == before

    checkout.edit("notebooks/01_first.ipynb", wait, "")
    said = checkout.report()
    assert "13 to use" in said and ran(said) == ["The first", "The last", "The page"]
    assert '"value": 26' in (checkout.folder / "results/numbers/09_last.json").read_text()
    assert not list((checkout.folder / "results" / ".staging").iterdir())


def test_a_folder_to_test_on_that_is_missing_ends_the_report_before_it_plans(checkout, monkeypatch):
    file = checkout.folder / "lost.yaml"
    file.write_text("name: lost\ntitle: Lost\ndata: {root: faces}\ntest_on: [lost]")
    started = []
    monkeypatch.setattr(build, "_run_snakemake", lambda *_: started.append(1))
    with pytest.raises(StudyError, match="test_on, lost: there is no folder"):
        build.build(resolve(str(file), out=str(checkout.folder / "lost_results")))
    assert not started and not (checkout.folder / "lost_results" / "runs").exists()


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.1)


def test_foreign_folders_are_refused(checkout):
    mine = checkout.folder / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    said = checkout.report(out="mine", status=1)
    assert "holds files that are not a report's" in said
    assert [path.name for path in mine.iterdir()] == ["thesis.txt"]
    said = checkout.report("--data", "nowhere", out="new", status=1)
    assert "there is no folder" in said and not (checkout.folder / "new").exists()
    shutil.copytree(checkout.folder / "faces", checkout.folder / "others")
    said = checkout.report("--data", "others", status=1)
    assert "results holds another report (study: faces, now others)" in said


def test_a_checkout_may_lie_wherever_a_folder_may(tmp_path):
    """Braces are wildcards to Snakemake, and places to fill in to papermill and to a kernel's command."""
    made = Checkout(tmp_path / "in {prefix} {word} $x 'q' #1 [a]")
    out = "out {set} $HOME (b) *"
    assert ran(made.report(out=out)) == ["The first", "The last", "The page"]
    assert "nothing changed" in made.report(out=out)
    made.edit("dfstudy/present/place.py", "Where a chapter writes", "Where each chapter writes")
    assert ran(made.report(out=out)) != []
    assert "It rises." in made.page(out)
