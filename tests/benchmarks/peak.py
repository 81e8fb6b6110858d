"""The most memory that this process has held, for scripts run to be looked at.

Gives bytes. Where Linux tells it, it is the peak of this program alone: what `resource` calls the greatest
is never less than what the process held that started it.
"""

from __future__ import annotations

import re
import resource
import sys
from contextlib import suppress
from pathlib import Path


def peak_memory() -> int:
    """Bytes resident at most since the program began."""
    with suppress(OSError):
        told = re.search(r"^VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
        if told:
            return int(told[1]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
