"""Nothing outlives the process that it belongs to, and a lock is held as long as one who shares it lives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from fixtures.patience import PATIENCE

from dfstudy.system.bound import HELD, PARENT, name_signal
from dfstudy.system.lock import hold_shared, wait_for_holders

ROOT = Path(__file__).resolve().parents[2]
SLEEPER = "import subprocess, sys, time\nsubprocess.Popen(['sleep', '60'])\ntime.sleep(60)\n"
# prints its child's number
MASTER = """
import os, subprocess, sys, time
os.environ["DFSTUDY_PARENT"] = sys.argv[1].replace("ME", str(os.getpid()))
command = [sys.executable, "-m", "dfstudy.system.bound", "sleeper"]
print(subprocess.Popen(command, start_new_session=True).pid, flush=True)
time.sleep(60)
"""
POOL = """
import os, sys, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from dfstudy.portraits.folder import _begin_process
if __name__ == "__main__":
    with ProcessPoolExecutor(1, get_context("spawn"), _begin_process) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        time.sleep(60)
"""


def start(folder: Path, code: str, *arguments: str, **exported: str) -> tuple[subprocess.Popen, int]:
    (folder / "sleeper.py").write_text(SLEEPER)
    (folder / "script.py").write_text(code)
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{folder}"} | exported
    command = [sys.executable, str(folder / "script.py"), *arguments]
    with (folder / "said").open("w") as said:
        process = subprocess.Popen(command, env=environment, stdout=said)
    deadline = time.monotonic() + PATIENCE
    while not (told := (folder / "said").read_text()).endswith("\n"):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.1)
    return process, int(told)


def is_gone(number: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if psutil.Process(number).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_what_is_bound_ends_with_its_parent_and_takes_its_group_along(tmp_path, number):
    master, child = start(tmp_path, MASTER, "ME")
    deadline = time.monotonic() + PATIENCE
    while not (below := psutil.Process(child).children()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    master.send_signal(number)
    master.wait()
    assert is_gone(child, 30) and is_gone(below[0].pid, 30)


@pytest.mark.parametrize("parent", ["", "ME@another.host"])
def test_what_was_started_by_hand_or_elsewhere_lives_on(tmp_path, parent):
    master, child = start(tmp_path, MASTER, parent)
    time.sleep(2)
    master.kill()
    master.wait()
    assert not is_gone(child, 3)
    os.killpg(child, signal.SIGKILL)


def test_a_process_whose_parent_has_gone_before_it_began_ends_at_once():
    gone = subprocess.Popen(["true"])
    gone.wait()
    command = [
        sys.executable,
        "-c",
        "import time; from dfstudy.system.bound import bind; bind(); time.sleep(60)",
    ]
    environment = os.environ | {PARENT: str(gone.pid), "PYTHONPATH": str(ROOT)}
    assert subprocess.run(command, env=environment, timeout=PATIENCE).returncode == 1


def test_a_process_that_renders_ends_with_the_one_that_asked_for_it(tmp_path):
    master, child = start(tmp_path, POOL)
    master.kill()
    master.wait()
    assert is_gone(child, 30)


def test_a_lock_of_steps_covers_each_of_them(tmp_path):
    lock = tmp_path / "lock"
    assert wait_for_holders(lock, 0)
    holders = [start(tmp_path, MASTER, "ME", **{HELD: str(lock)})[0] for _ in range(2)]
    deadline = time.monotonic() + PATIENCE
    while wait_for_holders(lock, 0):
        assert time.monotonic() < deadline, "nobody holds it"
        time.sleep(0.1)
    assert hold_shared(lock)  # a second report's step; it is ours until this process ends
    for holder in holders:
        holder.kill()
        holder.wait()


def test_a_signal_is_named_with_its_likely_reason():
    assert name_signal(9) == "SIGKILL, most likely because the memory ran out"
    assert name_signal(15) == "SIGTERM" and name_signal(200) == "signal 200"
