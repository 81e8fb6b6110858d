"""Columns of index.csv: declared once, told to users, and a new one reaches everything that lists columns."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from PIL import Image

from dfstudy.data.columns import OPTIONAL, TABLE
from dfstudy.data.index import COLUMNS
from dfstudy.scoring.scores_file import SCHEMA

ROOT = Path(__file__).resolve().parents[2]

ADD = """
import sys, json
from dfstudy.data import columns
columns.TABLE = (*columns.TABLE, "camera")
columns.OPTIONAL = (*columns.OPTIONAL, "camera")
columns.UNSAID = {**columns.UNSAID, "camera": ""}
from pathlib import Path
from dfstudy.data.index import index_study
from dfstudy.predict.predict import FURTHER
from dfstudy.scoring.scores_file import SCHEMA
from dfstudy.stats.aligned import FURTHER as ALIGNED
from dfstudy.study.study import Study
study = Study(name="toy", title="toy", data={"root": sys.argv[1]})
study = study.model_copy(update={"out": Path(sys.argv[2])})
rows = index_study(study, progress=False)
print(json.dumps({
    "cameras": rows["camera"].tolist(),
    "fingerprint": json.loads((study.out / "data" / "fingerprint.json").read_text())["fingerprint"],
    "listed": ["camera" in place for place in (FURTHER, ALIGNED, SCHEMA)],
}))
"""


def test_documents_name_the_columns_that_a_user_may_write():
    readme = (ROOT / "README.md").read_text("utf-8")
    assert f"`{','.join(OPTIONAL)}`" in readme
    told = (ROOT / "docs" / "layouts.md").read_text("utf-8").partition("where known ")[2].partition("(")[0]
    assert re.findall(r"\w+", told.removesuffix("[unseen.md]")) == list(OPTIONAL)
    assert set(TABLE) <= set(COLUMNS) and all(name in SCHEMA for name in TABLE)


@pytest.fixture
def pictures(tmp_path):
    """A folder whose index.csv has a column that the package does not know."""

    def write(cameras):
        root = tmp_path / "faces"
        root.mkdir(exist_ok=True)
        lines = ["path,label,camera"]
        for at, camera in enumerate(cameras):
            noise = Random(at).randbytes(64 * 64 * 3)
            Image.frombytes("RGB", (64, 64), noise).save(root / f"{at}.png")
            lines.append(f"{at}.png,{at % 2},{camera}")
        (root / "index.csv").write_text("\n".join(lines))
        command = [sys.executable, "-c", ADD, str(root), str(tmp_path / "out")]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return write


def test_a_column_that_is_declared_is_read_kept_and_listed(pictures):
    first = pictures(["phone", "", "webcam", "phone"])
    assert first["cameras"] == ["phone", "", "webcam", "phone"] and all(first["listed"])
    second = pictures(["phone", "", "webcam", "webcam"])
    assert second["cameras"][3] == "webcam" and second["fingerprint"] != first["fingerprint"]
