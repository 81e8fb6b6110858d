"""What a study's own networks are worth on images of other folders: `test_on` in the study file.

Takes finished runs, the split that they were trained on and the folders (`dfstudy.data.external`); gives a
`There` a folder, and its numbers. Nothing is fitted or chosen there: thresholds and calibration are those of
the study's validation. Values are means over seeds; intervals resample groups, and the drop is the AUC of the
study's own test minus that of the folder, whose groups are drawn independently. Probabilities (log-loss and
calibration error) are calibrated; `score_meaning` says what they were before, and what becomes of
validation's promises (few false alarms, the unsure band). Refused: as `predict_elsewhere`. Cost: one forward
pass an image and run, once, and the metrics of a replicate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dfstudy.data.external import Elsewhere, find_elsewhere
from dfstudy.number import Number
from dfstudy.predict.predict import predict, predict_elsewhere
from dfstudy.stats import metrics
from dfstudy.stats.aligned import Aligned, align
from dfstudy.stats.calibration import USED, calibrate_run
from dfstudy.stats.intervals import Floats, Interval, group_interval, groups_behind, sentences
from dfstudy.stats.recalibration import ROOT, calibration_error
from dfstudy.stats.registry import METRICS, listed
from dfstudy.stats.score_meaning import Meaning, calibrate, meaning_numbers
from dfstudy.variants.registry import RUNS, list_variants

if TYPE_CHECKING:
    from dfstudy.data.split import Split
    from dfstudy.study.comparisons import Evaluate
    from dfstudy.study.study import Study
    from dfstudy.train.run import Run

CHOSEN = "at the threshold from the study's own validation"
CALIBRATED = "calibrated on the study's own validation; right for its mixture of fakes and reals"
POOLED = "elsewhere_pooled"
DROP = "AUC of the study's own test minus the AUC here, groups drawn independently"


@dataclass(frozen=True)
class There:
    """One folder, scored.

    Attributes:
        folder: its images.
        seeds: training seeds that values are means over.
        here: by metric, of the study's own test.
        there: by metric, of the folder.
        drop: AUC here less AUC there.
        scored, failed: images of the folder with and without a finite prediction.
        reals: how many of those scored are real.
        own: images of the study's own test.
        meaning, own_meaning: what validation's choices are worth on the folder, and on the study's own test.
        scores: predictions of the folder.
    """

    folder: Elsewhere
    seeds: int
    here: dict[str, Interval]
    there: dict[str, Interval]
    drop: Interval
    scored: int
    failed: int
    reals: int
    own: int
    meaning: Meaning
    own_meaning: Meaning
    scores: Scored


def test_elsewhere(study: Study, split: Split, progress: bool = True) -> list[There]:
    """The study's own networks on each folder of `test_on`; empty, and nothing trained, where it names none.

    Raises:
        StudyError: a folder cannot be used.
    """
    folders = find_elsewhere(study, split, progress)
    if not folders:
        return []
    [main] = list_variants(study, split, RUNS)
    return measure_elsewhere(main.train(progress), split, folders, study.evaluate, progress)


# pytest would collect a function of this name from every module that imports it
test_elsewhere.__test__ = False  # type: ignore[attr-defined]


def measure_elsewhere(
    runs: Sequence[Run],
    split: Split,
    folders: Sequence[Elsewhere],
    settings: Evaluate,
    progress: bool = True,
) -> list[There]:
    """One result a folder.

    Args:
        runs: one a seed, all trained on this split.
        folders: checked against this split.
    """
    own_tables = [predict(run, split, "test", progress) for run in runs]
    own = Scored.of(runs, own_tables, settings)
    here, own_meaning = own.measure(settings), calibrate(runs, own_tables, settings, (USED,))
    results = []
    for folder in folders:
        tables = [predict_elsewhere(run, folder, progress) for run in runs]
        scored = Scored.of(runs, tables, settings)
        drop = group_interval(
            lambda near, far, scored=scored: own.auc(near) - scored.auc(far),
            own.units,
            scored.units,
            settings=settings,
        ).student("gap", (*own.behind, *scored.behind))
        reals = int((scored.test.labels == 0).sum())
        counted = (len(scored.test), scored.test.failed, reals, len(own.test))
        meanings = calibrate(runs, tables, settings, (USED,)), own_meaning
        there = scored.measure(settings)
        results.append(There(folder, len(runs), here, there, drop, *counted, *meanings, scored))
    return results


def elsewhere_numbers(measured: Sequence[There]) -> list[Number]:
    """Numbers `elsewhere.<slug>.<metric>`, `.drop`, `.pictures`, `.share`, `.seen` and `.coverage`.

    Also those of `meaning_numbers`, with `.calibration.log_loss.before` and `.ece.before`; and of two folders
    or more `elsewhere_pooled.auc`, of all their images in one ranking, and `.mean_auc`.
    """
    return [number for one in measured for number in _numbers(one)] + _pooled(measured)


def _pooled(measured: Sequence[There]) -> list[Number]:
    if len(measured) < 2:
        return []
    sets, settings = [one.scores for one in measured], measured[0].drop.settings
    labels = np.concatenate([each.test.labels for each in sets])
    scores = np.concatenate([each.test.probabilities for each in sets], axis=1)

    def aucs(*weights: Floats) -> Floats:
        """[replicates, 2]: of all images, and the mean over sets."""
        every = np.hstack(weights)
        whole = np.mean([metrics.auc(labels, row, every) for row in scores], axis=0)
        each = [one.auc(drawn) for one, drawn in zip(sets, weights, strict=True)]
        return np.stack([whole, np.mean(each, axis=0)], axis=1)

    found = group_interval(aucs, *(each.units for each in sets), settings=settings)
    behind = np.sum([each.behind for each in sets], axis=0)
    notes = {
        "auc": "all their images in one ranking, which also depends on how high each set scores as a whole",
        "mean_auc": "mean over the sets, each ranked by itself and as heavy as the others",
    }
    return [
        found[at].student("share", behind).number(f"{POOLED}.{name}", unit="AUC", n=len(labels), note=note)
        for at, (name, note) in enumerate(notes.items())
    ]


def _numbers(one: There) -> list[Number]:
    folder, prefix = one.folder, f"elsewhere.{one.folder.slug}"
    over = f"mean over {one.seeds} training seeds" if one.seeds > 1 else ""
    counts = {"reals": one.reals, "fakes": one.scored - one.reals}
    numbers = [
        one.there[metric.name].number(
            f"{prefix}.{metric.name}",
            unit=metric.unit,
            n=counts.get(metric.classes, one.scored),
            note=sentences(metric.remark, CHOSEN * metric.threshold, CALIBRATED * metric.probabilities, over),
            digits=metric.digits,
        )
        for metric in listed("external")
    ]
    error = one.there["ece"]
    note = sentences(ROOT, CALIBRATED, over)
    numbers.append(error.number(f"{prefix}.ece", unit=METRICS["ece"].unit, n=one.scored, note=note))
    numbers.append(
        one.drop.number(f"{prefix}.drop", unit="AUC", n=one.own + one.scored, note=sentences(DROP, over))
    )
    numbers += _calibration_before(one, prefix)
    numbers += meaning_numbers(one.meaning, one.drop.settings, prefix)
    asked = one.scored + one.failed
    part = "its official test part" if folder.given else "the whole folder"
    learned = "excluded: a copy or a near-duplicate of a training or validation image is in their group"
    aside = len(folder.set_aside)
    return [
        *numbers,
        Number(f"{prefix}.pictures", one.scored, "images", one.scored, note=part),
        Number(f"{prefix}.share", asked / folder.usable, "1", folder.usable, note="of the usable images"),
        Number(f"{prefix}.coverage", one.scored / asked, "1", asked, note="share with a prediction"),
        Number(f"{prefix}.set_aside", aside, "images", folder.usable + aside),
        Number(f"{prefix}.seen", folder.seen, "images", folder.usable + aside, note=learned),
    ]


def _calibration_before(one: There, prefix: str) -> list[Number]:
    """What calibration found: its results are given after it alone."""
    test, settings = one.scores.test, one.drop.settings
    loss = one.meaning.judgements[USED].before["log_loss"]
    error = calibration_error(test.labels, test.probabilities, one.scores.units, settings)
    return [
        found.number(f"{prefix}.calibration.{name}.before", unit=METRICS[name].unit, n=one.scored, note=note)
        for name, found, note in (("log_loss", loss, ""), ("ece", error, ROOT))
    ]


@dataclass(frozen=True)
class Scored:
    """Predictions of all seeds for one set of images.

    Attributes:
        calibrated: probabilities after each seed's calibration, [seeds, n].
        units: [n] the independent unit of each image.
    """

    test: Aligned
    calibrated: Floats
    thresholds: list[float]
    units: NDArray[np.int64]

    @classmethod
    def of(cls, runs: Sequence[Run], tables: Sequence, settings: Evaluate) -> Scored:
        """Line up one table of `predict` a run."""
        test = align(tables)
        paths = test.pictures["path"]
        calibrated = [
            calibrate_run(run)(table.set_index("path").loc[paths, "logit"].to_numpy())
            for run, table in zip(runs, tables, strict=True)
        ]
        thresholds = [run.checkpoint["threshold"] for run in runs]
        return cls(test, np.stack(calibrated), thresholds, test.units(settings.level))

    @property
    def behind(self) -> tuple[int, int]:
        """Groups that hold a real, and groups that hold a fake."""
        return groups_behind(self.test.labels, self.units)

    def auc(self, weights: Floats) -> Floats:
        """[replicates], mean over seeds."""
        scores = self.test.probabilities
        return np.mean([metrics.auc(self.test.labels, each, weights) for each in scores], axis=0)

    def values(self, weights: Floats) -> Floats:
        """[replicates, metrics], means over seeds."""
        labels = self.test.labels
        seeds = [
            [
                metric(labels, scores if metric.threshold or not metric.probabilities else sure, weights, at)
                for metric in listed("external")
            ]
            for scores, sure, at in zip(
                self.test.probabilities, self.calibrated, self.thresholds, strict=True
            )
        ]
        return np.mean(seeds, axis=0).T

    def measure(self, settings: Evaluate) -> dict[str, Interval]:
        """Each metric with its interval."""
        made = group_interval(self.values, self.units, settings=settings)
        found = {
            metric.name: metric.interval(made[at], self.test.labels, self.units)
            for at, metric in enumerate(listed("external"))
        }
        return {**found, "ece": calibration_error(self.test.labels, self.calibrated, self.units, settings)}
