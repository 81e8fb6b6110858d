"""The staleness drill, cut short: all changes to steps, and whole reports with a few."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from stale import KEPT, SUBJECTS, change, finish_reports, look_inside
from toy import Toy


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> dict[bool, Toy]:
    return finish_reports(tmp_path_factory.mktemp("toys"))


def test_every_change_is_named_after_a_report_and_none_is_kept_during_it(finished):
    rows = {row[0]: row[1:] for toy in finished.values() for row in look_inside(toy)}
    assert not any("WRONG" in cell for cells in rows.values() for cell in cells), rows
    assert set(rows) == {*SUBJECTS, "nothing, but every time"}
    assert rows["published report"][:3] == ["1 of 3 steps again"] * 3
    for name, subject in SUBJECTS.items():
        assert rows[name][3:] == [KEPT if subject.refused else "of the state before"] * 3


def test_nothing_runs_where_only_times_and_places_changed(finished, tmp_path):
    toy = Toy(tmp_path / "elsewhere")
    shutil.copytree(finished[False].folder, toy.folder)
    for number, file in enumerate(toy.folder.rglob("*")):
        if "__pycache__" not in file.parts:
            os.utime(file, (number, number))
    assert "nothing changed" in toy.report()


def test_what_changes_during_a_report_is_in_it_as_a_whole_or_not_at_all(finished):
    """And on the next page, by the checkout's own code: whatever checkout the environment was installed from,
    and in whatever folder a step's Python starts.
    """
    toy, old = finished[False], finished[False].shown()
    toy.hold()
    running = toy.start("--force")
    toy.wait_until_held(running)
    for name in ("study", "index column"):
        change(toy, SUBJECTS[name], "older")
    shutil.copy(toy.folder / "faces/real/0.png", toy.folder / "faces/real/9.png")
    toy.release()
    said = running.communicate()[0]
    assert running.returncode == 0, said
    assert toy.shown() == old  # of the state in which it began
    toy.hold()
    running = toy.start()
    toy.wait_until_held(running)
    change(toy, SUBJECTS["notebook"], "equal")
    toy.release()
    said = running.communicate()[0]
    assert running.returncode and f"01_first.ipynb changed while this step ran: its result is {KEPT}" in said
    assert toy.shown() == old
    assert "would run: The first" in toy.report("-n")  # what it had made is gone
    own = [subject for subject in SUBJECTS.values() if not subject.sample]
    for subject in own:
        if subject not in [SUBJECTS[name] for name in ("study", "index column", "notebook")]:
            change(toy, subject, "older")
    assert "The first" in toy.report(named=False)
    new = toy.shown()
    assert all(new[subject.shown] != old[subject.shown] for subject in own)
