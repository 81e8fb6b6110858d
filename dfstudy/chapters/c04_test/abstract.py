"""The paragraph on the detector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dfstudy.chapters.c04_test.questions import headline_auc
from dfstudy.stats.verdicts import CANNOT_TELL, NO, UNTRAINED, YES

if TYPE_CHECKING:
    from dfstudy.chapters.base import Gathered
    from dfstudy.present.answer import Answer


def write_abstract(answers: Sequence[Answer], gathered: Gathered) -> str:
    """What was trained and tested on what, how well it does, and what casts doubt on it."""
    numbers, verdicts = gathered.numbers, {answer.id: answer.verdict for answer in answers}
    detects = {
        YES: "It distinguishes them better than chance",
        NO: "It does not distinguish them",
        CANNOT_TELL: "This test cannot tell whether it distinguishes them",
    }[verdicts["answer.above_chance"]]
    unknown = (
        ""
        if verdicts["answer.new_people"] == YES
        else (" Not enough of the images name persons or videos: the test may hold people seen in training.")
    )
    overfits = {
        YES: "it overfits: its AUC is {train.auc_gap} higher on training than on validation images",
        NO: "it hardly overfits: its AUC is {train.auc_gap} higher on training than on validation images",
        CANNOT_TELL: "whether it overfits stays open: the overfitting gap (train AUC − val AUC) is "
        "{train.auc_gap}",
        UNTRAINED: "it has not learned enough for anything more to be said",
    }[verdicts["answer.overfits"]]
    shortcut = ""
    if "shortcut.telling" in numbers and numbers["shortcut.telling"].value:
        shortcut = (
            " **The label can also be predicted without looking at the face**, so the detector may have "
            "learned these images and not their forgery."
        )
    probe = numbers.get("shortcut.together.auc")
    baseline = ""
    if probe is not None and probe.value is not None:
        baseline = (
            " A probe of file and image properties, which sees no face, reaches {shortcut.together.auc} "
            "(cross-validated over all images)."
        )
    frozen = ""
    if verdicts.get("answer.training_needed"):
        frozen = (
            " A linear probe on features of the same network before training reaches {probe.test.auc} on the "
            "test; detector minus probe is {probe.test.auc.difference}."
        )
    return (
        "**The detector.** Of {data.fake} forged and {data.real} real images of faces, a network of "
        "{train.parameters} parameters learned from {split.train}, and was tested on {split.test} in "
        f"{{split.test.groups}} other groups.{unknown} {detects}: the test AUC is "
        f"{{{headline_auc(numbers)}}}, the "
        "balanced accuracy at the threshold chosen on validation images {test.balanced_accuracy}; "
        f"{overfits}.{baseline}{frozen}{shortcut}"
    )
