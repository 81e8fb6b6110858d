"""What reports of one study on other splits of its images agree on.

Takes finished reports of one study that differ in `data.split_seed`; gives a page that compares them, and
what it says in short, for the published page and the README. Where a folder of images names its own test
part, other seeds draw training and validation alone, and this says so: that is no second test. Cost: the
index is read, nothing is trained.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dfstudy.errors import StudyError
from dfstudy.pipeline.compare_page import lead, write_page
from dfstudy.pipeline.compare_reports import WITHIN, compare_reports
from dfstudy.pipeline.finished_report import read_report

if TYPE_CHECKING:
    from dfstudy.study.study import Study

SPLITS = "other_splits"  # stem of the page that compares them, and of what it found
SEED = re.compile(r"\+data\.split_seed=(\d+)")  # how the folder of such a report ends; nothing else differs
BEFORE = "<h3>What this does not say</h3>"  # of the page, where a line on other splits goes
LINE = re.compile(rf'<p>On <a href="{SPLITS}\.html">.*?</p>\n')  # that line


def find_other_splits(made: Path) -> dict[int, Path]:
    """Results folders beside a report that differ from it in the split alone, by seed."""
    named = {found[1]: path for path in made.parent.glob(f"{made.name}+*") if (found := _seed_of(made, path))}
    return {int(seed): named[seed] for seed in sorted(named, key=int)}


def _seed_of(made: Path, path: Path) -> re.Match[str] | None:
    return SEED.fullmatch(path.name.removeprefix(made.name))


def share_tests(study: Study, seeds: Iterable[int]) -> float:
    """Share of the study's test images on which every one of the other splits tests as well."""
    from dfstudy.data.index import index_study
    from dfstudy.data.split import split_study

    index = index_study(study, progress=False)

    def tested(data: object) -> set[str]:
        return set(split_study(study.model_copy(update={"data": data}), index).part("test")["path"])

    own = tested(study.data)
    others = [tested(study.data.model_copy(update={"split_seed": seed})) for seed in seeds]
    return len(own.intersection(*others)) / len(own)


def compare_splits(folders: Sequence[Path], shown: Path, questions: Mapping[str, str], shared: float) -> None:
    """Write what reports of one study on several splits of its images agree on.

    Args:
        folders: of finished reports, the published one first.
        shown: folder of the page, and of what it says in short.
        questions: by id of an answer, to name those that the splits answer otherwise.
        shared: as `share_tests` gives it.
    """
    found = compare_reports(
        [replace(read_report(str(folder)), name=f"reports/{folder.name}") for folder in folders]
    )
    write_page(found, shown / f"{SPLITS}.html")
    parted = {questions[row.name]: row.values for row in found.verdicts if row.state != WITHIN}
    told = {"reports": found.names, "shared": shared, "found": lead(found)[:2], "parted": parted}
    (shown / f"{SPLITS}.json").write_text(json.dumps(told, indent=1) + "\n", "utf-8")


def tell_splits(shown: Path, words: str, safe: Callable[[str], str] = str) -> str:
    """What the other splits agree on, and what they do not; empty without any.

    Args:
        words: with `{page}`, `{splits}` and `{found}`.
        safe: makes a text fit for where it goes.
    """
    file = shown / f"{SPLITS}.json"
    if not file.is_file():
        return ""
    told = json.loads(file.read_text("utf-8"))
    several = len(told["reports"]) > 2
    splits = f"{len(told['reports']) - 1} other split{'s' * several} of the same images"
    tests = (
        "the test images are the same, which the folder names, so that training and validation alone were "
        "drawn anew"
        if told["shared"] == 1
        else f"{100 * told['shared']:.0f} % of the test images are in {'all' if several else 'both'}"
    )
    parted = [f"answered otherwise: {each} ({', '.join(said)})" for each, said in told["parted"].items()]
    found = "; ".join([tests, *told["found"], *parted])
    return words.format(page=f"{SPLITS}.html", splits=splits, found=safe(found))


def tell_on_page(page: str, shown: Path) -> str:
    """The page, with a line on the other splits before what it does not say, in the place of an earlier one.

    Raises:
        StudyError: the page has no such place.
    """
    if BEFORE not in page:
        raise StudyError("the page has no place for what other splits say", f"it goes before {BEFORE}")
    line = tell_splits(shown, '<p>On <a href="{page}">{splits}</a>: {found}.</p>\n', html.escape)
    return LINE.sub("", page).replace(BEFORE, line + BEFORE, 1)
