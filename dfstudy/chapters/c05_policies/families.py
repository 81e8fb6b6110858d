"""Which questions of chapter 05 are corrected together, and how much each then weighs.

Takes effects and what the study declared before training (`policies.asked`, `.primary`, `.secondary`); gives
them with their tier, family and Holm's p. Pure.

- *primary*: the declared policy in the one declared quantity, at the full budget. It stands alone, and its p
  needs no correction.
- *secondary*: the same policy in the other declared quantities. Together they are one family.
- *exploratory*: everything else; one family for each kind, quantity and budget. Ideas for another study.

Effects of which nothing can be said, as of networks that have not learned, are asked nothing: they have no p
and weigh in no family. Whether that is so is settled on training and validation images, or by the scores
being the very same.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, get_args

from dfstudy.stats.comparisons import holm

if TYPE_CHECKING:
    from dfstudy.chapters.c05_policies.compare import PolicyEffect
    from dfstudy.study.comparisons import Policies

Tier = Literal["primary", "secondary", "exploratory"]
TIERS: tuple[Tier, ...] = get_args(Tier)


def tier_of(effect: PolicyEffect, declared: Policies) -> Tier:
    """Where the study declared this comparison and quantity."""
    one = effect.comparison
    if (one.kind, one.subject, one.share) != ("policy", declared.asked, 1):
        return "exploratory"
    if effect.quantity == declared.primary:
        return "primary"
    return "secondary" if effect.quantity in declared.secondary else "exploratory"


def correct_families(effects: Sequence[PolicyEffect], declared: Policies) -> list[PolicyEffect]:
    """The effects with tier, size of their family, and p after Holm's correction over it."""
    tiers = [tier_of(one, declared) for one in effects]
    families: dict[Hashable, list[int]] = {}
    for at, (one, tier) in enumerate(zip(effects, tiers, strict=True)):
        if not one.untold and one.difference.p is not None:
            families.setdefault(_family(one, tier), []).append(at)
    made = [replace(one, tier=tier, p=None, family=0) for one, tier in zip(effects, tiers, strict=True)]
    for rows in families.values():
        adjusted = holm_known([effects[at].difference.p for at in rows])
        for at, p in zip(rows, adjusted, strict=True):
            made[at] = replace(made[at], p=p, family=len(rows))
    return made


def holm_known(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's correction of those that are defined."""
    known = [p for p in p_values if p is not None]
    stepped = iter(holm(known).tolist())
    return [None if p is None else next(stepped) for p in p_values]


def _family(effect: PolicyEffect, tier: Tier) -> Hashable:
    one = effect.comparison
    return (tier, one.kind, effect.quantity, one.share) if tier == "exploratory" else tier
