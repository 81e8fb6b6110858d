"""How does the AUC grow with the images that there are to learn from?

Takes a study and its split; shows and gives numbers `curve.probe.<axis>.*` of linear probes on features of
the network before training, for nested shares of the training groups, of the images of each group and of the
methods, and `curve.network.groups.*` of the study's own network where the study trains it on shares. The test
is the study's own. A law is fitted to groups and images, see `stats.learning_curve`; of methods the points
alone are given. Cost: a second a share and draw for 2,000 training images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from IPython.display import Markdown, display

from dfstudy.chapters.c09_pretrained.figures_curve import draw_curves
from dfstudy.data.pipelines import own_reals
from dfstudy.data.subsample import nest_groups, nest_images, thin_groups
from dfstudy.number import Number
from dfstudy.predict.features import study_features, why_no_features
from dfstudy.predict.predict import predict
from dfstudy.present.numbers import describe_interval, number_table, say
from dfstudy.present.style import save_figure
from dfstudy.stats.aligned import align
from dfstudy.stats.intervals import sentences
from dfstudy.stats.learning import judge_runs
from dfstudy.stats.learning_curve import (
    FARTHEST,
    LEAST_SIZES,
    LearningCurve,
    fit_curve,
    resample_aucs,
)
from dfstudy.stats.linear_probe import MOST, fit_probe
from dfstudy.stats.units import units_of
from dfstudy.variants.registry import CURVE, list_variants
from dfstudy.variants.variant import methods_of

if TYPE_CHECKING:
    from dfstudy.data.split import Split
    from dfstudy.study.study import Study

GAIN = 0.01  # AUC that more images should bring
FEWEST = 20  # training groups; of fewer a tenth is no set to learn from
CHANCE = 0.5


@dataclass(frozen=True)
class MeasuredCurve:
    """One curve.

    Attributes:
        who: `probe` or `network`.
        axis: `groups`, `images` or `methods`.
        curve: with its law.
        images, groups: of the test.
        why: nothing may be said of it; empty where something may.
    """

    who: str
    axis: str
    curve: LearningCurve
    images: int
    groups: int
    why: str = ""

    def number(self, name: str, ends: tuple[float, float, float] | None, unit: str, note: str) -> Number:
        """`curve.<who>.<axis>.<name>`; without ends not defined."""
        full = f"curve.{self.who}.{self.axis}.{name}"
        if ends is None:
            return Number(full, None, unit, self.images, note=note)
        value, low, high = ends
        digits = 3 if unit == "AUC" else 0
        return Number(full, value, unit, self.images, low, high, self.groups, note, digits)


def show_curve(study: Study, split: Split) -> list[Number]:
    """Show the learning curves; gives numbers `curve.*`."""
    wanted = study.learning_curve
    if not wanted.shares:
        display(Markdown("The study asks for no learning curve."))
        return []
    why = why_no_features(study)
    count = split.part("train")["group"].nunique()
    if count < FEWEST:
        why = f"{count} training groups, where {FEWEST} are asked"
    try:
        measured = [] if why else _probe(study, split)
    except ValueError as error:  # validation lacks a class
        measured, why = [], str(error)
    measured += _train(study, split) if wanted.networks and count >= FEWEST else []
    if not measured:
        display(Markdown(f"**Not measured:** {why}."))
        return []
    numbers = [number for one in measured for number in curve_numbers(one)]
    laws = [one for one in measured if one.axis != "methods"]
    display(
        save_figure(
            draw_curves([(f"{one.who}, {one.axis}", one.curve) for one in laws]),
            study,
            "pretrained_curve",
            caption="Test AUC by what was learned from, with intervals; line and band: the fitted law, "
            f"carried to {FARTHEST:g} times as many. n = {measured[0].images:,} test images; mean over "
            f"{wanted.draws} draws of nested shares. {describe_interval(study.evaluate)}",
            alt="Test AUC against training groups or images: points with intervals, and a curve.",
        )
    )
    display(say("\n\n".join(tell_curve(one) for one in measured), numbers), number_table(numbers))
    return numbers


def curve_numbers(measured: MeasuredCurve) -> list[Number]:
    """The points; where there is a law, what twice as many bring, and how many a gain of `GAIN` needs."""
    curve, numbers = measured.curve, []
    drawn = "interval over test groups and draws of what was learned from"
    for size, *ends in zip(curve.sizes, curve.aucs, curve.low, curve.high, strict=True):
        told = f"learned from {size:,.0f} {measured.axis}; {drawn}"
        numbers.append(measured.number(f"auc.{size:.0f}", tuple(map(float, ends)), "AUC", told))
    if measured.axis == "methods":
        return numbers
    if measured.why:
        return [*numbers, measured.number("needed", None, measured.axis, measured.why)]
    floor = "a floor can be told" if curve.has_floor else "whether there is a floor cannot be told"
    if len(curve.sizes) < LEAST_SIZES:
        floor = f"without a floor: fewer than {LEAST_SIZES} sizes cannot tell one"
    numbers.append(measured.number("doubled", curve.gain(2), "AUC", sentences(f"law; {floor}", drawn)))
    numbers.append(_needed(measured))
    return numbers


def _needed(measured: MeasuredCurve) -> Number:
    value, low, high = measured.curve.needed(GAIN)
    note = f"more {measured.axis} for {GAIN} of AUC, by the law"
    least = f"{low:,.0f} or more by its interval" if np.isfinite(low) else "also by its whole interval"
    if not np.isfinite(value):  # also where the law is flat or falls
        far = f"{note}: beyond {FARTHEST:g} times as many, where nothing is said; {least}"
        return measured.number("needed", None, measured.axis, far)
    if not np.isfinite(high):
        open_end = (
            f"{note}: {value:,.0f}, {least}; no upper end within {FARTHEST:g} times as many: cannot tell"
        )
        return measured.number("needed", None, measured.axis, open_end)
    return measured.number("needed", (value, low, high), measured.axis, note)


def tell_curve(measured: MeasuredCurve) -> str:
    """In words, for `say`."""
    curve, name = measured.curve, f"curve.{measured.who}.{measured.axis}"
    first, last = (f"{curve.sizes[at]:.0f}" for at in (0, -1))
    said = (
        f"**The {measured.who} by {measured.axis}.** Learning from {first} {measured.axis} it reaches an "
        f"AUC of {{{name}.auc.{first}}}, from all {last} {{{name}.auc.{last}}}."
    )
    if measured.axis == "methods":
        return said
    if measured.why:
        return f"{said} Whether more would help cannot be told: {measured.why}."
    needed = _needed(measured)
    said += f" By the fitted law twice as many would bring {{{name}.doubled}}."
    if needed.value is None:
        return f"{said} How many more for {GAIN} of AUC cannot be told ({needed.note})."
    return f"{said} {GAIN} of AUC would need {{{name}.needed}} more {measured.axis}."


def _probe(study: Study, split: Split) -> list[MeasuredCurve]:
    """Of linear probes; the penalty is always chosen on all of validation."""
    seed, wanted = study.evaluate.seed, study.learning_curve
    train, validation = (thin_groups(split.part(name), MOST, seed) for name in ("train", "val"))
    test = split.part("test").sort_values("path")
    images = pd.concat([train, validation, test], ignore_index=True)
    features = study_features(study, split, images)
    labels, groups = images["label"].to_numpy("int64"), images["group"].to_numpy(str)
    chooses, tested = (
        (images["split"] == "val").to_numpy(),
        features.part((images["split"] == "test").to_numpy()),
    )

    def score(mask: np.ndarray) -> np.ndarray:
        learned = np.zeros(len(images), bool)
        learned[: len(train)] = mask
        return fit_probe(features, labels, groups, learned, chooses)(tested)

    def measure(
        axis: str, masks: np.ndarray, sizes: Sequence[float], shares: Sequence[float]
    ) -> MeasuredCurve:
        whole = score(masks[0, -1])  # all draws are one where everything is learned from
        scores = np.stack([np.stack([*map(score, draw[:-1]), whole]) for draw in masks])
        return _fit(study, test, ("probe", axis), (sizes, shares), scores)

    asked = wanted.shares, wanted.draws, seed
    nested = nest_groups(train, *asked)
    measured = [measure("groups", nested, [train["group"][m].nunique() for m in nested[0]], wanted.shares)]
    nested = nest_images(train, *asked)
    sizes = nested[0].sum(axis=1)
    rising = np.flatnonzero(np.diff(sizes, prepend=0))  # of small groups several shares are one image
    if len(rising) > 2:
        measured.append(measure("images", nested[:, rising], sizes[rising], sizes[rising] / len(train)))
    methods = methods_of(split)
    if len(methods) > 2:
        counts = np.arange(1, len(methods) + 1)
        nested = _nest_methods(train, methods, wanted.draws, seed)
        measured.append(measure("methods", nested, counts, counts / len(methods)))
    return measured


def _nest_methods(train: pd.DataFrame, methods: Sequence[str], draws: int, seed: int) -> np.ndarray:
    """Bool [draws, methods, n]: fakes of one method more each time, and the reals of their pipelines."""
    random = np.random.default_rng(seed)
    orders = [list(random.permutation(methods)) for _ in range(draws)]
    fake = (train["label"] == 1).to_numpy()
    return np.array(
        [
            [
                fake & train["method"].isin(order[: at + 1]).to_numpy() | own_reals(train, order[: at + 1])
                for at in range(len(order))
            ]
            for order in orders
        ]
    )


def _train(study: Study, split: Split) -> list[MeasuredCurve]:
    """Of the study's own network, trained where it is not yet."""
    wanted, variants = study.learning_curve, list_variants(study, split, CURVE)
    runs = [variant.train()[0] for variant in variants]
    tables = [predict(run, variant.split) for run, variant in zip(runs, variants, strict=True)]
    test = align(tables)
    *parts, whole = test.probabilities
    scores = np.array(parts).reshape(wanted.draws, len(wanted.shares) - 1, -1)
    scores = np.concatenate([scores, np.broadcast_to(whole, (wanted.draws, 1, len(test)))], axis=1)
    learning = judge_runs(runs[-1:], study.evaluate)
    sizes = [variant.split.part("train")["group"].nunique() for variant in variants]
    sizes = [*sizes[: len(wanted.shares) - 1], sizes[-1]]
    why = "" if learning.learned else f"the network has {learning.told()}"
    return [_fit(study, test.pictures, ("network", "groups"), (sizes, wanted.shares), scores, why)]


def _fit(
    study: Study,
    test: pd.DataFrame,
    named: tuple[str, str],
    learned_from: tuple[Sequence[float], Sequence[float]],
    scores: np.ndarray,
    why: str = "",
) -> MeasuredCurve:
    """The curve of scores [draws, sizes, n]; sizes and shares are what each was learned from."""
    units = units_of(test, study.evaluate.level)
    points = resample_aucs(test["label"], scores, units, study.evaluate)
    curve = fit_curve(learned_from[0], *points, learned_from[1], study.evaluate)
    if not why and not curve.low[-1] > CHANCE:
        why = "its AUC is not shown to be better than chance"
    return MeasuredCurve(*named, curve, len(test), len(np.unique(units)), why)
