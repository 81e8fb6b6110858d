"""What each original flaw costs, and by how much it flatters the result.

Takes a study, its split and the variants of `variants.defects`, trained; gives an `Audit`. For each defect:

- change: a metric on the honest test (grouped, true labels, exact means), network with the flaw minus the
  network without it, seed by seed on the same images;
- inflation: what the defective protocol reports minus what is true of the same network. Most defects report
  the honest test, and flatter nothing. Selecting on validation and reporting it is compared with the honest
  test of that network, on images of other groups. Guessed labels and means of batch means are compared on
  the same images. A network of the random split has learned images of the honest test, which therefore
  says nothing about it: its own test is set against that of the correct protocol, and no cost is given.

The p of a defect's question is Holm's over the questions to all single defects; what all together do is a
question by itself.
Networks are compared at a threshold of one half and without temperature, as recorded. Cost: trainings that
are not there yet; then two metrics a seed and replicate for each difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd
from scipy.special import expit

from dfstudy.chapters.c08_protocol.effect import QUANTITIES, Audit, FlawEffect, Shown
from dfstudy.errors import Diverged
from dfstudy.predict.predict import predict
from dfstudy.stats.aligned import DESCRIPTION, align
from dfstudy.stats.comparisons import holm
from dfstudy.stats.intervals import Floats, Interval, group_interval, groups_behind
from dfstudy.stats.learning import Learning, judge_runs, tell_untrained
from dfstudy.stats.paired import PairedDifference, difference_over, paired_difference
from dfstudy.stats.units import by_group, units_of
from dfstudy.variants.defects import ALL, IMBALANCED, SWITCHES, correct_variant, why_not
from dfstudy.variants.registry import DEFECTS, list_variants

if TYPE_CHECKING:
    from dfstudy.data.split import Split
    from dfstudy.study.comparisons import Evaluate
    from dfstudy.study.study import Study
    from dfstudy.variants.variant import Variant

NOT_MEASURED = "defects.measured is false: nothing is trained for this"


@dataclass(frozen=True)
class AuditedVariant:
    """One variant with its runs' scores, a table a seed, each as `predict` gives it.

    Attributes:
        diverged: where a run left the finite numbers, and then no tables; empty where all were trained.
        test: the variant's own test images with its own labels.
        validation: the variant's validation images, scored by the weights that they chose.
        learning: whether its networks have learned; None where that is not known.
    """

    variant: Variant
    test: list[pd.DataFrame]
    validation: list[pd.DataFrame]
    diverged: str = ""
    learning: Learning | None = None


def run_defects(study: Study, split: Split, progress: bool = True) -> dict[str, AuditedVariant]:
    """Find or train the correct variant and every defect's, and score their images; by name.

    Raises:
        Diverged: a training without a defect left the finite numbers; one with a defect is noted.
    """
    variants = list_variants(study, split, DEFECTS)
    every = [correct_variant(study, split), *variants] if variants else []
    return {variant.name: _test(variant, study.evaluate, progress) for variant in every}


def measure_defects(study: Study, split: Split, tested: Mapping[str, AuditedVariant]) -> Audit:
    """Changes, inflation and adjusted p of every defect.

    Args:
        tested: as `run_defects` gives it.
    """
    settings = by_group(study.evaluate)  # what a run keeps of its validation names no video
    seeds = len(study.training.seeds[: study.defects.seeds])
    honest = split.part("test").set_index("path")
    if not tested:
        off = {name: FlawEffect(name, NOT_MEASURED, pictures=len(honest)) for name in (*SWITCHES, ALL)}
        return Audit(off, {}, seeds, settings)

    def truly(name: str, batch: int | None = None) -> Shown:
        """The honest test by the networks of a variant."""
        tables = [
            table.assign(**{column: table["path"].map(honest[column]) for column in DESCRIPTION})
            for table in tested[name].test
        ]
        return _show(tables, settings, batch)

    correct = correct_variant(study, split).name
    reasons = why_not(study, split)
    effects = {}
    for switch in (*SWITCHES, ALL):
        if reasons.get(switch):
            effects[switch] = FlawEffect(switch, reasons[switch], pictures=len(honest))
            continue
        name = f"defect_{switch}" if f"defect_{switch}" in tested else correct
        if tested[name].diverged:
            effects[switch] = FlawEffect(switch, diverged=tested[name].diverged, pictures=len(honest))
            continue
        base = truly(IMBALANCED if switch == "inverted_class_weight" else correct)
        own, batch = tested[name], study.training.batch_size if not reasons["batch_means"] else None
        if switch == "random_split":
            torn = _measure(base, None, _show(own.test, settings), base, False, settings)
            effects[switch] = FlawEffect(switch, learning=own.learning, **torn)
            continue
        found = truly(name)
        reported, same = None, False
        if switch in ("selection_is_result", ALL):
            reported = _show(own.validation, settings, batch if switch == ALL else None)
        elif switch == "batch_means":
            reported, same = truly(name, batch), True
        elif switch == "substring_labels":
            reported, same = _show(own.test, settings), True
        changed = found if name != correct else None  # means of batch means may change no weight
        measured = _measure(base, changed, reported, found, same, settings)
        effects[switch] = FlawEffect(switch, learning=own.learning, **measured)
    learning = tested[correct].learning
    if learning is not None and not learning.learned:
        untold = tell_untrained(["the correct network"])
        effects = {name: replace(one, untold=untold) for name, one in effects.items()}
    return Audit(_adjust(effects), _levels(truly(correct), settings), seeds, settings, learning)


def _measure(
    base: Shown, found: Shown | None, reported: Shown | None, true: Shown, same: bool, settings: Evaluate
) -> dict[str, Any]:
    """What was measured of a `FlawEffect`, by the name of its attribute.

    Args:
        base, found: the honest test without and with the flaw.
        same: reported and true are the same images in the same order, else images of other groups.
    """
    changes, inflation = {}, {}
    for name, quantity in QUANTITIES.items():
        if found is not None:
            changes[name] = paired_difference(
                base.labels, base.scores, found.scores, base.units, settings, quantity, quantity.metric.apart
            )
        if reported is not None:
            inflation[name] = _inflation(name, reported, true, same, settings)
    measured = {"changes": changes, "inflation": inflation, "is_same": same}
    measured |= {"pictures": len(base.labels), "true": _levels(true, settings), "true_on": len(true.labels)}
    if reported is not None:
        measured |= {"reported": _levels(reported, settings), "reported_on": len(reported.labels)}
    return measured


def _inflation(name: str, reported: Shown, true: Shown, same: bool, settings: Evaluate) -> PairedDifference:
    def each(weights: Floats, others: Floats | None = None) -> Floats:
        return reported.values(name, weights) - true.values(name, weights if others is None else others)

    units = (reported.units,) if same else (reported.units, true.units)
    behind = groups_behind(true.labels, true.units)
    if not same:
        behind = (*groups_behind(reported.labels, reported.units), *behind)
    scale = QUANTITIES[name].metric.apart
    return difference_over(each, *units, behind=behind, settings=settings, scale=scale)


def _levels(shown: Shown, settings: Evaluate) -> dict[str, Interval]:
    """Each quantity's mean over seeds, with its interval over images."""
    behind = groups_behind(shown.labels, shown.units)
    return {
        name: group_interval(
            lambda weights, name=name: shown.values(name, weights).mean(axis=1),
            shown.units,
            settings=settings,
        ).student(quantity.metric.scale or "plain", behind)
        for name, quantity in QUANTITIES.items()
    }


def _adjust(effects: dict[str, FlawEffect]) -> dict[str, FlawEffect]:
    """Holm's p over the questions to single defects, and over the two to all of them together."""
    for family in (SWITCHES, (ALL,)):
        asked = [(name, kind, one.p) for name in family for kind, one in effects[name].asked().items()]
        adjusted = holm([p for _, _, p in asked]) if asked else ()
        for (name, kind, _), p in zip(asked, adjusted, strict=True):
            known = effects[name]
            adjusted_so_far = {**known.adjusted, kind: float(p)}
            effects[name] = replace(known, adjusted=adjusted_so_far, family=len(asked))
    return effects


def _show(tables: Sequence[pd.DataFrame], settings: Evaluate, batch: int | None = None) -> Shown:
    """Tables of a seed each, in order of path, which is the order of their batches."""
    lined = align(tables)
    return Shown(lined.labels, lined.probabilities, units_of(lined.pictures, settings.level), batch)


def _test(variant: Variant, settings: Evaluate, progress: bool) -> AuditedVariant:
    try:
        runs = variant.train(progress)
    except Diverged as error:
        if not variant.is_defective:
            raise
        return AuditedVariant(variant, [], [], error.message)
    validation = []
    for run in runs:
        own = run.clean[run.clean["part"] == "val"].drop(columns="part")
        validation.append(own.assign(method="", probability=expit(own["logit"].to_numpy())))
    learning = judge_runs(runs, settings)
    tables = [predict(run, variant.split, "test", progress) for run in runs]
    return AuditedVariant(variant, tables, validation, learning=learning)
