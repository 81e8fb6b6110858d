"""The kernel of a chapter: always this interpreter, and an environment that makes results repeatable.

Gives the environment variables that must be set before Python starts, and a kernel manager that ignores
every installed kernel of the name `python3` but this interpreter's own.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from traitlets import Unicode, default
from traitlets.config import Config

# Quiets a warning of ipykernel 7.4 a kernel; sockets of this machine's kernels are encrypted if they can be.
KERNEL_CONFIG = Config({"KernelManager": {"transport_encryption": "auto"}})


def steady_environment() -> dict[str, str]:
    """Variables under which the same inputs give the same bytes, whatever the shell had set.

    The number of threads changes the order of floating-point sums, so it is every core of the machine
    for each step, however many steps run side by side.
    """
    try:
        threads = str(len(os.sched_getaffinity(0)))
    except AttributeError:  # not on every system
        threads = str(os.cpu_count() or 1)
    limits = ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "VECLIB_MAXIMUM", "GOTO")
    return {
        "PYTHONHASHSEED": "0",
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # deterministic matrix products on CUDA
        "NO_ALBUMENTATIONS_UPDATE": "1",  # importing it asks the network otherwise
        "JUPYTER_PREFER_ENV_PATH": "1",
        **{f"{name}_NUM_THREADS": threads for name in limits},
    }


def kernel_environment(cache: Path) -> dict[str, str]:
    """The above, with folders of its own for IPython and matplotlib, so that no user's start-up file,
    style or history reaches a chapter. `cache` outlives the chapter: it holds matplotlib's font list.
    """
    folders = {"IPYTHONDIR": cache / "ipython", "MPLCONFIGDIR": cache / "matplotlib"}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    return {
        **steady_environment(),
        **{name: str(folder) for name, folder in folders.items()},
        "PYTHONFAULTHANDLER": "1",  # a crash leaves its stack in the kernel's log
    }


class OwnKernelManager(AsyncKernelManager):
    """Starts `python3` as this interpreter, and keeps what the process itself says in a file.

    The kernel specifications of a user, of another environment or of `JUPYTER_PATH` are not looked at.
    """

    log_file = Unicode("", help="file for what the kernel's process writes; empty lets it through").tag(
        config=True
    )

    @default("kernel_spec_manager")
    def _own_kernel_only(self) -> KernelSpecManager:
        return KernelSpecManager(kernel_dirs=[])

    async def start_kernel(self, **options: Any) -> None:
        """Start the kernel's process."""
        if not self.log_file:
            await super().start_kernel(**options)
            return
        with Path(self.log_file).open("wb") as log:
            await super().start_kernel(**{"stdout": log, "stderr": log, **options})
