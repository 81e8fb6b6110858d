"""The kernel of a chapter: always this interpreter.

Gives a kernel manager for papermill that ignores every installed kernel of the name `python3` but this
interpreter's own, ends it with this process, and keeps what the kernel's process writes.
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

    def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
        """The kernel's command, bound to this process.

        Only the connection file is filled in: braces in a path are characters.
        """
        filled = {"{connection_file}": os.path.realpath(self.connection_file)}
        words = [*self.kernel_spec.argv, *(extra_arguments or [])]
        module = words.index("-m") + 1
        return [filled.get(word, word) for word in (*words[:module], "dfstudy.system.bound", *words[module:])]

    async def start_kernel(self, **options: Any) -> None:
        """Start the kernel's process."""
        if not self.log_file:
            await super().start_kernel(**options)
            return
        with Path(self.log_file).open("wb") as log:
            await super().start_kernel(**{"stdout": log, "stderr": log, **options})
