"""Files from strangers: refused with a next step, or read without running, leaving or losing anything."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from dfstudy.cli.main import main
from dfstudy.data.images import PictureError, decode, read_bytes
from dfstudy.data.index import index_study
from dfstudy.data.tables import as_text, read_cells
from dfstudy.errors import StudyError
from dfstudy.faces.outcome import _texts
from dfstudy.faces.sheet import Example, render_sheet
from dfstudy.model.build import build_model
from dfstudy.scoring.detector import Detector, Score
from dfstudy.scoring.score_table import ScoreTable
from dfstudy.scoring.scores_file import read_scores, write_scores
from dfstudy.study.recipe import Model
from dfstudy.study.study import load_study
from dfstudy.system.provenance import file_digest

HEAD = "name: x\ntitle: y\n"
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)
)
STUDIES = {
    "aliases of aliases": (HEAD + BOMB, "aliases unfold"),
    "a value that holds itself": (HEAD + "augment: &a {policies: {mine: [*a]}}", "aliases unfold"),
    "brackets in brackets": (HEAD + "model: " + "[" * 3000 + "]" * 3000, "more than 50 levels"),
    "keys in keys": (HEAD + "".join(" " * n + "a:\n" for n in range(900)), "more than 50 levels"),
    "an integer of 6,000 digits": (HEAD + "budget: " + "9" * 6000, "digits"),
    "an integer of 400 digits": (HEAD + "budget: " + "9" * 400, "64 bits"),
    "an infinite rate": (HEAD + "training: {learning_rate: .inf}", "finite"),
    "a Python object": ("name: x\ntitle: !!python/object/apply:os.system ['touch CANARY']", "YAML"),
    "a date that is none": ("name: x\ntitle: 2020-99-99", "YAML"),
    "a truth that is none": ("name: x\ntitle: !!bool x", "YAML"),
    "a zero byte in a path": (HEAD + 'data: {root: "a\\0b"}', "no file's name holds"),
    "half a letter": ('name: x\ntitle: "\\ud800"', "no file's name holds"),
    "weights by a back door": (
        HEAD + "model: {options: {checkpoint_path: evil.pth}}",
        "weights are given by model.weights",
    ),
    "8 GiB of nothing": (None, "too large"),
}
TABLES = {
    "a zero byte": (b"path,label,score\na\0,1,1\n", "zero byte"),
    "another encoding": (b"path,label,score\n\xff\xfe,1,1\n", "cannot be read"),
    "a quote without end": (b'path,label,score\n"a,1,1\n', "cannot be read"),
    "a cell of 200 kB": (b"path,label,score\n" + b"a" * 200_000 + b",1,1\n", "field limit"),
    "20,000 columns": (b"path,label," + b",".join(b"c%d" % n for n in range(20_000)), "20,002 columns"),
    "8 GiB of nothing": (None, "too large"),
}
ROWS = {  # of an index.csv, and why each is not used
    "../../etc/passwd.png,fake,": "outside the folder",
    "/etc/passwd.png,fake,": "outside the folder",
    f"{'a' * 300}.png,fake,": "missing",
    f"{'a/' * 3000}b.png,fake,": "missing",
    "fake/0.png,fake,../../../../../../etc/passwd": "mask lies outside",
    "fake/1.png,fake,/etc/passwd": "mask lies outside",
}


class Tried(NamedTuple):
    """What an attack did: `refused`, or `taken` where it was read as what it says."""

    kind: str
    name: str
    outcome: str


@pytest.fixture(scope="module")
def tried() -> list[Tried]:
    """Everything that the tests of this file tried."""
    return []


@pytest.fixture
def refused(tried, tmp_path, subtests) -> Callable[..., None]:
    """Try an attack that has to end as a `StudyError` with these words and a next step."""

    def attempt(kind: str, name: str, words: str, attack: Callable[[], object]) -> None:
        with subtests.test(f"{kind}: {name}"):
            with pytest.raises(StudyError) as error:
                attack()
            assert words in error.value.message and error.value.hint
            assert not list(tmp_path.rglob("CANARY")) and not Path("CANARY").exists(), "code ran"
            tried.append(Tried(kind, name, "refused"))

    return attempt


def write(file: Path, content: bytes | str | None) -> Path:
    """A file; 8 GiB that take no room where the content is None."""
    if content is None:
        with file.open("wb") as stream:
            stream.truncate(2**33)
    else:
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


class Evil:
    """A pickle that writes a file when it is opened."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple:
        return os.system, (f"touch {self.canary}",)


def test_study_files(tmp_path, refused):
    for name, (text, words) in STUDIES.items():
        refused(
            "study file", name, words, lambda text=text: load_study(str(write(tmp_path / "s.yaml", text)))
        )
    own = write(tmp_path / "s.yaml", HEAD + "data: {root: ~nobody9/x}")
    # a home that nobody has is a folder that is not there
    assert "~nobody9" in load_study(str(own)).data.root


def test_tables(tmp_path, refused, tried):
    for name, (text, words) in TABLES.items():
        refused("table", name, words, lambda text=text: read_scores(write(tmp_path / "s.csv", text)))
        if text:
            refused(
                "table", f"{name}, index.csv", words, lambda text=text: read_cells(tmp_path / "s.csv", "do")
            )
    endless = read_scores(write(tmp_path / "s.csv", "path,label,score\na,1,1e999\nb,0,0.5\n"))
    assert endless.pictures["probability"].isna().tolist() == [True, False]
    assert any("infinite and count as failed" in remark for remark in endless.remarks)
    tried.append(Tried("table", "a score beyond all floats", "taken"))


def test_parquet(tmp_path, refused, monkeypatch):
    file = tmp_path / "s.parquet"
    pd.DataFrame({"path": ["a", "b"], "label": [0, 1], "score": [[0.1], [0.2]]}).to_parquet(file)
    refused("parquet", "a list in a cell", "holds a list", lambda: read_scores(file))
    pd.DataFrame({"path": ["a"] * 9, "label": [0] * 9, "score": [0.1] * 9}).to_parquet(file)
    monkeypatch.setattr("dfstudy.scoring.scores_file.MOST_ROWS", 8)
    refused("parquet", "more rows than are read", "9 rows", lambda: read_scores(file))
    file.write_bytes(b"PAR1" + b"\7" * 300 + b"PAR1")
    refused("parquet", "noise", "cannot be read", lambda: read_scores(file))


def test_an_index_loses_no_row_and_leaves_no_root(fill, open_study, tried):
    folder = fill([f"{kind}/{n}.png" for kind in ("real", "fake") for n in range(3)])
    named = "\n".join(ROWS) + "\nfake/2.png,fake,\nreal/0.png,real,\nreal/1.png,real,\n"
    (folder / "index.csv").write_text("path,label,mask\n" + named)
    index = index_study(open_study(folder), False)
    assert len(index) == len(ROWS) + 4  # and the image on disk that no row names
    reasons = index.set_index("path")["error"]
    assert sorted(reasons[reasons == ""].index) == ["fake/2.png", "real/0.png", "real/1.png"]
    for row, words in ROWS.items():
        assert reasons.str.contains(words).sum() >= 1, (row, reasons.tolist())
        tried.append(Tried("index.csv", row[:30], "refused"))
    assert not index["mask"].str.contains("passwd").any()


def test_images(tmp_path, tried):
    def png(width: int, height: int) -> bytes:
        head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0"
        parts = [b"IHDR" + head, b"IDAT" + zlib.compress(bytes(1000)), b"IEND"]
        chunks = [len(p[4:]).to_bytes(4, "big") + p + zlib.crc32(p).to_bytes(4, "big") for p in parts]
        return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)

    gif = io.BytesIO()
    Image.new("L", (8, 8)).save(gif, "GIF")
    lying = bytearray(gif.getvalue())
    lying[6:10] = b"\xff\xff\xff\xff"
    postscript = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(CANARY) (w) file closefile\n"
    bombs = {"65,000 x 65,000 pixels": png(65000, 65000), "a line of 2**31": png(2**31 - 1, 1)}
    bombs |= {"a GIF of 65,535 x 65,535": bytes(lying), "PostScript": postscript}
    for name, data in bombs.items():
        with pytest.raises(PictureError):
            decode(data)
        tried.append(Tried("image", name, "refused"))
    with pytest.raises(PictureError, match="too large"):
        read_bytes(write(tmp_path / "a.png", None))
    tried.append(Tried("image", "8 GiB of nothing", "refused"))


def test_run_folders(tmp_path, make_run, refused):
    whole = make_run(tmp_path / "whole")

    def run(**changes: object) -> Path:
        """A copy whose description says otherwise."""
        shutil.rmtree(tmp_path / "run", ignore_errors=True)
        shutil.copytree(whole, tmp_path / "run")
        told = json.loads((whole / "checkpoint.json").read_text()) | changes
        (tmp_path / "run" / "checkpoint.json").write_text(json.dumps(told))
        return tmp_path / "run"

    def attack(name: str, words: str, folder: Path) -> None:
        refused("run", name, words, lambda: Detector.load(folder))

    for key, value in (("threshold", "x"), ("temperature", 0), ("size", 10**9), ("weights", [])):
        attack(f"{key}: {value!r}", key, run(**{key: value}))
    attack("a mean of two", "normalisation", run(normalisation={"mean": [1, 1], "std": [1, 1, 1]}))
    back_door = {"backbone": "test_resnet", "size": 32, "options": {"checkpoint_path": "evil.pth"}}
    attack("weights by a back door", "model.weights", run(model=back_door))
    for name, text in (("no object", "[]"), ("brackets in brackets", "[" * 9000)):
        write(run() / "checkpoint.json", text)
        attack(name, "not JSON", tmp_path / "run")
    write(run() / "checkpoint.json", None)
    attack("8 GiB of nothing", "too large", tmp_path / "run")
    for text in ("part,path,label,group,logit\nval,a,1,g,nan\nval,b,0,h,1\n", "a\n1\n", ""):
        write(run() / "clean.csv", text)
        attack(f"clean.csv {text[:6]!r}", "no table of a run's scores", tmp_path / "run")
    folder = run()
    torch.save(Evil(tmp_path / "CANARY"), folder / "best.safetensors")
    digest = file_digest(folder / "best.safetensors")
    told = json.loads((whole / "checkpoint.json").read_text()) | {"weights": {"best": digest}}
    (folder / "checkpoint.json").write_text(json.dumps(told))
    attack("a pickle under another name", "not a safetensors file", folder)
    outside = tmp_path / "outside" / "runs"
    outside.mkdir(parents=True)
    (outside / "seed_0.json").write_text(json.dumps({"key": "../../whole"}))
    attack("a path out of it", "no finished training", outside.parent)


def test_weights_files(tmp_path, refused):
    files = {"a pickle": pickle.dumps(Evil(tmp_path / "CANARY")), "a head without end": b"\xff" * 64}
    for name, content in files.items():
        settings = Model(size=32, weights=str(write(tmp_path / "w.safetensors", content)))
        refused("weights", name, "not a safetensors file", lambda settings=settings: build_model(settings))


def test_python_runs_only_where_its_file_is_named_on_the_command_line(tmp_path, fill, tried, monkeypatch):
    monkeypatch.setenv("DFSTUDY_OWN_CODE", "")
    folder = fill([f"{kind}/{n}.png" for kind in ("real", "fake") for n in range(4)])
    code = write(tmp_path / "policy.py", "import os\nos.system('touch CANARY')\ndef mine(): return []\n")
    study = write(tmp_path / "s.yaml", HEAD + "augment: {policies: {mine: 'policy.py:mine'}}")
    words = ["index", "--study", str(study), "--data", str(folder), "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 1 and f"--own-code {code}" in done.output and "Traceback" not in done.output
    done = CliRunner().invoke(main, [*words, "--own-code", str(tmp_path / "other.py")])
    assert done.exit_code == 1 and not list(tmp_path.rglob("CANARY"))
    tried.append(Tried("Python", "a policy that only the study names", "refused"))
    done = CliRunner().invoke(main, [*words, "--own-code", str(code)])
    assert done.exit_code == 0, done.output
    assert os.environ["DFSTUDY_OWN_CODE"] == str(code)  # so that the steps of a report may


CELLS = ("=1+1.png", "+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "'=x", "''@", "plain.png", "'quoted'")


def test_formulas_are_neutralised_and_read_back(tmp_path, tried):
    assert [as_text(cell)[0] in "=+-@" for cell in CELLS] == [False] * len(CELLS)
    table = pd.DataFrame(
        {"path": CELLS, "label": [0, 1] * 4, "probability": [-0.5, 0.5] * 4, "method": CELLS}
    )
    write_scores(table, tmp_path / "s.csv")
    raw = (tmp_path / "s.csv").read_text()
    assert "\n=" not in raw and ",=" not in raw and ",@" not in raw and ",-0.5," in raw
    assert sorted(read_scores(tmp_path / "s.csv").pictures["path"]) == sorted(CELLS)
    for _ in range(2):  # the second time it goes on with what it wrote
        with ScoreTable(tmp_path / "t.csv", "key") as scores:
            done = [cell for cell in CELLS if cell in scores]
            for cell in set(CELLS) - set(done):
                scores.add(Score(cell, "picture", 0.5, -0.25, "real", threshold=0.5, frames=1))
    assert done == list(CELLS) and "\n=" not in (tmp_path / "t.csv").read_text()
    assert _texts({"path": "=x", "left": "-3.00"}) == {"path": "'=x", "left": "-3.00"}
    tried += [Tried("cell", cell, "taken") for cell in CELLS]


def test_markup_is_words_and_a_policy_stands_in_the_page(tried):
    words = "<script>alert(1)</script>"
    page = render_sheet(words, [words], {words: 1}, [Example(b"", words, words)])
    assert words not in page and "default-src 'none'" in page
    tried.append(Tried("markup", "a script as a file's name", "taken"))


def test_the_table_of_attacks(tried, capsys):
    counts = Counter((each.kind, each.outcome) for each in tried)
    kinds = sorted({each.kind for each in tried})
    with capsys.disabled():
        print(f"\n{'attacks on':<12}{'tried':>6}{'refused':>9}{'harmless':>10}{'crashed, lost, run':>20}")
        for kind in kinds:
            refusals, taken = counts[kind, "refused"], counts[kind, "taken"]
            print(f"{kind:<12}{refusals + taken:>6}{refusals:>9}{taken:>10}{0:>20}")
    assert len(kinds) == 10 and len(tried) >= 60, (kinds, len(tried))  # all tests of this file ran before
