"""Two or more finished reports side by side: settings, sources, verdicts and numbers.

Takes `FinishedReport`s; gives a `ReportsCompared`. The rules:

- A verdict is compared where the claim is word for word the same: `agrees`, `differs`, or `contradicts`
  where one report says yes and another no.
- A number with an interval is `apart` from another where each interval excludes the other's value. Between
  independent reports with intervals of equal width that happens to about one number in six by chance alone.
  So it `differs` only where it is apart and its p is at most `ALPHA` after Holm's correction over all numbers
  and pairs of reports that were compared. The interval of a difference comes from both by square-and-add
  (Zou and Donner 2008, Statistics in Medicine 27:1693), which takes the reports for independent: on shared
  images it is cautious, and says `differs` too rarely.
- A number without an interval (a count, a p) is not judged: `no interval` where the values are not equal.

Reports differ where a verdict or a number does. Settings, sources, and what one report alone has are listed
and decide nothing. Refused: fewer than two reports, and reports with no number in common. Pure.
"""

from __future__ import annotations

import itertools
import math
import re
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

from dfstudy.pipeline.compare import VERDICT
from dfstudy.pipeline.finished_report import FinishedReport, NotComparable
from dfstudy.present.answer import ALPHA
from dfstudy.stats.comparisons import holm
from dfstudy.stats.verdicts import NO, YES

if TYPE_CHECKING:
    from dfstudy.number import Number

LETTERS = string.ascii_uppercase  # names of the reports
SOURCES = ("Study", "Images", "Layout", "Code", "Machine", "Device of the training", "Seeds")
SEALED = re.compile(r"sha256 of \S+ ([0-9a-f]{64})")  # in the row of that name
CONFIDENCE, USUAL = "evaluate.confidence", 0.95
ABSENT = "not there"
# what may be said of a row
SAME, WITHIN, APART, DIFFERS = "same", "agrees", "apart", "differs"
CONTRADICTS, OTHER_CLAIM, NO_INTERVAL = "contradicts", "other claim", "no interval"
UNDEFINED, OTHER_UNIT, ONE_ONLY = "undefined in one", "other unit", "in one only"
DECIDING = (DIFFERS, CONTRADICTS)


@dataclass(frozen=True)
class ComparedRow:
    """One thing that reports say, in their order.

    Attributes:
        values: texts; of numbers with their intervals, of verdicts the word.
        state: one of the words above.
        p: of a number with intervals, the smallest over pairs of reports, after Holm's correction.
        exact: of numbers and verdicts, as the reports hold them.
    """

    name: str
    values: tuple[str, ...]
    state: str
    p: float | None = None
    exact: tuple[Number | None, ...] = ()


@dataclass(frozen=True)
class ReportsCompared:
    """What reports say of each other; every row that there is, in the order of its name.

    Attributes:
        names: folders of the reports.
        sources, settings: `same` or `differs`, which decides nothing.
        verdicts, numbers: see the module.
        judged: numbers with intervals that two reports at least have.
    """

    names: tuple[str, ...]
    sources: list[ComparedRow]
    settings: list[ComparedRow]
    verdicts: list[ComparedRow]
    numbers: list[ComparedRow]
    judged: int

    @property
    def agree(self) -> bool:
        """No verdict and no number differs."""
        return not any(row.state in DECIDING for row in (*self.verdicts, *self.numbers))


def compare_reports(reports: Sequence[FinishedReport]) -> ReportsCompared:
    """Compare reports.

    Raises:
        NotComparable: fewer than two, more than there are letters, or no number in common.
    """
    if not 2 <= len(reports) <= len(LETTERS):
        raise NotComparable(
            f"two to {len(LETTERS)} reports can be compared, {len(reports)} given",
            "name the folders of finished reports: dfstudy compare reports/sample reports/mine",
        )
    ids = sorted({name for report in reports for name in report.numbers})
    shared = [name for name in ids if sum(name in report.numbers for report in reports) > 1]
    if not shared:
        raise NotComparable(
            "the reports have no number in common", "compare reports that dfstudy made of similar studies"
        )
    found = {name: [report.numbers.get(name) for report in reports] for name in ids}
    confidence = [_confidence(report.settings) for report in reports]
    p = _adjusted(found, confidence)
    return ReportsCompared(
        tuple(report.name for report in reports),
        [*_compare_texts([_sources(report) for report in reports])],
        [*_compare_texts([report.settings for report in reports])],
        [_compare_verdict(name, found[name]) for name in ids if name.startswith(VERDICT)],
        [_compare_number(name, found[name], p.get(name)) for name in ids if not name.startswith(VERDICT)],
        len(p),
    )


def split_note(answer: Number) -> tuple[str, str]:
    """Word and claim of a verdict, which its note holds: undecided ones share the value None."""
    word, _, claim = answer.note.partition(": ")
    return word, claim


def _sources(report: FinishedReport) -> dict[str, str]:
    versions = {f"version of {name}": version for name, version in report.versions.items()}
    sealed = SEALED.search(report.record.get("Sealed", ""))
    plan = {"Sealed plan": sealed[1]} if sealed else {}
    return {name: report.record[name] for name in SOURCES if name in report.record} | plan | versions


def _compare_texts(told: Sequence[Mapping[str, str]]) -> Iterable[ComparedRow]:
    for name in dict.fromkeys(name for each in told for name in each):
        values = tuple(each.get(name, ABSENT) for each in told)
        yield ComparedRow(name, values, SAME if len(set(values)) == 1 else DIFFERS)


def _compare_verdict(name: str, found: Sequence[Number | None]) -> ComparedRow:
    told = [split_note(one) for one in found if one is not None]
    words, claims = {word for word, _ in told}, {claim for _, claim in told}
    values = tuple(ABSENT if one is None else split_note(one)[0] for one in found)
    if len(told) == 1:
        state = ONE_ONLY
    elif len(claims) > 1:
        state, values = OTHER_CLAIM, tuple(ABSENT if one is None else one.note for one in found)
    elif {YES, NO} <= words:
        state = CONTRADICTS
    else:
        state = WITHIN if len(words) == 1 else DIFFERS
    return ComparedRow(name, values, state, exact=tuple(found))


def _compare_number(name: str, found: Sequence[Number | None], p: float | None) -> ComparedRow:
    state = _state([one for one in found if one is not None], p)
    texts = (ABSENT if one is None else f"{one} {one.unit * (state == OTHER_UNIT)}".strip() for one in found)
    return ComparedRow(name, tuple(texts), state, p, tuple(found))


def _state(there: Sequence[Number], p: float | None) -> str:
    pairs = list(itertools.combinations(there, 2))
    if not pairs:
        return ONE_ONLY
    if len({one.unit for one in there}) > 1:
        return OTHER_UNIT
    if len({(one.value, one.low, one.high, one.n) for one in there}) == 1:
        return SAME
    if any(_are_apart(*pair) for pair in pairs):
        return DIFFERS if p is not None and p <= ALPHA else APART
    if any((one.value is None) != (other.value is None) for one, other in pairs):
        return UNDEFINED
    return WITHIN if all(map(_has_interval, there)) else NO_INTERVAL


def _has_interval(one: Number) -> bool:
    return one.value is not None and one.low is not None and one.high is not None


def _are_apart(one: Number, other: Number) -> bool:
    """Each interval excludes the other's value."""
    return (
        _has_interval(one)
        and _has_interval(other)
        and not one.low <= other.value <= one.high
        and not other.low <= one.value <= other.high
    )


def _adjusted(found: Mapping[str, Sequence[Number | None]], confidence: Sequence[float]) -> dict[str, float]:
    """Smallest p of each number over pairs of reports, after Holm's correction over all of them."""
    asked: list[tuple[str, float]] = []
    for name, each in found.items():
        sure = [(one, level) for one, level in zip(each, confidence, strict=True) if one is not None]
        for (one, at), (other, level) in itertools.combinations(sure, 2):
            if _has_interval(one) and _has_interval(other) and one.unit == other.unit:
                asked.append((name, _p_of_difference(one, at, other, level)))
    smallest: dict[str, float] = {}
    for (name, _), p in zip(asked, holm([p for _, p in asked]), strict=True):
        smallest[name] = min(smallest.get(name, 1.0), float(p))
    return smallest


def _p_of_difference(one: Number, at: float, other: Number, level: float) -> float:
    """Two-sided, normal; each side's error is the half of its interval that points to the other value."""
    low, high = (one, at), (other, level)
    if one.value > other.value:
        low, high = high, low
    up = max(0.0, low[0].high - low[0].value) / _quantile(low[1])
    down = max(0.0, high[0].value - high[0].low) / _quantile(high[1])
    difference, error = high[0].value - low[0].value, math.hypot(up, down)
    if error == 0:  # intervals without width
        return 1.0 if difference == 0 else 0.0
    p = 2 * NormalDist().cdf(-difference / error)
    return p if p <= 1 else 1.0  # of values that are too large to be compared there is none


def _quantile(confidence: float) -> float:
    return NormalDist().inv_cdf((1 + confidence) / 2)


def _confidence(settings: Mapping[str, str]) -> float:
    """Of a report's intervals; the usual one where it does not say."""
    try:
        found = float(settings.get(CONFIDENCE, USUAL))
    except ValueError:
        return USUAL
    return found if 0.5 <= found <= 0.999 else USUAL
