"""Differences between trainings that differ in their policy: their sizes, verdicts, and course over budgets.

Takes what `run_policies` gives; gives a `Compared` with every value, difference and verdict. Groups are drawn
once a quantity for all trainings together; intervals of differences cover other images and other seeds, see
`paired`. Cost: 1 s on two cores for 62 runs, 420 images and 1,000 replicates, and in proportion.

A verdict follows from `change.decide`; `improves` and `worsens` need Holm's p to be small as well. Networks
that have not learned get none (`learning`), and neither do two that leave less room above them than a gain
worth having. What is corrected together, and what was declared before training, is settled in `families`.
A course is called a trend where the difference at the full budget minus that at the smallest one passes the
same rule; where it does not, curves that cross by chance are not said to cross.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from dfstudy.chapters.c05_policies.families import Tier, correct_families, holm_known
from dfstudy.chapters.c05_policies.per_metric import (
    LEAST_AUC,
    QUANTITIES,
    Sheet,
    make_sheet,
    methods_not_learned,
)
from dfstudy.stats.intervals import Floats, Interval, group_interval
from dfstudy.stats.learning import Learning, tell_untrained
from dfstudy.stats.paired import PairedDifference, difference_from
from dfstudy.stats.seeds import around_mean, with_seeds
from dfstudy.stats.verdicts import IMPROVES, INCONCLUSIVE, NO_DIFFERENCE, UNTRAINED, WORSENS, Decision, decide
from dfstudy.variants.policies import Comparison, Trained, list_comparisons

if TYPE_CHECKING:
    from dfstudy.chapters.c05_policies.tested import TestedVariant
    from dfstudy.study.study import Study

PolicyVerdict = (
    Decision | Literal["learns less", "not trained enough to tell", "no room to tell", "not applicable"]
)
VERDICTS: tuple[PolicyVerdict, ...] = (
    IMPROVES,
    WORSENS,
    "learns less",  # a smaller gap between training and validation, from a network that is worse on both
    NO_DIFFERENCE,  # of as much as is worth having
    INCONCLUSIVE,
    UNTRAINED,
    "no room to tell",
    "not applicable",
)
UNTOLD = VERDICTS[5:]
UNCHANGED = "not applicable: it changes nothing at this size, as both trainings give the same scores"
BOUNDED = ("auc", "unseen", "robust")  # quantities that cannot pass 1
COURSE = "auc"  # the quantity whose course over the budgets is judged
SHORT = ("auc", "unseen", "gap")  # what is compared of other budgets, parts and strengths


@dataclass(frozen=True)
class PolicyEffect:
    """One comparison in one quantity.

    Attributes:
        difference: second minus first.
        p: after Holm's correction; None without an interval, and where nothing is asked.
        family: comparisons that were corrected together; 0 where nothing is asked.
        n: images.
        untold: why nothing is said of it, one of `UNTOLD` and the reason; empty where something is.
        is_weaker: the second training's validation AUC is lower by more than a gain worth having.
        tier: whether the study declared it before training.
    """

    comparison: Comparison
    quantity: str
    difference: PairedDifference
    n: int
    p: float | None = None
    family: int = 0
    untold: str = ""
    is_weaker: bool = False
    tier: Tier = "exploratory"

    @property
    def verdict(self) -> PolicyVerdict:
        """What the second training's policy does, or for parts and strengths what is added."""
        for word in UNTOLD:
            if self.untold.startswith(word):
                return word
        kind, found = QUANTITIES[self.quantity], self.difference
        sure = self.p is not None and self.p < 1 - found.settings.confidence
        told = decide(found.low, found.high, found.seeds, gain=kind.gain, least=kind.least, is_sure=sure)
        return "learns less" if (told, self.quantity) == (IMPROVES, "gap") and self.is_weaker else told


@dataclass(frozen=True)
class Course:
    """How the difference of one policy to the first goes with the budget.

    Attributes:
        points: its effects by rising budget.
        change: at the full budget minus at the smallest.
        p: after Holm's correction over the policies.
        family: policies that were corrected together.
    """

    policy: str
    points: tuple[PolicyEffect, ...]
    change: PairedDifference
    p: float | None
    family: int

    @property
    def heads(self) -> int:
        """1 up, -1 down, 0 where no trend is found."""
        return _side(self.change, self.p)

    @property
    def crossing(self) -> tuple[float, float] | None:
        """Shares of the epochs between which a trend carries the difference over 0."""
        signs = [self.heads * np.sign(one.difference.value) for one in self.points]
        if not self.heads or signs[0] >= 0 or signs[-1] <= 0:
            return None
        at = max(at for at, sign in enumerate(signs) if sign <= 0)
        return self.points[at].comparison.share, self.points[at + 1].comparison.share


@dataclass(frozen=True)
class Compared:
    """Everything that chapter 05 found.

    Attributes:
        values: by quantity and training: mean over seeds, interval over images and seeds.
        effects: of every comparison, in the order of `list_comparisons`.
        courses: one a policy beside the first; none where there is one budget.
        pictures: by quantity.
        unseen: forgery methods of the test that no training learned.
        runs: trained networks.
        learning: by training, whether it has learned.
    """

    study: Study
    values: dict[str, dict[Trained, Interval]]
    effects: tuple[PolicyEffect, ...]
    courses: tuple[Course, ...]
    pictures: dict[str, int]
    unseen: tuple[str, ...]
    runs: int
    learning: dict[Trained, Learning]

    @property
    def policies(self) -> list[str]:
        """As named; the first is what the others are compared with."""
        return list(dict.fromkeys(self.study.policies.names))

    def of(self, kind: str, quantity: str, share: float | None = None) -> list[PolicyEffect]:
        """Effects of one kind in one quantity, at one budget or at all."""
        return [
            one
            for one in self.effects
            if (one.comparison.kind, one.quantity) == (kind, quantity)
            and share in (None, one.comparison.share)
        ]


def compare_policies(study: Study, tested: Mapping[Trained, TestedVariant]) -> Compared | None:
    """Every comparison in every quantity; None where no policy is named.

    Raises:
        ValueError: trainings that saw or were tested on different images.
    """
    if not tested:
        return None
    comparisons = list_comparisons(study)
    learning = {trained: one.judge(study.evaluate) for trained, one in tested.items()}
    same = {one: tested[one.first].is_same(tested[one.second]) for one in comparisons}
    values: dict[str, dict[Trained, Interval]] = {}
    pictures, effects, trends = {}, [], {}
    for name in QUANTITIES:
        sheet = make_sheet(name, tested, study.evaluate)
        if sheet is None:
            continue
        asked = [one for one in comparisons if _is_asked(one, name)]
        values[name], differences, changes = _measure(sheet, asked, name)
        trends |= changes  # of one quantity alone
        pictures[name] = sheet.n
        effects += [
            _judged(PolicyEffect(one, name, difference, sheet.n), values[name], learning, same[one])
            for one, difference in zip(asked, differences, strict=True)
        ]
    effects = correct_families(effects, study.policies)
    courses = _courses([one for one in effects if one.quantity == COURSE], trends)
    order = {one.stem: at for at, one in enumerate(comparisons)}
    effects.sort(key=lambda one: order[one.comparison.stem])  # by quantity within, as sorting is stable
    runs = sum(len(one.test) for one in tested.values())
    unseen = tuple(methods_not_learned(tested))
    return Compared(study, values, tuple(effects), tuple(courses), pictures, unseen, runs, learning)


def _judged(
    effect: PolicyEffect,
    values: Mapping[Trained, Interval],
    learning: Mapping[Trained, Learning],
    is_same: bool,
) -> PolicyEffect:
    first, second = (learning[each].val_auc for each in (effect.comparison.first, effect.comparison.second))
    untold = UNCHANGED if is_same else _untold(effect, values, learning)
    return replace(effect, untold=untold, is_weaker=second < first - LEAST_AUC)


def _untold(
    effect: PolicyEffect, values: Mapping[Trained, Interval], learning: Mapping[Trained, Learning]
) -> str:
    """Why nothing is said of a difference; empty where something is."""
    sides = (effect.comparison.first, effect.comparison.second)
    unlearned = [each.policy for each in dict.fromkeys(sides) if not learning[each].learned]
    if unlearned:
        return tell_untrained(unlearned)
    # imported here: what augments takes seconds to load, and most who compare do not augment
    from dfstudy.augment.policies import makes_fakes

    forging = [each.policy for each in sides if makes_fakes(each.policy)]
    if effect.quantity == "gap" and forging:
        return f"not applicable: {forging[0]} learns fakes of its own, and the gap is that on the set's"
    return _no_room(effect, float(values[effect.comparison.first].value))


def _no_room(effect: PolicyEffect, first: float) -> str:
    """That no gain worth having was left, so that excluding one says nothing; empty for a sure loss.

    Args:
        first: value of what the second is compared with.
    """
    kind, found = QUANTITIES[effect.quantity], effect.difference
    if effect.quantity not in (*BOUNDED, "gap") or kind.least is None or found.groups < 2:
        return ""
    left = first if effect.quantity == "gap" else 1 - first
    end = found.high if kind.gain > 0 else found.low  # that which speaks most for the second
    is_worse = end is not None and kind.gain * end < 0
    if left >= kind.least or is_worse:
        return ""
    return f"no room to tell: less than {kind.least} is left to gain"


def _is_asked(comparison: Comparison, quantity: str) -> bool:
    return quantity in SHORT or (comparison.kind == "policy" and comparison.share == 1)


def _measure(
    sheet: Sheet, comparisons: Sequence[Comparison], quantity: str
) -> tuple[dict[Trained, Interval], list[PairedDifference], dict[str, PairedDifference]]:
    """Values by training, the comparisons' differences, and by policy its change with the budget."""
    place = {trained: at for at, trained in enumerate(sheet.trained)}
    signs = np.zeros((len(comparisons), len(place)))
    for row, one in enumerate(comparisons):
        signs[row, place[one.second]] += 1
        signs[row, place[one.first]] -= 1
    budgets = _budgets(comparisons) if quantity == COURSE else {}
    turns = [signs[rows[-1]] - signs[rows[0]] for rows in budgets.values()]
    contrasts = np.vstack([signs, *turns])

    def statistics(*weights: Floats) -> Floats:
        """[replicates, (trainings + contrasts) (1 + seeds)]: means over seeds, each seed less the mean, and
        each contrast by seed."""
        each = sheet.each(*weights)
        apart = np.einsum("ct,rts->rcs", contrasts, each)
        told = np.concatenate([apart.mean(axis=2, keepdims=True), apart], axis=2)
        return np.hstack([around_mean(each).reshape(len(each), -1), told.reshape(len(each), -1)])

    found = group_interval(statistics, *sheet.units, settings=sheet.settings)
    kind = QUANTITIES[quantity]
    width = len(found.value) // (len(place) + len(contrasts))
    blocks = [slice(row * width, (row + 1) * width) for row in range(len(place) + len(contrasts))]
    levels = {trained: found[blocks[at]] for trained, at in place.items()}
    values = {
        trained: with_seeds(level[0], level[1:], kind.scale, sheet.behind)
        for trained, level in levels.items()
    }
    differences = [difference_from(found[block], sheet.behind, kind.apart) for block in blocks[len(place) :]]
    return values, differences[: len(signs)], dict(zip(budgets, differences[len(signs) :], strict=True))


def _budgets(comparisons: Sequence[Comparison]) -> dict[str, list[int]]:
    """By policy the rows of its comparisons by rising budget, where it has more than one length."""
    rows: dict[str, list[int]] = {}
    for row, one in enumerate(comparisons):
        if one.kind == "policy":
            rows.setdefault(one.subject, []).append(row)
    ordered = {name: sorted(own, key=lambda row: comparisons[row].share) for name, own in rows.items()}
    return {
        name: own
        for name, own in ordered.items()
        if comparisons[own[0]].second.epochs < comparisons[own[-1]].second.epochs
    }


def _courses(effects: Sequence[PolicyEffect], changes: Mapping[str, PairedDifference]) -> list[Course]:
    adjusted = holm_known([change.p for change in changes.values()])
    made = []
    for (policy, change), p in zip(changes.items(), adjusted, strict=True):
        own = [one for one in effects if one.comparison.kind == "policy" and one.comparison.subject == policy]
        points = tuple(sorted(own, key=lambda one: one.comparison.share))
        made.append(Course(policy, points, change, p, len(changes)))
    return made


def _side(difference: PairedDifference, p: float | None) -> int:
    """1 above 0, -1 below, 0 where it may be either."""
    sure = p is not None and p < 1 - difference.settings.confidence
    told = decide(difference.low, difference.high, difference.seeds, is_sure=sure)
    return {IMPROVES: 1, WORSENS: -1}.get(told, 0)
