"""Minutes left are right within a third from a quarter of the way on, in recorded and made-up reports.

`recorded/cold.txt` is the account of a real report of the built-in study on two cores, with the epochs of its
trainings at their times; other programs began to take the cores in its second half. `recorded/warm.txt` is
that of one whose trainings were all finished, on the same cores with eight other programs all the time.
`recorded/*.json` are the steps as they are planned for a machine that does nothing else.
"""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from dfstudy.pipeline.forecast import Forecast, say_left
from dfstudy.pipeline.progress import ReportProgress
from dfstudy.pipeline.schedule import ExpectedStep, Room

RECORDED = Path(__file__).with_name("recorded")
LEAST = 15.0  # seconds: what is said is rounded to ten of them, or to a minute


def read_steps(name: str) -> list[ExpectedStep]:
    steps = json.loads((RECORDED / f"{name}.json").read_text())
    return [ExpectedStep(**{**step, "after": tuple(step["after"])}) for step in steps]


def write_account(
    steps: list[ExpectedStep], seconds: Mapping[str, float], cores: int, epochs: bool = True
) -> list[str]:
    """What Snakemake and the trainings say of steps that take these seconds; `@` is the clock."""
    left, running, undone = sorted(steps, key=lambda step: -step.rank), [], {step.note for step in steps}
    number = {step.note: at for at, step in enumerate(steps)}
    now, said = 0.0, []
    while left or running:
        for step in list(left):
            free = cores - sum(min(other.threads, cores) for _, other in running)
            if min(step.threads, cores) <= free and undone.isdisjoint(step.after):
                left.remove(step)
                running.append((now + seconds[step.note], step))
                said.append((now, 1, f"Job {number[step.note]}: {step.title}"))
                said += tell_epochs(step, now, seconds[step.note]) if epochs else []
        running.sort(key=lambda one: one[0])
        now, step = running.pop(0)
        undone.remove(step.note)
        done = len(steps) - len(undone)
        said += [(now, 0, f"Finished jobid: {number[step.note]}"), (now, 0, f"{done} of {len(steps)} steps")]
    lines = []
    for at, _, line in sorted(said, key=lambda one: one[:2]):
        lines += [f"@{at}", line]
    return lines


def tell_epochs(step: ExpectedStep, begun: float, seconds: float) -> Iterable[tuple[float, int, str]]:
    for run, share in step.runs.items():
        for epoch in range(1, 6):
            yield begun + 0.99 * share * seconds * epoch / 5, 2, f"> {run}: epoch {epoch} of 5: loss 0.5"
        begun += share * seconds


def replay(account: Iterable[str], steps: list[ExpectedStep], cores: int) -> tuple[float, list[tuple]]:
    """Seconds of the whole, and (clock, seconds left as foretold) every three seconds."""
    now, seen, look = [0.0], [], 3.0
    forecast = Forecast(steps, Room(cores))
    progress = ReportProgress(io.StringIO(), clock=lambda: now[0], forecast=forecast)
    for line in account:
        if line.startswith("@"):
            while look < float(line[1:]):
                seen.append((look, forecast.left(look)))
                look += 3
            now[0] = float(line[1:])
        elif line.startswith("> "):
            progress.relay(line[2:])
        else:
            progress.read(line)
    assert forecast.left(now[0]) == 0
    return now[0], seen


def wrong(whole: float, seen: list[tuple]) -> list[float]:
    """From a quarter of the way on: errors beyond a third of what is left, as a share of it."""
    late = [(abs(left - (whole - at)), whole - at) for at, left in seen if at >= whole / 4]
    return [error / left if error > max(left / 3, LEAST) else 0.0 for error, left in late]


def share_wrong(errors: list[float]) -> float:
    return sum(error > 0 for error in errors) / len(errors)


def as_planned(step: ExpectedStep) -> float:
    return step.seconds


def twice(step: ExpectedStep) -> float:
    return 2 * step.seconds


def faster(step: ExpectedStep) -> float:
    return 0.6 * step.seconds


def slow_trainings(step: ExpectedStep) -> float:
    return step.seconds * (2 if step.kind == "training" else 1)


def slow_chapters(step: ExpectedStep) -> float:
    return step.seconds * (2 if step.kind == "chapter" else 1)


def one_slow_training(step: ExpectedStep) -> float:
    return step.seconds * (3 if step.note == "steps/training_defects_02.json" else 1)


def one_slow_chapter(step: ExpectedStep) -> float:
    return step.seconds * (3 if step.note == "steps/05_compare_augmentation.json" else 1)


@pytest.mark.parametrize("name", ["cold", "warm"])
@pytest.mark.parametrize("cores", [1, 2, 4])
@pytest.mark.parametrize("seconds", [as_planned, twice, faster, slow_trainings, slow_chapters])
def test_steps_that_are_all_slower_than_planned_are_foretold(name, cores, seconds):
    steps = read_steps(name)
    taken = {step.note: seconds(step) for step in steps}
    assert max(wrong(*replay(write_account(steps, taken, cores), steps, cores))) == 0
    silent = wrong(*replay(write_account(steps, taken, cores, epochs=False), steps, cores))
    assert share_wrong(silent) < 0.02


@pytest.mark.parametrize("name", ["cold", "warm"])
@pytest.mark.parametrize("seconds", [one_slow_training, one_slow_chapter])
def test_one_slow_step_does_not_spoil_the_rest(name, seconds: Callable):
    steps = read_steps(name)
    taken = {step.note: seconds(step) for step in steps}
    errors = wrong(*replay(write_account(steps, taken, 2), steps, 2))
    # nobody knows of it before its own first epochs
    assert max(errors) < 0.5 and share_wrong(errors) < 0.2


def test_steps_of_any_length_are_foretold_most_of_the_time():
    steps, shares = read_steps("cold"), []
    for seed in range(12):
        draw = random.Random(seed)
        taken = {step.note: 1.5 * step.seconds * draw.lognormvariate(0, 0.3) for step in steps}
        shares.append(share_wrong(wrong(*replay(write_account(steps, taken, 2), steps, 2))))
    assert sum(shares) / len(shares) < 0.05 and max(shares) < 0.2


@pytest.mark.parametrize(("name", "pace"), [("cold", 1.0), ("warm", 3.2)])
def test_a_recorded_report_on_a_busy_machine_is_foretold_most_of_the_time(name, pace):
    """`pace` is what the test of the machine found when these reports were planned."""
    steps = [replace(step, seconds=pace * step.seconds) for step in read_steps(name)]
    account = (RECORDED / f"{name}.txt").read_text().splitlines()
    errors = wrong(*replay(account, steps, 2))
    # nobody could know at half of it that other programs would come
    assert max(errors) < 0.6 and share_wrong(errors) < 0.2


def test_what_two_cores_share_ends_sooner_than_its_sum():
    pair = [ExpectedStep("a", "A", "training", 60), ExpectedStep("b", "B", "training", 60)]
    last = ExpectedStep("c", "C", "chapter", 10, threads=2, after=("a", "b"))
    assert Forecast([*pair, last], Room(2)).planned == 70
    assert Forecast([*pair, last], Room(1)).planned == 130
    assert Forecast([replace(step, gpu=1) for step in pair], Room(2, 1)).planned == 120


def test_a_single_training_corrects_its_own_plan_epoch_by_epoch():
    step = ExpectedStep("a", "Training, seed 0", "training", 100.0, runs={"tiny, seed 0": 1.0})
    forecast = Forecast([step], Room(2))
    forecast.start("Training, seed 0", 0.0)
    assert forecast.left(60.0) == 40.0
    forecast.advance("tiny, seed 0", 0.25, 100.0)  # four times as long as planned
    forecast.advance("somebody else's", 0.9, 100.0)
    assert 200 < forecast.left(100.0) < 320
    forecast.advance("tiny, seed 0", 0.75, 300.0)
    assert forecast.left(300.0) == pytest.approx(100, rel=0.2)
    assert forecast.left(360.0) == pytest.approx(40, rel=0.4)
    forecast.finish("a", 400.0)
    assert forecast.left(400.0) == 0 and forecast.taken == {"a": 400.0}


def test_steps_of_one_title_are_told_apart_by_their_order():
    steps = [ExpectedStep(note, "Training, policies, 2 runs", "training", 10.0) for note in "ab"]
    forecast = Forecast(steps, Room(2))
    assert [forecast.start(steps[0].title, 0.0) for _ in range(3)] == ["a", "b", ""]
    assert forecast.start("Nobody planned it", 0.0) == ""


def test_time_left_is_no_finer_than_it_is_known():
    said = [say_left(seconds) for seconds in (0, 12, 57, 58, 95, 292, 3590, 5000, 36100)]
    assert said == [
        "a few seconds",
        "about 10 s",
        "about 55 s",
        "about 1 min",
        "about 1 min 30 s",
        "about 4 min 45 s",
        "about 1 h 00 min",
        "about 1 h 20 min",
        "about 10 h",
    ]
