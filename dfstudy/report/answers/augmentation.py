"""Does augmentation help, and what of it? Verdicts from the numbers of chapter 05.

Takes numbers `policy.*`, `leave_out.*`, `add_one.*`; gives an answer for the recorded policy (`seed`) and one
for all other policies together, for each quantity that was measured, and what single transforms bring. Every
verdict names the budget it holds for; where the effect still grows with the budget, nothing is refuted. No
answer where nothing was compared. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from dfstudy.report.numbers import literal
from dfstudy.report.verdicts import ALPHA, Answer, Numbers, Verdict, best_of, gains, gains_any
from dfstudy.study import Study

RECORDED = "seed"  # the policy that the study is about: asked for beforehand, so its verdicts need no Holm
CHAPTER = "05_compare_augmentation.ipynb"


@dataclass(frozen=True)
class Quality:
    """One thing that augmentation may better.

    Attributes:
        least: the smallest gain worth having; below it a policy is refuted.
        sign: -1 where a fall is the gain.
    """

    asked: str
    claim: str
    least: float
    sign: Literal[1, -1]


# An AUC that rises by a hundredth ranks one pair of a real and a fake in a hundred better: less than that is
# no reason to prefer a recipe. Of the gap, two hundredths: as much as `answer.overfits` calls worth a word.
QUALITIES = {
    "gap": Quality("reduce overfitting", "the gap between training and validation AUC is smaller", 0.02, -1),
    "auc": Quality("raise the accuracy on the same forgeries", "the test AUC is higher", 0.01, 1),
    "unseen": Quality(
        "raise the accuracy on unseen forgeries",
        "the AUC on methods that no run learned is higher",
        0.01,
        1,
    ),
    "robust": Quality(
        "raise the accuracy on damaged pictures",
        "the mean AUC over corruptions is higher",
        0.01,
        1,
    ),
}
# By how much AUC an effect must still change between the longest shorter budget and the full one to head
# anywhere: as much as is worth having. Budgets are not paired in an interval, so this decides no gain.
HEADS = 0.01
PARTS = {
    "leave_out": (
        "Which of its transforms carry it?",
        "leaving at least one of them out lowers the test AUC",
    ),
    "add_one": (
        "Which transforms help by themselves?",
        "at least one of them alone raises the test AUC",
    ),
}


def decide_on_augmentation(numbers: Numbers, study: Study) -> list[Answer]:
    """Every answer for which chapter 05 gave a number."""
    answers = []
    for quality in QUALITIES:
        answers += _recorded(numbers, study, quality) + _others(numbers, study, quality)
    for kind in PARTS:
        answers += _parts(numbers, study, kind)
    return answers


def heading(numbers: Numbers, policy: str, quality: str) -> Literal["grows", "shrinks", "is level", ""]:
    """Where the policy's gain heads with the budget; empty where no shorter one was measured."""
    shorter = _shorter(numbers, policy, quality)
    full = numbers[f"policy.{policy}.{quality}.difference"].value
    last = numbers[shorter[-1]].value if shorter else None
    if full is None or last is None:
        return ""
    change = QUALITIES[quality].sign * (full - last)
    if abs(change) < HEADS:
        return "is level"
    return "grows" if change > 0 else "shrinks"


def _recorded(numbers: Numbers, study: Study, quality: str) -> list[Answer]:
    name = f"policy.{RECORDED}.{quality}.difference"
    if name not in numbers:
        return []
    asked, change = QUALITIES[quality], numbers[name]
    verdict = _while_it_grows(gains(change, asked.least, asked.sign), heading(numbers, RECORDED, quality))
    because = f"{_against(numbers)} {{{name}}} {_budget(study)}{_course(numbers, RECORDED, quality)}"
    findable = f"policy.{RECORDED}.{quality}.detectable"
    if verdict == "inconclusive" and findable in numbers and numbers[findable].value is not None:
        because += f"; a difference of {{{findable}}} would have been found"
    if change.value is None:
        because = f"not measured: {literal(change.note)}"
    return [
        Answer(
            f"answer.augmentation.{quality}",
            f"Does the recorded augmentation {asked.asked}?",
            f"{asked.claim} than with {_first(numbers)}; refuted below a gain of {asked.least}",
            verdict,
            because,
            change.n,
            f"{CHAPTER}#policies_forest",
        )
    ]


def _others(numbers: Numbers, study: Study, quality: str) -> list[Answer]:
    """The other policies, asked for all at once, so with Holm's correction."""
    slugs = [policy for policy in _compared(numbers, quality) if policy != RECORDED]
    names = [f"policy.{slug}.{quality}.difference" for slug in slugs]
    known = [name for name in names if numbers[name].value is not None]
    if not known:
        return []
    asked = QUALITIES[quality]
    verdict, found = gains_any(numbers, known, asked.least, asked.sign)
    if any(heading(numbers, slug, quality) == "grows" for slug in slugs):
        verdict = _while_it_grows(verdict, "grows")
    listed = ", ".join(f"{_slug(name)} {{{name}}}" for name in (found or known))
    told = f"{'those that do' if found else 'none surely'}, {_against(numbers)} {_budget(study)}: {listed}"
    best = numbers[best_of(numbers, known, asked.sign)]
    return [
        Answer(
            f"answer.policies.{quality}",
            f"Does another policy {asked.asked}?",
            f"with at least one of {len(known)} {asked.claim} than with {_first(numbers)} (Holm, {ALPHA})",
            verdict,
            told,
            best.n,
            f"{CHAPTER}#policies_forest",
        )
    ]


def _parts(numbers: Numbers, study: Study, kind: str) -> list[Answer]:
    names = [name for name in numbers if re.fullmatch(rf"{kind}\.[a-z0-9_-]+\.auc\.difference", name)]
    known = [name for name in names if numbers[name].value is not None]
    if not known:
        return []
    question, claim = PARTS[kind]
    verdict, found = gains_any(numbers, known, QUALITIES["auc"].least)
    shown = found or [best_of(numbers, known)]
    listed = ", ".join(f"{_slug(name)} {{{name}}}" for name in shown)
    share = f"at {study.policies.parts_budget:.0%} of the epochs".replace("%", " %")
    return [
        Answer(
            f"answer.transforms.{kind}",
            question,
            f"{claim} (Holm over {len(known)}, {ALPHA})",
            verdict,
            f"{'those that do' if found else 'none surely; the most'}, {share}: {listed}",
            numbers[shown[0]].n,
            f"{CHAPTER}#policies_parts",
        )
    ]


def _while_it_grows(verdict: Verdict, course: str) -> Verdict:
    """A gain that still grows with the budget is not refuted by this budget."""
    return "inconclusive" if verdict == "refuted" and course == "grows" else verdict


def _budget(study: Study) -> str:
    return f"at the full budget of {study.training.epochs} epochs"


def _course(numbers: Numbers, policy: str, quality: str) -> str:
    """The effect at shorter budgets, and where it heads."""
    shorter = _shorter(numbers, policy, quality)
    if not shorter:
        return ""
    course = heading(numbers, policy, quality)
    listed = ", ".join(f"{{{name}}} at {_percent(name):.3g} % of them" for name in shorter)
    trend = f"policy.{policy}.{quality}.trend"
    known = trend in numbers and numbers[trend].value is not None
    sure = f"; all of them less {_percent(shorter[0]):.3g} %: {{{trend}}}" if known else ""
    heads = f", so that the gain {course} from {_percent(shorter[-1]):.3g} % on" if course else ""
    return f"; {listed}{heads}{sure}"


def _shorter(numbers: Numbers, policy: str, quality: str) -> list[str]:
    """Ids of the same difference at shorter budgets, the shortest first."""
    own = rf"policy\.{re.escape(policy)}\.at_[\d_]+\.{quality}\.difference"
    return sorted((name for name in numbers if re.fullmatch(own, name)), key=_percent)


def _percent(name: str) -> float:
    return float(name.split(".at_")[1].split(".")[0].replace("_", "."))


def _compared(numbers: Numbers, quality: str) -> list[str]:
    """Slugs of the policies that have this difference, sorted."""
    own = rf"policy\.([a-z0-9_-]+)\.{quality}\.difference"
    return sorted(match[1] for name in numbers if (match := re.fullmatch(own, name)))


def _slug(name: str) -> str:
    return name.split(".")[1]


def _first(numbers: Numbers) -> str:
    """The policy that the others are set against: the one without a difference."""
    every = {match[1] for name in numbers if (match := re.fullmatch(r"policy\.([a-z0-9_-]+)\.auc", name))}
    first = sorted(every - set(_compared(numbers, "auc")))
    return first[0] if len(first) == 1 else "none"


def _against(numbers: Numbers) -> str:
    return f"against {_first(numbers)}"
