"""A home for libraries that want one, where the user's is missing or cannot be written.

Fonts, notebooks and downloaded weights are kept below HOME by the libraries that use them, and some of these
end with a traceback where there is none: in a container with a user of its own, on a read-only disk. Gives
them a folder of the temporary directory instead, the same one at every call. Cost: two system calls.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def settle_home() -> str:
    """Make sure that HOME can be used; what to say where another one had to be taken, else ``."""
    home = _find_home()
    if home is not None and os.access(home, os.W_OK | os.X_OK) and home.is_dir():
        return ""
    user = os.getuid() if hasattr(os, "getuid") else 0
    own = Path(tempfile.gettempdir()) / f"dfstudy-home-{user}"
    own.mkdir(mode=0o700, exist_ok=True)
    if not os.access(own, os.W_OK) or own.stat().st_uid != user:  # somebody else took the name
        own = Path(tempfile.mkdtemp(prefix="dfstudy-home-"))
    os.environ["HOME"] = str(own)
    return f"HOME ({home or 'not set'}) cannot be written: what libraries keep there lies in {own}"


def _find_home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:  # a user whom the system's list does not know
        return None
