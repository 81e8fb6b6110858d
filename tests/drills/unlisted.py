"""What a step of a report opened and does not list among what it reads: nothing, or a page goes stale unseen.

Takes what `opened/sitecustomize.py` wrote while a report ran, and the results with `study/reads.json`; gives
a line for each file that decides about a result and is missing from its step's list. Looked at are the
package (its modules in the kernels of chapters and its data files everywhere), the notebooks, the published
report, the study's file, and results of other steps. Not looked at: the interpreter and its libraries, which
count by version, the modules of the machinery that runs a step, which shape no result, and code whose results
are listed by content.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path

from dfstudy.pipeline.listing import APART

ROOT = Path(__file__).resolve().parents[2]
OPENED = Path(__file__).with_name("opened")  # a folder for PYTHONPATH
# of the results: what the plan froze or lists by itself, what is kept under the key of its content,
# and what a step writes for itself
OWN = (
    "data", "elsewhere", "features", "pictures", "study", "steps", "runs", ".cache", ".staging", ".index.lock"
)  # fmt: skip
MACHINERY = ("dfstudy/system/bound.py", "dfstudy/system/lock.py")  # how a kernel's process is started
PUBLISHED = ("notebooks", "figures", "numbers", "index.html")


def read_steps(out: Path) -> dict[str, dict]:
    """What each step lists, by its name."""
    listed = json.loads((out / "study" / "reads.json").read_text("utf-8"))["steps"]
    return {Path(step["note"]).stem: step for step in listed}


def find_unlisted(
    logs: Path, out: Path, study_file: Path, steps: Mapping[str, dict], root: Path = ROOT
) -> list[str]:
    """`<step>: <file>` of every file that was opened and is not listed, sorted.

    Args:
        logs: folder that `DFSTUDY_OPENED` named.
        root: the checkout that ran.
    """
    found = set()
    for log in sorted(logs.iterdir()):
        step, kind, _ = log.name.split(" ")
        for line in log.read_text("utf-8").splitlines():
            name = _unlisted(Path(line), kind, step, steps[step], out, study_file, root)
            if name:
                found.add(f"{step}: {name}")
    return sorted(found)


def _unlisted(
    path: Path, kind: str, own: str, step: dict, out: Path, study_file: Path, root: Path
) -> str | None:
    if not path.is_file():  # looked for and not found, or of this process alone
        return None
    if path == study_file:
        return str(path.name)
    if path.is_relative_to(out):
        first, *rest = path.relative_to(out).parts
        maker = Path(rest[0]).stem if rest else ""
        if first in OWN or (first in PUBLISHED and own == "page"):
            return None
        listed = first in PUBLISHED and (maker == own or f"steps/{maker}.json" in step["after"])
        return None if listed else str(path.relative_to(out))
    if not path.is_relative_to(root) or ".venv" in path.parts:
        return None
    if path.suffix == ".pyc":
        path = Path(importlib.util.source_from_cache(str(path)))
    name = str(path.relative_to(root))
    if name.split("/")[0] not in ("dfstudy", "notebooks", "reports") or name in step["reads"]:
        return None
    if path.suffix == ".py" and (kind != "kernel" or name in MACHINERY):
        return None
    if name.removeprefix("dfstudy/").startswith(APART):
        return None
    known = {
        "reports/published": "published report",
    }
    return (
        None if any(name.startswith(key) and each in step["reads"] for key, each in known.items()) else name
    )
