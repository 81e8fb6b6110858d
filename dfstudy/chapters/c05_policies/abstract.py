"""The paragraphs on the declared questions, primary first, each with the two values behind it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from dfstudy.chapters.c05_policies.questions_policies import (
    QUALITIES,
    asked_policy,
    first_policy,
    heading,
    improving,
)
from dfstudy.present.lookup import read_id
from dfstudy.stats.verdicts import NO, UNTRAINED, YES

if TYPE_CHECKING:
    from dfstudy.chapters.base import Gathered
    from dfstudy.present.answer import Answer, Numbers
    from dfstudy.study.study import Study

# what each quantity is, and what the verdict on it says of the declared augmentation
CHANGED: dict[str, tuple[str, str]] = {
    "auc": ("the test AUC on forgeries like those it learned", "raises"),
    "gap": ("the gap between training and validation AUC", "reduces"),
    "unseen": ("the AUC on forgeries that it never saw", "raises"),
    "robust": ("the AUC on corrupted images", "raises"),
}


def write_abstract(answers: Sequence[Answer], gathered: Gathered) -> str:
    """What was declared before training, a paragraph a tier."""
    numbers, study = gathered.numbers, gathered.study
    parts = [_primary(answers, numbers, study), _secondary(answers, numbers, study)]
    return "\n\n".join(part for part in parts if part)


def _primary(answers: Iterable[Answer], numbers: Numbers, study: Study) -> str:
    own = [answer for answer in answers if answer.tier == "primary"]
    if not own:
        return ""
    quantity = own[0].id.rpartition(".")[2]
    policy = asked_policy(study)
    name = f"policy.{policy}.{quantity}.difference"
    moving = improving(numbers, first_policy(numbers), policy)
    late = " It was still improving when training ended." if policy in moving else ""
    grows = " Its gain grows with the budget." if heading(numbers, policy, quantity) == "grows" else ""
    return (
        f"**Primary question, declared before training.** {own[0].question} "
        f"**{_told(own[0], numbers, name, quantity)}**: {_with_values(numbers, name)}.{grows}{late}"
    )


def _secondary(answers: Iterable[Answer], numbers: Numbers, study: Study) -> str:
    told = []
    for answer in answers:
        if answer.tier == "secondary":
            quantity = answer.id.rpartition(".")[2]
            name = f"policy.{asked_policy(study)}.{quantity}.difference"
            if numbers[name].value is None:
                continue
            words = _told(answer, numbers, name, quantity).lower()
            told.append(f"{CHANGED[quantity][0]}: {words} ({_with_values(numbers, name)})")
    return f"**Secondary questions.** Whether it changes {'; '.join(told)}." if told else ""


def _told(answer: Answer, numbers: Numbers, name: str, quantity: str) -> str:
    """The verdict as a reader says it."""
    verb = CHANGED[quantity][1]
    if answer.verdict == YES:
        return f"Yes, it {verb} it"
    if answer.verdict == NO:
        least = QUALITIES[quantity].least
        change = numbers[name]
        worse = (
            change.low is not None
            and change.high is not None
            and (change.high < 0 if QUALITIES[quantity].sign > 0 else change.low > 0)
        )
        if "learns less" in change.note:
            return "No: it learns less, and validation is worse"
        return "No: it makes it worse" if worse else f"No: a gain of {least} or more is excluded"
    return "Not trained enough to tell" if answer.verdict == UNTRAINED else "Cannot tell"


def _with_values(numbers: Numbers, name: str) -> str:
    """What a difference is the difference of, where both are known, then the difference."""
    of, first = read_id(name), first_policy(numbers)
    sides = [f"policy.{side}.{of.quantity}" for side in (of.run, first)]
    values = f"{{{sides[0]}}} with it, {{{sides[1]}}} with {first}; " if set(sides) <= set(numbers) else ""
    return f"{values}difference {{{name}}}"
