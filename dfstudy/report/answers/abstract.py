"""The abstract: the study's question first, then the detector, then what it does not say.

Takes answers and the numbers behind them; gives text for `say`. No number is typed here. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from dfstudy.report.answers.augmentation import RECORDED, first_policy, heading, improving
from dfstudy.report.answers.detector import headline_auc
from dfstudy.report.verdicts import UNTRAINED, Answer, Numbers, Verdict

# what the verdict on each quantity says of the recorded augmentation
HELPS: dict[str, dict[Verdict, str]] = {
    "gap": {
        "supported": "reduces overfitting (the gap between training and validation AUC changes by {0})",
        "refuted": "does not reduce overfitting (the gap between training and validation AUC changes by {0})",
        "inconclusive": "may or may not reduce overfitting (the gap changes by {0})",
        UNTRAINED: "was not trained enough to tell whether it reduces overfitting",
    },
    "auc": {
        "supported": "raises the AUC on forgeries like those it trained on (by {0})",
        "refuted": "does not raise the AUC on forgeries like those it trained on ({0})",
        "inconclusive": "leaves open whether it raises the AUC on forgeries like those it trained on ({0})",
        UNTRAINED: "was not trained enough to tell whether it raises the AUC on forgeries that it learned",
    },
    "unseen": {
        "supported": "raises the AUC on forgeries that it never saw (by {0})",
        "refuted": "does not raise the AUC on forgeries that it never saw ({0})",
        "inconclusive": "leaves open whether it raises the AUC on forgeries that it never saw ({0})",
        UNTRAINED: "was not trained enough to tell whether it raises the AUC on forgeries that it never saw",
    },
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


def write_abstract(answers: Iterable[Answer], numbers: Numbers, is_sample: bool) -> str:
    """The abstract as text for `say`: what was asked, what came out, what it does not say."""
    verdicts = {answer.id: answer.verdict for answer in answers}
    parts = [_augmentation(verdicts, numbers), _protocol(verdicts, numbers), _detector(verdicts, numbers)]
    return " ".join(part for part in [*parts, _limits(numbers, is_sample)] if part)


def _augmentation(verdicts: Mapping[str, Verdict], numbers: Numbers) -> str:
    parts = []
    for quality, words in HELPS.items():
        name, asked = f"policy.{RECORDED}.{quality}.difference", f"answer.augmentation.{quality}"
        if asked in verdicts and numbers[name].value is not None:
            parts.append(words[verdicts[asked]].replace("{0}", _with_values(numbers, name)))
    if not parts:
        return ""
    listed = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])}, and {parts[-1]}"
    grows = heading(numbers, RECORDED, "auc") == "grows"
    more = "; its effect on the AUC grows with the budget" if grows else ""
    if improving(numbers, RECORDED):
        more += "; its networks were still improving when training ended"
    return f"**Does heavy augmentation help?** At this budget the recorded augmentation {listed}{more}."


def _with_values(numbers: Numbers, name: str) -> str:
    """A difference, then what it is the difference of, where both are known."""
    _, policy, quality, _ = name.split(".")
    sides = [f"policy.{side}.{quality}" for side in (policy, first_policy(numbers))]
    values = f": {{{sides[0]}}} against {{{sides[1]}}}" if set(sides) <= set(numbers) else ""
    return f"{{{name}}}{values}"


def _protocol(verdicts: Mapping[str, Verdict], numbers: Numbers) -> str:
    names = {part: f"defect.all.auc.{part}" for part in ("inflation", "change")}
    known = {part for part, name in names.items() if name in numbers and numbers[name].value is not None}
    if known != set(names) or not {"answer.protocol.truth", "answer.protocol.cost"} <= set(verdicts):
        return ""
    return (
        f"**What did the recorded defects cost?** All together, the protocol as it was recorded "
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
        "A network of {train.parameters} parameters learned to tell {data.fake} forged pictures of faces "
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
