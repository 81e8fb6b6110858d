"""Makes a report: index, plan, Snakemake over the map, and the last word on the terminal.

Takes an invocation; gives `<out>/index.html`. Only what changed runs again. Refuses a folder that holds
something else and a second report in the same folder; after an interruption the next call goes on. Cost
with nothing to do: a few seconds, most of it two Python starts.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dfstudy.chapters.c10_conclusions.seal import sealed_on
from dfstudy.data.external import find_elsewhere
from dfstudy.data.index import index_study
from dfstudy.data.index_file import layout_line
from dfstudy.data.split import split_study
from dfstudy.errors import StudyError
from dfstudy.pipeline.bookings import say_stale, stale_steps
from dfstudy.pipeline.budget import list_all_runs
from dfstudy.pipeline.budget_study import settle_budget
from dfstudy.pipeline.cluster import Cluster, find_cluster
from dfstudy.pipeline.compare import compare_with_exhibit
from dfstudy.pipeline.costs import is_finished
from dfstudy.pipeline.engine import PATIENCE, run_snakemake
from dfstudy.pipeline.environment import steady_environment, steps_environment
from dfstudy.pipeline.folder import STEPS_LOCK, claimed, forget_damaged
from dfstudy.pipeline.frozen import freeze
from dfstudy.pipeline.invocation import TYPED_IN, Invocation, shown_path
from dfstudy.pipeline.outlook import look_ahead
from dfstudy.pipeline.own_check import try_own
from dfstudy.pipeline.plan import PLAN, write_plan
from dfstudy.pipeline.preflight import PREFLIGHT, Preflight, weight_sizes
from dfstudy.pipeline.progress import ReportProgress, duration
from dfstudy.pipeline.resources import Site, count_gpus
from dfstudy.pipeline.room import expected_runs, refuse_small_disk
from dfstudy.pipeline.seal import seal_study
from dfstudy.pipeline.stopped import explain_stop
from dfstudy.stats.units import refuse_unnamed
from dfstudy.system.bound import HELD
from dfstudy.system.kept import write_if_changed

if TYPE_CHECKING:
    from dfstudy.pipeline.outlook import Outlook
    from dfstudy.study.study import Study

SNAKEFILE = Path(__file__).with_name("Snakefile")
LOG = "snakemake.log"  # the last run's, with all that its steps said
SAID = 60  # of its lines are kept for what went wrong
TICK = 2  # seconds between two looks at the clock, on a terminal
CLUSTER_PATIENCE = 20  # seconds from Ctrl-C until Snakemake has to have cancelled its jobs


def build(
    invocation: Invocation,
    cores: int = 0,
    force: bool = False,
    dry_run: bool = False,
    cluster: str = "",
    minutes: int = 0,
    preflight: Preflight | None = None,
) -> Path:
    """Bring the report up to date and return its page.

    Args:
        cores: cores of this machine that steps share; 0 is every core.
        force: run every step again, also in a folder that holds another report; finished trainings are kept
            all the same.
        dry_run: say which steps would run and why, and run none (the index is updated).
        cluster: profile of the cluster that runs what needs a network; empty runs everything here.
        minutes: make as much of the study as fits into them, see `budget`; 0 takes the study's own budget,
            which does not count on a cluster.
        preflight: the check of networks and weights, where it has begun.
    Raises:
        StudyError: what was given cannot be used, or a step failed, whose own message is on the terminal.
    """
    study = invocation.settings
    started = time.monotonic()
    jobs = find_cluster(cluster) if cluster else None
    if not study.is_sample and not study.pictures.is_dir():
        raise StudyError(f"there is no folder {study.pictures}", "check the path given as DATA= or data.root")
    if jobs and minutes:
        raise StudyError(
            "a budget counts what this machine does, and a cluster's nodes are other machines",
            "give BUDGET= or CLUSTER=, not both",
        )
    minutes = minutes or (0 if jobs else study.budget)
    checked = _check_first(study, preflight or Preflight(study), minutes > 0)
    sizes = weight_sizes(study, checked)
    with claimed(study, replace=force):
        write_if_changed(study.out / PREFLIGHT, checked)
        say(f"{study.title}: report in {shown_path(study.out)}")
        try_own(study)
        index = index_study(study)
        aside = int((index["error"] != "").sum())
        took = duration(time.monotonic() - started)
        say(f"  {layout_line(study)}")
        say(f"  images: {len(index) - aside:,} to use, {aside:,} excluded ({took})")
        split = split_study(study, index)
        folders = find_elsewhere(study, split)  # one that cannot be used is told before anything trains
        others = {f"test_on, {folder.name}": folder.rows for folder in folders}
        refuse_unnamed({"the test": split.part("test"), **others}, study.evaluate.level)
        for folder in folders:
            say(f"  test_on {folder.name}: {len(folder.rows):,} images, {len(folder.set_aside):,} excluded")
        forget_damaged(study.out)
        site = Site(cores or steady_cores(), 0 if jobs else count_gpus(), cluster=jobs is not None)
        invocation, lines = settle_budget(invocation, split, site, minutes)
        for line in lines:
            say(f"  {line}")
        seal_study(invocation.settings, split)
        say(f"  plan sealed: {sealed_on(study)}")
        write_plan(freeze(invocation), split, site)
        stale = stale_steps(study.out, force)
        for line in say_stale(study.out, stale, dry_run):
            say(f"  {line}")
        planned = ""
        if stale and not dry_run:
            runs = list_all_runs(invocation.settings, split)
            refuse_small_disk(study, sizes, [run for run in runs if not is_finished(study.out, *run)])
            outlook = look_ahead(invocation, split, site, stale)
            if outlook:
                say(f"  {outlook.line()}")
                so_far = time.monotonic() - started
                planned = f"planned {duration(so_far + outlook.forecast.planned)}, "
            _run_snakemake(study, site, jobs, ["--forcerun", *stale], outlook, started)
    page = study.out / "index.html"
    if not stale:
        say(f"nothing changed: the report is at {shown_path(page)}")
    elif not dry_run:
        used = "" if jobs else f" ({_processor_minutes()})"  # a cluster's are not counted here
        took = f"{planned}took {duration(time.monotonic() - started)}{used}"
        say(f"done: {took}: the report is at {shown_path(page)}")
    comparison = compare_with_exhibit(study) if page.is_file() and not dry_run else None
    if comparison:
        say(str(comparison))
    return page


def _check_first(study: Study, preflight: Preflight, budget: bool) -> dict[str, Any]:
    """What is kept of the check of networks and weights; a disk that is too small is refused as well."""
    with preflight:
        runs = expected_runs(study, budget)
        refuse_small_disk(study, {}, runs)  # a full one, while the networks are looked at
        checked = preflight.finish()
    refuse_small_disk(study, weight_sizes(study, checked), runs)
    return checked


def say(line: str) -> None:
    """One line for the person at the terminal."""
    print(line, flush=True)


def steady_cores() -> int:
    """Cores that this process may use."""
    return int(steady_environment()["OMP_NUM_THREADS"])


def snakemake_command(study: Study, site: Site, jobs: Cluster | None) -> list[str]:
    """Snakemake over the map, on this machine or with a cluster's jobs."""
    command = [sys.executable, "-m", "dfstudy.system.bound", "snakemake", "--snakefile", str(SNAKEFILE)]
    command += ["--directory", str(study.out), "--configfile", str(study.out / PLAN)]
    here = ["--cores", str(site.cores), "--resources", f"gpu={site.gpus}"]
    command += jobs.options(site.cores) if jobs else here
    # What is out of date is decided by content, see `bookings`, and not by Snakemake. Our own lock is freed
    # by the system however a run ends; Snakemake's would have to be broken by hand.
    command += ["--rerun-triggers", "input", "--rerun-incomplete", "--nolock"]
    return [*command, "--scheduler", "greedy", "--workflow-profile", "none"]


def _processor_minutes() -> str:
    """What this process and everything below it took of the processors."""
    used = os.times()
    seconds = used.user + used.system + used.children_user + used.children_system
    return f"{seconds / 60:.1f} CPU minutes"


def _run_snakemake(
    study: Study,
    site: Site,
    jobs: Cluster | None,
    options: list[str],
    outlook: Outlook | None,
    started: float,
) -> ReportProgress:
    environment = steps_environment() | {TYPED_IN: str(Path.cwd())}
    if not jobs:  # a cluster's job may outlive this command, and the next one takes its result
        environment[HELD] = str(study.out / STEPS_LOCK)
    progress, said = ReportProgress(sys.stdout, study.out, began=started), deque(maxlen=SAID)
    if outlook:
        progress.forecast, progress.own, progress.watch = outlook.forecast, outlook.own, outlook.watch
    with (study.out / LOG).open("wb", buffering=0) as log:  # read while it grows

        def note_down(line: str) -> None:
            with suppress(OSError):  # a full disk: what fails of it, a step says
                log.write(line.encode("utf-8", "replace"))

        def read(line: str) -> bool:
            said.append(line.rstrip())
            note_down(line)
            progress.read(line)
            return progress.is_ending and not jobs

        def relay(line: str) -> None:
            note_down(line)
            progress.relay(line)

        command = [*snakemake_command(study, site, jobs), *options]
        patience = CLUSTER_PATIENCE if jobs else PATIENCE
        try:
            with _ticking(progress):
                status = run_snakemake(command, environment, read, relay, patience)
        except KeyboardInterrupt:
            if jobs:
                say("\n  cancelling the jobs on the cluster ...")
                jobs.cancel_left((study.out / LOG).read_text("utf-8"))
            raise
        finally:
            if outlook:
                with suppress(OSError, StudyError):  # a full disk: a step says so
                    outlook.keep(study.out)
    if status or progress.is_ending:
        raise explain_stop(study.out, progress, status, [*said], study.out / LOG)
    return progress


@contextmanager
def _ticking(progress: ReportProgress) -> Iterator[None]:
    """Keep the minutes on a terminal's last line up to date."""
    over = threading.Event()

    def tick() -> None:
        with suppress(OSError, ValueError):  # the terminal is gone
            while not over.wait(TICK):
                progress.tick()

    if sys.stdout.isatty():
        threading.Thread(target=tick, daemon=True).start()
    try:
        yield
    finally:
        over.set()
