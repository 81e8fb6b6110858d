"""Which part of the network has to train, and does augmentation help whatever trains?

Takes a study and its split; for every way of tuning of `tuning.modes` finds or trains the runs of both
policies. Gives each one's AUC on the forgery methods that it learned, the second policy's minus the first's,
and under the first policy the way's minus that of the first way, with intervals over groups and seeds. Holm's
correction is over the ways. Of networks that have not learned no verdict is given. Beside these stands what a
way costs: parameters that train, memory of a step (`train.step_memory`) and seconds. Cost: trainings that are
not there yet; then one AUC a run and replicate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from IPython.display import Markdown, display

from dfstudy.chapters.c09_pretrained.figures_tuning import draw_tuning
from dfstudy.chapters.c09_pretrained.questions import PARTS
from dfstudy.number import Number
from dfstudy.predict.predict import predict
from dfstudy.present.numbers import describe_interval, literal, say
from dfstudy.present.style import save_figure, timing_table
from dfstudy.stats.aligned import Aligned, align
from dfstudy.stats.comparisons import holm
from dfstudy.stats.intervals import Floats, group_interval, groups_behind
from dfstudy.stats.learning import Learning, judge_runs, tell_untrained
from dfstudy.stats.metrics import auc
from dfstudy.stats.paired import PairedDifference, paired_difference
from dfstudy.stats.seeds import around_mean, with_seeds
from dfstudy.train.step_memory import step_bytes
from dfstudy.variants.registry import TUNING, list_variants
from dfstudy.variants.tuning import name_policies

if TYPE_CHECKING:
    from dfstudy.data.split import Split
    from dfstudy.study.study import Study
    from dfstudy.train.run import Run
    from dfstudy.variants.variant import Variant

OFF = "The study compares no ways of tuning (`tuning.modes` is empty)."
MEGA = 1_000_000


@dataclass(frozen=True)
class TunedWay:
    """One way of tuning with both policies, a list or row a policy.

    Attributes:
        runs: by seed.
        scores: float64 [seeds, n], probability of fake of the images that all ways share.
        learning: whether these networks have learned.
    """

    mode: str
    variants: tuple[Variant, Variant]
    runs: tuple[list[Run], list[Run]]
    scores: tuple[Floats, Floats]
    learning: tuple[Learning, Learning]

    @property
    def stem(self) -> str:
        """Beginning of its numbers' ids."""
        return f"tuning.{self.mode}"

    def untold(self) -> str:
        """Why nothing is said of augmentation here; empty where something is."""
        sides = zip(self.variants, self.learning, strict=True)
        return tell_untrained([one.study.augment.policy for one, told in sides if not told.learned])


def show_tuning(study: Study, split: Split) -> list[Number]:
    """Show each way of tuning with and without augmentation; gives numbers `tuning.*`."""
    if not study.tuning.modes:
        display(Markdown(OFF))
        return []
    pictures, ways = run_tuning(study, split)
    numbers = measure_tuning(study, pictures, ways)
    found = {number.id: number for number in numbers}
    display(tuning_table(study, found))
    first, second = study.tuning.policies
    caption = (
        f"Left: test AUC of each way of tuning with both policies. Right: {second} minus {first}. "
        f"{len(pictures):,} test images; fakes are of methods that were learned. "
        f"{describe_interval(study.evaluate)} It covers other seeds too."
    )
    alt = (
        "A row for each way of tuning: two AUCs with their intervals, and beside them their difference with "
        "its interval, against a line at zero."
    )
    display(save_figure(draw_tuning(study, found), study, "tuning_auc", caption=caption, alt=alt))
    display(timing_table(_seconds(ways).to_html(index=False)))
    display(say(_answer(study, ways), found))
    return numbers


def run_tuning(study: Study, split: Split) -> tuple[Aligned, list[TunedWay]]:
    """Find or train all runs; gives the test images that were scored, and the ways in the study's order."""
    variants = list_variants(study, split, TUNING)
    runs = [variant.train() for variant in variants]
    learned = variants[0].trained_on
    tables = [
        _asked(predict(run, one.split), learned)
        for one, own in zip(variants, runs, strict=True)
        for run in own
    ]
    every = align(tables)
    seeds = len(runs[0])
    scores = every.probabilities.reshape(len(variants), seeds, -1)
    judged = [judge_runs(own, study.evaluate) for own in runs]
    pairs = [slice(at, at + 2) for at in range(0, len(variants), 2)]
    ways = [
        TunedWay(mode, *(tuple(each[pair]) for each in (variants, runs, scores, judged)))
        for mode, pair in zip(study.tuning.modes, pairs, strict=True)
    ]
    return every, ways


def measure_tuning(study: Study, pictures: Aligned, ways: list[TunedWay]) -> list[Number]:
    """Numbers of every way.

    `tuning.<way>.<policy>.auc`, `.learned` and `.improving`; `tuning.<way>.auc.difference` and `.auc.p` (p by
    Holm), `.auc.beside` (of all but the first), `.parameters` and `.memory`.
    """
    settings, labels, n = study.evaluate, pictures.labels, len(pictures)
    units = pictures.units(settings.level)
    (first, second), slugs = study.tuning.policies, name_policies(study).values()
    numbers: list[Number] = []
    differences: list[PairedDifference] = []
    for way in ways:
        for slug, scores, learning in zip(slugs, way.scores, way.learning, strict=True):
            numbers += [
                _level(f"{way.stem}.{slug}.auc", pictures, scores, study),
                *learning.states(f"{way.stem}.{slug}"),
            ]
        change = paired_difference(labels, *way.scores, units, settings)
        differences.append(change)
        note = f"test AUC of {PARTS[way.mode]}, {second} minus {first}"
        numbers.append(change.number(f"{way.stem}.auc.difference", unit="AUC", n=n, note=note))
        if way is not ways[0]:
            beside = paired_difference(labels, ways[0].scores[0], way.scores[0], units, settings)
            note = f"test AUC with {first}, {way.mode} minus {ways[0].mode}"
            numbers.append(beside.number(f"{way.stem}.auc.beside", unit="AUC", n=n, note=note))
        run, variant = way.runs[0][0], way.variants[0]
        trained = int(run.checkpoint["trainable"])
        numbers.append(Number(f"{way.stem}.parameters", trained, "parameters", 0, note="that train"))
        at_once = run.checkpoint["pictures_at_once"]
        note = f"of a step beside the weights, float32, {at_once} images at a time"
        memory = step_bytes(variant.study) / MEGA
        numbers.append(Number(f"{way.stem}.memory", memory, "MB", at_once, note=note, digits=1))
    return [*numbers, *_adjusted(ways, differences, n)]


def _adjusted(ways: list[TunedWay], differences: list[PairedDifference], n: int) -> list[Number]:
    """Holm's p of every way whose networks have learned, over these ways."""
    asked = [
        (way, float(change.p))
        for way, change in zip(ways, differences, strict=True)
        if change.p is not None and not way.untold()
    ]
    adjusted = holm([p for _, p in asked]) if asked else ()
    note = f"Holm's, over {len(asked)} ways of tuning"
    return [
        Number(f"{way.stem}.auc.p", float(p), "probability", n, note=note)
        for (way, _), p in zip(asked, adjusted, strict=True)
    ]


def _level(name: str, pictures: Aligned, scores: Floats, study: Study) -> Number:
    """Test AUC as a mean over seeds; its interval covers other groups and other seeds."""
    units = pictures.units(study.evaluate.level)
    labels = pictures.labels

    def statistics(weights: Floats) -> Floats:
        return around_mean(np.stack([auc(labels, row, weights) for row in scores], axis=1))

    found = group_interval(statistics, units, settings=study.evaluate)
    level = with_seeds(found[0], found[1:], "share", groups_behind(labels, units))
    return level.number(name, unit="AUC", n=len(pictures), note=f"mean over {len(scores)} training seeds")


def _asked(table: pd.DataFrame, learned: tuple[str, ...]) -> pd.DataFrame:
    """Real images, and fakes of methods that were learned."""
    return table[(table["label"] == 0) | table["method"].isin(learned)]


def tuning_table(study: Study, numbers: dict[str, Number]) -> pd.DataFrame:
    """A row a way of tuning: what trains, what it costs, and what it reaches."""
    first, second = study.tuning.policies
    named = name_policies(study)
    rows = []
    for mode in study.tuning.modes:
        stem = f"tuning.{mode}"
        beside = numbers.get(f"{stem}.auc.beside")
        rows.append(
            {
                "way": mode,
                "what trains": PARTS[mode],
                "parameters": str(numbers[f"{stem}.parameters"]),
                "memory of a step, MB": str(numbers[f"{stem}.memory"]),
                **{
                    f"AUC, {policy}": str(numbers[f"{stem}.{named[policy]}.auc"])
                    for policy in (first, second)
                },
                f"{second} − {first}": str(numbers[f"{stem}.auc.difference"]),
                f"beside {study.tuning.modes[0]}, {first}": "" if beside is None else str(beside),
                "state": "; ".join(
                    f"{policy}: {numbers[f'{stem}.{slug}.learned'].note}" for policy, slug in named.items()
                ),
            }
        )
    return pd.DataFrame(rows)


def _seconds(ways: list[TunedWay]) -> pd.DataFrame:
    """Mean seconds of a training, with its validations, as they were on the machine that trained it."""
    return pd.DataFrame(
        [
            (way.mode, *(f"{np.mean([run.timings['seconds'].sum() for run in own]):.1f}" for own in way.runs))
            for way in ways
        ],
        columns=[
            "way of tuning",
            *(f"seconds a training, {one.study.augment.policy}" for one in ways[0].variants),
        ],
    )


def _answer(study: Study, ways: list[TunedWay]) -> str:
    first, second = map(literal, study.tuning.policies)
    told = [
        f"{PARTS[way.mode]}: {{{way.stem}.auc.difference}}" + (f" ({why})" if (why := way.untold()) else "")
        for way in ways
    ]
    return (
        f"With {second} instead of {first} the test AUC changes, where what trains is "
        + "; ".join(told)
        + "."
    )
