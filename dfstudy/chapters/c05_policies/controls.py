"""Two comparisons in which there is nothing to find, made as every other is.

Takes a study, its split and what `run_policies` gives; gives `Controls`: the first policy against itself with
other seeds, in every quantity that costs no further prediction, and what a network makes of labels dealt at
random. They are *silent* where the first shows no difference after Holm's correction and the second has not
learned. One study in twenty is not, by chance; a method that often is not finds things that are not there.
Cost: trains what is missing, four runs of three seeds; then as one policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dfstudy.chapters.c05_policies.families import holm_known
from dfstudy.chapters.c05_policies.per_metric import QUANTITIES, Sheet, make_sheet
from dfstudy.chapters.c05_policies.tested import TestedVariant, run_variant
from dfstudy.number import Number
from dfstudy.stats.intervals import Floats, Interval, group_interval
from dfstudy.stats.paired import PairedDifference, difference_over
from dfstudy.stats.seeds import around_mean, with_seeds
from dfstudy.stats.verdicts import IMPROVES, WORSENS, Decision, decide
from dfstudy.variants.controls import PERMUTED, SAME
from dfstudy.variants.policies import Trained
from dfstudy.variants.registry import CONTROLS, list_variants

if TYPE_CHECKING:
    from dfstudy.data.split import Split
    from dfstudy.stats.learning import Learning
    from dfstudy.study.study import Study

MEASURED = ("auc", "unseen", "gap", "log_loss")  # the corrupted images would cost as much as a policy
OTHER = "{} with other seeds"


@dataclass(frozen=True)
class Same:
    """One quantity of two sets of runs that differ in their seeds alone.

    Attributes:
        difference: second minus first; p after Holm's correction over the quantities.
        values: of the first and of the second, means over seeds.
        n: images.
    """

    difference: PairedDifference
    p: float | None
    values: tuple[Interval, Interval]
    n: int

    def verdict(self, quantity: str) -> Decision:
        """What chapter 05 would say of it."""
        kind, found = QUANTITIES[quantity], self.difference
        sure = self.p is not None and self.p < 1 - found.settings.confidence
        return decide(found.low, found.high, found.seeds, gain=kind.gain, least=kind.least, is_sure=sure)


@dataclass(frozen=True)
class Controls:
    """What the two controls show.

    Attributes:
        policy: of all of these runs.
        same: by quantity.
        permuted: whether the network learned labels that mean nothing.
        permuted_auc: its AUC on the test, whose labels are the true ones.
        images: of the test.
    """

    policy: str
    same: Mapping[str, Same]
    permuted: Learning
    permuted_auc: Interval
    images: int

    @property
    def found(self) -> list[str]:
        """Quantities in which equal recipes are said to differ."""
        return [name for name, one in self.same.items() if one.verdict(name) in (IMPROVES, WORSENS)]

    @property
    def silent(self) -> bool:
        """Neither control shows anything."""
        return not self.found and not self.permuted.learned


def run_controls(
    study: Study, split: Split, tested: Mapping[Trained, TestedVariant], progress: bool = True
) -> Controls | None:
    """Find or train the controls' runs and compare; None where the study has none.

    Args:
        tested: of `run_policies`, which holds the first policy at the full budget.
    """
    variants = {variant.name: variant for variant in list_variants(study, split, CONTROLS)}
    if not variants:
        return None
    same, permuted = (run_variant(variants[name], progress) for name in (SAME, PERMUTED))
    return compare_controls(study, tested, same, permuted)


def compare_controls(
    study: Study, tested: Mapping[Trained, TestedVariant], same: TestedVariant, permuted: TestedVariant
) -> Controls:
    """The controls of runs that are tested already."""
    first = Trained(study.policies.names[0], study.training.epochs)
    pair = {first: tested[first], Trained(OTHER.format(first.policy), first.epochs): same}
    sheets = {name: make_sheet(name, pair, study.evaluate) for name in MEASURED}
    measured = {name: _differ(sheet, name) for name, sheet in sheets.items() if sheet is not None}
    adjusted = holm_known([difference.p for difference, _, _ in measured.values()])
    told = {
        name: Same(difference, p, values, n)
        for (name, (difference, values, n)), p in zip(measured.items(), adjusted, strict=True)
    }
    lost = make_sheet("auc", {first: permuted}, study.evaluate)
    assert lost is not None  # the test has fakes, or the pair above had no sheet either
    (auc,), n = _values(lost, "auc"), lost.n
    return Controls(first.policy, told, permuted.judge(study.evaluate), auc, n)


def control_numbers(controls: Controls | None) -> list[Number]:
    """`control.same.<quantity>`, its `.first`, `.difference` and `.p`; `control.permuted.*`; `.silent`."""
    if controls is None:
        return []
    numbers = []
    for name, one in controls.same.items():
        kind, stem = QUANTITIES[name], f"control.same.{name}"
        seeds = one.difference.seeds
        over = f"mean over {seeds} seeds; covers other images and other seeds"
        for end, value, whose in zip(
            (".first", ""), one.values, (controls.policy, OTHER.format(controls.policy)), strict=True
        ):
            numbers.append(value.number(f"{stem}{end}", unit=kind.unit, n=one.n, note=f"{whose}; {over}"))
        note = f"{kind.spoken}, equal recipes, other seeds; {one.verdict(name)}"
        numbers.append(one.difference.number(f"{stem}.difference", unit=kind.unit, n=one.n, note=note))
        corrected = f"Holm's correction over {len(controls.same)}"
        numbers.append(Number(f"{stem}.p", one.p, "1", one.n, note=corrected, digits=4))
    note = "trained on permuted labels, tested on true ones"
    numbers += [
        controls.permuted_auc.number("control.permuted.auc", unit="AUC", n=controls.images, note=note),
        *controls.permuted.numbers("control.permuted"),
        Number(
            "control.silent",
            int(controls.silent),
            "1 = nothing found",
            controls.images,
            note=f"differences found between equal recipes: {', '.join(controls.found) or 'none'}; "
            f"permuted labels: {controls.permuted.told()}",
        ),
    ]
    return numbers


def _differ(sheet: Sheet, name: str) -> tuple[PairedDifference, tuple[Interval, Interval], int]:
    def each(*weights: Floats) -> Floats:
        values = sheet.each(*weights)
        return values[:, 1] - values[:, 0]

    difference = difference_over(
        each, *sheet.units, behind=sheet.behind, settings=sheet.settings, scale=QUANTITIES[name].apart
    )
    first, second = _values(sheet, name)
    return difference, (first, second), sheet.n


def _values(sheet: Sheet, name: str) -> list[Interval]:
    found = group_interval(
        lambda *weights: around_mean(sheet.each(*weights)), *sheet.units, settings=sheet.settings
    )
    levels = [found[at] for at in range(len(sheet.trained))]
    return [with_seeds(one[0], one[1:], QUANTITIES[name].scale, sheet.behind) for one in levels]
