"""The paragraph on the detector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dfstudy.chapters.c04_test.questions import headline_auc
from dfstudy.present.verdicts import UNTRAINED, Answer

if TYPE_CHECKING:
    from dfstudy.chapters.base import Gathered


def write_abstract(answers: Sequence[Answer], gathered: Gathered) -> str:
    """What was trained and tested on what, how well it does, and what casts doubt on it."""
    numbers, verdicts = gathered.numbers, {answer.id: answer.verdict for answer in answers}
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
