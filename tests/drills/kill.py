"""The kill drill: a training killed with SIGKILL again and again ends with the bytes of one never stopped.

    python tests/drills/kill.py                                the sample, 20 kills each for 0, 1, 2 workers
    python tests/drills/kill.py --study my.yaml --data folder --kills 6 --epochs 2 --workers 2

Trains the study's first seed once with `dfstudy train`, and then for each number of loader workers with a
child that is killed at random positions over the whole of the run: at any moment, and aimed at a save, a
validation, the gap between two epochs and the scoring after the last. Every second kill takes the training
process alone and leaves its workers behind. Then the run is finished, its test images are predicted, and
every file of the run (weights, history, clean logits, predictions, description) is compared byte by byte;
timings, events and the lock are left out. The table counts what the child was doing when it died. Ends with
status 1 where a file differs or a kill is missing. Too long for the suite: some 5 minutes for each number of
workers with the sample on two quiet cores.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from watched import BETWEEN, PHASES, SAVE, SCORING, SIZE, STEP, VALIDATION, Telltale

from dfstudy.data.index import index_study
from dfstudy.data.split import split_study
from dfstudy.predict.predict import predict
from dfstudy.study.study import Study, load_study
from dfstudy.train.run import Run, load_run

AIMS = ("", SAVE, "", VALIDATION, "", BETWEEN)  # in turn; an empty aim is any moment
NOT_COMPARED = {"timings.csv", "lock"}  # and the folder of TensorBoard's events
LOOK = 0.0005  # seconds between two looks at the child


@dataclass(frozen=True)
class Setting:
    """What every drill shares: the study and where it runs, its run without a kill, and steps an epoch."""

    asked: argparse.Namespace
    place: Path
    study: Study
    seed: int
    whole: Run
    steps: int


@dataclass
class Drill:
    """What became of one training: phases in which it was killed, and how it ended."""

    workers: int
    killed: Counter[str] = field(default_factory=Counter)
    torn: int = 0  # kills that left a half-written file
    alone: int = 0  # kills of the training process without its workers
    seconds: float = 0.0
    differing: list[str] = field(default_factory=list)


def main() -> None:
    asked = _arguments()
    place = Path(asked.out or tempfile.mkdtemp(prefix="dfstudy-kill-")).resolve()
    place.mkdir(parents=True, exist_ok=True)
    setting = _train_without_a_kill(asked, place)
    drills = []
    for workers in asked.workers:
        drills.append(_drill(setting, workers))
        print(_report(drills[-1:]), flush=True)
    print(f"\n{_report(drills)}")
    if not asked.out:
        shutil.rmtree(place)
    sys.exit(any(drill.differing or drill.killed.total() != asked.kills for drill in drills))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Kill a training again and again, and compare its bytes.")
    parser.add_argument("--study", default="sample", help="built-in study or path of a YAML file")
    parser.add_argument("--data", default="", help="folder of images instead of the study's own")
    parser.add_argument("--kills", type=int, default=20, help="for each number of workers")
    parser.add_argument("--workers", default="0,1,2", type=lambda text: [int(n) for n in text.split(",")])
    parser.add_argument("--epochs", type=int, help="epochs of the training; default the study's")
    parser.add_argument("--save-seconds", type=float, default=1.0, help="between saved states (product: 30)")
    parser.add_argument("--random", type=int, default=7, help="seed of the moments")
    parser.add_argument(
        "--out", default="", help="empty folder that keeps runs and logs; default a passing one"
    )
    return parser.parse_args()


def _train_without_a_kill(asked: argparse.Namespace, place: Path) -> Setting:
    """The study with all its epochs, in one folder with its images, trained by the plain command."""
    study = load_study(asked.study, asked.data, str(place / "out"))
    epochs = asked.epochs or study.training.epochs
    training = study.training.model_copy(update={"epochs": epochs, "patience": epochs})
    study, seed = study.model_copy(update={"training": training}), training.seeds[0]
    print(f"working in {place}; training without a kill first", flush=True)
    command = [sys.executable, "-m", "dfstudy", *_command(_write_study(study, place, 0), place, seed)]
    _run(command, place / "whole.log")
    whole = _finish(study, place / "whole")
    steps = -(-whole.checkpoint["clean"]["train"]["pictures"] // training.batch_size)
    took, device = whole.timings["seconds"].sum(), whole.checkpoint["device"]
    print(f"{study.name}, seed {seed}: {epochs} epochs of {steps} steps, {took:.0f} s; {device}", flush=True)
    return Setting(asked, place, study, seed, whole, steps)


def _write_study(study: Study, place: Path, workers: int) -> Path:
    training = study.training.model_copy(update={"workers": workers})
    file = place / f"workers{workers}.yaml"
    settings = study.model_copy(update={"training": training}).model_dump(mode="json")
    file.write_text(yaml.safe_dump(settings, sort_keys=False), "utf-8")
    return file


def _command(file: Path, place: Path, seed: int) -> list[str]:
    return ["train", "--study", str(file), "--out", str(place / "out"), "--seed", str(seed)]


def _run(command: list[str], log: Path) -> None:
    with log.open("ab") as stream:
        ended = subprocess.run(command, stdout=stream, stderr=stream).returncode
    if ended:
        sys.exit(f"{' '.join(command)} ended with status {ended}:\n{log.read_text('utf-8')[-2000:]}")


def _finish(study: Study, folder: Path) -> Run:
    """Move a finished training out of the way, and predict its test images."""
    (study.out / "runs").rename(folder)
    runs = [one for one in folder.iterdir() if one.is_dir()]
    if len(runs) > 1:
        sys.exit(f"{len(runs)} runs in {folder}: the key changed; was the code changed meanwhile?")
    run = load_run(runs[0])
    predict(run, split_study(study, index_study(study)), progress=False)
    return run


def plan(chance: random.Random, kills: int, epochs: int, steps: int) -> list[tuple[int, str]]:
    """(step from which on, aim) of every kill, in order: positions over the whole run, the last in scoring.

    Each gap between epochs is aimed at once at most, so that none waits for a gap that never comes.
    """
    aims = [AIMS[number % len(AIMS)] for number in range(kills - 1)]
    gaps = chance.sample(range(epochs - 1), min(aims.count(BETWEEN), epochs - 1))
    planned = []
    for aim in aims:
        if aim == BETWEEN and gaps:
            planned.append((gaps.pop() * steps + chance.randint(1, steps), aim))
        else:
            planned.append((chance.randint(1, epochs * steps), "" if aim == BETWEEN else aim))
    return [*sorted(planned), (epochs * steps, SCORING)][:kills]


def _drill(setting: Setting, workers: int) -> Drill:
    """Kill as planned, let the training end, and compare."""
    asked, place, study = setting.asked, setting.place, setting.study
    drill, chance = Drill(workers), random.Random(1000 * asked.random + workers)
    log, telltale = place / f"workers{workers}.log", place / "telltale"
    _, *options = _command(_write_study(study, place, workers), place, setting.seed)
    watched = str(Path(__file__).with_name("watched.py"))
    child = [sys.executable, watched, str(telltale), str(asked.save_seconds), *options]
    spans = _spans(setting)
    began = time.perf_counter()
    for number, (position, aim) in enumerate(plan(chance, asked.kills, study.training.epochs, setting.steps)):
        telltale.write_bytes(bytes(SIZE))
        told, started = Telltale(telltale), time.time_ns()
        with log.open("ab") as stream:
            process = subprocess.Popen(child, stdout=stream, stderr=stream, start_new_session=True)
        _wait(process, told, position, aim, log)
        time.sleep(chance.uniform(0, spans.get(aim, spans[STEP])))
        alone = bool(number % 2)
        (os.kill if alone else os.killpg)(process.pid, signal.SIGKILL)
        if process.wait() != -signal.SIGKILL:
            sys.exit(f"the training ended by itself at kill {number + 1}: see {log}")
        drill.killed[told.phase] += 1
        drill.alone += alone
        partial = (study.out / "runs").glob("*/*.partial")
        drill.torn += any(one.stat().st_mtime_ns > started for one in partial)
    _run(child, log)
    drill.seconds = time.perf_counter() - began
    drill.differing = _compare(setting.whole.folder, _finish(study, place / f"workers{workers}").folder)
    return drill


def _wait(process: subprocess.Popen, told: Telltale, position: int, aim: str, log: Path) -> None:
    """Until the child is past a step and in the phase aimed at, or in the last one, where nothing follows."""
    while told.position < position or told.phase not in (aim or told.phase, SCORING):
        if process.poll() is not None:
            sys.exit(f"the training ended before a kill ({aim or 'any moment'}): see {log}")
        time.sleep(LOOK)


def _spans(setting: Setting) -> dict[str, float]:
    """Seconds over which a kill is spread once its aim is in sight: about as long as the aim lasts."""
    timings, pictures = setting.whole.timings, setting.whole.checkpoint["clean"]["train"]["pictures"]
    trained = pictures / timings["pictures_per_second"].median()
    validated = timings["seconds"].median() - trained
    return {STEP: 1.5 * trained / setting.steps, VALIDATION: 0.7 * validated, SAVE: 0.004, BETWEEN: 0.01}


def _compare(whole: Path, other: Path) -> list[str]:
    """Names of files that one run has and the other has not, or has with other bytes."""
    held = [
        {one.name: one.read_bytes() for one in folder.iterdir() if one.is_file()} for folder in (whole, other)
    ]
    names = (held[0].keys() | held[1].keys()) - NOT_COMPARED
    assert {"best.safetensors", "last.safetensors", "history.csv", "predictions_test.csv"} <= held[0].keys()
    assert whole.name == other.name, "the runs have different keys"
    return sorted(name for name in names if held[0].get(name) != held[1].get(name))


def _report(drills: list[Drill]) -> str:
    columns = ["workers", "kills", *PHASES[1:], "torn files", "process alone", "seconds", "identical"]
    rows = [columns]
    for drill in drills:
        told = [drill.workers, drill.killed.total(), *(drill.killed[phase] for phase in PHASES[1:])]
        told += [drill.torn, drill.alone, f"{drill.seconds:.0f}"]
        rows.append([str(cell) for cell in told] + [", ".join(drill.differing) or "yes"])
    widths = [max(len(row[column]) for row in rows) for column in range(len(columns))]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows
    )


if __name__ == "__main__":
    main()
