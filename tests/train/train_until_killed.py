"""Train the tiny study again and again, killed with SIGKILL at random moments, until one try gets through.

Called by test_run.py as a program: one import of torch, then a fork a try. Arguments: file of the parts'
rows, their folder, results' folder. Prints how many tries were killed.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
from pathlib import Path

import pandas as pd
from conftest import Parts, tiny_study

from dfstudy.model import device
from dfstudy.train import loop
from dfstudy.train.run import train

EPOCHS = 5


def main(rows: str, root: str, out: str) -> None:
    table = pd.read_csv(rows)
    parts = Parts(Path(root), table, "fixed")
    study = tiny_study(Path(out), epochs=EPOCHS, patience=EPOCHS)
    device.MOST_THREADS = 1
    loop.SAVE_SECONDS = 0.0  # a state after every step: many chances to be killed while writing one
    moments, killed = random.Random(7), 0
    while True:
        delay = moments.uniform(0.03, 0.2) + 0.05 * killed  # later each time, so that one gets through
        child = os.fork()
        if not child:
            threading.Timer(delay, os.kill, (os.getpid(), signal.SIGKILL)).start()
            train(study, parts, 0, progress=False)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            break
        killed += 1
    print(killed, os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main(*sys.argv[1:])
