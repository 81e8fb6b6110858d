"""A report that is stopped in any way leaves nothing running, says why, and goes on with the next command."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from fixtures.checkout import wait_for
from fixtures.patience import PATIENCE

TOKEN = "DFSTUDY_TEST"
WAIT = "; import time; open('{}', 'w').close(); time.sleep({})"
DRAW = "axes.plot([1, 2])"


def start_make(checkout) -> subprocess.Popen[str]:
    shutil.copy(Path(__file__).parents[2] / "Makefile", checkout.folder)
    command = ["make", "report", "DATA=faces", "OUT=results", f"PYTHON={sys.executable}"]
    environment = os.environ | {"PYTHONPATH": str(checkout.folder)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, cwd=checkout.folder, env=environment, start_new_session=True, **pipes)


@pytest.fixture
def slow(request, checkout, monkeypatch, tmp_path):
    """A report whose first chapter waits, found by its token; everything is as before afterwards."""
    monkeypatch.setenv(TOKEN, str(tmp_path))
    running = tmp_path / "running"
    wait = WAIT.format(running.as_posix(), PATIENCE)
    checkout.edit("notebooks/01_first.ipynb", DRAW, DRAW + wait)
    process = start_make(checkout) if getattr(request, "param", "") == "make" else checkout.start()
    try:
        wait_for(running.exists)
        yield process
    finally:
        checkout.edit("notebooks/01_first.ipynb", DRAW + wait, DRAW)
        for one in running_ones(tmp_path):
            one.kill()
        process.wait()
        process.stdout.close()


def running_ones(token: Path, *words: str) -> list[psutil.Process]:
    found = []
    for one in psutil.process_iter():
        try:
            mine = one.environ().get(TOKEN) == str(token) and one.status() != psutil.STATUS_ZOMBIE
            if mine and all(word in " ".join(one.cmdline()) for word in words):
                found.append(one)
        except psutil.Error:
            continue
    return found


def left_after(token: Path, seconds: float = 60) -> list[psutil.Process]:
    deadline = time.monotonic() + seconds
    while (left := running_ones(token)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def only(found: list[psutil.Process]) -> psutil.Process:
    (one,) = (each for each in found if not each.name().endswith("sh"))
    return one


def test_a_killed_command_leaves_nothing_and_the_next_one_goes_on(
    checkout, slow, tmp_path, without_provenance
):
    assert running_ones(tmp_path, "ipykernel_launcher") and running_ones(
        tmp_path, "dfstudy.system.bound", "snakemake"
    )
    before = without_provenance(checkout.page())
    slow.kill()
    slow.wait()
    wait = WAIT.format((tmp_path / "running").as_posix(), PATIENCE)
    checkout.edit("notebooks/01_first.ipynb", wait, "")
    checkout.report()  # at once: it waits for steps that are about to end
    checkout.edit("notebooks/01_first.ipynb", DRAW, DRAW + wait)
    assert left_after(tmp_path) == [] and without_provenance(checkout.page()) == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_is_asked_to_end_ends_in_order(checkout, slow, tmp_path, number):
    slow.send_signal(number)
    said = slow.communicate(timeout=PATIENCE)[0]
    assert slow.returncode == 128 + number and "interrupted: the same command goes on" in said
    assert "Traceback" not in said and left_after(tmp_path) == []


@pytest.mark.parametrize("slow", ["make"], indirect=True)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_command_ends_with_make(slow, tmp_path, number):
    slow.send_signal(number)
    assert left_after(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_snakemake_that_was_ended_takes_its_steps_along(checkout, slow, tmp_path, number):
    only(running_ones(tmp_path, "dfstudy.system.bound", "snakemake")).send_signal(number)
    said = slow.communicate(timeout=PATIENCE)[0]
    assert slow.returncode == 1 and "the report stopped: Snakemake was ended" in said
    assert "before a step ran" not in said and "of 3 steps are done" in said
    assert left_after(tmp_path) == []


def test_a_step_killed_for_memory_says_so(checkout, slow, tmp_path):
    only(running_ones(tmp_path, "-m dfstudy chapter 01_first")).kill()
    said = slow.communicate(timeout=PATIENCE)[0]
    assert slow.returncode == 1
    assert "The first was ended by SIGKILL, most likely because the memory ran out" in said
    assert "reason is above" not in said and left_after(tmp_path) == []


def test_a_reader_that_goes_away_stops_nothing_for_good(checkout, tmp_path, monkeypatch):
    monkeypatch.setenv(TOKEN, str(tmp_path))
    process = checkout.start("--force")
    process.stdout.readline()
    process.stdout.close()  # `make report | head -1`
    process.wait(PATIENCE)
    assert left_after(tmp_path) == []
    checkout.report()
    assert "nothing changed" in checkout.report()


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_state_files_that_are_empty_or_cut_are_made_again(checkout, without_provenance, share):
    before = without_provenance(checkout.page())
    files = [file for file in (checkout.folder / "results").rglob("*") if file.is_file()]
    state = [file for file in files if file.suffix not in (".lock", ".log")]
    assert len(state) > 20
    for file in state:
        os.truncate(file, int(file.stat().st_size * share))
    checkout.report()
    assert without_provenance(checkout.page()) == before
    assert "nothing changed" in checkout.report()
