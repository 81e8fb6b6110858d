"""What this machine and environment offer the study, and what is wrong with them.

Takes nothing; gives a list of `Check`s, each good, a note or bad with the next step. Loads neither torch
nor OpenCV itself: they are tried in a process of their own. Needs no network. Cost: a second, and a few
more where a GPU is found, because torch is asked whether it sees it.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from dfstudy.system.provenance import PACKAGE, commit, machine, project_root, versions

FREE_GB = 3  # results of a study with checkpoints


@dataclass(frozen=True)
class Check:
    """One thing that was looked at; `hint` is the next step where it is not good."""

    name: str
    state: Literal["good", "note", "bad"]
    found: str
    hint: str = ""


def examine() -> list[Check]:
    """Look at everything."""
    return [
        _python(),
        *_lock(),
        *_opencv(),
        _gpu(),
        _cores(),
        _disk(),
        _fonts(),
        _kernel(),
        _code(),
        _checkout(),
    ]


def _python() -> Check:
    here = machine()
    found = f"{here['python']} on {here['system']}, {here['processor']}"
    return Check("Python", "good", found)


def _lock() -> list[Check]:
    file = project_root() / "requirements.lock"
    if not file.is_file():
        return [Check("versions", "note", "no requirements.lock here to compare with")]
    wrong = differing_versions(file.read_text("utf-8"))
    if not wrong:
        return [Check("versions", "good", "every package is at the locked version")]
    listed = "; ".join(f"{name} {have}, locked {want}" for name, have, want in wrong[:8])
    hint = "pip install -r requirements.lock, or remove .venv and run make report"
    return [Check("versions", "bad", f"{len(wrong)} differ: {listed}", hint)]


def differing_versions(lock: str) -> list[tuple[str, str, str]]:
    """(name, installed, locked) of every package that is not at its locked version.

    A line with a marker (`; sys_platform == ...`) counts only where the package is installed, and a package
    that is locked twice is right at either version.
    """
    wanted: dict[str, set[str]] = {}
    optional: dict[str, bool] = {}
    for line in lock.splitlines():
        match = re.match(r"([A-Za-z0-9._-]+)==([^\s;]+)\s*(;?)", line)
        if match:
            wanted.setdefault(match[1], set()).add(match[2])
            optional[match[1]] = bool(match[3])
    wrong = []
    for name, allowed in wanted.items():
        try:
            have = importlib.metadata.version(name).partition("+")[0]  # torch adds its CUDA version
        except importlib.metadata.PackageNotFoundError:
            have = "absent"
        if have not in allowed and not (have == "absent" and optional[name]):
            wrong.append((name, have, " or ".join(sorted(allowed))))
    return wrong


def _opencv() -> list[Check]:
    both = versions("opencv-python", "opencv-python-headless")
    headless = both["opencv-python-headless"]
    again = f"{sys.executable} -m pip install --force-reinstall --no-deps opencv-python-headless=={headless}"
    checks = []
    if len(set(both.values())) > 1:
        found = ", ".join(f"{name} {version}" for name, version in both.items())
        checks.append(
            Check("OpenCV", "bad", f"two versions own cv2: {found}", "pip install -r requirements.lock")
        )
    tried = _try("import cv2; print(cv2.__version__)")
    if tried.returncode:
        checks.append(Check("OpenCV", "bad", f"cv2 does not import: {_last(tried.stderr)}", again))
    return checks or [Check("OpenCV", "good", f"cv2 {tried.stdout.strip()}, one version")]


def _gpu() -> Check:
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return Check(
            "GPU", "note", "Apple's, through MPS: not byte-exact, a second run differs in its last bits"
        )
    if shutil.which("nvidia-smi") is None:
        return Check("GPU", "note", "none: networks train on the processor")
    asked = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"]
    names = subprocess.run(asked, capture_output=True, text=True, timeout=30).stdout.strip().splitlines()
    seen = _try("import torch; print(torch.cuda.device_count())")
    found = f"{'; '.join(names)}; torch sees {seen.stdout.strip() or 'no'} of {len(names)}"
    if seen.returncode == 0 and seen.stdout.strip() not in ("", "0"):
        return Check("GPU", "good", found)
    return Check("GPU", "bad", found, "install the torch build for this driver, see requirements.lock")


def _cores() -> Check:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Check("cores", "good", str(cores))


def _disk() -> Check:
    free = shutil.disk_usage(project_root()).free / 1e9
    found = f"{free:.0f} GB free for results"
    if free >= FREE_GB:
        return Check("disk", "good", found)
    return Check("disk", "bad", found, "make room, or give OUT= on another disk")


def _fonts() -> Check:
    spec = importlib.util.find_spec("matplotlib")
    file = Path(spec.origin).parent / "mpl-data/fonts/ttf/DejaVuSans.ttf" if spec and spec.origin else None
    if file and file.is_file():
        return Check("fonts", "good", "DejaVu Sans comes with matplotlib")
    return Check("fonts", "bad", "DejaVu Sans is missing", "pip install --force-reinstall matplotlib")


def _kernel() -> Check:
    if importlib.util.find_spec("ipykernel"):
        return Check("kernel", "good", f"python3 is {sys.executable}")
    return Check("kernel", "bad", "ipykernel is missing", "pip install -r requirements.lock")


def _code() -> Check:
    """What a Python of this environment imports that was not started in this checkout."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    tried = _try("import dfstudy.system.provenance as p; print(p.PACKAGE)", cwd=Path("/"), env=environment)
    hint = f"{sys.executable} -m pip install --no-deps --no-build-isolation --editable '{PACKAGE.parent}'"
    if tried.returncode:
        gone = "this environment's dfstudy is gone: was the checkout moved? Outside of it there is none"
        return Check("code", "bad", gone, hint)
    if Path(tried.stdout.strip()) != PACKAGE:
        found = f"this environment is that of {Path(tried.stdout.strip()).parent}; make runs {PACKAGE.parent}"
        return Check("code", "note", found, hint)
    return Check("code", "good", f"dfstudy is {PACKAGE}")


def _checkout() -> Check:
    head = commit()
    return Check("checkout", "note" if head == "unknown" else "good", f"commit {head}")


def _try(code: str, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **options)


def _last(text: str) -> str:
    return (text.strip().splitlines() or ["no message"])[-1]
