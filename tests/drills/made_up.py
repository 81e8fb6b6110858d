"""Made-up networks for drills: scores whose true AUCs are known, as the trainings of chapter 05 give them.

Images differ in difficulty alike for all networks, by group and one by one; each network adds noise of its
own, and training seeds differ in skill. Sizes are those of the built-in study. No image is made. Cost: a few
milliseconds a network.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import norm

from dfstudy.chapters.c05_policies.tested import CONDITIONS, TestedVariant
from dfstudy.study.study import Study
from dfstudy.variants.policies import Trained, name_variants

LEARNED, UNSEEN = ("blend", "swap"), "synthesis"
OF_GROUP, OF_IMAGE, OF_NETWORK = 0.5, 0.7, 0.6  # standard deviations of a logit
SPREAD = float(np.sqrt(2 * (OF_GROUP**2 + OF_IMAGE**2 + OF_NETWORK**2)))
WEAKER = {"unseen": 0.6, "robust": 0.7}  # what is left of a network's skill there
FLAT, FALLING = [0.62, 0.45, 0.40, 0.38, 0.385], [0.66, 0.60, 0.55, 0.50, 0.44]  # validation losses


@dataclass(frozen=True)
class Skill:
    """A way of training: distance of fakes from reals in logits, on training and on other images."""

    seen: float
    new: float
    losses: tuple[float, ...] = tuple(FLAT)
    seed_sd: float = 0.06

    def true(self, quality: str) -> float:
        """AUC, or gap, of its typical network."""
        new = norm.cdf(self.new * WEAKER.get(quality, 1.0) / SPREAD)
        return float(norm.cdf(self.seen / SPREAD) - new if quality == "gap" else new)


def make_part(random: np.random.Generator, groups: int, name: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Images of a part, and what makes each look forged to any network."""
    kinds = ("real",) * 4 + (*LEARNED, LEARNED[0], UNSEEN)
    rows = [
        (f"{name}{g:02d}_{at}.png", int(kind != "real"), kind, f"{name}{g}")
        for g in range(groups)
        for at, kind in enumerate(kinds)
        if name == "test" or kind != UNSEEN
    ]
    table = pd.DataFrame(rows, columns=["path", "label", "method", "group"])
    shared = random.normal(0, OF_GROUP, groups)[table["group"].str[len(name) :].astype(int)]
    return table, shared + random.normal(0, OF_IMAGE, len(table))


def make_tested(
    random: np.random.Generator, study: Study, skills: dict[str, Skill]
) -> dict[Trained, TestedVariant]:
    """Every training that the study compares, tested; transforms that change nothing train the same."""
    sizes = {"train": 64, "val": 32, "test": 64}
    parts = {name: make_part(random, groups, name) for name, groups in sizes.items()}

    def scored(name: str, skill: float) -> pd.DataFrame:
        table, shared = parts[name]
        known = np.where(table["method"] == UNSEEN, WEAKER["unseen"], 1.0)
        logit = skill * (table["label"] * known - 0.5) + shared + random.normal(0, OF_NETWORK, len(table))
        return table.assign(logit=logit, probability=expit(logit))

    def clean(seen: float, new: float) -> pd.DataFrame:
        both = [scored(name, own).assign(part=name) for name, own in (("train", seen), ("val", new))]
        return pd.concat(both).drop(columns=["method", "probability"])

    def damaged(new: float, corruption: str, severity: int) -> pd.DataFrame:
        return scored("test", WEAKER["robust"] * new).assign(corruption=corruption, severity=severity)

    tested: dict[Trained, TestedVariant] = {}
    for trained in name_variants(study):
        skill = skills[trained.policy]
        off = [skill.seed_sd * random.normal() for _ in study.training.seeds]
        corrupted = [pd.concat([damaged(skill.new + d, *each) for each in CONDITIONS]) for d in off]
        whole = trained.epochs == study.training.epochs
        tested[trained] = TestedVariant(
            LEARNED,
            [scored("test", skill.new + d) for d in off],
            [clean(skill.seen, skill.new + d) for d in off],
            corrupted if whole else [],
            losses=[list(skill.losses)] * len(off),
        )
    for trained in tested:
        if trained.policy == "none+random_interpolation":
            tested[trained] = tested[Trained("none", trained.epochs)]
    return tested
