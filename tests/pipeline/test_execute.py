"""Failure drills: whatever goes wrong in a notebook, the reader is told and the last report stays."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import sys
from pathlib import Path

import nbformat
import pytest

from dfstudy.errors import StudyError
from dfstudy.pipeline.execute import run_chapter
from dfstudy.pipeline.invocation import resolve
from dfstudy.pipeline.kernel import OwnKernelManager

# Saves one figure and one number as a chapter does, without the cost of matplotlib and pandas.
SAVE = """
import json, os, pathlib
from PIL import Image
staging = pathlib.Path(os.environ["DFSTUDY_STAGING"])
Image.new("RGB", (4, 3), "navy").save(staging / "figures" / "toy_figure.png")
number = dict(id="toy.answer", value=0.5, unit="1", n=3, low=0.4, high=0.6)
_ = (staging / "numbers" / "toy.json").write_text(json.dumps([number]))
"""


def tree(folder: Path) -> dict[str, bytes]:
    """Every published file with its bytes."""
    kinds = ("notebooks", "figures", "numbers")
    return {str(p): p.read_bytes() for kind in kinds for p in (folder / kind).glob("*")}


@pytest.fixture
def good(chapter, invocation, notebook):
    """A chapter that has been published once."""
    run_chapter(chapter, invocation, notebook("x = 1", SAVE))
    return tree(invocation.settings.out)


def test_a_good_chapter_publishes_its_files_with_their_digests(chapter, invocation, notebook):
    table = "_ = (staging / 'numbers' / 'toy_rows.csv').write_text('path')"  # beside the numbers
    made = run_chapter(chapter, invocation, notebook(SAVE, table))
    names = ["figures/toy_figure.png", "notebooks/toy.ipynb", "numbers/toy.json", "numbers/toy_rows.csv"]
    assert sorted(made) == names
    assert all(len(digest) == 64 for digest in made.values())
    assert not list((invocation.settings.out / ".staging").iterdir())
    stored = nbformat.read(invocation.settings.out / "notebooks" / "toy.ipynb", 4)
    assert invocation.settings.out.name in stored.cells[1].source  # the injected parameters


def test_two_runs_store_the_same_bytes(chapter, invocation, notebook):
    source = notebook("import sys\nprint('progress', file=sys.stderr)\nprint('result')", SAVE)
    run_chapter(chapter, invocation, source)
    first = tree(invocation.settings.out)
    run_chapter(chapter, invocation, source)
    assert tree(invocation.settings.out) == first
    stored = (invocation.settings.out / "notebooks" / "toy.ipynb").read_text()
    assert "result" in stored and "papermill" not in stored and "start_time" not in stored
    assert all(
        cell.outputs == [] or "progress" not in str(cell.outputs) for cell in nbformat.reads(stored, 4).cells
    )


def test_what_a_reader_adds_may_define_functions(chapter, invocation, notebook):
    added = """
def twice(x):
    return 2 * x

class Mine:
    value = twice(21)

[(lambda y: y + Mine.value)(1)]
"""
    run_chapter(chapter, invocation, notebook(added, SAVE))
    stored = nbformat.read(invocation.settings.out / "notebooks" / "toy.ipynb", 4)
    assert stored.cells[2].outputs[0].data["text/plain"] == "[43]"


def test_controls_are_not_stored_and_what_they_show_is(chapter, invocation, notebook):
    added = "import ipywidgets\nfrom IPython.display import display\n"
    added += "display(ipywidgets.IntSlider(3))\nprint('at 3')"
    run_chapter(chapter, invocation, notebook(added, SAVE))
    first = tree(invocation.settings.out)
    run_chapter(chapter, invocation, notebook(added, SAVE))
    assert tree(invocation.settings.out) == first
    stored = (invocation.settings.out / "notebooks" / "toy.ipynb").read_text()
    assert "at 3" in stored and "widget" not in stored.replace("ipywidgets", "")


DRILLS = {
    "raises": (["x = {}\nx['lost']"], ["KeyError: 'lost'", "code cell 2 of 3 (`x = {}`)", "line 2"]),
    "sys.exit(0)": (["import sys; sys.exit(0)"], ["ended the notebook early: SystemExit 0"]),
    "sys.exit(3)": (["import sys; sys.exit(3)"], ["SystemExit: 3"]),
    "kernel dies": (["import os; os._exit(1)"], ["the kernel died", "code cell 2 of 3"]),
    "crash": (["import faulthandler; faulthandler._sigsegv()"], ["the kernel died", "Segmentation fault"]),
    "syntax": (["x = = 1"], ["SyntaxError"]),
    "plt.show()": (
        ["import matplotlib.pyplot as plt\nimport dfstudy.present.style\nplt.plot([1, 2]); plt.show()"],
        ["plt.show() in a chapter", "save_figure(plt.gcf()"],
    ),
    "student's mistake": (
        [
            "from dfstudy.errors import StudyError\n"
            "raise StudyError('no folder /tmp/x', 'make it: mkdir /tmp/x')"
        ],
        ["no folder /tmp/x", "next step: make it: mkdir /tmp/x"],
    ),
}


@pytest.mark.parametrize("drill", DRILLS)
def test_a_failing_cell_is_named_and_changes_nothing(drill, good, chapter, invocation, notebook):
    cells, promised = DRILLS[drill]
    with pytest.raises(StudyError) as failure:
        run_chapter(chapter, invocation, notebook(*cells, SAVE))
    text = str(failure.value)
    for words in ["toy.ipynb", *promised]:
        assert words in text
    assert "\x1b" not in text
    assert tree(invocation.settings.out) == good
    kept = invocation.settings.out / "failed" / "toy.ipynb"
    assert nbformat.read(kept, 4).cells[-1].source.strip() == SAVE.strip()
    if drill not in ("student's mistake", "plt.show()"):  # they say what to do
        assert f"-m jupyterlab {kept}" in failure.value.hint
    assert not list((invocation.settings.out / ".staging").iterdir())


def test_a_cell_over_its_time_fails(good, chapter, invocation, notebook):
    quick = dataclasses.replace(chapter, timeout=1)
    with pytest.raises(StudyError, match="longer than the chapter's time-out") as failure:
        run_chapter(quick, invocation, notebook("import time; time.sleep(30)", SAVE))
    assert "code cell 2 of 3" in str(failure.value) and "`timeout`" in failure.value.hint
    assert tree(invocation.settings.out) == good


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ('study = "sample"\ndata = ""', "has no parameter 'out'"),
        ('studie = "sample"\ndata = ""\nout = ""', "did you mean 'studie'"),
        ('study = 3\ndata = ""\nout = ""', "parameter 'study' is 'sample' (str)"),
        ("study = open('x')", "more than literals: study = open('x')"),
    ],
)
def test_parameters_are_checked_before_a_kernel_starts(parameters, words, chapter, invocation, notebook):
    with pytest.raises(StudyError) as failure:
        run_chapter(chapter, invocation, notebook(SAVE, parameters=parameters))
    assert words in str(failure.value)
    assert not (invocation.settings.out / ".staging").exists()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (SAVE.replace("toy_figure", "other"), "figure 'toy_figure' is declared"),
        (SAVE.replace("toy.answer", "toy.other"), "not saved: number toy.answer"),
        (SAVE.replace("value=0.5", "value=float('nan')"), "cannot be read back"),
        (SAVE.replace("toy.json", "tow.json"), "saved numbers as chapter 'tow'"),
        (SAVE.replace(".save(", "; (").replace("; (", ".tobytes() and ("), "figure 'toy_figure' is declared"),
        (SAVE + "\n(staging / 'figures' / 'toy_figure.png').write_bytes(b'')", "cannot identify image"),
    ],
)
def test_what_is_declared_must_be_there_and_finite(code, words, good, chapter, invocation, notebook):
    with pytest.raises(StudyError) as failure:
        run_chapter(chapter, invocation, notebook(code))
    assert words in str(failure.value)
    assert tree(invocation.settings.out) == good


def test_a_figure_that_is_no_longer_made_goes(chapter, invocation, notebook):
    out = invocation.settings.out
    run_chapter(chapter, invocation, notebook(SAVE, SAVE.replace("toy_figure", "former")))
    (out / "figures" / "mine.png").write_bytes(b"a user's own")
    assert (out / "figures" / "former.png").exists()
    run_chapter(chapter, invocation, notebook(SAVE))
    assert sorted(p.name for p in (out / "figures").iterdir()) == ["mine.png", "toy_figure.png"]


def test_the_kernel_is_this_interpreter_with_a_steady_environment(
    chapter, invocation, notebook, tmp_path, monkeypatch
):
    spec = tmp_path / "jupyter" / "kernels" / "python3"
    spec.mkdir(parents=True)
    trap = {"argv": ["/bin/false"], "display_name": "trap", "language": "python"}
    (spec / "kernel.json").write_text(json.dumps(trap))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("MPLBACKEND", "svg")
    monkeypatch.setenv("MATPLOTLIBRC", str(tmp_path))
    (tmp_path / "matplotlibrc").write_text("lines.linewidth: 9")
    names = ["PYTHONHASHSEED", "NO_ALBUMENTATIONS_UPDATE", "CUBLAS_WORKSPACE_CONFIG", "OMP_NUM_THREADS"]
    shown = f"import os, sys\nprint(sys.executable)\nprint([os.environ[n] for n in {names}])\n"
    shown += "import matplotlib\nprint(matplotlib.rcParams['lines.linewidth'], matplotlib.get_backend())"
    run_chapter(chapter, invocation, notebook(shown, "open('litter', 'w').close()", SAVE))
    stored = nbformat.read(invocation.settings.out / "notebooks" / "toy.ipynb", 4)
    printed = "".join(output.text for output in stored.cells[2].outputs)
    assert printed.splitlines()[0] == sys.executable
    assert printed.splitlines()[1] == str(["0", "1", ":4096:8", str(len(os.sched_getaffinity(0)))])
    assert printed.splitlines()[2] == "1.5 module://matplotlib_inline.backend_inline"
    assert os.environ["OMP_NUM_THREADS"] == "1" and not Path("litter").exists()


def test_an_unreadable_notebook_is_said(chapter, invocation, tmp_path):
    (tmp_path / "toy.ipynb").write_text("print(1)")
    with pytest.raises(StudyError, match="not readable as a notebook"):
        run_chapter(chapter, invocation, tmp_path / "toy.ipynb")


@pytest.mark.parametrize(
    "name", ["{set}", "{}", "a {0} $b $(c) `d`", "q'\"#?*[%s]", "{connection_file}", "{{x}}"]
)
def test_a_path_is_only_characters(chapter, notebook, tmp_path, name):
    """papermill takes braces for parameters, a kernel's command for places to fill in."""
    (tmp_path / name).mkdir()
    own = notebook(SAVE, "print(out)").rename(tmp_path / name / "toy.ipynb")
    out = tmp_path / name / f"out {name}"
    assert len(run_chapter(chapter, resolve(out=str(out)), own)) == 3
    cells = nbformat.read(out / "notebooks" / "toy.ipynb", 4).cells
    assert cells[-1].outputs[0].text == f"{out}\n"
    broken = notebook("1 / 0").rename(tmp_path / name / "toy.ipynb")
    with pytest.raises(StudyError, match="ZeroDivisionError"):
        run_chapter(chapter, resolve(out=str(out)), broken)


def test_a_kernel_starts_from_wherever_its_python_lies(monkeypatch):
    manager = OwnKernelManager()
    words = ["/x {prefix}/{y} $z/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    monkeypatch.setattr(manager.kernel_spec, "argv", words)
    manager.connection_file = "/tmp/k.json"
    bound = [*words[:2], "dfstudy.system.bound", *words[2:-1], os.path.realpath("/tmp/k.json")]
    assert manager.format_kernel_cmd() == bound


def test_a_full_disk_is_said_and_no_traceback_of_a_cut_notebook(chapter, invocation, notebook, monkeypatch):
    def full(_, executed: str, **__) -> None:
        Path(executed).write_text('{"cells": [')
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("papermill.execute_notebook", full)
    with pytest.raises(StudyError, match="no room left in") as told:
        run_chapter(chapter, invocation, notebook(SAVE))
    assert "the same command then goes on" in told.value.hint
    assert not list((invocation.settings.out / ".staging").iterdir())
