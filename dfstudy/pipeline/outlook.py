"""What a report should take on this machine: said before it runs, corrected while it runs.

Takes an invocation, its split and the steps that have to run; gives an `Outlook`, with the forecast that the
progress line reads. The machine is tested for a second; a network whose cost nobody knows, and any network on
a GPU, is timed as for a budget. A report within a budget is told where it takes a third more minutes than
that, and what the next call would leave out; this one goes on, because its questions are sealed. Nothing is
foretold of a cluster. Cost: a second, and some 20 seconds a network that is timed, once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dfstudy.errors import StudyError
from dfstudy.pipeline.budget_study import SPEED, leave_out, machine_class, measure_speed, read_speed
from dfstudy.pipeline.costs import ImagePace, Machine, expect_steps, keep_durations, unknown_networks
from dfstudy.pipeline.forecast import Forecast, say_left
from dfstudy.pipeline.listing import BUDGET
from dfstudy.pipeline.plan import plan_trainings
from dfstudy.pipeline.probe import MachinePace, measure_machine, processor_name
from dfstudy.pipeline.schedule import Room
from dfstudy.system.kept import read_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dfstudy.data.split import Split
    from dfstudy.pipeline.invocation import Invocation
    from dfstudy.pipeline.resources import Site
    from dfstudy.study.study import Study

OVER = 4 / 3  # of a budget: beyond it the person who waits is told
AGAIN = 1.25  # times what was told last, before it is told again


@dataclass
class Outlook:
    """What a report should take.

    Attributes:
        forecast: of its steps.
        own: names of the study's own runs.
        decision: of a budget, see `budget_study.settle_budget`; empty without one.
        machine: names this one.
    """

    forecast: Forecast
    own: frozenset[str]
    machine: str
    decision: Mapping[str, Any] = field(default_factory=dict)
    _told: float = 0.0

    def line(self) -> str:
        """For the terminal, before the first step."""
        steps = len(self.forecast.steps)
        cores = self.forecast.room.cores
        name = processor_name()
        on = f"{name}, {cores} core{'s' * (cores > 1)}" if name else f"{cores} core{'s' * (cores > 1)}"
        told = say_left(self.forecast.planned)
        return f"{steps} step{'s' * (steps > 1)} to run: {told} on this machine ({on})"

    def watch(self, seconds: float) -> list[str]:
        """Lines to say where the report takes longer than its budget.

        Args:
            seconds: from the beginning to the end, as far as is known now.
        """
        minutes = self.decision.get("minutes", 0)
        if not minutes:
            return []
        # the least report may take more than there is, which was said when it was decided
        promised = max(minutes, self.decision["reached"][-1][1])
        if seconds < 60 * OVER * promised or seconds < AGAIN * self._told:
            return []
        self._told = seconds
        slower = seconds / max(self.forecast.planned, 1.0)
        without = ", ".join(leave_out(dict(self.decision), slower))
        told = f"  slower than planned: {say_left(seconds)} in all, and not {promised:.0f}"
        if without:
            told += (
                f"; the next call with BUDGET={minutes} leaves out what is not trained by then of: {without}"
            )
        return [told]

    def keep(self, out: Path) -> None:
        """Note what the finished steps took, for the next plan."""
        planned = {note: step.uncorrected for note, step in self.forecast.steps.items()}
        keep_durations(out, self.machine, planned, self.forecast.taken)


def look_ahead(invocation: Invocation, split: Split, site: Site, stale: Mapping[str, str]) -> Outlook | None:
    """What the stale steps should take; None for a cluster, or where a network cannot be timed.

    Args:
        invocation: of the study that the report runs with; its plan is written.
        stale: reasons by note.
    """
    study = invocation.settings
    if site.cluster:
        return None
    trainings = plan_trainings(study, split, site)
    machine = _machine(study, site)
    if unknown_networks(study, machine, trainings):
        try:
            measure_speed(invocation, site)
        except StudyError:  # a step says the same in a moment, and ends the report
            return None
        machine = _machine(study, site)
    steps = expect_steps(study, split, site, trainings, stale, machine)
    own = [run for name, runs in trainings.runs.items() for run in runs if name.startswith("seed_")]
    return Outlook(
        Forecast(steps, Room(site.cores, site.gpus)),
        frozenset(variant.say_run(seed) for variant, seed in own),
        machine.name,
        read_json(study.out / BUDGET),
    )


def _machine(study: Study, site: Site) -> Machine:
    """This machine now; what was timed before counts as it would be now."""
    pace = measure_machine(site.cores)
    speed, then = read_speed(study, site), read_json(study.out / SPEED).get("pace", {})
    if speed is None:
        return Machine(pace, {}, machine_class(), has_gpu=site.gpus > 0)
    slower = 1.0 if site.gpus or not then else pace.networks / MachinePace(**then).networks
    measured = {
        name: ImagePace(slower * train, slower * speed.predict[name]) for name, train in speed.train.items()
    }
    return Machine(pace, measured, machine_class(), has_gpu=site.gpus > 0)
