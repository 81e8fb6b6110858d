"""The abstract: the primary question first, then the secondary ones, the detector, and what it does not say.

Takes answers and the numbers behind them; gives text for `say`. No number is typed here. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from dfstudy.chapters.c04_test.questions import headline_auc
from dfstudy.chapters.c05_policies.questions import QUALITIES, asked_policy, first_policy, heading, improving
from dfstudy.present.verdicts import UNTRAINED, Answer, Numbers, Verdict
from dfstudy.study.study import Study

# what each quantity is, and what the verdict on it says of the declared augmentation
CHANGED: dict[str, tuple[str, str]] = {
    "auc": ("the test AUC on forgeries like those it learned", "raises"),
    "gap": ("the gap between training and validation AUC", "reduces"),
    "unseen": ("the AUC on forgeries that it never saw", "raises"),
    "robust": ("the AUC on corrupted images", "raises"),
}
TRUTH: dict[Verdict, str] = {
    "supported": "would have reported nearly the truth",
    "refuted": "would have misreported its own network",
    "inconclusive": "may or may not have reported the truth",
    UNTRAINED: "was not trained enough to tell whether it would have reported the truth",
}
COST: dict[Verdict, str] = {
    "supported": "and would have made a worse one",
    "refuted": "and would have made as good a one",
    "inconclusive": "and whether it would have made a worse one stays open",
    UNTRAINED: "or have made a worse one",
}


def write_abstract(answers: Iterable[Answer], numbers: Numbers, study: Study) -> str:
    """The abstract as text for `say`, a paragraph a tier, and what it does not say."""
    every = list(answers)
    verdicts = {answer.id: answer.verdict for answer in every}
    parts = [
        _primary(every, numbers, study),
        _secondary(every, numbers, study),
        _detector(verdicts, numbers),
        _protocol(verdicts, numbers),
        _limits(numbers, study.is_sample),
    ]
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
    if answer.verdict == "supported":
        return f"Yes, it {verb} it"
    if answer.verdict == "refuted":
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
    _, policy, quality, _ = name.split(".")
    first = first_policy(numbers)
    sides = [f"policy.{side}.{quality}" for side in (policy, first)]
    values = f"{{{sides[0]}}} with it, {{{sides[1]}}} with {first}; " if set(sides) <= set(numbers) else ""
    return f"{values}difference {{{name}}}"


def _protocol(verdicts: Mapping[str, Verdict], numbers: Numbers) -> str:
    names = {part: f"defect.all.auc.{part}" for part in ("inflation", "change")}
    known = {part for part, name in names.items() if name in numbers and numbers[name].value is not None}
    if known != set(names) or not {"answer.protocol.truth", "answer.protocol.cost"} <= set(verdicts):
        return ""
    return (
        "**Exploratory: what did the defects of the original protocol cost?** All together, the protocol as "
        f"it was recorded "
        f"{TRUTH[verdicts['answer.protocol.truth']]} (reported AUC less true AUC {{{names['inflation']}}}) "
        f"{COST[verdicts['answer.protocol.cost']]} (AUC on an honest test {{{names['change']}}})."
    )


def _detector(verdicts: Mapping[str, Verdict], numbers: Numbers) -> str:
    detects = {
        "supported": "It tells them apart better than chance",
        "refuted": "It does not tell them apart",
        "inconclusive": "Whether it tells them apart cannot be said from this test",
    }[verdicts["answer.above_chance"]]
    unknown = (
        ""
        if verdicts["answer.new_people"] == "supported"
        else (
            " Not enough of the pictures name persons or videos: the test may hold people seen in training."
        )
    )
    overfits = {
        "supported": "it overfits: its AUC is {train.auc_gap} higher on training than on validation pictures",
        "refuted": "it hardly overfits: its AUC is {train.auc_gap} higher on training than on validation "
        "pictures",
        "inconclusive": "whether it overfits stays open: training AUC less validation AUC is {train.auc_gap}",
        UNTRAINED: "it has not learned enough for anything more to be said",
    }[verdicts["answer.overfits"]]
    shortcut = ""
    if "shortcut.telling" in numbers and numbers["shortcut.telling"].value:
        shortcut = (
            " **The label can also be told without looking at the face**, so the detector may have learned "
            "these pictures and not their forgery."
        )
    probe = numbers.get("shortcut.together.auc")
    baseline = ""
    if probe is not None and probe.value is not None:
        baseline = (
            " A probe of file and image properties, which sees no face, reaches {shortcut.together.auc} "
            "(cross-validated over all images)."
        )
    return (
        "**The detector.** A network of {train.parameters} parameters learned to tell {data.fake} forged "
        "pictures of faces "
        "from {data.real} real ones, and was tested on {split.test} pictures in {split.test.groups} "
        f"groups kept apart.{unknown} {detects}: the test AUC is {{{headline_auc(numbers)}}}, the "
        "balanced accuracy at the threshold chosen on validation pictures {test.balanced_accuracy}; "
        f"{overfits}.{baseline}{shortcut}"
    )


def _limits(numbers: Numbers, is_sample: bool) -> str:
    if is_sample:
        return (
            "The portraits are rendered and show no person: the result says that the machinery works, and "
            "nothing about forgeries of people."
        )
    not_asked = {
        "other forgeries": r"cross[.]|policy[.].+[.]unseen[.]",
        "other sets of pictures": r"elsewhere[.]",
    }
    known = [name for name, number in numbers.items() if number.value is not None]
    asked = {what: any(re.match(name, each) for each in known) for what, name in not_asked.items()}
    missing = [what for what, was in asked.items() if not was]
    rest = f"{' and '.join(missing)} are not tested" if missing else "chapter 06 asks what is left on others"
    return f"The result holds for pictures like these; {rest}."
