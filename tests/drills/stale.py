"""The staleness drill: what a report reads is changed before, during and after it, with every kind of time.

    python tests/drills/stale.py                               steps of a small report, a minute
    python tests/drills/stale.py --whole data notebook study   whole reports as well, five minutes a subject

Each subject gets another content, and a time of change before, at and after the one that it had. *After* a
finished report: the next one says what it makes again and why. *During*: a step has begun, and its result is
asked for when the change is there; what the step may have read is not kept, what it cannot have read (the
study, labels of the frozen index) leaves the report of the state in which it began. *Whole*: the change comes
before a first report, while the first chapter runs, and after a finished one; one more command gives a page
of the new state, and the one after has nothing to do. At last every file gets another time: nothing runs.
Prints tables in Markdown; ends with status 1 where a cell differs.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
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
        lambda text, n: text.replace('"n": 0', '"n": 24').replace('"value": 0', '"value": 24'),
        "published report changed", True, True,
    ),
}  # fmt: skip


def main() -> None:
    """Run the drill and print its tables."""
    parser = argparse.ArgumentParser(description="Change what a report reads, and see that it notices.")
    parser.add_argument("--whole", nargs="*", default=[], choices=list(SUBJECTS))
    parser.add_argument("--inside", help=argparse.SUPPRESS)  # the checkout that this process runs in
    asked = parser.parse_args()
    if asked.inside:
        print(json.dumps(_look_inside(Toy(Path.cwd(), asked.inside == "sample"))))
        return
    with tempfile.TemporaryDirectory(prefix="dfstudy-stale-") as place:
        finished = finish_reports(Path(place))
        rows = [row for toy in finished.values() for row in look_inside(toy)]
        print_table(
            ["changed", *(f"after, {age}" for age in AGES), *(f"during, {age}" for age in AGES)], rows
        )
        whole = [[name, *try_whole(finished, name)] for name in asked.whole]
        print_table(["whole reports", "before", "during", "after"], whole)
    sys.exit(any("WRONG" in cell for row in [*rows, *whole] for cell in row))


def print_table(head: list[str], rows: list[list[str]]) -> None:
    """Print rows as Markdown, if there are any."""
    for row in [head, ["---"] * len(head), *rows] if rows else []:
        print(f"| {' | '.join(row)} |", flush=True)


def finish_reports(place: Path) -> dict[bool, Toy]:
    """A finished report of an own study, and one of the sample study, compared with the published one."""
    made = {sample: Toy.make(place / f"toy{sample}", sample) for sample in (False, True)}
    for toy in made.values():
        toy.report()
    return made


def change(toy: Toy, subject: Subject, age: str, count: int = 0) -> None:
    """Give the subject another content, and its file a time."""
    file = toy.folder / subject.file
    before = file.stat()
    text = subject.edit(file.read_bytes().decode("latin-1"), count)
    file.write_bytes(text.encode("latin-1"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + AGES[age]))


def look_inside(toy: Toy) -> list[list[str]]:
    """Rows of the table on steps: in one process of the toy's own checkout, and back as it was."""
    command = [sys.executable, str(Path(__file__)), "--inside", "sample" if toy.sample else "own"]
    done = subprocess.run(command, cwd=toy.folder, env=toy.environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def _look_inside(toy: Toy) -> list[list[str]]:
    rows = []
    for name, subject in SUBJECTS.items():
        if subject.sample == toy.sample:
            cells = [_told(_after, toy, subject, age) for age in AGES]
            said = _plan(toy)
            assert "nothing changed" in said, f"{name}, as it was again: {said}"
            cells += [_told(_during, toy, subject, age) for age in AGES]
            rows.append([name, *cells])
    return [*rows, ["nothing, but every time", *(_told(_touched, toy, age) for age in AGES), *["-"] * 3]]


def _told(cell: Callable[..., str], *arguments: object) -> str:
    try:
        return cell(*arguments)
    except AssertionError as error:
        return f"WRONG: {error}"


@contextlib.contextmanager
def _changed(toy: Toy, subject: Subject, age: str) -> Iterator[None]:
    file = toy.folder / subject.file
    content, before = file.read_bytes(), file.stat()
    change(toy, subject, age)
    try:
        yield
    finally:
        file.write_bytes(content)
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def _plan(toy: Toy) -> str:
    """What a report would say and do, in this process."""
    from dfstudy.pipeline.build import build
    from dfstudy.pipeline.invocation import resolve

    study = "" if toy.sample else "mine.yaml"
    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.redirect_stderr(io.StringIO()):
        build(resolve(study, out="results"), dry_run=True)
    return said.getvalue()


def _after(toy: Toy, subject: Subject, age: str) -> str:
    with _changed(toy, subject, age):
        said = _plan(toy)
    assert f"({subject.reason}" in said, said
    return f"{said.count('would run:')} of 3 steps again"


def _during(toy: Toy, subject: Subject, age: str) -> str:
    from dfstudy.errors import StudyError
    from dfstudy.pipeline.bookings import Booking
    from dfstudy.study.study import FROZEN, load_study

    study = load_study(str(toy.folder / "results" / FROZEN))
    booking = Booking(study, "steps/page.json" if subject.sample else "steps/01_first.json")
    with _changed(toy, subject, age):
        try:
            booking.confirm()
        except StudyError as error:
            assert subject.refused, error
            assert KEPT in error.message, error
            return KEPT
    assert not subject.refused, "it would be kept"
    return "of the state before"


def _touched(toy: Toy, age: str) -> str:
    for file in toy.folder.rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts:
            before = file.stat()
            os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + AGES[age]))
    said = _plan(toy)
    assert "nothing changed" in said, said
    return "nothing"


def try_whole(finished: dict[bool, Toy], name: str) -> list[str]:
    """Whole reports with one subject changed before, during and after: what became of each."""
    subject = SUBJECTS[name]
    toys = [copy_of(finished[subject.sample]) for _ in range(3)]
    cells = []
    for toy, age, attempt in zip(toys, AGES, (_whole_before, _whole_during, _whole_after), strict=True):
        old = toy.shown()[subject.shown]
        cells.append(f"{age}: {_told(attempt, toy, subject, age)}")
        new, said = toy.shown()[subject.shown], toy.report()
        if new == old or "nothing changed" not in said:
            cells[-1] = f"WRONG: shown {old}, then {new}; {said}"
        shutil.rmtree(toy.folder)
    return cells


def copy_of(toy: Toy) -> Toy:
    """The same in a folder of its own: what is finished is finished there."""
    folder = Path(tempfile.mkdtemp(dir=toy.folder.parent)) / "toy"
    shutil.copytree(toy.folder, folder)
    return Toy(folder, toy.sample)


def _whole_before(toy: Toy, subject: Subject, age: str) -> str:
    shutil.rmtree(toy.folder / "results")
    change(toy, subject, age)
    toy.report()
    return "new state"


def _whole_during(toy: Toy, subject: Subject, age: str) -> str:
    old = toy.shown()[subject.shown]
    toy.hold()
    running = toy.start("--force")
    toy.wait_until_held(running)
    change(toy, subject, age)
    toy.release()
    said = running.communicate()[0]
    assert bool(running.returncode) == subject.refused and (KEPT in said) == subject.refused, said
    assert toy.shown()[subject.shown] == old
    toy.report()
    return f"{'refused' if subject.refused else 'whole, of the state before'}; then new"


def _whole_after(toy: Toy, subject: Subject, age: str) -> str:
    change(toy, subject, age)
    said = toy.report()
    steps = said.count("\n  [")
    assert f"({subject.reason}" in said and steps, said
    return f"{steps} step{'s' * (steps != 1)} again, new state"


if __name__ == "__main__":
    main()
