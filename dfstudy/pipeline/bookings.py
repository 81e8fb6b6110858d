"""Whether a step's result still holds: what it read is written into its note, and compared by content.

Takes the results' folder with the plan's list of what every step reads; gives the steps that have to run,
each with the reason, and for a step that runs its `Booking`: what it reads is compared with the plan's list
when it starts and once more before its result counts, so that nothing is kept that was made while it changed.
No file's time decides. Cost: milliseconds a step, and 2 us an image.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dfstudy.data.frozen import changed_pictures
from dfstudy.errors import StudyError
from dfstudy.pipeline.plan import PAGE, READS
from dfstudy.pipeline.reads import SHORT, Present, differences
from dfstudy.system.kept import read_json, write_if_changed
from dfstudy.system.provenance import PACKAGE, file_digest

if TYPE_CHECKING:
    from dfstudy.study.study import Study

NEW = "not made yet"
SHOWN = 3  # differences that a message names
AGAIN = "give the same command again: it makes a report of what is there now"


def stale_steps(out: Path, force: bool = False) -> dict[str, str]:
    """Notes of the steps that have to run, in order, each with the reason; `NEW` where there is no result.

    Args:
        force: every step has to.
    """
    stale: dict[str, str] = {}
    for note, step in _listed(out).items():
        made = read_json(out / note)
        again = [before for before in step["after"] if before in stale]
        if not made:
            stale[note] = NEW
        elif "reads" not in made:
            stale[note] = "it was made by hand, or by an earlier version"
        elif changed := differences(made["reads"], step["reads"]):
            stale[note] = _some(changed)
        elif force:
            stale[note] = "asked for"
        elif again or made["after"] != _after(out, step):
            stale[note] = "what it builds on is made again"
    return stale


def say_stale(out: Path, stale: Mapping[str, str], dry_run: bool) -> list[str]:
    """For the terminal: what was made before and is made again, a line a reason; of a dry run, every step."""
    titles = {note: step["title"] for note, step in _listed(out).items()}
    if dry_run:
        return [f"would run: {titles[note]} ({reason})" for note, reason in stale.items()]
    by_reason: dict[str, list[str]] = {}
    for note, reason in stale.items():
        by_reason.setdefault(reason, []).append(titles[note])
    by_reason.pop(NEW, None)
    return [f"again: {_some(titles)} ({reason})" for reason, titles in by_reason.items()]


class Booking:
    """One step that runs, from before it reads anything until its note is written.

    A step that was called by hand has no place in a plan: its note says nothing of what it read, and the next
    report makes it again.
    """

    def __init__(self, study: Study, note: str) -> None:
        """Begin.

        Raises:
            StudyError: the code is that of another checkout, or something changed since the report began.
        """
        self._study, self._note = study, note
        self._step = _listed(study.out).get(note) if study.frozen else None
        if self._step is None:
            return
        called = read_json(study.out / READS)["code"]
        if called != str(PACKAGE):
            raise StudyError(
                f"this step would run the code in {PACKAGE}, and the report was asked of {called}",
                f"make this environment that checkout's: {sys.executable} -m pip install --no-deps "
                f"--no-build-isolation --editable '{Path(called).parent}'",
            )
        self._after = _after(study.out, self._step)
        self._compare("before this step began", [])

    def confirm(self) -> None:
        """Compare what the step has read with what the plan found, and with what its images are now.

        Raises:
            StudyError: it is another content now.
        """
        if self._step is not None:
            self._compare("while this step ran", [] if self._note == PAGE else changed_pictures(self._study))

    def _compare(self, when: str, changed: list[str]) -> None:
        reads = self._step["reads"]
        changed = differences(reads, Present(self._study).again(reads)) + changed
        if _listed(self._study.out).get(self._note) != self._step:
            changed.append("the plan of the report")
        if changed:
            raise StudyError(f"{_some(changed)} {when}: its result is not kept", AGAIN)

    def book(self, result: dict[str, Any]) -> None:
        """Write the note, with which the step counts as done; `confirm` comes before."""
        if self._step is not None:
            result = result | {"reads": self._step["reads"], "after": self._after}
        file = self._study.out / self._note
        file.unlink(missing_ok=True)
        write_if_changed(file, result)


def refuse_mixed(out: Path) -> None:
    """Refuse a page of steps that are not of one plan.

    Raises:
        StudyError: some step was not made of what the plan found.
    """
    stale = {note: reason for note, reason in stale_steps(out).items() if note != PAGE}
    if stale:
        steps = _listed(out)
        listed = _some([f"{steps[note]['title']} ({reason})" for note, reason in stale.items()])
        raise StudyError(f"the steps are not of one state: {listed}", AGAIN)


def _listed(out: Path) -> dict[str, dict[str, Any]]:
    return {step["note"]: step for step in read_json(out / READS).get("steps", [])}


def _after(out: Path, step: Mapping[str, Any]) -> dict[str, str]:
    """The notes of the steps whose results this one reads, by content."""
    files = {note: out / note for note in step["after"]}
    return {note: file_digest(file)[:SHORT] if file.is_file() else "" for note, file in files.items()}


def _some(found: list[str]) -> str:
    more = f" and {len(found) - SHOWN:,} more" if len(found) > SHOWN else ""
    return ", ".join(found[:SHOWN]) + more
