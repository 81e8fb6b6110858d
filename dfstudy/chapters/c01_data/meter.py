"""The leakage meter as a report runs it: only where it has something to measure.

Takes a study and its split; gives what `dfstudy.chapters.c01_data.leakage` measured, or the reason why nothing was.
Groups come from the set or from near-duplicates; where few pictures share one, two trainings would compare
noise. Cost: none where it does not apply, else that of `measure_leakage`.
"""

from __future__ import annotations

from dataclasses import replace

from dfstudy.chapters.c01_data.leakage import Leakage, leakage_numbers, measure_leakage, small_study
from dfstudy.data.split import Split
from dfstudy.number import Number
from dfstudy.study.study import Study

LEAST_SHARING = 0.2  # share of pictures that must have a fellow in their group
LEAST_GROUPS = 20  # with fewer, the interval over groups spans what any leak could pay


def run_meter(study: Study, split: Split, progress: bool = True) -> Leakage | None:
    """Measure, or find what was measured; None where `why_not` gives a reason.

    Raises:
        StudyError: a training cannot be done; see `dfstudy.train.run.train`.
    """
    if why_not(split):
        return None
    return measure_leakage(small_study(study, pictures=len(split.part("train"))), split, progress)


def why_not(split: Split) -> str:
    """Why the meter does not apply, in words; empty where it does."""
    groups = split.rows["group"]
    sharing = groups.duplicated(keep=False).mean()
    if sharing < LEAST_SHARING:
        known = f"{split.why_groups_unknown}, and " if split.why_groups_unknown else ""
        return (
            f"{known}{sharing:.0%} of the pictures share a group with another: there is little to tear apart"
        )
    if groups.nunique() < LEAST_GROUPS:
        return f"{groups.nunique()} groups are too few to compare two splits"
    return ""


def meter_numbers(found: Leakage | None, split: Split) -> list[Number]:
    """Numbers `leakage.*`, with the reason where there is none."""
    numbers = leakage_numbers(found, split)
    return numbers if found else [replace(number, note=why_not(split) or number.note) for number in numbers]
