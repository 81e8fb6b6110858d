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

import pytest
from fixtures.checkout import Checkout, wait_for
from fixtures.patience import PATIENCE
from PIL import Image

from dfstudy.errors import StudyError
from dfstudy.pipeline import build
from dfstudy.pipeline.folder import claimed
from dfstudy.pipeline.invocation import resolve
from dfstudy.pipeline.page.page_check import page_problems


def processor_seconds() -> float:
    """Of all processes that this one started and waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def ran(said: str) -> list[str]:
    """Titles of the steps that a run names as finished."""
    return [line.split("]")[1].split("  ")[0].strip() for line in said.splitlines() if line.startswith("  [")]


def test_a_cold_run_says_each_step_and_makes_a_good_page(first_report):
    checkout, said = first_report
    lines = [line for line in said.splitlines() if line.startswith("  [")]
    assert ran(said) == ["The first", "The last", "The page"]
    time = r"(about \d+ (s|min|min \d+ s)|a few seconds)"  # which of them, the machine's speed decides
    assert re.search(rf"^  \[1/3\] The first  .+ s   2 steps left, {time}", lines[0])
    assert lines[-1].endswith("the last step")
    assert re.search(rf"  3 steps to run: {time} on this machine \(", said)
    assert re.search(r"done: planned .+, took .+ \(\d+\.\d CPU minutes\): the report is", said)
    assert "12 to use, 0 excluded" in said
    assert "  layout: class folders (12 images, no splits given; groups: none named)" in said
    assert "the report is at results/index.html" in said
    page = checkout.page()
    assert page_problems(page) == []
    assert 'id="09_last"' in page and "last.n" in page and "A line, n = 2." in page
    assert 'alt="\\frac{1}{2} n"' in page and "$\\frac" not in page


def test_nothing_to_do_is_quick_and_said(checkout):
    before = checkout.page()
    for file in [*checkout.folder.rglob("*.py"), *checkout.notebooks.iterdir()]:
        file.touch()
    started = processor_seconds()
    subprocess.run([sys.executable, "-c", "import torch"], check=True)
    imported = processor_seconds()
    said = checkout.report()
    taken = processor_seconds() - imported
    assert ran(said) == [] and "nothing changed: the report is at results/index.html" in said
    assert checkout.page() == before
    # the aim is 5 s on an idle machine, where torch is imported in a little over one
    assert taken < 6 * (imported - started)


def test_wherever_a_report_lies_it_differs_in_the_provenance_only(
    first_report, tmp_path, monkeypatch, without_provenance
):
    """Braces are wildcards to Snakemake, and places to fill in to papermill and to a kernel's command.

    A home that cannot be written stops nothing, and changes nothing.
    """
    plain, _ = first_report
    monkeypatch.setenv("HOME", os.devnull)
    made, out = Checkout.make(tmp_path / "in {prefix} {word} $x 'q' #1 [a]"), "out {set} $HOME (b) *"
    said = made.report(out=out)
    assert ran(said) == ["The first", "The last", "The page"]
    assert "cannot be written: what libraries keep" in said
    one, two = plain.page(), made.page(out)
    assert without_provenance(one) == without_provenance(two)
    assert "Measured" not in without_provenance(one) and "Provenance" in one
    for kind in ("figures", "numbers"):
        files = sorted((plain.folder / "results" / kind).iterdir())
        assert files
        for file in files:
            assert file.read_bytes() == (made.folder / out / kind / file.name).read_bytes()
    assert "nothing changed" in made.report(out=out)
    made.edit("dfstudy/present/place.py", "Where a chapter writes", "Where each chapter writes")
    assert "would run: The first (dfstudy/present/place.py changed)" in made.report("-n", out=out)


def test_an_edited_notebook_runs_with_what_builds_on_it(checkout):
    checkout.edit("notebooks/09_last.ipynb", "What is it?", "What was it?")
    said = checkout.report("-n")
    assert "would run: The last (notebooks/09_last.ipynb changed)" in said and "The first" not in said
    said = checkout.report()
    assert ran(said) == ["The last", "The page"]
    assert "again: The last (notebooks/09_last.ipynb changed)" in said
    assert "What was it?" in checkout.page()


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
    figure = checkout.folder / "results/figures/first.png"
    drawn = figure.read_bytes()
    figure.write_bytes(b"scribbled over")
    assert "would run: The first (not made yet)" in checkout.report("-n")
    said = checkout.report(status=1)
    assert ran(said)[0] == "The first" and figure.read_bytes() == drawn
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
    wait = f"; import time; open('{running.as_posix()}', 'w').close(); time.sleep({PATIENCE})"
    checkout.edit("notebooks/01_first.ipynb", "axes.plot([1, 2])", f"axes.plot([1, 3]){wait}")
    slow = checkout.start()
    wait_for(running.exists)
    assert "another report is being made in results" in checkout.report(status=1)
    os.killpg(slow.pid, signal.SIGINT)
    words = slow.communicate(timeout=PATIENCE)[0]
    assert slow.returncode == 130 and "interrupted" in words and "Traceback" not in words
    assert checkout.page() == before

    checkout.edit("notebooks/01_first.ipynb", wait, "")
    said = checkout.report()
    assert "13 to use" in said and ran(said) == ["The first", "The last", "The page"]
    assert '"value": 26' in (checkout.folder / "results/numbers/09_last.json").read_text()
    assert not list((checkout.folder / "results" / ".staging").iterdir())


def test_a_folder_to_test_on_that_is_missing_ends_the_report_before_it_plans(checkout, monkeypatch):
    monkeypatch.setattr(build, "Preflight", lambda _: None)  # of networks; loads torch
    monkeypatch.setattr(build, "_check_first", lambda *_: {"networks": {}})
    file = checkout.folder / "lost.yaml"
    file.write_text("name: lost\ntitle: Lost\ndata: {root: faces}\ntest_on: [lost]")
    started = []
    monkeypatch.setattr(build, "_run_snakemake", lambda *_: started.append(1))
    with pytest.raises(StudyError, match="test_on, lost: there is no folder"):
        build.build(resolve(str(file), out=str(checkout.folder / "lost_results")))
    assert not started and not (checkout.folder / "lost_results" / "runs").exists()


def test_foreign_folders_are_refused(checkout):
    mine = checkout.folder / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    said = checkout.report(out="mine", status=1)
    assert "holds files that are not a report's" in said
    assert [path.name for path in mine.iterdir()] == ["thesis.txt"]
    faces, new = checkout.folder / "faces", checkout.folder / "new"
    with pytest.raises(StudyError, match="there is no folder"):
        build.build(resolve(data=str(faces.with_name("nowhere")), out=str(new)))
    assert not new.exists()
    others = shutil.copytree(faces, faces.with_name("others"))
    study = resolve(data=str(others), out=str(checkout.folder / "results")).settings
    refused = pytest.raises(StudyError, match=r"results holds another report \(study: faces, now others\)")
    with refused, claimed(study, replace=False):
        pass
