"""The first two screens of the page: what was asked, what was found, and whether to trust it.

Takes the answers of chapter 10 and the numbers behind them; gives what `front.html.j2` shows: three cards and
at most eight answers, each with its verdict, good or bad news, one sentence and the figure. Its rules
are the chapters'. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dfstudy.chapters.base import Gathered
from dfstudy.chapters.c01_data.questions import PREDICTS
from dfstudy.chapters.c04_test.questions import CHANCE, PROBE, headline_auc
from dfstudy.chapters.c05_policies.questions_policies import QUALITIES
from dfstudy.chapters.c10_conclusions.answers import NEEDED, decide_answers
from dfstudy.pipeline.page.fragments import FIGURE_OF
from dfstudy.present.answer import above
from dfstudy.present.numbers import plain, say
from dfstudy.stats.verdicts import NO, UNTRAINED, YES
from dfstudy.variants.policies import slugs_of

if TYPE_CHECKING:
    from dfstudy.number import Number
    from dfstudy.present.answer import Answer, Numbers, Tone
    from dfstudy.study.study import Study

GROUPS_KNOWN = "answer.new_people"  # 1 where the images name the groups that the split keeps whole
MOST_ANSWERS = 8
# answers of the second screen, in order; `{}` is the quantity of the study's primary question
LISTED = (
    "answer.above_chance",
    "answer.training_needed",
    "answer.trust",
    "answer.augmentation.{primary}",
    "answer.augmentation.unseen",
    "answer.augmentation.gap",
    "answer.augmentation.robust",
    "answer.overfits",
    "answer.stands_corruptions",
    "answer.protocol.cost",
)
# left out where there are more than eight, these first: sections of the page say the same
PUT_OFF = ("answer.augmentation.robust", "answer.overfits")
UNMEASURED = "not measured"  # how the reason of such an answer begins
WORDS = {YES: "Yes", NO: "No"}
WHAT = "a perfect detector 1"
OPEN = "Can\u2019t tell"
MARKS: dict[Tone, str] = {"good": "\u2713", "bad": "!", "open": "?"}
NEWS: dict[Tone, str] = {"good": "good news", "bad": "a weakness", "open": "open"}  # for screen readers
TIERS = {
    "primary": "primary question",
    "secondary": "secondary question",
    "exploratory": "exploratory",
    "check": "check",
}


@dataclass(frozen=True)
class ShownAnswer:
    """One answer as the page shows it.

    Attributes:
        word: Yes, No or Can't tell.
        tone, mark, news: good or bad news as a colour, a sign and words.
        told: one plain sentence with the absolute values.
        tier: whether the question was declared before training.
        link: attributes of the link to its figure; empty where it has none.
    """

    id: str
    question: str
    word: str
    tone: Tone
    mark: str
    news: str
    told: str
    tier: str
    link: str


@dataclass(frozen=True)
class AnswerCard:
    """One of the three answers of the first screen, with one number and its interval."""

    question: str
    shown: ShownAnswer
    value: str
    interval: str
    label: str


def decide(numbers: Numbers, study: Study) -> list[Answer]:
    """The answers of chapter 10, from the numbers that it read; none where these are not there."""
    if not {*NEEDED, GROUPS_KNOWN} <= set(numbers):
        return []
    asked = {name: number for name, number in numbers.items() if not name.startswith("answer.")}
    return decide_answers(Gathered(asked, study, bool(numbers[GROUPS_KNOWN].value)))


def list_answers(
    answers: Iterable[Answer], numbers: Numbers, study: Study, most: int = MOST_ANSWERS
) -> list[ShownAnswer]:
    """The answers of the second screen; what was not asked, or could not be measured, is left out.

    A primary question stands here whatever became of it.
    """
    by_id = {
        one.id: one for one in answers if one.tier == "primary" or not one.because.startswith(UNMEASURED)
    }
    ordered = dict.fromkeys(name.format(primary=study.policies.primary) for name in LISTED)
    names = [name for name in ordered if name in by_id]
    for name in PUT_OFF:
        if len(names) > most and name in names:
            names.remove(name)
    return [show(by_id[name], numbers) for name in names]


def tell_distrust(numbers: Numbers) -> str:
    """Which checks the images surely fail, to follow `the images fail the check for`."""
    probe, mixed = numbers.get(PROBE), numbers.get("duplicates.both_labels")
    failed = {
        "shortcuts": probe is not None and above(probe, PREDICTS) == YES,
        "mixed labels": mixed is not None and bool(mixed.value),
    }
    return " and for ".join(name for name, fails in failed.items() if fails)


def tell_gains(answers: Iterable[Answer]) -> str:
    """What the asked augmentation surely betters among the secondary quantities, to follow its name."""
    better = {answer.id for answer in answers if answer.tier == "secondary" and answer.verdict == YES}
    found = [one.asked for one in QUALITIES.values() if f"answer.augmentation.{one.name}" in better]
    verbs = [(verb, rest) for verb, _, rest in (asked.partition(" ") for asked in found)]
    return " and ".join(f"{verb}s {rest}" for verb, rest in verbs)


def show(answer: Answer, numbers: Numbers) -> ShownAnswer:
    """One answer for the page."""
    chapter, _, figure = answer.figure.partition(".ipynb#")
    told = answer.told or f"{answer.because[0].upper()}{answer.because[1:]}."
    lead = "Not trained enough to tell. " if answer.verdict == UNTRAINED else ""
    return ShownAnswer(
        answer.id,
        answer.question,
        WORDS.get(answer.verdict, OPEN),
        answer.tone,
        MARKS[answer.tone],
        NEWS[answer.tone],
        lead + plain(say(told, numbers).data),
        TIERS[answer.tier],
        f'href="#{figure}" {FIGURE_OF}="{chapter}"' if figure else "",
    )


def make_cards(answers: Sequence[Answer], numbers: Numbers, study: Study) -> list[AnswerCard]:
    """Does it work, did augmentation improve it, can the data be trusted: those that were asked."""
    by_id = {answer.id: answer for answer in answers}
    quantity = study.policies.primary
    slugs, asked = slugs_of(study), study.policies.asked
    # a budget may leave no policy to compare, and then there is no card of it
    slug, first = (slugs.get(name, name) for name in (asked, *(study.policies.names[:1] or [asked])))
    change = f"policy.{slug}.{quantity}.difference"
    own, base = (_apart(numbers.get(f"policy.{each}.{quantity}"))[0] for each in (slug, first))
    words = QUALITIES[quantity].shown
    works, primary, trust = "answer.above_chance", f"answer.augmentation.{quantity}", "answer.trust"
    people = by_id[works].question.replace("the detector", "it") if works in by_id else ""
    cards = [
        (works, people, headline_auc(numbers), f"test AUC; guessing reaches {CHANCE}, {WHAT}"),
        (primary, "Does augmentation improve it?", change, f"{words} {own} with it, {base} without"),
        (
            trust,
            "Can the data be trusted?",
            PROBE,
            f"AUC of file and image properties; the limit is {PREDICTS}",
        ),
    ]
    return [
        AnswerCard(question, show(by_id[name], numbers), *_apart(numbers.get(number)), label)
        for name, question, number, label in cards
        if name in by_id
    ]


def _apart(number: Number | None) -> tuple[str, str]:
    """A value and its interval, as text; empty where there is none."""
    if number is None or number.value is None:
        return "", ""
    value, _, rest = str(number).partition(" [")
    return value, f"[{rest}" if rest else ""
