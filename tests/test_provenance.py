"""Fingerprints move with content, and with nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dfstudy import provenance
from dfstudy.errors import StudyError, near_match


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
        "import sys, dfstudy.study; print('\\n'.join(m.__file__ for n, m in sorted(sys.modules.items()) "
        "if n.split('.')[0] == 'dfstudy'))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {Path(p) for p in loaded.stdout.split()} == set(provenance.import_closure("dfstudy.study"))


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
