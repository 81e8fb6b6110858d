"""Do features of a network that never learned of forgery recognise unseen methods? A linear probe on them.

Takes a study and its split, and what the trainings of the chapter say of the test; gives for each method
`probe.unseen.auc.method.<name>`, of a probe whose training and validation images hold no fake of that method,
against the reals of its own pipelines, and their mean `probe.unseen.auc`. Where networks were trained without
each method as well, `probe.unseen.auc.difference` is those of the study's own network minus the probe, on the
same test images, with an interval over groups and seeds. Without pretrained weights, or with fewer than two
methods, nothing is defined and the number says why. Cost: one forward pass an image, where features are not
kept yet, and a second a method.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dfstudy.data.pipelines import own_reals
from dfstudy.data.subsample import thin_groups
from dfstudy.number import Number, name_methods
from dfstudy.predict.features import FrozenFeatures, study_features, why_no_features
from dfstudy.stats.aligned import align
from dfstudy.stats.intervals import Floats, group_interval, groups_behind, sentences
from dfstudy.stats.linear_probe import MOST, fit_probe
from dfstudy.stats.metrics import auc
from dfstudy.stats.paired import difference_over
from dfstudy.stats.units import units_of
from dfstudy.variants.variant import methods_of

if TYPE_CHECKING:
    from dfstudy.chapters.c06_transfer.matrix import Cross
    from dfstudy.data.split import Split
    from dfstudy.stats.linear_probe import LinearProbe
    from dfstudy.study.comparisons import Evaluate
    from dfstudy.study.study import Study

PROBE, DIFFERENCE = "probe.unseen.auc", "probe.unseen.auc.difference"


@dataclass(frozen=True)
class _Unseen:
    """One method as a probe ranks it that never saw it.

    Attributes:
        rows: its test images and the reals that they are compared with, as places in the test.
        labels: [n].
        log_odds: [n].
    """

    rows: NDArray[np.int64]
    labels: NDArray[np.int64]
    log_odds: Floats

    def auc(self, weights: Floats, scores: Floats | None = None) -> Floats:
        """[replicates] for weights of the whole test; of other scores [n] where they are given."""
        chosen = self.log_odds if scores is None else scores
        area: Floats = np.asarray(auc(self.labels, chosen, weights[:, self.rows]))
        return area


def probe_unseen(study: Study, split: Split, cross: Cross | None, progress: bool = True) -> list[Number]:
    """The mean, each method, and the difference to the trainings of `cross` where they leave methods out."""
    test = split.part("test").sort_values("path", ignore_index=True)
    why = why_no_features(study)
    learned = methods_of(split)
    if not why and len(learned) < 2:
        why = "fewer than two forgery methods: none can be left out"
    if not why:
        try:
            unseen, told = _leave_out(study, split, test, learned, progress)
        except ValueError as error:  # too few groups to learn from
            why = str(error)
    if why:
        return [Number(PROBE, None, "AUC", len(test), note=why)]
    numbers = _levels(unseen, told, test, study.evaluate)
    return numbers + _differences(unseen, learned, test, cross, study.evaluate)


def tell_probe(numbers: Mapping[str, Number]) -> str:
    """What the probe reaches on methods that it never saw, with a small table, for `say`."""
    if numbers[PROBE].value is None:
        return f"**Not measured:** {numbers[PROBE].note}."
    lines = [f"| linear probe on features before training | {{{PROBE}}} |"]
    said = ""
    if DIFFERENCE in numbers:
        number = numbers[DIFFERENCE]
        lines.append(f"| difference, trained networks minus probe | {{{DIFFERENCE}}} |")
        said = "Which of the two does better on unseen methods cannot be told."
        if number.low is not None and number.low > 0:
            said = "These networks, trained on the other methods, rank unseen ones better than the probe."
        elif number.high is not None and number.high < 0:
            said = "The features rank unseen methods better before training on the others than after it."
    return "| on methods left out | AUC, mean over methods |\n|---|---|\n" + "\n".join(lines) + f"\n\n{said}"


def _leave_out(
    study: Study, split: Split, test: pd.DataFrame, learned: Sequence[str], progress: bool
) -> tuple[dict[str, _Unseen], str]:
    seed = study.evaluate.seed
    parts = [thin_groups(split.part(name), MOST, seed) for name in ("train", "val")]
    images = pd.concat([*parts, test], ignore_index=True)
    features = study_features(study, split, images, progress)
    tested = features.part((images["split"] == "test").to_numpy())
    found = {}
    for method in learned:
        if not (test["method"] == method).any():
            continue
        rows = np.flatnonzero((test["method"] == method).to_numpy() | own_reals(test, [method]))
        labels = test["label"].to_numpy("int64")[rows]
        others = [other for other in learned if other != method]
        log_odds = _fit(images, features, others)(tested.part(rows))
        found[method] = _Unseen(rows, labels, log_odds)
    return found, f"linear probe on {features.width:,} features of {study.model.backbone} before training"


def _fit(images: pd.DataFrame, features: FrozenFeatures, methods: Collection[str]) -> LinearProbe:
    """Learned from fakes of these methods and the reals of their pipelines."""
    part, fake = images["split"].to_numpy(str), (images["label"] == 1).to_numpy()
    kept = fake & images["method"].isin(methods).to_numpy() | own_reals(images, methods)
    groups = images["group"].to_numpy(str)
    return fit_probe(features, images["label"], groups, kept & (part == "train"), kept & (part == "val"))


def _levels(unseen: Mapping[str, _Unseen], told: str, test: pd.DataFrame, settings: Evaluate) -> list[Number]:
    units = units_of(test, settings.level)

    def statistics(weights: Floats) -> Floats:
        each = np.stack([one.auc(weights) for one in unseen.values()], axis=1)
        return np.column_stack([each.mean(axis=1), each])

    made = group_interval(statistics, units, settings=settings)
    mean = made[0].student("share", groups_behind(test["label"], units))
    note = sentences(told, f"mean over {len(unseen)} methods, each left out of what the probe learned")
    numbers = [mean.number(PROBE, unit="AUC", n=len(test), note=note)]
    slugs = {method: slug for slug, method in name_methods(unseen).items()}
    for at, (method, one) in enumerate(unseen.items(), 1):
        own = made[at].student("share", groups_behind(one.labels, units[one.rows]))
        name = f"{PROBE}.method.{slugs[method]}"
        numbers.append(
            own.number(name, unit="AUC", n=len(one.rows), note="left out of what the probe learned")
        )
    return numbers


def _differences(
    unseen: Mapping[str, _Unseen],
    learned: Collection[str],
    test: pd.DataFrame,
    cross: Cross | None,
    settings: Evaluate,
) -> list[Number]:
    """Trained networks minus probe, where the first network was trained without each method."""
    if cross is None:
        return []
    first = [cross.variants[at] for at in cross.arms_of(cross.networks[0])]
    trained = {frozenset(variant.trained_on): variant for variant in first}
    without = {method: trained.get(frozenset(learned) - {method}) for method in unseen}
    scores = {}
    for method, variant in without.items():
        tested = align(variant.tables) if variant else None
        # an image without a finite score in one table would be missing there
        if tested is None or tested.pictures["path"].tolist() != test["path"].tolist():
            return []
        scores[method] = tested.probabilities
    units = units_of(test, settings.level)

    def each(weights: Floats) -> Floats:
        """[replicates, seeds]."""
        changes = [
            np.stack([one.auc(weights, of[one.rows]) for of in scores[method]], axis=1)
            - one.auc(weights)[:, None]
            for method, one in unseen.items()
        ]
        mean: Floats = np.mean(changes, axis=0)
        return mean

    behind = groups_behind(test["label"], units)
    found = difference_over(each, units, behind=behind, settings=settings)
    note = "networks trained without the method minus the probe, mean over methods"
    return [found.number(DIFFERENCE, unit="AUC", n=len(test), note=note)]
