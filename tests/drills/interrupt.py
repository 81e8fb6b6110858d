"""The interruption drill: whatever stops a report, nothing is left running and one command finishes it.

    python tests/drills/interrupt.py                       every row, on a tiny study with rendered portraits
    python tests/drills/interrupt.py --rows make,disk      some rows
    python tests/drills/interrupt.py --study my.yaml --out folder

Makes the report once undisturbed. Then, for each row, it starts `make report` in a new folder, sends one
signal to one process of the chain (make, the command, Snakemake, a step, a kernel) at a random moment, and
counts what is still running ten seconds later. SIGINT and SIGHUP of make go to its process group, as a
terminal sends them; a step or a kernel that dies ends the report, and the ten seconds begin when it has
said so. Further rows: a disk that is full (a small tmpfs, which needs root), and every state file of a
finished report empty, or cut in half. Each row ends with one more `make report`, whose page, numbers,
figures, notebooks and runs are compared byte by byte with the undisturbed ones; the page's provenance is
left out, and so are times. Ends with status 1 where something differs or was left running. Too long for the
suite: some 25 reports.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import yaml
from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "DFSTUDY_DRILL"  # every process of a report inherits it
TARGETS = {
    "make": ("make",),
    "command": ("-m dfstudy report",),
    "snakemake": ("dfstudy.system.bound snakemake",),
    "step": ("-m dfstudy chapter", "-m dfstudy train"),
    "kernel": ("ipykernel_launcher",),
}
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
GRACE, LONGEST = 10, 1200  # seconds
COMPARED = ("figures", "numbers", "notebooks", "runs", "data")
NOT_COMPARED = {"timings.csv", "lock", "model_card.md"}  # times; the card names its own folder
NOT_STATE = (".jpg", ".png", ".log", ".lock")
TINY = {
    "name": "drill",
    "title": "A study for the drill",
    "data": {"root": "sample", "sample": {"identities": 12, "frames": 2, "size": 48}},
    "model": {"size": 48},
    "training": {"epochs": 2, "seeds": [0], "threads": 1, "workers": 0},
    "evaluate": {"replicates": 100},
    "policies": {
        "names": ["none"],
        "budgets": [],
        "leave_one_out": False,
        "add_one": False,
        "strengths": [],
    },
    "defects": {"measured": False},
    "forgeries": {"train_on": "off"},
}


@dataclass
class Row:
    """What became of one report."""

    what: str
    how: str
    status: str = ""
    ended: str = ""  # seconds until nothing was running
    left: int = 0  # processes after ten seconds
    differing: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        return not self.left and not self.differing


@dataclass(frozen=True)
class Drill:
    """The study, the folder of all reports, and the undisturbed one."""

    root: Path
    place: Path
    study: str
    whole: Path

    def command(self, out: Path) -> list[str]:
        words = [f"STUDY={self.study}", f"OUT={out}", f"PYTHON={sys.executable}"]
        return ["make", "--no-print-directory", "report", *words]

    def start(self, out: Path, token: str) -> subprocess.Popen:
        log = out.with_suffix(".log").open("ab")
        environment = os.environ | {TOKEN: token, "PYTHONPATH": str(self.root)}
        return subprocess.Popen(
            self.command(out),
            cwd=self.root,
            env=environment,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def finish(self, out: Path) -> tuple[str, ...]:
        """One more command; what differs then."""
        process = self.start(out, f"{out.name}-again")
        if process.wait(LONGEST):
            return (f"the next command ended with status {process.returncode}",)
        return () if out == self.whole else differing(self.whole, out)


def main() -> None:
    for number in (signal.SIGINT, signal.SIGHUP):  # in the background they are ignored, and that is inherited
        signal.signal(number, signal.default_int_handler)
    asked = _arguments()
    place = Path(asked.out or tempfile.mkdtemp(prefix="dfstudy-interrupt-")).resolve()
    place.mkdir(parents=True, exist_ok=True)
    study = asked.study
    if not study:
        (place / "drill.yaml").write_text(yaml.safe_dump(TINY), "utf-8")
        study = str(place / "drill.yaml")
    drill = Drill(Path(asked.root).resolve(), place, study, place / "whole")
    print(f"working in {place}; a report without a stop first", flush=True)
    began = time.monotonic()
    if wrong := drill.finish(drill.whole):
        sys.exit(f"{wrong[0]}: see {drill.whole.with_suffix('.log')}")
    print(f"done in {time.monotonic() - began:.0f} s", flush=True)
    randomly, rows = random.Random(asked.random), []
    for what in asked.rows:
        for row in _rows_of(drill, what, randomly):
            rows.append(row)
            print(_table([row]), flush=True)
    print(f"\n{_table(rows)}")
    sys.exit(not all(row.is_good for row in rows))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Stop a report in every way, and finish it with one command."
    )
    every = [*TARGETS, "disk", "state"]
    parser.add_argument("--rows", default=every, type=lambda text: text.split(","), help=",".join(every))
    parser.add_argument("--study", default="", help="a YAML file; default a tiny study")
    parser.add_argument("--root", default=ROOT, help="checkout whose `make report` is stopped")
    parser.add_argument("--random", type=int, default=7, help="seed of the moments")
    parser.add_argument("--out", default="", help="folder that keeps reports and logs; default a passing one")
    return parser.parse_args()


def _rows_of(drill: Drill, what: str, randomly: random.Random):
    if what in TARGETS:
        for number in SIGNALS:
            yield _stop(drill, what, number, randomly)
    elif what == "disk":
        yield _fill_the_disk(drill)
    else:
        yield from (_damage(drill, "empty", 0.0), _damage(drill, "cut in half", 0.5))


def _stop(drill: Drill, what: str, number: signal.Signals, randomly: random.Random) -> Row:
    row, out = Row(what, number.name), drill.place / f"{what}-{number.name}"
    process = drill.start(out, out.name)
    where = what if what in ("step", "kernel") else randomly.choice(("step", "kernel"))
    # not always the first one: chapters follow each other
    for _ in range(randomly.randrange(1, 4)):
        victim = _wait_for(process, out.name, where, randomly.uniform(0.2, 3.0))
    if what not in ("step", "kernel"):
        victim = _find(out.name, what)[0]
    if what == "make" and number in (signal.SIGINT, signal.SIGHUP):
        os.killpg(victim.pid, number)
    else:
        victim.send_signal(number)
    if what in ("step", "kernel"):
        process.wait(LONGEST)
    began = time.monotonic()
    while (running := _running(out.name)) and time.monotonic() - began < GRACE:
        process.poll()
        time.sleep(0.1)
    row.ended, row.left = f"{time.monotonic() - began:.1f}", len(running)
    for one, words in running.items():
        print(f"  left: {words[:100]}", flush=True)
        one.kill()
    row.status = str(process.wait(60))
    row.differing = drill.finish(out)
    return row


def _wait_for(process: subprocess.Popen, token: str, what: str, delay: float) -> psutil.Process:
    """A process of the kind asked for, some time after it began; another than the one before may be met."""
    while True:
        if process.poll() is not None:
            sys.exit(f"the report ended before it was stopped: see the log of {token}")
        if found := _find(token, what):
            time.sleep(delay)
            if found[0] in _find(token, what):
                return found[0]
        time.sleep(0.05)


def _find(token: str, what: str) -> list[psutil.Process]:
    """Processes of a kind; the shells between them are no target."""
    return [
        one
        for one, words in _running(token).items()
        if not words.startswith(("/bin/sh", "/usr/bin/bash", "bash"))
        and any(w in words for w in TARGETS[what])
    ]


def _running(token: str) -> dict[psutil.Process, str]:
    """Every process of a report, whoever its parent is now, and its command."""
    found = {}
    for one in psutil.process_iter():
        try:
            if one.environ().get(TOKEN) == token and one.status() != psutil.STATUS_ZOMBIE:
                found[one] = " ".join(one.cmdline())
        except psutil.Error:
            continue
    return found


def _fill_the_disk(drill: Drill) -> Row:
    """A report in a tmpfs that is too small by half; then the same command with room."""
    row, out = Row("disk", "full"), drill.place / "disk"
    used = sum(file.stat().st_size for file in drill.whole.rglob("*") if file.is_file())
    mounted, script = drill.place / "mounted", drill.place / "disk.sh"
    mounted.mkdir(exist_ok=True)
    report = " ".join(f"'{word}'" for word in drill.command(mounted / "disk"))
    script.write_text(
        f"mount -t tmpfs -o size={used // 2} tmpfs {mounted} || exit 99\n"
        f"{report} && exit 98\nmount -o remount,size={4 * used} {mounted}\n{report} || exit 97\n"
        f"cp -a {mounted}/disk {out}\n"
    )
    environment = os.environ | {TOKEN: "disk", "PYTHONPATH": str(drill.root)}
    done = subprocess.run(
        ["unshare", "-m", "sh", str(script)],
        cwd=drill.root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=2 * LONGEST,
    )
    said = done.stdout + done.stderr
    out.with_suffix(".log").write_text(said)
    row.status, row.left = str(done.returncode), len(_running("disk"))
    if done.returncode == 99:
        row.how = "not tried: it needs root"
    elif done.returncode or "no room left" not in said or "Traceback" in said:
        row.differing = (f"see {out.with_suffix('.log')}",)
    else:
        row.differing = differing(drill.whole, out, mounted / "disk")
    return row


def _damage(drill: Drill, how: str, kept: float) -> Row:
    """Every state file of a finished report loses its end."""
    row, out = Row("state files", how), drill.place / f"state-{kept}"
    shutil.copytree(drill.whole, out)
    files = [file for file in out.rglob("*") if file.is_file() and file.suffix not in NOT_STATE]
    for file in files:
        os.truncate(file, int(file.stat().st_size * kept))
    row.how += f" ({len(files)})"
    row.differing = drill.finish(out)
    if "Traceback" in out.with_suffix(".log").read_text("utf-8", "replace"):
        row.differing = (*row.differing, "a traceback in the log")
    return row


def differing(whole: Path, other: Path, made_in: Path | None = None) -> tuple[str, ...]:
    """Files that one report has and the other has not, or has with other bytes.

    Args:
        made_in: the other's folder when it was made, where it was moved since.
    """
    one, two = _contents(whole, whole), _contents(other, made_in or other)
    assert len(one) > 5, f"{whole} holds nothing to compare"
    return tuple(sorted(name for name in one.keys() | two.keys() if one.get(name) != two.get(name)))


def _contents(folder: Path, made_in: Path) -> dict[str, bytes]:
    files = [file for name in COMPARED for file in (folder / name).rglob("*") if file.is_file()]
    passing = {file for file in files if "tensorboard" in file.parts or file.name.startswith("timing_")}
    kept = [file for file in files if file.name not in NOT_COMPARED and file not in passing]
    own = str(made_in).encode()  # notebooks name their parameters
    found = {str(file.relative_to(folder)): _content(file).replace(own, b"OUT") for file in kept}
    soup = BeautifulSoup((folder / "index.html").read_text("utf-8"), "html.parser")
    soup.find("section", id="provenance").decompose()
    for told in soup.find_all(attrs={"data-run": True}):
        told.decompose()
    return found | {"index.html": str(soup).encode()}


def _content(file: Path) -> bytes:
    if file.name == "index.parquet":  # it holds times of files
        return b""
    data = file.read_bytes()
    if file.suffix == ".ipynb":  # without what shows measured durations
        notebook = json.loads(data)
        for cell in notebook["cells"]:
            cell["outputs"] = [one for one in cell.get("outputs", ()) if "data-timing" not in json.dumps(one)]
        return json.dumps(notebook).encode()
    # a run's note says how long it took
    return data.partition(b'"seconds"')[0] if file.parent.name == "runs" else data


def _table(rows: list[Row]) -> str:
    cells = [["stopped", "by", "status", "seconds", "left", "same bytes"]]
    for row in rows:
        same = "yes" if not row.differing else ", ".join(row.differing[:4])
        cells.append([row.what, row.how, row.status, row.ended, str(row.left), same])
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) for line in cells)


if __name__ == "__main__":
    main()
