"""Shortcut audit: can the label be told without looking at the face?

Takes images with label, method and group, and their traits; gives a `Finding` for each family of traits and
for all together, over all fakes and for each method against the reals: the AUC of a cross-validated probe
whose folds never split a group, its interval over groups, the AUCs of shuffled labels, and a verdict.

The verdict follows from these by rule (`verdict_of`). A shortcut is claimed only where the AUC stands out
more than that of any family in any of 200 shuffles, each family measured in its own standard deviations
(Westfall and Young 1993: the maximum over families keeps the chance of any false claim in a clean set near
1 in 200, however many families are tried; without the standard deviations the noisiest family would set the
bar for all, and a few PNG files among the fakes pass below it). Refused: one class.
Cost: 7 s of one core a scope (all fakes, or one method) for 7,000 images and 1,000 replicates, 0.6 s for
240.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dfstudy.data.traits import FAMILIES, Family, every_trait
from dfstudy.number import Number, name_methods
from dfstudy.stats.intervals import Floats, Interval, group_interval, groups_behind, sentences
from dfstudy.stats.metrics import auc
from dfstudy.stats.probe import held_out_ranks, make_folds, rank_auc, shuffle_labels
from dfstudy.stats.units import by_group
from dfstudy.stats.verdicts import INCONCLUSIVE

if TYPE_CHECKING:
    from dfstudy.study.comparisons import Evaluate

SHUFFLES = 200
TELLS = 0.7  # AUC: seven of ten pairs of a real and a fake told apart
MATTERS = 0.6  # AUC that an interval must exclude before a family may be called clean
TOGETHER = "together"

VERDICTS = ("predicts the label", "hints at the label", "no sign", INCONCLUSIVE)


@dataclass(frozen=True)
class Finding:
    """What one family of traits says about the label.

    Attributes:
        family: a name of `FAMILIES`, or `together`.
        method: forgery method against the reals; empty for all fakes.
        interval: AUC of the probe, 0.5 = chance, with its interval over groups.
        shuffled: [200] AUC of the probe for shuffled labels.
        chance: AUC that the family must beat, see `levels_of_chance`.
        pictures: how many were told apart.
        trait: the one trait that tells most by itself, and its AUC; named where the family is not clean.
    """

    family: str
    method: str
    interval: Interval
    shuffled: Floats
    chance: float
    pictures: int
    trait: tuple[str, float] | None

    @property
    def verdict(self) -> str:
        """One of `VERDICTS`."""
        return verdict_of(
            float(self.interval.value), float(self.interval.low), float(self.interval.high), self.chance
        )

    @property
    def spoken(self) -> str:
        """What the report calls the family."""
        return FAMILIES[self.family].spoken if self.family in FAMILIES else "all together"


def verdict_of(value: float, low: float, high: float, chance: float) -> str:
    """The rule behind every verdict.

    `tells the label`: better than chance, and the interval begins at `TELLS` or above.
    `hints at the label`: better than chance, and the interval begins above one half.
    `no sign`: not better than chance, and the interval ends below `MATTERS`.
    `inconclusive`: everything else; the interval is too wide for the images there are, or there is none.

    Args:
        value, low, high: AUC and interval; NaN where there is none.
        chance: AUC that the family must beat, see `levels_of_chance`.
    """
    if value > chance and low > 0.5:
        return VERDICTS[0] if low >= TELLS else VERDICTS[1]
    return VERDICTS[2] if high < MATTERS and not value > chance else VERDICTS[3]


def audit_shortcuts(rows: pd.DataFrame, traits: pd.DataFrame, settings: Evaluate) -> list[Finding]:
    """A finding for each family and all together, over all fakes and, where there are several, by method.

    Args:
        rows: path, label (0 real, 1 fake), method and group of every image.
        traits: table of `dfstudy.data.traits.read_traits` for the same paths, in any order.
        settings: replicates, confidence and seed.
    Raises:
        ValueError: one class only, one group only, or an image without traits.
    """
    pictures = rows[["path", "label", "method", "group"]].sort_values("path", ignore_index=True)
    if pictures["label"].nunique() < 2:
        raise ValueError("a shortcut tells two classes apart, and the images are of one")
    table = pictures.merge(traits, on="path", how="left", validate="one_to_one", indicator="known")
    if (table["known"] != "both").any():
        raise ValueError(f"no traits of {table.loc[table['known'] != 'both', 'path'].iloc[0]}")
    kinds = table["method"].where(table["label"] == 1, "")
    fold = make_folds(kinds.to_numpy(str), table["group"].to_numpy(str), settings.seed)
    methods = sorted(set(kinds) - {""})
    findings = _audit(table, fold, "", settings)
    for method in methods if len(methods) > 1 else []:
        part = ((table["label"] == 0) | (kinds == method)).to_numpy()
        findings += _audit(table[part], fold[part], method, settings)
    return findings


def _audit(table: pd.DataFrame, fold: np.ndarray, method: str, settings: Evaluate) -> list[Finding]:
    labels, groups = table["label"].to_numpy("int64"), table["group"].to_numpy(str)
    targets = np.column_stack([labels, shuffle_labels(labels, groups, SHUFFLES, settings.seed)])
    ranks = {name: held_out_ranks(table, family, targets, fold) for name, family in FAMILIES.items()}
    # All together: the mean of the families' ranks would bury one telling family among seven that say
    # nothing, so a model of all columns learns which to believe.
    ranks[TOGETHER] = held_out_ranks(table, every_trait(), targets, fold)
    shuffled = {name: rank_auc(of_family[:, 1:], targets[:, 1:]) for name, of_family in ranks.items()}
    chance = levels_of_chance(shuffled)
    findings = []
    for name, of_family in ranks.items():
        scores = of_family[:, 0]
        interval = group_interval(
            lambda weights, scores=scores: auc(labels, scores, weights), groups, settings=by_group(settings)
        ).student("share", groups_behind(labels, groups))
        found = Finding(name, method, interval, shuffled[name], chance[name], len(table), None)
        if found.verdict in VERDICTS[:2] and name in FAMILIES:
            trait = _strongest(table, FAMILIES[name], labels, fold)
            found = replace(found, trait=trait)
        findings.append(found)
    return findings


def levels_of_chance(shuffled: Mapping[str, Floats]) -> dict[str, float]:
    """The AUC that each family must beat: its mean over shuffles, and so many of its standard deviations more
    as the one that stands out most of all families and shuffles has.

    Args:
        shuffled: AUC of each family, [shuffles], the labels of a shuffle being the same in all families.
    """
    means = {name: float(np.nanmean(aucs)) for name, aucs in shuffled.items()}
    spreads = {name: float(np.nanstd(aucs)) for name, aucs in shuffled.items()}
    # a family without any spread (all images alike) says nothing, and sets no bar
    farthest = [(np.nanmax(aucs) - means[n]) / spreads[n] for n, aucs in shuffled.items() if spreads[n] > 0]
    return {name: means[name] + max(farthest, default=0.0) * spreads[name] for name in shuffled}


def _strongest(table: pd.DataFrame, family: Family, labels: Floats, fold: Floats) -> tuple[str, float] | None:
    """The trait whose own probe has the highest AUC; none for a thumbnail, whose pixels say nothing alone."""
    alone = {name: Family("", texts=(name,)) for name in family.texts}
    alone |= {name: Family("", values=(name,)) for name in family.values}
    target = labels[:, None]
    aucs = {
        name: float(rank_auc(held_out_ranks(table, one, target, fold), target)[0])
        for name, one in alone.items()
    }
    return max(aucs.items(), key=lambda pair: pair[1], default=None)


def shortcut_numbers(findings: Sequence[Finding]) -> list[Number]:
    """Numbers `shortcut.<family>.auc`, `.auc.method.<name>`, and how many families have each verdict."""
    slugs = {method: slug for slug, method in name_methods({f.method for f in findings} - {""}).items()}
    numbers = []
    for finding in findings:
        low, high = np.nanquantile(finding.shuffled, [0.025, 0.975])
        note = sentences(
            finding.verdict, f"95 % of {len(finding.shuffled)} label shuffles lie in {low:.3f}..{high:.3f}"
        )
        name = f"shortcut.{finding.family}.auc"
        name += f".method.{slugs[finding.method]}" if finding.method else ""
        numbers.append(finding.interval.number(name, unit="AUC", n=finding.pictures, note=note))
    overall = [finding for finding in findings if not finding.method and finding.family != TOGETHER]
    counts = zip(("telling", "hinting", "clean", "inconclusive"), VERDICTS, strict=True)
    for slug, verdict in counts:
        count = sum(finding.verdict == verdict for finding in overall)
        numbers.append(Number(f"shortcut.{slug}", count, "families", overall[0].pictures, note=verdict))
    return numbers


def shortcut_table(findings: Iterable[Finding]) -> pd.DataFrame:
    """One row a finding: fakes, family, AUC with interval, shuffled labels, verdict, strongest trait."""
    rows = []
    for finding in findings:
        low, high = np.nanquantile(finding.shuffled, [0.025, 0.975])
        trait = f"{finding.trait[0].replace('_', ' ')} ({finding.trait[1]:.3f})" if finding.trait else ""
        told = finding.interval.number("shortcut.row", unit="AUC", n=finding.pictures)
        shown = (finding.method or "all", finding.spoken, str(told), f"{low:.3f} to {high:.3f}")
        rows.append((*shown, finding.verdict, trait))
    columns = ["fakes", "family", "AUC", "shuffled labels", "verdict", "strongest trait"]
    return pd.DataFrame(rows, columns=columns)
