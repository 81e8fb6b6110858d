"""Does augmentation help whatever trains?

Takes numbers of chapter 09; gives an answer for each way of tuning that the study compares. They are
exploratory, and corrected together. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dfstudy.chapters.c09_pretrained.questions_pairs import answer_pairs
from dfstudy.present.answer import Answer, gains, if_known, is_small
from dfstudy.present.numbers import literal
from dfstudy.stats.verdicts import CANNOT_TELL, NO, UNTRAINED, Verdict
from dfstudy.variants.tuning import name_policies

if TYPE_CHECKING:
    from dfstudy.chapters.base import Gathered
    from dfstudy.present.answer import Numbers
    from dfstudy.study.study import Study

GAIN = 0.01  # AUC: the least that is worth having, as in chapter 05
PARTS = {
    "stages": "the part that the study trains",
    "head": "the classifier alone",
    "norm": "normalisation layers and the classifier",
    "all": "the whole network",
    "lora": "updates of low rank and the classifier",
}


def answer_questions(gathered: Gathered) -> list[Answer]:
    """Every answer for which chapter 09 gave numbers."""
    study, numbers = gathered.study, gathered.numbers
    known = [mode for mode in study.tuning.modes if f"tuning.{mode}.auc.difference" in numbers]
    return [*(_of_tuning(mode, study, numbers) for mode in known), *answer_pairs(gathered)]


def _of_tuning(mode: str, study: Study, numbers: Numbers) -> Answer:
    name = f"tuning.{mode}.auc.difference"
    (first, _), (second, _) = slugs = list(name_policies(study).items())
    levels = [f"{{tuning.{mode}.{slug}.auc}}" for _, slug in slugs]
    verdict = _judge(mode, study, numbers)
    sides = f"{levels[1]} with {literal(second)}, {levels[0]} with {literal(first)}"
    told = f"Test AUC {sides}; difference {{{name}}}."
    return Answer(
        f"answer.tuning.{mode}",
        f"Does {literal(second)} help where what trains is {PARTS[mode]}?",
        f"the test AUC is higher than with {literal(first)} (Holm's correction over the ways of tuning); no "
        f"where it is not, and a gain of {GAIN} or more is excluded",
        verdict,
        told,
        numbers[name].n,
        "09_pretrained.ipynb#tuning_auc",
        told=if_known(numbers, told),
    )


def _judge(mode: str, study: Study, numbers: Numbers) -> Verdict:
    """Nothing of networks that have not learned, and no `no` of those that were still improving."""
    states = [
        {state: numbers[f"tuning.{mode}.{slug}.{state}"].value for state in ("learned", "improving")}
        for slug in name_policies(study).values()
    ]
    if not all(state["learned"] for state in states):
        return UNTRAINED
    p = numbers.get(f"tuning.{mode}.auc.p")
    seeds = min(study.tuning.seeds, len(study.training.seeds))
    sure = p is not None and is_small(p.value)
    verdict = gains(numbers[f"tuning.{mode}.auc.difference"], GAIN, seeds, is_sure=sure)
    return CANNOT_TELL if verdict == NO and any(state["improving"] for state in states) else verdict
