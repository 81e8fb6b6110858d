"""Does augmentation help, and what of it? Verdicts from the numbers of chapter 05.

Takes numbers `policy.*`; gives an answer for the policy that the study declared, primary and secondary
quantities first, and one for all other policies together, for each quantity that was measured. Every
verdict names the budget it holds for. Of policies whose networks have not learned nothing is said; where they
were still improving when training ended, no gain is ruled out. No answer where nothing was compared. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from dfstudy.chapters.c05_policies.per_metric import QUANTITIES
from dfstudy.present.answer import (
    ALPHA,
    Answer,
    Numbers,
    best_of,
    chapters_p,
    gains,
    gains_any,
    if_known,
    is_small,
)
from dfstudy.present.lookup import find, read_id
from dfstudy.present.numbers import literal
from dfstudy.stats.paired import LEAST_SEEDS
from dfstudy.stats.verdicts import CANNOT_TELL, NO, UNTRAINED, YES, Verdict
from dfstudy.variants.policies import ORIGINAL, slugs_of

if TYPE_CHECKING:
    from dfstudy.study.study import Study

# in notes: a difference that is no gain of theirs
NO_GAIN = ("learns less", "not applicable", "no room to tell")
CHAPTER = "05_compare_augmentation.ipynb"


@dataclass(frozen=True)
class Quality:
    """One thing that augmentation may better.

    Attributes:
        name: of `per_metric.QUANTITIES`, which settles the least gain and which way is better.
    """

    name: str
    asked: str
    claim: str
    shown: str

    @property
    def least(self) -> float:
        """The smallest gain worth having."""
        least = QUANTITIES[self.name].least
        assert least is not None
        return least

    @property
    def sign(self) -> Literal[1, -1]:
        """-1 where a fall is the gain."""
        return 1 if QUANTITIES[self.name].gain > 0 else -1


QUALITIES = {
    one.name: one
    for one in (
        Quality(
            "gap",
            "reduce overfitting",
            "the gap between training and validation AUC is smaller",
            "Gap between training and validation AUC",
        ),
        Quality(
            "auc", "raise the AUC on forgery methods that it learned", "the test AUC is higher", "Test AUC"
        ),
        Quality(
            "unseen",
            "raise the AUC on forgery methods that it never saw",
            "the AUC on methods that no run learned is higher",
            "AUC on forgery methods left out of training",
        ),
        Quality(
            "robust",
            "raise the AUC on corrupted images",
            "the mean AUC over corruptions is higher",
            "Mean AUC over corruptions of middle severity",
        ),
    )
}


def decide_on_policies(numbers: Numbers, study: Study) -> list[Answer]:
    """Every answer for which chapter 05 gave a number: the declared questions first."""
    declared = study.policies
    order = [declared.primary, *declared.secondary]
    order += [quality for quality in QUALITIES if quality not in order]
    asked = [answer for quality in order for answer in _asked(numbers, study, quality)]
    return asked + [answer for quality in order for answer in _others(numbers, study, quality)]


def asked_policy(study: Study) -> str:
    """Part of the ids of the declared policy, such as `original`; empty where it is not compared."""
    return slugs_of(study).get(study.policies.asked, "")


def heading(numbers: Numbers, policy: str, quality: str) -> Literal["grows", "shrinks", ""]:
    """Where the policy's gain heads with the budget, by the interval of its trend; else empty."""
    trend = numbers.get(f"policy.{policy}.{quality}.trend")
    if trend is None or trend.low is None or trend.high is None:
        return ""
    ends = sorted(QUALITIES[quality].sign * end for end in (trend.low, trend.high))
    return "grows" if ends[0] > 0 else "shrinks" if ends[1] < 0 else ""


def unlearned(numbers: Numbers, *policies: str) -> list[str]:
    """Those of some policies whose networks have not learned."""
    return [each for each in policies if (told := numbers.get(f"policy.{each}.learned")) and not told.value]


def improving(numbers: Numbers, *policies: str) -> list[str]:
    """Those of some policies whose networks were still improving when training ended."""
    return [each for each in policies if (told := numbers.get(f"policy.{each}.improving")) and told.value]


def _asked(numbers: Numbers, study: Study, quality: str) -> list[Answer]:
    """The declared policy: one primary question, and secondary ones that are one family."""
    policy = asked_policy(study)
    name = f"policy.{policy}.{quality}.difference"
    if name not in numbers:
        return []
    asked, change = QUALITIES[quality], numbers[name]
    sides = (first_policy(numbers), policy)
    sure = is_small(chapters_p(numbers, name))
    verdict = gains(change, asked.least, seeds_of(study), asked.sign, is_sure=sure)
    verdict = _while_it_improves(verdict, improving(numbers, *sides))
    values = ", ".join(f"{side} {{policy.{side}.{quality}}}" for side in reversed(sides))
    known = all(f"policy.{side}.{quality}" in numbers for side in sides)
    because = f"{_against(numbers)} {{{name}}}{f' ({values})' if known else ''} {_budget(study)}"
    because += f"{_course(numbers, policy, quality)}{_late(numbers, sides)}{_few(study)}"
    findable = f"policy.{policy}.{quality}.detectable"
    if verdict == CANNOT_TELL and findable in numbers and numbers[findable].value is not None:
        because += f"; a difference of {{{findable}}} would have been found"
    if change.value is None:
        because = f"not measured: {literal(change.note)}"
    elif lacking := unlearned(numbers, *sides):
        verdict, because = UNTRAINED, _lacking(lacking)
    elif quality == "gap" and verdict == YES and "learns less" in change.note:
        verdict, because = NO, f"it learns less: the gap is smaller, and validation worse; {because}"
    elif words := next((word for word in NO_GAIN[1:] if word in change.note), ""):
        verdict, because = CANNOT_TELL, f"{words}; {because}"
    room = f" Less than {asked.least} was left to gain." if NO_GAIN[2] in change.note else ""
    policies = study.policies
    secondary = "secondary" if quality in policies.secondary else "exploratory"
    return [
        Answer(
            f"answer.augmentation.{quality}",
            f"Does {_spoken(study)} {asked.asked}?",
            f"{asked.claim} than with {first_policy(numbers)}; no where it is not, and a gain of "
            f"{asked.least} or more is excluded",
            verdict,
            because,
            change.n,
            f"{CHAPTER}#policies_forest",
            "primary" if quality == policies.primary else secondary,
            told=if_known(
                numbers,
                f"{asked.shown} {{policy.{policy}.{quality}}} with it, {{policy.{sides[0]}.{quality}}} with "
                f"{sides[0]}; difference {{{name}}}.{room}",
            ),
        )
    ]


def _spoken(study: Study) -> str:
    policy = study.policies.asked
    return "the original augmentation" if policy == ORIGINAL else f"the augmentation {policy}"


def _others(numbers: Numbers, study: Study, quality: str) -> list[Answer]:
    """The other policies, asked for all at once, so with Holm's correction."""
    declared = asked_policy(study)
    slugs = [policy for policy in _compared(numbers, quality) if policy != declared]
    measured = [slug for slug in slugs if numbers[f"policy.{slug}.{quality}.difference"].value is not None]
    if not measured:
        return []
    asked, first = QUALITIES[quality], first_policy(numbers)
    lacking = unlearned(numbers, first, *measured)
    told = [slug for slug in measured if slug not in lacking and first not in lacking]
    names = [f"policy.{slug}.{quality}.difference" for slug in told]
    known = [name for name in names if not any(words in numbers[name].note for words in NO_GAIN)]
    if not known:
        verdict, because = (
            (UNTRAINED, _lacking(lacking)) if not told else (CANNOT_TELL, "none can be compared")
        )
        n = numbers[f"policy.{measured[0]}.{quality}.difference"].n
        return [_of_others(quality, len(measured), first, verdict, because, n)]
    verdict, found = gains_any(numbers, known, asked.least, seeds_of(study), asked.sign)
    verdict = _while_it_improves(verdict, improving(numbers, first, *told))
    listed = ", ".join(f"{read_id(name).run} {{{name}}}" for name in (found or known))
    words = (
        f"{'those that do' if found else 'none is shown to'}, {_against(numbers)} {_budget(study)}: {listed}"
    )
    words += (f"; {_lacking(lacking)}" if lacking else "") + _few(study)
    best = numbers[best_of(numbers, known, asked.sign)]
    return [_of_others(quality, len(known), first, verdict, words, best.n)]


def _of_others(quality: str, count: int, first: str, verdict: Verdict, because: str, n: int) -> Answer:
    asked = QUALITIES[quality]
    return Answer(
        f"answer.policies.{quality}",
        f"Does another policy {asked.asked}?",
        f"with at least one of {count} {asked.claim} than with {first} (Holm, {ALPHA})",
        verdict,
        because,
        n,
        f"{CHAPTER}#policies_forest",
    )


def _while_it_improves(verdict: Verdict, moving: Sequence[str]) -> Verdict:
    """Networks that were still improving when training ended rule out no gain."""
    return CANNOT_TELL if verdict == NO and moving else verdict


def seeds_of(study: Study) -> int:
    """Trainings of each policy."""
    return min(study.policies.seeds, len(study.training.seeds))


def _few(study: Study) -> str:
    seeds = seeds_of(study)
    return f"; {seeds} of at least {LEAST_SEEDS} seeds a side" if seeds < LEAST_SEEDS else ""


def _late(numbers: Numbers, sides: Sequence[str]) -> str:
    moving = improving(numbers, *sides)
    return f"; still improving when training ended: {' and '.join(moving)}" if moving else ""


def _lacking(policies: Sequence[str]) -> str:
    """Who has not learned, with the training AUC that says so."""
    return "not learned: " + ", ".join(
        f"{each} (training AUC {{policy.{each}.train_auc}})" for each in policies
    )


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
    sure = f"; all of them minus {_percent(shorter[0]):.3g} %: {{{trend}}}" if known else ""
    heads = f", so that the gain {course} with the budget" if course else ""
    return f"; {listed}{heads}{sure}"


def _shorter(numbers: Numbers, policy: str, quality: str) -> list[str]:
    """Ids of the same difference at shorter budgets, the shortest first."""
    every = find(numbers, kind="policy", run=policy, quantity=quality, aspect="difference")
    return sorted((name for name, of in every.items() if of.budget is not None), key=_percent)


def _percent(name: str) -> float:
    """Share of the epochs."""
    return read_id(name).budget or 100.0


def _compared(numbers: Numbers, quality: str) -> list[str]:
    """Slugs of the policies that have this difference, sorted."""
    every = find(numbers, kind="policy", quantity=quality, aspect="difference", budget=None)
    return sorted(of.run for of in every.values())


def first_policy(numbers: Numbers) -> str:
    """The policy that the others are compared with: the one without a difference."""
    every = find(numbers, kind="policy", quantity="auc", aspect="", budget=None)
    first = sorted({of.run for of in every.values()} - set(_compared(numbers, "auc")))
    return first[0] if len(first) == 1 else "none"


def _against(numbers: Numbers) -> str:
    return f"compared with {first_policy(numbers)}"
