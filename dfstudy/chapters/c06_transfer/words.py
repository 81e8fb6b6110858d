"""Words and tables of cross-forgery testing: what was trained and tested, and the chapter's answer.

Takes `matrix.Cross`, variants and the chapter's numbers; gives sentences for `say`, and tables. Verdicts are
by rule from the intervals; nothing is computed here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dfstudy.number import Number, name_methods
from dfstudy.present.numbers import literal
from dfstudy.stats.paired import LEAST_SEEDS
from dfstudy.stats.units import UNITS
from dfstudy.stats.verdicts import UNTRAINED

if TYPE_CHECKING:
    from dfstudy.chapters.c06_transfer.matrix import Cross
    from dfstudy.study.recipe import Model
    from dfstudy.variants.variant import Variant

INK, FAINT = "#000000", "#8C8C8C"

OWN_REALS = " A method's fakes are compared with the reals of their own pipelines."
NOTHING = (
    "**Nothing to compare here:** that takes two forgery methods in the training images, and "
    "`forgeries.train_on` other than off."
)
FEW_SEEDS = f"fewer than {LEAST_SEEDS} seeds compare networks and not kinds of them, so it is inconclusive"
NEIGHBOURS = (
    "without convolutions a network has to learn from images alone that neighbouring pixels belong "
    "together, which takes very many: trained on a million, vision transformers stay behind convolutional "
    "networks of like size, and overtake them with more (Dosovitskiy and others 2021, arXiv 2010.11929). "
    "From scratch on a few hundred images one ranks by chance (docs/unseen.md)"
)
NO_TRANSFORMER = (
    "No pure transformer is among them, as nothing starts from pretrained weights here: "
    f"{NEIGHBOURS}, which says nothing about how transformers generalise; a hybrid of convolution and "
    "attention can learn from them. With `weights: hub` any two networks can be compared."
)


def variants_table(variants: Sequence[Variant]) -> pd.DataFrame:
    """What is trained beside the study's own networks: one row a network, with its images."""
    rows = [
        (
            variant.name,
            f"{variant.study.model.network}, {variant.study.model.size} px",
            ", ".join(variant.trained_on),
            f"{len(variant.split.part('train')):,}",
            f"{variant.study.training.epochs}",
            ", ".join(map(str, variant.study.training.seeds)),
        )
        for variant in variants
    ]
    columns = ["training", "network", "methods learned", "training images", "epochs at most", "seeds"]
    return pd.DataFrame(rows, columns=columns)


def describe_test(cross: Cross) -> str:
    """What a caption must say: images, groups and seeds."""
    seeds = len(cross.variants[0].tables)
    return (
        f"n = {cross.reals:,} real and {sum(cross.fakes.values()):,} fake test images in "
        f"{cross.specificity.groups:,} {UNITS[cross.specificity.settings.level]}; {seeds} training "
        f"seed{'s' * (seeds > 1)} a network.{OWN_REALS * cross.by_pipeline}"
    )


def tell_cross(cross: Cross | None) -> str:
    """A sentence a network about what it loses on unseen methods, for `say`."""
    if cross is None:
        return NOTHING
    told = [
        f"{network}: AUC {{cross.{slug}.auc.seen}} on methods learned, {{cross.{slug}.auc.unseen}} on others."
        for network, slug in _slugs(cross).items()
    ]
    return " ".join(told)


def tell_networks(cross: Cross | None, models: Mapping[str, Model], bare: Sequence[str] = ()) -> str:
    """Which networks are compared, at what cost, and why no other; for `say`.

    Args:
        bare: names of those without convolutions.
    """
    if cross is None:
        return ""
    if len(cross.networks) < 2:
        return (
            "One kind of network is trained here. `forgeries.second` in the study file names another one, "
            "which then learns the same images by the same recipe."
        )
    first, second = cross.networks[:2]
    slugs = _slugs(cross)
    sizes = "{{cross.{0}.parameters}} parameters and {{cross.{0}.multiply_adds}} million multiply-adds"
    parts = [
        f"{second} is set beside {first}, with the same images, policy, epochs and learning rates. It has "
        f"{sizes.format(slugs[second])} an image, {first} {sizes.format(slugs[first])}: {{cross.cost}} "
        f"times the cost. They are compared over the {cross.paired} of {len(cross.arms_of(first))} trainings "
        "that both have."
    ]
    if models[first].size != models[second].size:
        parts.append(
            f"{second} takes the images at {models[second].size} px and {first} at {models[first].size}: "
            "what that brings is part of the difference."
        )
    if all(model.weights == "none" for model in models.values()):
        parts.append(_warn_of(bare) if bare else NO_TRANSFORMER)
    return " ".join(parts)


def _warn_of(bare: Sequence[str]) -> str:
    have = "has" if len(bare) == 1 else "have"
    return (
        f"{' and '.join(bare)} learned from scratch and {have} no convolutions: {NEIGHBOURS}. Where one does "
        "not rank above chance on methods learned either, the difference says nothing about how transformers "
        "generalise. With `weights: hub` it could."
    )


def headline(numbers: Mapping[str, Number]) -> list[Number]:
    """The means by network and their differences, without the matrices' cells."""
    cells = re.compile(r"cross\.(auc|balanced|found|specificity)\.")
    return [x for name, x in numbers.items() if name.startswith("cross.") and not cells.match(name)]


def times_table(cross: Cross) -> pd.DataFrame:
    """Measured seconds of a training, by network: they differ from machine to machine."""
    rows = []
    for network in cross.networks:
        seconds = [each for at in cross.arms_of(network) for each in cross.variants[at].seconds]
        rows.append((network, f"{len(seconds)}", f"{np.mean(seconds):.1f}" if seconds else "not known"))
    return pd.DataFrame(rows, columns=["network", "trainings", "seconds each, mean"])


def answer_cross(cross: Cross | None) -> str:
    """The chapter's answer in a sentence a network, for `say`; verdicts by rule from the intervals."""
    if cross is None:
        return NOTHING
    told = []
    for network, slug in _slugs(cross).items():
        if lacking := cross.unlearned(network):
            names = ", ".join(map(literal, lacking))
            told.append(f"{network} was {UNTRAINED}: of its trainings {names} learned too little.")
            continue
        gap, unseen = (cross.summaries[network]["auc"][name] for name in ("gap", "unseen"))
        loses = "loses" if gap.low > 0 else "gains" if gap.high < 0 else "is not shown to lose"
        above = "better than guessing" if unseen.low > 0.5 else "not shown to be better than guessing"
        told.append(
            f"{network} {loses} AUC on methods that it did not learn: {{cross.{slug}.auc.gap}}; with "
            f"{{cross.{slug}.auc.unseen}} it is {above} there; its specificity is "
            f"{{cross.{slug}.specificity}}."
        )
    if cross.differences:
        first, second = cross.networks[:2]
        found = cross.differences["auc"]
        better = "" if found.low is None else second if found.low > 0 else first if found.high < 0 else ""
        verdict = "which generalises better is inconclusive"
        if any(map(cross.unlearned, (first, second))):
            verdict = UNTRAINED
        elif better and found.seeds >= LEAST_SEEDS:
            verdict = f"{better} generalises better here"
        elif better:
            verdict = f"these trainings of {better} do better, but {FEW_SEEDS}"
        told.append(
            f"On unseen methods {second} minus {first} is {{cross.difference.auc}} AUC and "
            f"{{cross.difference.balanced}} balanced accuracy: {verdict}. Likewise the loss from methods "
            f"learned to others is {{cross.difference.gap}} AUC, the share of unseen fakes found "
            f"{{cross.difference.found}}, the specificity {{cross.difference.specificity}}."
        )
    return f"**Answer.** {' '.join(told)}"


def _slugs(cross: Cross) -> dict[str, str]:
    """Part of a number's id for each network, in the order of the variants."""
    slugs = {name: slug for slug, name in name_methods(cross.networks).items()}
    return {name: slugs[name] for name in cross.networks}
