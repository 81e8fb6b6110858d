"""The tracked exhibit: what a reader on the web sees, and what a new machine compares itself with.

Takes the finished report of the sample study; gives `reports/published/sample` with page, figures and
numbers. Refuses an unfinished report and more than 4.5 MB in all, because every clone carries it.
"""

from __future__ import annotations

import shutil

from dfstudy.errors import StudyError
from dfstudy.pipeline.compare import exhibit_folder
from dfstudy.pipeline.invocation import resolve

LIMIT = 4_500_000  # bytes of the whole exhibit
PARTS = ("index.html", "figures", "numbers")


def publish_exhibit() -> str:
    """Replace the exhibit by the sample report of `reports/sample`; returns what was done, in words.

    Raises:
        StudyError: there is no finished sample report, or it is too large.
    """
    made, shown = resolve().settings.out, exhibit_folder()
    if not (made / "steps" / "page.json").is_file():
        raise StudyError("there is no finished sample report", "make one first: make report")
    files = [path for part in PARTS for path in [made / part, *(made / part).glob("*")] if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    if size > LIMIT:
        largest = max(files, key=lambda path: path.stat().st_size)
        raise StudyError(
            f"the published report would take {size:,} bytes, {LIMIT:,} are allowed",
            f"make the figures smaller; the largest file is {largest.name}",
        )
    shutil.rmtree(shown, ignore_errors=True)
    for path in files:
        target = shown / path.relative_to(made)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    told = f"published report: {len(files)} files, {size:,} bytes"
    return f"{told}; look at it and commit reports/published/sample"
