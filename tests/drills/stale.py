"""The staleness drill: what a report reads is changed before, during and after it, with every kind of time.

    python tests/drills/stale.py                       all subjects, whole reports with an older time
    python tests/drills/stale.py --whole older equal newer --subjects data notebook

Each subject gets another content, and a time of change before, at and after the one that it had. *Before*:
the report shows the new state. *During*: the change comes while the first chapter runs; what a step may have
read is not kept, what it cannot have read (the study, labels of the frozen index) leaves the report of
the state in which it began. *After*: the next report says what it makes again and why. Whichever it was, one
more command gives a page of the new state, and the one after that has nothing to do. At last every file gets
another time, and the checkout with its results another place: nothing runs. Prints a table in Markdown; ends
with status 1 where a cell differs. For times that are not in `--whole`, *after* is a dry run. Cost: about
20 s a report on two quiet cores, four or five a cell.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from toy import LIBRARY, Toy

DAY = 86_400 * 10**9
AGES = {"older": -DAY, "equal": 0, "newer": DAY}
KEPT = "not kept"  # what a report says of a step during which something changed


class Subject(NamedTuple):
    """One thing that a report reads.

    Attributes:
        shown: what of the page tells its state.
        file: that is changed, relative to the checkout.
        edit: old content to new, told how often it was edited before.
        reason: that the next report gives.
        refused: a change during the report is not borne.
    """

    shown: str
    file: str
    edit: Callable[[str, int], str]
    reason: str
    refused: bool = True
    sample: bool = False


def _swap(old: str, new: str) -> Callable[[str, int], str]:
    return lambda text, count: re.sub(old, new.format(count + 1), text, count=1)


SUBJECTS = {
    "data": Subject("data", "faces/real/0.png", lambda text, n: text[:-1] + chr(n + 1), "pictures changed"),
    "masks": Subject("masks", "faces/masks/0.png", lambda text, n: text[:-1] + chr(n + 1), "masks changed"),
    "index column": Subject(
        "column", "faces/index.csv", _swap(r",1,\w+,g0f", ",1,warp{0},g0f"), "pictures changed", False
    ),
    "study": Subject(
        "study", "mine.yaml", _swap(r"replicates: \d+", "replicates: 10{0}"),
        "setting evaluate changed", False,
    ),
    "notebook": Subject(
        "notebook", "notebooks/01_first.ipynb", _swap(r"notebook-\d", "notebook-{0}"),
        "notebooks/01_first.ipynb changed",
    ),
    "module": Subject("module", "dfstudy/toy.py", _swap(r'"\d"', '"{0}"'), "dfstudy/toy.py changed"),
    "package data": Subject("table", "dfstudy/toy.csv", lambda _, n: str(n + 1), "dfstudy/toy.csv changed"),
    "package version": Subject(
        "library", f"libraries/{LIBRARY}-1.0.0.dist-info/METADATA", _swap(r"1\.0\.\d", "1.0.{0}"),
        f"version of {LIBRARY}: 1.0.",
    ),
    "published report": Subject(
        "published", "reports/published/sample/numbers/01_first.json",
        lambda text, n: text.replace('"n": 0', '"n": 12').replace('"value": 0', '"value": 12'),
        "published report changed", True, True,
    ),
}  # fmt: skip


def main() -> None:
    """Run the drill and print its table."""
    parser = argparse.ArgumentParser(description="Change what a report reads, and see that it notices.")
    parser.add_argument("--subjects", nargs="*", default=list(SUBJECTS), choices=list(SUBJECTS))
    parser.add_argument("--whole", nargs="*", default=["older"], choices=list(AGES))
    parser.add_argument("--moments", nargs="*", default=["before", "during", "after"])
    asked = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(prefix="dfstudy-stale-") as place:
        finished: dict[bool, Toy] = {}
        for name in asked.subjects:
            subject = SUBJECTS[name]
            if subject.sample not in finished:
                toy = Toy.make(Path(place) / f"finished{subject.sample}", subject.sample)
                toy.report()
                finished[subject.sample] = toy
            for moment in asked.moments:
                cells = [
                    _cell(finished[subject.sample], subject, moment, age, age in asked.whole) for age in AGES
                ]
                rows.append([name, moment, *cells])
                print("| " + " | ".join(rows[-1]) + " |", flush=True)
        for toy in finished.values():
            rows.append(["everything", "touched and moved", *[_touch_and_move(toy, age) for age in AGES]])
            print("| " + " | ".join(rows[-1]) + " |", flush=True)
    sys.exit(any("WRONG" in cell for row in rows for cell in row))


def change(toy: Toy, subject: Subject, age: str, count: int = 0) -> None:
    """Give the subject another content, and its file a time."""
    file = toy.folder / subject.file
    before = file.stat()
    text = subject.edit(file.read_bytes().decode("latin-1"), count)
    file.write_bytes(text.encode("latin-1"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + AGES[age]))


def _cell(finished: Toy, subject: Subject, moment: str, age: str, whole: bool) -> str:
    """One cell of the table, in words."""
    toy = _copy(finished)
    old = toy.shown()[subject.shown]
    try:
        found = {"before": _before, "during": _during, "after": _after}[moment](toy, subject, age, whole)
        if not found:
            return "not run"
        if whole or moment != "after":
            new = toy.shown()[subject.shown]
            assert new != old, f"the page still shows {subject.shown} {old}"
            said = toy.report()
            assert "nothing changed" in said, said
        return found
    except AssertionError as error:
        print(error, file=sys.stderr)
        return f"WRONG: {str(error).strip().splitlines()[0]}"
    finally:
        shutil.rmtree(toy.folder)


def _copy(toy: Toy) -> Toy:
    """In a folder of its own; a copy of what is finished is finished."""
    folder = Path(tempfile.mkdtemp(dir=toy.folder.parent)) / "toy"
    shutil.copytree(toy.folder, folder)
    return Toy(folder, toy.sample)


def _before(toy: Toy, subject: Subject, age: str, whole: bool) -> str:
    if not whole:
        return ""
    shutil.rmtree(toy.folder / "results")
    change(toy, subject, age)
    toy.report()
    return "new state"


def _during(toy: Toy, subject: Subject, age: str, whole: bool) -> str:
    if not whole:
        return ""
    old = toy.shown()[subject.shown]
    toy.hold()
    running = toy.start("--force")
    toy.wait_until_held(running)
    change(toy, subject, age)
    toy.release()
    said = running.communicate()[0]
    if subject.refused:
        assert running.returncode and KEPT in said, said
        assert toy.shown()[subject.shown] == old
    else:
        assert running.returncode == 0, said
    again = toy.report()
    assert subject.refused or subject.reason in again or subject.sample, again
    return f"{'refused' if subject.refused else 'old state, whole'}; then new"


def _after(toy: Toy, subject: Subject, age: str, whole: bool) -> str:
    change(toy, subject, age)
    said = toy.report() if whole else toy.report("-n")
    assert subject.reason in said, said
    steps = said.count("\n  [") if whole else said.count("would run:")
    return f"{steps} step{'s' * (steps != 1)} again"


def _touch_and_move(finished: Toy, age: str) -> str:
    toy = _copy(finished)
    for file in toy.folder.rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts:
            before = file.stat()
            os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + AGES[age]))
    said = toy.report()
    shutil.rmtree(toy.folder)
    return "nothing" if "nothing changed" in said else f"WRONG: {said}"


if __name__ == "__main__":
    main()
