"""Files of the code as Snakemake can take them, wherever the checkout lies."""

from __future__ import annotations

from pathlib import Path

import pytest
from snakemake.io import contains_wildcard

from dfstudy.errors import StudyError
from dfstudy.report import inputs


@pytest.fixture
def odd(tmp_path, monkeypatch) -> Path:
    """A checkout whose path holds what Snakemake takes for a wildcard."""
    checkout = tmp_path / "in {prefix} {a,b.*}"
    (checkout / "dfstudy" / "data").mkdir(parents=True)
    (checkout / "dfstudy" / "data" / "index.py").write_text("x = 1")
    monkeypatch.setattr(inputs, "PACKAGE", checkout / "dfstudy")
    monkeypatch.setattr(inputs, "project_root", lambda: checkout)
    return checkout


def test_a_brace_in_the_checkouts_path_is_no_wildcard(odd, tmp_path):
    file, out = odd / "dfstudy" / "data" / "index.py", tmp_path / "out"
    (name,) = inputs.name_inputs([file, file])
    assert not contains_wildcard(name)
    for _ in range(2):
        inputs.link_code(out)
        assert (out / name).read_text() == "x = 1" and (out / name).resolve() == file.resolve()
    moved = tmp_path / "moved {x}"
    odd.rename(moved)
    inputs.PACKAGE = moved / "dfstudy"
    inputs.link_code(out)
    assert (out / name).read_text() == "x = 1"


def test_without_braces_nothing_is_linked(tmp_path):
    inputs.link_code(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert inputs.name_inputs([Path("/b/c.py"), Path("/a/c.py")]) == ["/a/c.py", "/b/c.py"]


def test_a_folder_that_takes_no_links_is_told(odd, tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    with pytest.raises(StudyError, match="Operation not permitted") as refused:
        inputs.link_code(tmp_path / "out")
    assert "without braces" in refused.value.hint
