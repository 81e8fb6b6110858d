"""When steps that share a machine end: they are taken as Snakemake takes them, by rank, where cores are free.

Takes steps with their seconds, and those that run; gives the seconds until the last one ends. A step that
books several cores waits for all of them. Pure. Cost: microseconds a step.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ExpectedStep:
    """One step of a report, with what it should take.

    Attributes:
        note: names it, such as `steps/03_train.json`.
        title: what Snakemake's account calls it.
        kind: `training`, `chapter` or `page`: steps of a kind are late together.
        seconds: from its start to its end on this machine, beside other steps.
        threads, gpu: cores and GPUs that it books.
        after: notes of the steps that it waits for.
        rank: the higher, the earlier it is taken.
        runs: share of its seconds by the name of each run that it trains, 0 to 1.
        uncorrected: its seconds as they would be without what it took last time.
    """

    note: str
    title: str
    kind: str
    seconds: float
    threads: int = 1
    gpu: int = 0
    after: tuple[str, ...] = ()
    rank: int = 0
    runs: Mapping[str, float] = field(default_factory=dict)
    uncorrected: float = 0.0


@dataclass(frozen=True)
class Room:
    """Cores and GPUs that steps share."""

    cores: int
    gpus: int = 0


def seconds_until_done(
    waiting: Iterable[ExpectedStep],
    running: Mapping[str, float],
    seconds: Mapping[str, float],
    room: Room,
    booked: Mapping[str, ExpectedStep],
) -> float:
    """Seconds until every step has ended.

    Args:
        waiting: steps that have not begun, in the order in which equal ranks are taken.
        running: seconds that each running step still needs, by note.
        seconds: what each waiting step takes, by note.
        booked: the running steps, by note.
    """
    left = sorted(waiting, key=lambda step: -step.rank)
    unfinished = {step.note for step in left} | set(running)
    ends = [(needed, note) for note, needed in running.items()]
    heapq.heapify(ends)
    books = {note: _books(step, room) for note, step in booked.items() if note in running}
    cores = room.cores - sum(threads for threads, _ in books.values())
    gpus = room.gpus - sum(gpu for _, gpu in books.values())
    now = 0.0
    while left or ends:
        begun = []
        for step in left:
            threads, gpu = _books(step, room)
            if threads > cores or gpu > gpus or not unfinished.isdisjoint(step.after):
                continue
            cores, gpus = cores - threads, gpus - gpu
            books[step.note] = threads, gpu
            heapq.heappush(ends, (now + seconds[step.note], step.note))
            begun.append(step.note)
        left = [step for step in left if step.note not in begun]
        if not ends:  # what is left waits for nothing that could end
            return now + sum(seconds[step.note] for step in left)
        now, note = heapq.heappop(ends)
        unfinished.discard(note)
        threads, gpu = books.pop(note)
        cores, gpus = cores + threads, gpus + gpu
    return now


def _books(step: ExpectedStep, room: Room) -> tuple[int, int]:
    """Snakemake gives a step no more than there is."""
    return min(step.threads, room.cores), min(step.gpu, room.gpus)
