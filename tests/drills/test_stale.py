"""The staleness drill, cut short: one time a subject after a report, and two changes during one."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from stale import AGES, KEPT, SUBJECTS, change
from toy import Toy

AGE = dict(zip(SUBJECTS, list(AGES) * len(SUBJECTS), strict=False))  # in turn


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> dict[bool, Toy]:
    """A finished report of an own study, and one of the sample study, compared with the published one."""
    made = {sample: Toy.make(tmp_path_factory.mktemp("toy") / "a", sample) for sample in (False, True)}
    for toy in made.values():
        toy.report()
    return made


def test_what_changed_after_a_report_is_named(finished):
    """One after the other, so that each comes on top of those before it."""
    for name, subject in SUBJECTS.items():
        change(finished[subject.sample], subject, AGE[name])
        said = finished[subject.sample].report("-n")
        assert subject.reason in said and "would run: The page" in said, name
    for toy in finished.values():
        old = toy.shown()
        toy.report()
        shown = toy.shown()
        assert all(shown[s.shown] != old[s.shown] for s in SUBJECTS.values() if s.sample == toy.sample)


def test_nothing_runs_where_only_times_and_places_changed(finished, tmp_path):
    toy = Toy(tmp_path / "elsewhere")
    shutil.copytree(finished[False].folder, toy.folder)
    for number, file in enumerate(toy.folder.rglob("*")):
        if "__pycache__" not in file.parts:
            os.utime(file, (number, number))
    assert "nothing changed" in toy.report()


def test_what_changes_during_a_report_is_in_it_as_a_whole_or_not_at_all(finished):
    toy, old = finished[False], finished[False].shown()
    toy.hold()
    running = toy.start("--force")
    toy.wait_until_held(running)
    change(toy, SUBJECTS["study"], "older", 1)
    change(toy, SUBJECTS["index column"], "older", 1)
    shutil.copy(toy.folder / "faces/real/0.png", toy.folder / "faces/real/9.png")
    toy.release()
    said = running.communicate()[0]
    assert running.returncode == 0, said
    assert toy.shown() == old  # of the state in which it began
    toy.hold()
    running = toy.start()
    toy.wait_until_held(running)
    change(toy, SUBJECTS["notebook"], "equal", 1)
    toy.release()
    said = running.communicate()[0]
    assert running.returncode and f"01_first.ipynb changed while this step ran: its result is {KEPT}" in said
    assert toy.shown() == old
    assert "again: The first" in toy.report()
    new = toy.shown()
    assert all(new[name] != old[name] for name in ("study", "column", "notebook"))


def test_steps_run_the_code_of_the_checkout_that_was_called(finished, tmp_path):
    """Whatever checkout the environment was installed from, and wherever a step's Python starts."""
    toy = Toy(tmp_path / "copied")
    shutil.copytree(finished[False].folder, toy.folder)
    change(toy, SUBJECTS["module"], "newer", 5)
    toy.report(named=False)
    assert toy.shown()["module"] == "6"
