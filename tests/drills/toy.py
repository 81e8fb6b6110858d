"""A small checkout for drills of whole reports: two chapters without a network, twelve images, one study.

Takes an empty folder; gives a copy of the package with a toy module that has data of its own, two notebooks,
a folder of images with an index.csv and masks, a study file, a published report and a library of which only
the version counts. What a page shows is what each of them held when it was made. A chapter waits in its first
cell as long as the file `hold` is there.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = "threadpoolctl"  # the toy's metadata is found before the real one's

CHAPTERS = '''"""Two chapters."""

from dfstudy.chapters.base import Chapter

CHAPTERS = (
    Chapter("01_first", "The first", ("pictures",), 60, (), ("first.n",)),
    Chapter("09_last", "The last", ("numbers",), 60, (), ("last.n",)),
)
'''
WAIT = """
import os, time
from pathlib import Path
hold = Path(os.environ["TOY_HOLD"])
while hold.exists():
    hold.with_name("running").touch()
    time.sleep(0.05)
"""
FIRST = """
from dfstudy.data.index import index_study; from dfstudy.data.split import split_study
from dfstudy.data.images import read_bytes
from dfstudy.number import Number
from dfstudy.present.numbers import save_numbers
from dfstudy.study.study import load_study
from dfstudy.toy import read_table, STATE
settings = load_study(study, data, out)
rows = split_study(settings, index_study(settings)).rows
def shade(names): return sum(read_bytes(settings.pictures / name)[-1] for name in names if name)
print("data-%d masks-%d column-%s study-%d notebook-0 module-%s table-%s" % (
    shade(rows["path"]), shade(rows["mask"]), "_".join(sorted(set(rows["method"]))),
    settings.evaluate.replicates, STATE, read_table()))
---
save_numbers(settings, "01_first", [Number("first.n", len(rows), "pictures", len(rows))])
"""
LAST = """
from dfstudy.number import Number
from dfstudy.present.numbers import load_numbers, save_numbers
from dfstudy.study.study import load_study
settings = load_study(study, data, out)
n = load_numbers(settings)["first.n"].value
save_numbers(settings, "09_last", [Number("last.n", 2 * n, "pictures", n)])
"""
MODULE = '''"""A module with a data file of its own."""

from pathlib import Path

STATE = "0"


def read_table() -> str:
    """What the file holds."""
    return Path(__file__).with_name("toy.csv").read_text("utf-8")
'''
STUDY = "name: mine\ntitle: Mine\ndata: {root: faces, near_duplicates: 0}\nevaluate: {replicates: 100}\n"
SAMPLE = "name: sample\ntitle: Sample\ndata: {root: sample, sample: {identities: 12, frames: 1, size: 48}}\n"
NUMBER = {"id": "first.n", "value": 0, "unit": "pictures", "n": 0, "low": None, "high": None, "note": ""}


class Toy:
    """The checkout, and reports in it.

    Attributes:
        folder: its place.
        sample: reports are of the built-in sample study, which is compared with the published report.
    """

    def __init__(self, folder: Path, sample: bool = False) -> None:
        self.folder, self.sample = folder, sample

    @classmethod
    def make(cls, folder: Path, sample: bool = False) -> Toy:
        """Fill an empty folder."""
        shutil.copytree(ROOT / "dfstudy", folder / "dfstudy", ignore=shutil.ignore_patterns("__pycache__"))
        files = {
            "pyproject.toml": "",
            "mine.yaml": STUDY,
            "dfstudy/studies/sample.yaml": SAMPLE,
            "dfstudy/chapters/registry.py": CHAPTERS,
            "dfstudy/toy.py": MODULE,
            "dfstudy/toy.csv": "0",
            "reports/published/sample/numbers/01_first.json": json.dumps([NUMBER]),
            f"libraries/{LIBRARY}-1.0.0.dist-info/METADATA": f"Name: {LIBRARY}\nVersion: 1.0.0\n",
        }
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, "utf-8")
        (folder / "notebooks").mkdir()
        _write_notebook(folder / "notebooks/01_first.ipynb", "The first", f"{WAIT}---{FIRST}")
        _write_notebook(folder / "notebooks/09_last.ipynb", "The last", LAST)
        _write_pictures(folder / "faces")
        return cls(folder, sample)

    def environment(self, named: bool = True) -> dict[str, str]:
        """Variables of a Python that runs this checkout's code, and finds its library.

        Args:
            named: PYTHONPATH names the checkout; else only the folder in which Python starts says it.
        """
        path = os.pathsep.join([str(self.folder)] * named + [str(self.folder / "libraries")])
        return os.environ | {"PYTHONPATH": path, "TOY_HOLD": str(self.folder / "hold")}

    def start(self, *options: str, named: bool = True) -> subprocess.Popen[str]:
        """Begin a report; its words come through stdout."""
        study = [] if self.sample else ["--study", "mine.yaml"]
        command = [sys.executable, "-m", "dfstudy", "report", *study, "--out", "results", *options]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(command, cwd=self.folder, env=self.environment(named), **pipes)

    def report(self, *options: str, named: bool = True) -> str:
        """Make a report; its words."""
        process = self.start(*options, named=named)
        said = process.communicate(timeout=900)[0]
        assert process.returncode == 0, said
        assert "Traceback (most recent call last):" not in said, said
        return said

    def hold(self) -> None:
        """Let the next first chapter wait."""
        (self.folder / "running").unlink(missing_ok=True)
        (self.folder / "hold").touch()

    def wait_until_held(self, process: subprocess.Popen) -> None:
        """Until the first chapter waits."""
        while not (self.folder / "running").exists():
            assert process.poll() is None, process.communicate()[0]
            time.sleep(0.05)

    def release(self) -> None:
        """Let it go on."""
        (self.folder / "hold").unlink()

    def shown(self) -> dict[str, str]:
        """What the page shows of each subject."""
        page = (self.folder / "results" / "index.html").read_text("utf-8")
        found = dict(re.findall(r"\b(data|masks|column|study|notebook|module|table)-(\w+)", page))
        found["library"] = re.search(rf"{LIBRARY}</th><td[^>]*>([\d.]+)", page)[1]
        published = re.search(r"(\d+) are identical", page)
        return found | {"published": published[1] if published else ""}


def _write_notebook(path: Path, title: str, code: str) -> None:
    parameters = nbformat.v4.new_code_cell('study = "sample"\ndata = ""\nout = ""')
    parameters.metadata["tags"] = ["parameters"]
    cells = [nbformat.v4.new_markdown_cell(f"# {title}\n\nWhat is it?"), parameters]
    cells += [nbformat.v4.new_code_cell(part.strip()) for part in code.split("---")]
    for position, cell in enumerate(cells):
        cell.id = f"cell-{position}"
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)


def _write_pictures(folder: Path) -> None:
    """Six of each class; the last byte of each file, behind the image's end, is what the page adds up."""
    noise, lines = np.random.default_rng(0), ["path,label,method,group,mask"]
    (folder / "masks").mkdir(parents=True)
    for label, name in enumerate(("real", "fake")):
        (folder / name).mkdir()
        for at in range(6):
            _save(noise.integers(0, 255, (37, 53, 3), dtype=np.uint8), folder / name / f"{at}.png")
            if label:
                _save(np.full((37, 53), 9 * at, np.uint8), folder / "masks" / f"{at}.png")
            told = f"swap,g{at}f,masks/{at}.png" if label else f"real,g{at}r,"
            lines.append(f"{name}/{at}.png,{label},{told}")
    (folder / "index.csv").write_text("\n".join(lines) + "\n", "utf-8")


def _save(pixels: np.ndarray, file: Path) -> None:
    Image.fromarray(pixels).save(file)
    file.write_bytes(file.read_bytes() + b"\x00")
