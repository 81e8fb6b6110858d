"""Makes a report: index, plan, Snakemake over the map, and the last word on the terminal.

Takes an invocation; gives `<out>/index.html`. Only what changed runs again. Refuses a folder that holds
something else and a second report in the same folder; after an interruption the next call goes on. Cost
with nothing to do: a few seconds, most of it two Python starts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dfstudy.data import index_study, layout_line, split_study
from dfstudy.data.elsewhere import find_elsewhere
from dfstudy.errors import StudyError
from dfstudy.evaluate.levels import refuse_unnamed
from dfstudy.invocation import TYPED_IN, Invocation, shown_path
from dfstudy.report.bookings import say_stale, stale_steps
from dfstudy.report.cluster import Cluster, find_cluster
from dfstudy.report.compare import compare_with_exhibit
from dfstudy.report.environment import steady_environment
from dfstudy.report.folder import claimed, forget_damaged
from dfstudy.report.frozen import freeze
from dfstudy.report.plan import PLAN, write_plan
from dfstudy.report.progress import Progress, duration
from dfstudy.report.resources import Site, count_gpus
from dfstudy.report.within import settle_budget
from dfstudy.study import Study

SNAKEFILE = Path(__file__).with_name("Snakefile")
LOG = "snakemake.log"  # the last run's, for looking at
PATIENCE = 20  # seconds from Ctrl-C until Snakemake has to have cancelled its jobs


def build(
    invocation: Invocation,
    cores: int = 0,
    force: bool = False,
    dry_run: bool = False,
    cluster: str = "",
    minutes: int = 0,
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
    Raises:
        StudyError: a step failed; its own message is on the terminal by then.
    """
    study = invocation.settings
    started = time.monotonic()
    jobs = find_cluster(cluster) if cluster else None
    if not study.is_sample and not study.pictures.is_dir():
        raise StudyError(f"there is no folder {study.pictures}", "check the path given as DATA= or data.root")
    with claimed(study, replace=force):
        say(f"{study.title}: report in {shown_path(study.out)}")
        index = index_study(study)
        aside = int((index["error"] != "").sum())
        took = duration(time.monotonic() - started)
        say(f"  {layout_line(study)}")
        say(f"  pictures: {len(index) - aside:,} to use, {aside:,} set aside ({took})")
        split = split_study(study, index)
        folders = find_elsewhere(study, split)  # one that cannot be used is told before anything trains
        others = {f"test_on, {folder.name}": folder.rows for folder in folders}
        refuse_unnamed({"the test": split.part("test"), **others}, study.evaluate.level)
        for folder in folders:
            say(
                f"  test_on {folder.name}: {len(folder.rows):,} pictures, {len(folder.set_aside):,} set aside"
            )
        forget_damaged(study.out)
        site = Site(cores or steady_cores(), 0 if jobs else count_gpus(), cluster=jobs is not None)
        invocation, lines = settle_budget(invocation, split, site, minutes or (0 if jobs else study.budget))
        for line in lines:
            say(f"  {line}")
        write_plan(freeze(invocation), split, site)
        stale = stale_steps(study.out, force)
        for line in say_stale(study.out, stale, dry_run):
            say(f"  {line}")
        if stale and not dry_run:
            _run_snakemake(study, site, jobs, ["--forcerun", *stale])
    page = study.out / "index.html"
    if not stale:
        say(f"nothing changed: the report is at {shown_path(page)}")
    elif not dry_run:
        say(f"done in {duration(time.monotonic() - started)}: the report is at {shown_path(page)}")
    comparison = compare_with_exhibit(study) if page.is_file() and not dry_run else None
    if comparison:
        say(str(comparison))
    return page


def say(line: str) -> None:
    """One line for the person at the terminal."""
    print(line, flush=True)


def steady_cores() -> int:
    """Cores that this process may use."""
    return int(steady_environment()["OMP_NUM_THREADS"])


def snakemake_command(study: Study, site: Site, jobs: Cluster | None) -> list[str]:
    """Snakemake over the map, on this machine or with a cluster's jobs."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE)]
    command += ["--directory", str(study.out), "--configfile", str(study.out / PLAN)]
    here = ["--cores", str(site.cores), "--resources", f"gpu={site.gpus}"]
    command += jobs.options(site.cores) if jobs else here
    # What is out of date is decided by content, see `bookings`, and not by Snakemake. Our own lock is freed
    # by the system however a run ends; Snakemake's would have to be broken by hand.
    return [
        *command,
        "--rerun-triggers",
        "input",
        "--scheduler",
        "greedy",
        "--nolock",
        "--rerun-incomplete",
        "--workflow-profile",
        "none",
    ]


def _run_snakemake(study: Study, site: Site, jobs: Cluster | None, options: list[str]) -> Progress:
    command = [*snakemake_command(study, site, jobs), *options]
    environment = {k: v for k, v in os.environ.items() if k != "SNAKEMAKE_PROFILE"}
    environment |= steady_environment() | {TYPED_IN: str(Path.cwd())}
    progress = Progress(sys.stdout, study.out)
    # A step's own output comes through stdout; a dry run's account does as well.
    merged = {"stderr": subprocess.STDOUT, "stdout": subprocess.PIPE} if "--dry-run" in options else {}
    pipes = merged or {"stderr": subprocess.PIPE}
    with (study.out / LOG).open("w", encoding="utf-8", buffering=1) as log:  # by lines: read while it grows
        process = subprocess.Popen(command, env=environment, text=True, errors="replace", **pipes)
        with _ended(process, study, jobs):
            for line in process.stdout or process.stderr or ():
                log.write(line)
                progress.read(line)
    if process.returncode:
        raise _failure(study, progress)
    return progress


@contextmanager
def _ended(process: subprocess.Popen, study: Study, jobs: Cluster | None) -> Iterator[None]:
    """Wait for Snakemake whatever happens: Ctrl-C reaches it as well, and it stops its steps."""
    try:
        yield
    except KeyboardInterrupt:
        if jobs:
            say("\n  cancelling the jobs on the cluster ...")
            with suppress(subprocess.TimeoutExpired):  # it may sleep for minutes between two looks at them
                process.wait(timeout=PATIENCE)
            jobs.cancel_left((study.out / LOG).read_text("utf-8"))
            process.kill()
        raise
    finally:
        process.wait()


def _failure(study: Study, progress: Progress) -> StudyError:
    last = study.out / "index.html"
    kept = f" The last good report is untouched: {shown_path(last)}." if last.is_file() else ""
    if not progress.failed:  # Snakemake itself: a broken map, a full disk
        said = (study.out / LOG).read_text("utf-8").strip().splitlines()[-8:]
        return StudyError(
            "the report stopped before a step ran:\n    " + "\n    ".join(said),
            f"read the whole account: {shown_path(study.out / LOG)}",
        )
    return StudyError(
        f"the report stopped: {', '.join(progress.failed)} failed; the reason stands above.{kept}",
        "mend it and give the same command again: finished steps are not repeated",
    )
