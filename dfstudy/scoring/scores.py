"""The numbers of the test for a table of scores that another tool made.

Takes a `ScoredTable`, settings and perhaps a threshold; gives the same `Number`s as the chapter of the test,
by the same code, and remarks. What the scores cannot answer has no value and says why: probabilities
(log-loss, Brier, calibration error) where they leave 0..1, verdicts where no threshold was given. An order
that runs the wrong way is said, and never turned round in silence. Cost: as `testing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dfstudy.number import Number
from dfstudy.stats.aligned import align
from dfstudy.stats.measures import CHOSEN, NO_PROBABILITIES, measure, number_by_method
from dfstudy.stats.registry import Metric, listed

if TYPE_CHECKING:
    from dfstudy.scoring.scores_file import ScoredTable
    from dfstudy.study.comparisons import Evaluate

MADE = " % interval over "  # how `Interval.number` says how it was made
NO_THRESHOLD = "no threshold was given"


def evaluate_scores(
    table: ScoredTable, settings: Evaluate, threshold: float | None = None
) -> tuple[list[Number], list[str]]:
    """Numbers `test.*` and `test.*.method.*`, and remarks for the reader.

    Args:
        table: as `read_scores` gives it.
        threshold: an image is called fake where its score is at least this; choose it on other images.

    Returns:
        The numbers in the order of the test chapter, and the table's remarks with those on the results.
    """
    test = align([table.pictures])
    given = threshold is not None
    able = [one for one in listed("test") if not why_not(one, table.probabilities, given)]
    at = CHOSEN if threshold is None else given_threshold(threshold)
    level = 0.0 if threshold is None else float(threshold)
    found = {number.id: number for number in measure(test, [level], settings, asked=able, chosen=at)}
    numbers = []
    for one in listed("test"):
        name, why = f"test.{one.name}", why_not(one, table.probabilities, given)
        empty = Number(name, None, one.unit, one.images(test.labels), note=why) if why else None
        numbers.append(empty or found.pop(name))
    numbers += found.values()
    if threshold is not None:
        note = "as given; its choice is not part of the intervals"
        numbers.append(Number("test.threshold", level, "score", len(test), note=note))
    if len(test.methods) > 1:
        able = [one for one in listed("methods") if not why_not(one, table.probabilities, given)]
        numbers += number_by_method([table.pictures], [level], settings, able, at)
    area = next(number for number in numbers if number.id == "test.auc")
    return numbers, [*table.remarks, *wrong_way(area)]


def describe(numbers: Sequence[Number], remarks: Sequence[str]) -> str:
    """Lines for a terminal: every number with its interval, unit and note, then the remarks.

    How the intervals were made stands once, below.
    """
    names = [number.id.partition(".")[2] for number in numbers]
    notes = [number.note.split("; ") if number.note else [] for number in numbers]
    made = dict.fromkeys(part for parts in notes for part in parts if MADE in part)
    values = [str(number) if number.value is not None else "not defined" for number in numbers]
    first, second = max(map(len, names)), max(map(len, values))
    lines = [
        f"{name:<{first}}  {value:<{second}}  "
        + "; ".join([number.unit, *(part for part in parts if MADE not in part)])
        for name, value, number, parts in zip(names, values, numbers, notes, strict=True)
    ]
    return "\n".join([*lines, *(f"note: {remark}" for remark in [*made, *remarks])])


def why_not(metric: Metric, probabilities: bool, threshold: bool) -> str:
    """Why scores have no value in a metric; empty where they have one.

    Args:
        probabilities: whether the scores are probabilities.
        threshold: whether one was given.
    """
    if metric.probabilities and not probabilities:
        return NO_PROBABILITIES
    return NO_THRESHOLD if metric.threshold and not threshold else ""


def given_threshold(threshold: float) -> str:
    """What the note of a number says of a threshold that the caller gave."""
    return f"at the given threshold of {threshold:g}"


def wrong_way(area: Number) -> list[str]:
    """A remark where an AUC lies below one half with its whole interval, else none."""
    if area.value is None or area.high is None or area.high >= 0.5:
        return []
    return [
        f"the scores run the wrong way: AUC {area}. A higher score must mean fake; if this tool scores how "
        "real an image is, give 1 - score (or -score)"
    ]
