"""What is compared for a defect, and what is found: quantities, images as a protocol takes them, effects.

Takes labels and scores; gives values with weights, and by rule a verdict from adjusted p. The question to
each defect is settled beforehand (`QUESTION`), so that no verdict picks the quantity that
happens to differ most.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from dfstudy.stats.paired import LEAST_SEEDS, OfScores, PairedDifference
from dfstudy.stats.registry import Metric, listed
from dfstudy.stats.verdicts import IMPROVES, INCONCLUSIVE, UNTRAINED, WORSENS
from dfstudy.variants.defects import ALL

if TYPE_CHECKING:
    from dfstudy.stats.intervals import Floats, Interval
    from dfstudy.stats.learning import Learning
    from dfstudy.study.comparisons import Evaluate


@dataclass(frozen=True)
class FlawQuantity:
    """A metric of the audit, at a threshold of one half."""

    metric: Metric

    def __call__(self, labels: ArrayLike, scores: ArrayLike, weights: Floats) -> Floats:
        """One value for each row of weights [replicates, n]."""
        return self.metric(labels, scores, weights, 0.5)

    @property
    def unit(self) -> str:
        """Of its values."""
        return self.metric.unit

    @property
    def spoken(self) -> str:
        """As notes and tables call it."""
        return f"{self.metric.short or self.metric.title}{' at one half' * self.metric.threshold}"


QUANTITIES = {metric.name: FlawQuantity(metric) for metric in listed("protocol")}
# What is asked of a defect: AUC, but for those that leave the order of the images nearly or wholly alone.
QUESTION = {"inverted_class_weight": "log_loss", "batch_means": "accuracy"}


@dataclass(frozen=True)
class Shown:
    """Images as one protocol takes them.

    Attributes:
        labels, units: [n].
        scores: probabilities [seeds, n].
        batch: None, or images a batch where results are means of batch means.
    """

    labels: np.ndarray
    scores: np.ndarray
    units: np.ndarray
    batch: int | None = None

    def values(self, quantity: str, weights: Floats) -> Floats:
        """[replicates, seeds]."""
        asked = QUANTITIES[quantity]
        values = mean_by_batch(asked, self.batch) if self.batch and asked.metric.is_mean else asked
        return np.stack([values(self.labels, row, weights) for row in self.scores], axis=1)


@dataclass(frozen=True)
class FlawEffect:
    """One defect, or all together.

    Attributes:
        switch: of `study.Protocol`, or `all`.
        reason: why it does not apply; empty where it does.
        changes: quantity -> flaw minus correct on the honest test; empty where that cannot be asked, or
            where the network is the correct one.
        inflation: quantity -> reported minus true; empty where the honest test is what is reported.
        reported, true: quantity -> mean over seeds, of what `inflation` compares.
        pictures: of the honest test.
        reported_on, true_on: images behind `reported` and `true`.
        is_same: these are the same images.
        adjusted: `change` and `inflation` -> Holm's p of the question.
        family: so many questions were corrected together with each of them.
        diverged: where its training left the finite numbers, so that there is no network to compare.
        learning: whether its networks have learned; None where that was not judged.
        untold: why no verdict is given, as that the correct networks have not learned; empty where one is.
    """

    switch: str
    reason: str = ""
    changes: Mapping[str, PairedDifference] = field(default_factory=dict)
    inflation: Mapping[str, PairedDifference] = field(default_factory=dict)
    reported: Mapping[str, Interval] = field(default_factory=dict)
    true: Mapping[str, Interval] = field(default_factory=dict)
    pictures: int = 0
    reported_on: int = 0
    true_on: int = 0
    is_same: bool = False
    adjusted: Mapping[str, float] = field(default_factory=dict)
    family: int = 1
    diverged: str = ""
    learning: Learning | None = None
    untold: str = ""

    @property
    def compared(self) -> int:
        """Images behind `inflation`: once where both sides are the same."""
        return self.reported_on if self.is_same else self.reported_on + self.true_on

    @property
    def question(self) -> str:
        """The quantity that decides the verdict."""
        return QUESTION.get(self.switch, "auc")

    def asked(self) -> dict[str, PairedDifference]:
        """The differences that decide, `change` and `inflation`, where there is something to decide."""
        both = {"change": self.changes, "inflation": self.inflation}
        if self.learning and not self.learning.learned:  # what learned nothing has nothing to flatter
            del both["inflation"]
        found = {kind: of[self.question] for kind, of in both.items() if self.question in of}
        return {kind: one for kind, one in found.items() if one.p is not None and any(one.each)}

    def verdict(self, alpha: float) -> str:
        """`worsens` or `improves`, `flatters` or `understates`, `diverges`; or what was found falls short.

        `inconclusive` is a p below `alpha` that Holm's correction lifts above it, and what fewer than three
        seeds say.
        """
        if self.reason:
            return "does not apply"
        if self.diverged:
            return "diverges"
        if self.untold:
            return UNTRAINED
        if any(found.seeds < LEAST_SEEDS for found in self.asked().values()):
            return INCONCLUSIVE
        words = {"change": (WORSENS, IMPROVES), "inflation": ("flatters", "understates")}
        told = []
        for kind, found in self.asked().items():
            if self.adjusted[kind] < alpha:
                up = found.value * QUANTITIES[self.question].metric.better > 0
                told.append(words[kind][int(up) if kind == "change" else int(not up)])
        if told:
            return " and ".join(told)
        alone = any(one.p is not None and one.p < alpha for one in self.asked().values())
        return INCONCLUSIVE if alone else "no difference found"


@dataclass(frozen=True)
class Audit:
    """Every switch and `all`, and what the correct protocol reports.

    Attributes:
        effects: by switch, in the order of `SWITCHES`, then `all`; it applies where any switch does.
        correct: quantity -> mean over seeds on the honest test; empty where nothing is measured.
        seeds: training seeds of each variant.
        learning: of the correct networks; None where nothing was measured or judged.
    """

    effects: dict[str, FlawEffect]
    correct: dict[str, Interval]
    seeds: int
    settings: Evaluate
    learning: Learning | None = None

    @property
    def pictures(self) -> int:
        """Images of the honest test."""
        return self.effects[ALL].pictures


def mean_by_batch(metric: OfScores, batch: int) -> Callable[[np.ndarray, np.ndarray, Floats], Floats]:
    """The metric as a mean over successive batches; one whose images were not drawn is left out."""

    def mean(labels: np.ndarray, scores: np.ndarray, weights: Floats) -> Floats:
        parts = [slice(at, at + batch) for at in range(0, len(labels), batch)]
        return np.nanmean([metric(labels[part], scores[part], weights[:, part]) for part in parts], axis=0)

    return mean
