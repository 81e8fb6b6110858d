"""The study of a report under way, kept as it is when the report begins.

Takes an invocation; gives one of the copy, which every step runs with: whatever is edited meanwhile, the
report is of one study, on the images of one index (see `dfstudy.data.frozen`). Cost: a small file.
"""

from __future__ import annotations

from dfstudy.pipeline.invocation import Invocation, resolve
from dfstudy.study.study import FROZEN
from dfstudy.system.kept import write_if_changed
from dfstudy.system.provenance import file_digest


def freeze(invocation: Invocation) -> Invocation:
    """The same report, of a copy of its study in the results."""
    study = invocation.settings
    kept = {
        "file": str(study.file),
        "sha256": file_digest(study.file),
        "settings": study.model_dump(mode="json"),
        "overrides": study.overrides,  # the settings hold them; this says which they are
    }
    return resolve(str(write_if_changed(study.out / FROZEN, kept)), "", invocation.out)
