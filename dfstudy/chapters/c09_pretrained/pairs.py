"""Does a network that sees each fake beside its source rely less on shortcuts?

Takes a study and its split; shows what was found and gives numbers. Both ways of training have the same
images, steps and seeds and are compared on the same test images. *Reliance on shortcuts* is how far the
network's score follows, among images of one label, the score of a probe that sees only properties of file and
image (those of chapter 01, learned from the training images): the correlation of the two rankings of test
images, mean over both labels. What is left of a correlation within a label says nothing of forgery. It is no
proof that the network reads those properties, because both may follow a third thing. Cost: trains what is
missing; properties of images that chapter 01 did not measure; then seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from IPython.display import Markdown, display
from scipy.stats import rankdata

from dfstudy.chapters.c09_pretrained.questions_pairs import LEAST_AUC
from dfstudy.data.traits import draw_pictures, every_trait, read_traits
from dfstudy.number import Number
from dfstudy.predict.predict import predict
from dfstudy.present.numbers import say
from dfstudy.stats.aligned import Aligned, align
from dfstudy.stats.intervals import group_interval, groups_behind
from dfstudy.stats.learning import judge_runs, tell_untrained
from dfstudy.stats.metrics import auc
from dfstudy.stats.paired import PairedDifference, difference_over
from dfstudy.stats.probe import held_out_ranks
from dfstudy.stats.verdicts import Decision, decide
from dfstudy.stats.weighted import correlation
from dfstudy.variants.pairs import pair_rows, paired_share, why_no_pairs
from dfstudy.variants.registry import PAIRS, list_variants

if TYPE_CHECKING:
    from collections.abc import Callable

    from dfstudy.data.split import Split
    from dfstudy.stats.weighted import Floats
    from dfstudy.study.comparisons import Evaluate
    from dfstudy.study.study import Study

OFF = "The study trains on no pairs (`pairs.measured` of the study file)."
LEAST = {"auc": LEAST_AUC, "reliance": 0.05}  # the smallest change worth having
BETTER = {"auc": 1, "reliance": -1}
SPOKEN = {"auc": "test AUC", "reliance": "reliance on shortcuts (rank correlation within a label)"}


@dataclass(frozen=True)
class PairedTraining:
    """Both ways of training on the same test images.

    Attributes:
        shuffled, paired: predictions, row by row the same seeds.
        probe: [n] rank of each test image by its properties alone, -1..1; NaN where they were not measured.
        share: of the training fakes, that stand beside a real of theirs in an epoch.
        untrained: ways of training that have not learned.
    """

    shuffled: Aligned
    paired: Aligned
    probe: Floats
    share: float
    untrained: tuple[str, ...] = ()


def show_pairs(study: Study, split: Split, progress: bool = True) -> list[Number]:
    """Show paired beside shuffled training; gives numbers `pairs.*`."""
    why = why_no_pairs(study, split) if study.pairs.measured else ""
    if not study.pairs.measured or why:
        display(Markdown(f"**Not measured:** {why}." if why else OFF))
        return []
    tested, untrained = [], []
    for variant in list_variants(study, split, PAIRS):
        runs = variant.train(progress)
        if not judge_runs(runs, study.evaluate).learned:
            untrained.append(variant.name.removeprefix("pairs_"))
        tested.append(align([predict(run, variant.split, "test", progress) for run in runs]))
    share = paired_share(pair_rows(split))
    probe = _probe(study, split, tested[0], progress)
    numbers = pair_numbers(PairedTraining(*tested, probe, share, tuple(untrained)), study.evaluate)
    display(pairs_table(numbers))
    display(say(tell_pairs(numbers), numbers))
    return numbers


def pair_numbers(found: PairedTraining, settings: Evaluate) -> list[Number]:
    """`pairs.<auc or reliance>.<shuffled, paired or difference>`, and `pairs.probe.auc` and the like."""
    labels, units = found.shuffled.labels, found.shuffled.units(settings.level)
    known = np.isfinite(found.probe)
    numbers = []
    for name, mask, of in (
        ("auc", np.ones(len(labels), bool), lambda mask: lambda row, w: auc(labels[mask], row[mask], w)),
        ("reliance", known, lambda mask: _reliance(labels[mask], found.probe[mask], mask)),
    ):
        sides = {"shuffled": found.shuffled.probabilities, "paired": found.paired.probabilities}
        numbers += _compared(name, sides, of(mask), (labels[mask], units[mask]), settings)
    probe = group_interval(
        lambda w: auc(labels[known], found.probe[known], w), units[known], settings=settings
    ).student("share", groups_behind(labels[known], units[known]))
    note = "a probe of file and image properties, learned from the training images: what there is to rely on"
    learned = tell_untrained(found.untrained) or "both ways have learned"
    n = len(labels)
    return [
        *numbers,
        probe.number("pairs.probe.auc", unit="AUC", n=int(known.sum()), note=note),
        Number("pairs.share", found.share, "1", n, note="training fakes that stand beside a real of theirs"),
        Number("pairs.seeds", found.shuffled.seeds, "seeds", n),
        Number("pairs.learned", int(not found.untrained), "1 = learned", n, note=learned),
    ]


def _compared(
    name: str,
    sides: dict[str, Floats],
    statistic: Callable[[Floats, Floats], Floats],
    images: tuple[Floats, Floats],
    settings: Evaluate,
) -> list[Number]:
    """A quantity of both ways, and paired minus shuffled.

    Args:
        sides: scores [seeds, n] by way.
        statistic: takes scores [n] and weights [replicates, k].
        images: labels and units [k].
    """
    labels, units = images
    behind, n = groups_behind(labels, units), len(labels)
    unit, scale = ("AUC", "share") if name == "auc" else ("correlation", "gap")

    def of(way: str) -> Callable[[Floats], Floats]:
        return lambda weights: np.stack([statistic(row, weights) for row in sides[way]], axis=1)

    numbers = [
        group_interval(lambda w, way=way: of(way)(w).mean(axis=1), units, settings=settings)
        .student(scale, behind)
        .number(f"pairs.{name}.{way}", unit=unit, n=n, note=f"{SPOKEN[name]}, {way} batches")
        for way in sides
    ]
    apart: PairedDifference = difference_over(
        lambda w: of("paired")(w) - of("shuffled")(w), units, behind=behind, settings=settings
    )
    return [*numbers, apart.number(f"pairs.{name}.difference", unit=unit, n=n, note="paired minus shuffled")]


def _reliance(labels: Floats, probe: Floats, mask: Floats) -> Callable[[Floats, Floats], Floats]:
    def correlated(row: Floats, weights: Floats) -> Floats:
        ranks = rankdata(row[mask])
        return np.mean([correlation(weights * (labels == kind), ranks, probe) for kind in (0, 1)], axis=0)

    return correlated


def _probe(study: Study, split: Split, test: Aligned, progress: bool) -> Floats:
    """[n] rank of the test images by their properties, from a model of the training images."""
    rows = draw_pictures(split.rows, study.evaluate.seed)
    rows = rows[rows["split"].isin(["train", "test"])].reset_index(drop=True)
    traits = read_traits(study, rows, progress)
    # two folds, of which one is the test: its ranks come from a model of the other
    fold = (rows["split"] == "test").to_numpy("int64")
    ranks = held_out_ranks(traits, every_trait(), rows[["label"]].to_numpy("int64"), fold)[:, 0]
    by_path = pd.Series(ranks, rows["path"])
    return by_path.reindex(test.pictures["path"]).to_numpy(float)


def verdict_of(name: str, numbers: dict[str, Number]) -> Decision | str:
    """By the one rule, or that the networks have not learned."""
    if not numbers["pairs.learned"].value:
        return numbers["pairs.learned"].note
    change = numbers[f"pairs.{name}.difference"]
    seeds = int(numbers["pairs.seeds"].value or 0)
    return decide(change.low, change.high, seeds, gain=BETTER[name], least=LEAST[name])


def pairs_table(numbers: list[Number]) -> pd.DataFrame:
    """Both quantities: shuffled, paired, difference, verdict."""
    by_id = {number.id: number for number in numbers}
    rows = [
        (
            SPOKEN[name],
            *(str(by_id[f"pairs.{name}.{part}"]) for part in ("shuffled", "paired", "difference")),
            verdict_of(name, by_id),
        )
        for name in LEAST
    ]
    return pd.DataFrame(rows, columns=["", "shuffled batches", "paired batches", "difference", "verdict"])


def tell_pairs(numbers: list[Number]) -> str:
    """What was trained, and what there is to rely on, for `say`."""
    by_id = {number.id: number for number in numbers}
    probe = by_id["pairs.probe.auc"]
    nothing = probe.low is None or not probe.low > 0.5
    doubt = " That is not shown to be better than chance, so there is little to rely on." if nothing else ""
    return (
        "In each epoch every image stands once, and {pairs.share} of the training fakes beside a real of "
        "theirs; both "
        "ways have {pairs.seeds} seeds. A probe that sees file and image properties alone reaches an AUC of "
        f"{{pairs.probe.auc}} on the test.{doubt} AUC {{pairs.auc.shuffled}} shuffled and "
        f"{{pairs.auc.paired}} paired: "
        f"pairing {{pairs.auc.difference}}, {verdict_of('auc', by_id)}. Reliance "
        f"{{pairs.reliance.shuffled}} and "
        f"{{pairs.reliance.paired}}: {{pairs.reliance.difference}}, {verdict_of('reliance', by_id)}."
    )
