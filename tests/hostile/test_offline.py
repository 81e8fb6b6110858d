"""No connection to anywhere: index, chapters, kernel and page are made with the network cut off.

`tests/test_whole_report.py` makes a whole report in the same way.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CUT = Path(__file__).parents[1] / "drills" / "opened"  # its sitecustomize.py refuses and lists connections
WORK = """
import sys
from dfstudy.chapters.registry import CHAPTERS
from dfstudy.data.index import index_study
from dfstudy.pipeline import kernel
from dfstudy.pipeline.page import render
from dfstudy.study.study import load_study
print(len(index_study(load_study("small", data=sys.argv[1], out=sys.argv[2]), False)), len(CHAPTERS))
"""
ASKED = """
import socket
from functools import partial
connect = partial(socket.socket().connect, ("192.0.2.1", 80))
for attempt in connect, partial(socket.getaddrinfo, "example.org", 80):
    try:
        attempt()
    except OSError as error:
        print(error)
with socket.create_server(("127.0.0.1", 0)) as here:
    socket.create_connection(here.getsockname()).close()
"""


def run(log: Path, code: str, *words: str) -> str:
    path = os.pathsep.join([str(CUT), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": path, "DFSTUDY_CUT_OFF": str(log)}
    command = [sys.executable, "-c", code, *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def test_index_chapters_and_page_ask_nobody(fill, tmp_path):
    folder = fill([f"{kind}/{n}.png" for kind in ("real", "fake") for n in range(4)])
    assert run(tmp_path / "log", WORK, str(folder), str(tmp_path / "out")).split()[0] == "8"
    assert not (tmp_path / "log").exists(), (tmp_path / "log").read_text()


def test_a_connection_is_refused_and_listed_but_to_this_machine(tmp_path):
    said = run(tmp_path / "log", ASKED)
    assert said.count("the network is cut off") == 2
    assert [line.split()[0] for line in (tmp_path / "log").read_text().splitlines()] == [
        "socket.connect",
        "socket.getaddrinfo",
    ]
