"""Whether the disk holds what a report will keep, before anything is rendered, indexed or trained.

Takes a study, the sizes of its networks and the runs that are still to be trained; refuses a disk with less
room than they need. A run keeps its best and its last weights and tables of scores; while it trains, the
optimiser's state lies beside them. The sample's images are rendered into the results, others stay where they
are, and decoded images are kept in memory. Cost: milliseconds, and half a second to list runs before there is
an index. What lists them is imported where it is used, so that a full disk is told at once.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dfstudy.errors import StudyError
from dfstudy.pipeline.invocation import shown_path
from dfstudy.system.finished import lacking

if TYPE_CHECKING:
    from dfstudy.data.split import Split
    from dfstudy.study.study import Study
    from dfstudy.variants.variant import Variant

KEPT = 2  # times the weights that a finished run holds: its best and its last
STATE = 4  # times the weights beside them while it trains: weights, two moments, a moving average
TABLES = 1_000_000  # bytes of a run's tables
PAGE = 30_000_000  # bytes of notebooks, figures, tables and the page, with those that are replaced
BLOCK = 4096  # bytes that the smallest file takes
MARGIN = 1.25  # times the sum: images and tables differ in size
INDEX = "data/index.parquet"  # in the results
GROUPS = 60  # of the made-up set by which runs are counted before there is an index

Sizes = Mapping[str, int]  # bytes of a network's weights, by `network_name`


def expected_runs(study: Study, budget: bool) -> list[tuple[Variant, int]]:
    """Runs to train as far as they are known before the images are: with the methods that the study names.

    None where an earlier report left an index: then the runs themselves are known soon.

    Args:
        budget: the least that a budget leaves.
    """
    from dfstudy.pipeline.budget import ladder
    from dfstudy.pipeline.plan import list_runs

    if (study.out / INDEX).is_file():
        return []
    split = _made_up_split(study)
    try:
        runs = [run for each in list_runs(study, split).values() for run in each]
        if budget and runs:
            runs = ladder(study, split)[0].runs
    except StudyError:
        return []  # a wrong method is refused when the images are known
    there = sum(not lacking(folder) for folder in (study.out / "runs").glob("seed*") if folder.is_dir())
    return runs[there:]


def refuse_small_disk(study: Study, sizes: Sizes, runs: list[tuple[Variant, int]]) -> None:
    """Refuse a disk with less room than these runs, the sample's images and the page need.

    Args:
        sizes: of the networks; of one that is not among them the weights do not count.
    Raises:
        StudyError: it has less.
    """
    weights = []
    if runs:
        from dfstudy.pipeline.budget import network_name

        weights = [sizes.get(network_name(variant.study), 0) for variant, _ in runs]
    parts = {
        f"{len(runs)} training run{'s' * (len(runs) != 1)}": sum(KEPT * each + TABLES for each in weights)
        + STATE * max(weights, default=0),
        "the sample's images": _sample_bytes(study),
        "page, figures and notebooks": 0 if (study.out / "index.html").is_file() and not runs else PAGE,
    }
    needed = int(MARGIN * sum(parts.values()))
    folder = next(each for each in (study.out, *study.out.parents) if each.is_dir())
    free = shutil.disk_usage(folder).free
    if free < needed:
        rough = "about" if sizes else "at least"
        told = ", ".join(f"{name} {say_size(size)}" for name, size in parts.items() if size)
        raise StudyError(
            f"no room for this report in {shown_path(folder)}: it needs {rough} {say_size(needed)} ({told}; "
            f"a quarter more to be sure), and {say_size(free)} is free",
            "make room there, give OUT= on another disk, or train less: BUDGET=20, or "
            'SET="forgeries.train_on=off defects.measured=false"',
        )


def say_size(size: int) -> str:
    """Bytes in words."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def _sample_bytes(study: Study) -> int:
    if not study.is_sample or (study.pictures / "index.csv").is_file():
        return 0
    sample = study.data.sample
    # a real and a fake with its mask, JPEG of good quality and PNG
    return sample.identities * sample.frames * 3 * (sample.size**2 + BLOCK)


def _made_up_split(study: Study) -> Split:
    """As many images as it takes to list runs, of the methods that are known before the images are."""
    import pandas as pd

    from dfstudy.data.split import SPLITS, Split

    methods = ["fake", *study.policies.unseen, *study.forgeries.second_methods]
    if study.is_sample:
        # Imported here: other sets need none of what renders.
        from dfstudy.portraits.forgery import METHODS

        methods = list(METHODS)
    rows: list[dict[str, Any]] = []
    for group in range(GROUPS):
        part = SPLITS[group % len(SPLITS)]
        for method in ("real", *dict.fromkeys(methods)):
            told = {"path": f"{method}/{group}.png", "label": int(method != "real"), "method": method}
            rows.append(told | {"group": str(group), "split": part, "sha256": "", "pipeline": ""})
    table = pd.DataFrame(rows)
    return Split(table, table[:0], Path(), "made up", True, (), table[:0], len(table))
