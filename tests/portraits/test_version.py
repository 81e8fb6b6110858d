"""The renderer's version is raised with every change of its bytes: kept images are named by it.

After a change that is meant, raise `dfstudy/portraits/version.py` and record the new bytes:

    python tests/portraits/test_version.py
"""

from __future__ import annotations

import json
import platform
import tempfile
from pathlib import Path

import numpy as np
import pytest

from dfstudy.portraits.folder import render_sample
from dfstudy.portraits.version import VERSION
from dfstudy.study.pictures import SamplePictures
from dfstudy.system.provenance import OPENCV, digest, file_digest, versions

RECORDED = Path(__file__).with_name("rendered.json")
SMALL = SamplePictures(identities=12, frames=1, size=48)


def where() -> dict[str, object]:
    """What else the last bit depends on: libraries, and the processor's vector units."""
    vectors = [name for name, has in np._core._multiarray_umath.__cpu_features__.items() if has]
    return {
        "processor": platform.machine(),
        "vectors": digest(sorted(vectors))[:16],
        "versions": versions("numpy", "scipy", *OPENCV),
    }


def render(folder: Path) -> str:
    """Digest of every file of a small sample."""
    render_sample(folder, SMALL, progress=False, processes=1)
    files = sorted(file for file in folder.rglob("*") if file.is_file() and not file.name.startswith("."))
    return digest({str(file.relative_to(folder)): file_digest(file) for file in files})


def test_bytes_change_only_with_the_version(tmp_path):
    recorded = json.loads(RECORDED.read_text("utf-8"))
    assert recorded["version"] == VERSION, f"record the bytes of version {VERSION}: see the head of this file"
    here = where()
    if differing := [name for name, value in here.items() if recorded["where"][name] != value]:
        pytest.skip(f"bytes were recorded with other {', '.join(differing)}")
    said = "rendered bytes changed: raise VERSION in portraits/version.py, then see the head of this file"
    assert render(tmp_path / "sample") == recorded["sha256"], said


def test_another_version_renders_anew(tmp_path, monkeypatch):
    render(tmp_path / "sample")
    mark = (tmp_path / "sample" / ".dfstudy-sample.json").read_bytes()
    monkeypatch.setattr("dfstudy.portraits.folder.VERSION", VERSION + 1)
    render(tmp_path / "sample")
    assert (tmp_path / "sample" / ".dfstudy-sample.json").read_bytes() != mark


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        told = {"version": VERSION, "where": where(), "sha256": render(Path(folder) / "sample")}
    RECORDED.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
