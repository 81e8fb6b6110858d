"""Where a chapter writes its figures and numbers.

A chapter run by `execute` writes into a staging folder, which replaces the published one only when the
whole chapter is good; a chapter run by hand in JupyterLab writes straight into the study's folder.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dfstudy.study.study import Study

STAGING = "DFSTUDY_STAGING"  # set by `execute` for the kernel that it starts


def results_folder(study: Study, kind: str) -> Path:
    """The folder for `figures` or `numbers`, made if missing."""
    folder = Path(os.environ.get(STAGING) or study.out) / kind
    folder.mkdir(parents=True, exist_ok=True)
    return folder
