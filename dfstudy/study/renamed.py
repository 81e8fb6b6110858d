"""Names that policies and built-in studies had before: still taken, noted once, and replaced on reading.

Takes a name as a study file or the command line has it; gives the name of today. Pure, but for one line on
stderr the first time that a process meets an old name.
"""

from __future__ import annotations

import re
import sys
from functools import cache

RENAMED = {"seed": "original"}  # policies and built-in studies alike


def current_policy(name: str) -> str:
    """A policy's name of today: `original-grey` for `seed-grey`."""
    recipe, *rest = re.split(r"(?=[-+*])", name, maxsplit=1)
    return "".join((_current("policy", recipe), *rest))


def current_study(name: str) -> str:
    """A built-in study's name of today; a path is left as it is."""
    return _current("study", name)


@cache
def _current(kind: str, name: str) -> str:
    if name in RENAMED:
        print(f"note: the {kind} `{name}` is now called `{RENAMED[name]}`", file=sys.stderr, flush=True)
    return RENAMED.get(name, name)
