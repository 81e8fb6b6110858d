"""Fingerprints move with content, and with nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dfstudy.errors import StudyError, near_match
from dfstudy.system import provenance


def test_digest_ignores_the_order_of_keys_and_sees_every_value():
    assert provenance.digest({"a": 1, "b": [2]}) == provenance.digest({"b": [2], "a": 1})
    assert provenance.digest({"a": 1}) != provenance.digest({"a": 2})
    with pytest.raises(ValueError, match="not JSON compliant"):
        provenance.digest(float("nan"))


def test_file_digest_is_of_the_bytes_alone(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).write_bytes(b"same")
    assert provenance.file_digest(tmp_path / "one") == provenance.file_digest(tmp_path / "two")


def test_the_import_closure_is_what_python_really_loads():
    """Independent of the walk over sources: a fresh interpreter says which of our files it loaded."""
    import subprocess

    code = (
        "import sys, dfstudy.study.study\n"
        "print('\\n'.join(m.__file__ for n, m in sorted(sys.modules.items()) "
        "if n.split('.')[0] == 'dfstudy'))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {Path(p) for p in loaded.stdout.split()} == set(provenance.import_closure("dfstudy.study.study"))


@pytest.mark.parametrize(
    ("source", "package", "expected"),
    [
        ("import dfstudy.data.index", "", {"dfstudy", "dfstudy.data", "dfstudy.data.index"}),
        ("from dfstudy.data import images", "", {"dfstudy.data.images"}),
        ("from . import images", "dfstudy.data", {"dfstudy.data.images"}),
        ("from .images import x", "dfstudy.data", {"dfstudy.data.images"}),
        ("from ..study import y", "dfstudy.data", {"dfstudy.study"}),
        ("def f():\n    import dfstudy.errors", "", {"dfstudy.errors"}),
    ],
)
def test_every_way_to_import_is_seen(source, package, expected):
    assert expected <= set(provenance.imported_modules(source, package))


def test_imports_from_elsewhere_are_left_out():
    assert provenance.imported_modules("import numpy, dfstudyx\nfrom torch import nn") == []


def test_code_digest_moves_with_a_byte_of_the_closure(tmp_path, monkeypatch):
    package = tmp_path / "dfstudy"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "a.py").write_text("from dfstudy import b\n")
    (package / "b.py").write_text("x = 1\n")
    (package / "c.py").write_text("y = 1\n")
    monkeypatch.setattr(provenance, "PACKAGE", package)
    read = provenance.code_digest.__wrapped__
    before = read("dfstudy.a")
    (package / "c.py").write_text("y = 2\n")
    assert read("dfstudy.a") == before
    (package / "b.py").write_text("x = 2\n")
    assert read("dfstudy.a") != before


def test_code_that_is_edited_beside_a_running_process_is_not_what_it_runs(tmp_path, monkeypatch):
    (tmp_path / "__init__.py").write_text("")
    monkeypatch.setattr(provenance, "PACKAGE", tmp_path)
    provenance.code_digest.cache_clear()
    before = provenance.code_digest("dfstudy")
    (tmp_path / "__init__.py").write_text("x = 1\n")
    assert provenance.code_digest("dfstudy") == before
    provenance.code_digest.cache_clear()
    assert provenance.code_digest("dfstudy") != before
    provenance.code_digest.cache_clear()


def test_versions_name_what_is_missing():
    found = provenance.versions("numpy", "no-such-package")
    assert found["no-such-package"] == "absent"
    assert found["numpy"][0].isdigit()


def test_an_error_needs_a_next_step():
    with pytest.raises(ValueError, match="next"):
        StudyError("wrong", "")
    assert "next step: do this" in str(StudyError("wrong", "do this"))


def test_near_match_stays_silent_when_nothing_is_near():
    assert near_match("zzz", ["alpha"]) == ""
    assert near_match("alhpa", ["alpha"]) == " (did you mean 'alpha'?)"


def git(folder, *words: str) -> str:
    own = ["-c", "user.name=x", "-c", "user.email=x@x", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *own, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_commit_is_of_a_repository_that_tracks_the_code(tmp_path, monkeypatch):
    inner = tmp_path / "unpacked"
    (inner / "dfstudy").mkdir(parents=True)
    (inner / "dfstudy" / "__init__.py").write_text("")
    (tmp_path / "thesis.txt").write_text("mine")
    monkeypatch.setattr(provenance, "project_root", lambda: inner)
    git(tmp_path, "init")
    git(tmp_path, "add", "thesis.txt")
    git(tmp_path, "commit", "-m", "outer")
    assert provenance.commit() == "unknown"  # an archive that was unpacked inside of another repository
    git(inner, "init")
    git(inner, "add", ".")
    git(inner, "commit", "-m", "own")
    head = git(inner, "rev-parse", "--short=12", "HEAD")
    assert provenance.commit() == head
    (inner / "dfstudy" / "__init__.py").write_text("x = 1")
    assert provenance.commit() == f"{head}+changes"


def test_data_files_that_a_module_names_are_found_beside_it():
    closure = provenance.import_closure(
        "dfstudy.chapters.c06_transfer.published", "dfstudy.pipeline.page.render"
    )
    found = {str(file.relative_to(provenance.PACKAGE)) for file in provenance.read_beside(closure)}
    assert "chapters/c06_transfer/cross_forgery.csv" in found
    assert {"pipeline/page/templates/page.css", "pipeline/page/templates/chapter/index.html.j2"} <= found
    assert provenance.read_beside(provenance.import_closure("dfstudy.number")) == []


# of what the code imports: shapes no number, image or word of a report
SHAPE_NOTHING = {
    "accelerate",
    "click",
    "filelock",
    "ipywidgets",
    "jupyter_client",
    "psutil",
    "tensorboard",
    "tqdm",
    "traitlets",
}
SHAPE_NOTHING |= {
    "annotated_types",
    "pydantic_core",
    "huggingface_hub",
}  # part of pydantic; fetches weights, which count by their content
SHAPE_NOTHING |= {"mlcroissant", "onnxruntime", "rocrate"}  # of archives and exports, which no report holds
SHAPE_NOTHING |= {"peft"}  # its version is part of the key of the trainings that use it


def test_every_library_that_the_code_imports_counts_by_its_version():
    from importlib.metadata import packages_distributions

    files = [*provenance.PACKAGE.rglob("*.py")]
    names = {name.split(".")[0] for file in files for name in provenance.imports(file.read_text("utf-8"))}
    names |= {"albucore"}  # albumentations computes with it
    owners = packages_distributions()
    libraries = {name for name in names if name in owners} - {"dfstudy"}
    counted = {*provenance.SHAPING_PACKAGES, *provenance.REPORT_PACKAGES}
    missing = {name for name in libraries - SHAPE_NOTHING if not {o.lower() for o in owners[name]} & counted}
    assert missing == set() and {"torch", "cv2", "sklearn", "bs4", "pyarrow", "safetensors"} <= libraries
