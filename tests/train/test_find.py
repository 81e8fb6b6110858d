"""A run by the name that a person types, wherever the person is."""

from __future__ import annotations

from pathlib import Path

import pytest

import dfstudy
from dfstudy.errors import StudyError
from dfstudy.train import find
from dfstudy.train.find import find_run


def test_a_run_is_found_by_its_results(tmp_path, make_run):
    out = tmp_path / "results"
    first = make_run(out / "runs" / "seed3-one")
    assert find_run(first) == find_run(out) == find_run(out / "runs") == first
    make_run(out / "runs" / "seed3-older")
    with pytest.raises(StudyError, match="holds 2 runs"):
        find_run(out)
    (out / "runs" / "seed_3.json").write_text('{"key": "seed3-one"}')
    (out / "runs" / "seed_10.json").write_text('{"key": "seed3-older"}')
    assert find_run(out) == first
    (out / "runs" / "seed_3.json").write_text("[]")
    with pytest.raises(StudyError, match="does not name a run"):
        find_run(out)
    for empty in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(StudyError, match="make report"):
            find_run(empty)


@pytest.fixture
def checkout(tmp_path, monkeypatch, make_run):
    """A checkout with results called `mine`, and the folder of its notebooks to work in."""
    root = tmp_path / "checkout"
    make_run(root / "reports" / "mine" / "runs" / "seed0-key")
    (root / "notebooks").mkdir()
    monkeypatch.setattr(find, "project_root", lambda: root)
    monkeypatch.chdir(root / "notebooks")
    return root


@pytest.mark.parametrize("typed", ["mine", "reports/mine", "../reports/mine", "reports/mine/runs/seed0-key"])
def test_a_name_is_found_from_the_folder_of_the_notebooks(checkout, typed):
    detector = dfstudy.Detector.load(typed)
    assert detector.folder.resolve() == checkout / "reports" / "mine" / "runs" / "seed0-key"


def test_what_lies_in_the_working_folder_comes_first(checkout, make_run):
    own = make_run(checkout / "notebooks" / "mine" / "runs" / "seed1-key")
    assert find_run("mine").resolve() == own
    assert find_run(checkout / "reports" / "mine").name == "seed0-key"


def test_a_name_that_is_nowhere_is_said_as_it_was_typed(checkout):
    with pytest.raises(StudyError, match="there is no folder minne") as told:
        find_run("minne")
    assert "make report" in told.value.hint
    with pytest.raises(StudyError, match="there is no folder"):
        find_run(Path("/mine"))
