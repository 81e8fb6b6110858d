"""How long a report still takes: planned seconds of its steps, corrected by those that have ended.

Takes the expected steps, and what starts, goes on and ends; gives the seconds left. Steps that have ended say
by how much the plan is wrong, first for their own kind and less for the others; a single step that took far
longer than its like counts as if it had taken twice as long as they did. A step that runs and says how
far it is (a training, epoch by epoch) counts as far as it is. What is left is then laid onto the cores as
Snakemake does it, because two steps side by side end sooner than their sum. Pure, but for the clock.
Cost: a tenth of a millisecond a step.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from dfstudy.pipeline.schedule import ExpectedStep, Room, seconds_until_done

MOST = 2.0  # times the usual ratio of taken to planned: what a single step counts at most
PRIOR = 0.15  # of the whole plan: so much must have ended before it outweighs the plan
FADING = 0.7  # of the time that is planned: after it a finished step counts half, as load comes and goes
EARLY = 0.2  # share of a step below which its own pace says little
LATE = 0.25  # of what a step has taken beyond its plan: so much is still expected of it


@dataclass
class _Running:
    step: ExpectedStep
    since: float
    done: float = 0.0  # share, as it said last
    said: float = 0.0  # when


class Forecast:
    """What is left of a report, at any time."""

    def __init__(self, steps: Iterable[ExpectedStep], room: Room) -> None:
        """Plan.

        Args:
            steps: those that have to run, in the order in which equal ranks are taken.
        """
        self.steps = {step.note: step for step in steps}
        self.room = room
        self.taken: dict[str, float] = {}  # seconds of finished steps, by note
        self._ended: dict[str, float] = {}
        self._running: dict[str, _Running] = {}
        self._by_title: dict[str, deque[str]] = {}
        for step in self.steps.values():
            self._by_title.setdefault(step.title, deque()).append(step.note)
        self._of_run = {run: step.note for step in self.steps.values() for run in step.runs}
        self._runs_done: dict[str, dict[str, float]] = {}
        self.planned = self._left(0.0)  # seconds of everything, as it was planned

    def start(self, title: str, now: float) -> str:
        """A step of this title began; its note, empty where none was expected."""
        waiting = self._by_title.get(title)
        if not waiting:
            return ""
        note = waiting.popleft()
        self._running[note] = _Running(self.steps[note], now)
        return note

    def advance(self, run: str, share: float, now: float) -> None:
        """A run that a step trains is done so far, 0 to 1; a run that no step names says nothing."""
        running = self._running.get(self._of_run.get(run, ""))
        if running is None:
            return
        done = self._runs_done.setdefault(running.step.note, {})
        done[run] = share
        shares = running.step.runs
        # they are trained one after the other: those before this one have ended, or were found
        before = list(shares)[: list(shares).index(run)]
        running.done = sum(shares[each] for each in before) + share * shares[run]
        running.said = now

    def finish(self, note: str, now: float) -> None:
        """A step has ended."""
        running = self._running.pop(note, None)
        if running is not None:
            self.taken[note], self._ended[note] = now - running.since, now

    def left(self, now: float) -> float:
        """Seconds until the last step ends."""
        return self._left(now)

    def describe_run(self, note: str) -> str:
        """Which of its runs a running step trains, such as `run 3 of 12`; empty for one and for none."""
        running = self._running.get(note)
        if running is None or len(running.step.runs) < 2 or not running.said:
            return ""
        begun = list(self._runs_done.get(note, {}))
        return f"run {list(running.step.runs).index(begun[-1]) + 1} of {len(running.step.runs)}"

    def _left(self, now: float) -> float:
        ratios = self._ratios(now)
        waiting = [
            step for note, step in self.steps.items() if note not in self.taken and note not in self._running
        ]
        running = {note: self._still_needs(one, ratios, now) for note, one in self._running.items()}
        seconds = {step.note: step.seconds * ratios[step.kind] for step in waiting}
        booked = {note: one.step for note, one in self._running.items()}
        return seconds_until_done(waiting, running, seconds, self.room, booked)

    def _still_needs(self, running: _Running, ratios: dict[str, float], now: float) -> float:
        planned, taken = running.step.seconds * ratios[running.step.kind], now - running.since
        if running.done > EARLY:
            pace = (running.said - running.since) / running.done
            # the plan counts less the further it is
            left = (1 - running.done) * (running.done * pace + (1 - running.done) * planned)
            return max(left - (now - running.said), 0.05 * left)
        return max(planned - taken, LATE * (taken - planned), 0.0)

    def _ratios(self, now: float) -> dict[str, float]:
        """Taken to planned, by kind."""
        seen = self._seen(now)
        usual = _median([(one.taken / one.planned, one.weight) for one in seen])
        prior = PRIOR * sum(step.seconds for step in self.steps.values()) or 1.0

        def ratio(own: list[_Observed], before: float) -> float:
            weight = sum(one.weight for one in own)
            ratios = [min(one.taken / one.planned, MOST * usual) * one.weight for one in own]
            return (sum(ratios) + prior * before) / (weight + prior)

        over_all = ratio(seen, 1.0)
        kinds = {step.kind for step in self.steps.values()}
        return {kind: ratio([one for one in seen if one.kind == kind], over_all) for kind in kinds}

    def _seen(self, now: float) -> list[_Observed]:
        """What ended, what says how far it is, and what takes longer than planned; the latest counts most."""
        fading = FADING * sum(step.seconds for step in self.steps.values()) / self.room.cores
        seen = []
        for note, taken in self.taken.items():
            step, age = self.steps[note], now - self._ended[note]
            seen.append(_Observed(step.kind, taken, step.seconds, step.seconds * 0.5 ** (age / fading)))
        for one in self._running.values():
            step, taken = one.step, now - one.since
            if one.done > EARLY:
                planned = one.done * step.seconds
                seen.append(_Observed(step.kind, one.said - one.since, planned, planned))
            elif taken > step.seconds:
                seen.append(_Observed(step.kind, taken, step.seconds, step.seconds))
        return seen


class _Observed(NamedTuple):
    """Seconds that a step or a part of it took, and was planned to take; how much it says of the others."""

    kind: str
    taken: float
    planned: float
    weight: float


def _median(weighted: list[tuple[float, float]]) -> float:
    """The value with half of the weight on either side; 1 of nothing."""
    half = sum(weight for _, weight in weighted) / 2
    for value, weight in sorted(weighted):
        half -= weight
        if half <= 0:
            return value
    return 1.0


def say_left(seconds: float) -> str:
    """Time left as a person says it, and no finer than it is known.

    >>> say_left(4), say_left(47), say_left(94), say_left(340), say_left(7700)
    ('a few seconds', 'about 45 s', 'about 1 min 30 s', 'about 6 min', 'about 2 h 10 min')
    """
    if seconds < 10:
        return "a few seconds"
    if seconds < 57.5:
        return f"about {5 * round(seconds / 5)} s"
    if seconds < 292.5:
        minutes, rest = divmod(15 * round(seconds / 15), 60)
        return f"about {minutes} min{f' {rest} s' if rest else ''}"
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return f"about {minutes} min"
    hours, rest = divmod(10 * round(minutes / 10), 60)
    return f"about {hours} h {rest:02d} min" if hours < 10 else f"about {round(minutes / 60)} h"
