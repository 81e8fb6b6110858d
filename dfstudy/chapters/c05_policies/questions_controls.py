"""Do comparisons in which there is nothing to find, find nothing? From the controls of chapter 05.

Takes numbers `control.*`; gives one answer, none where no control was run. Pure.
"""

from __future__ import annotations

from dfstudy.present.answer import Answer, Numbers
from dfstudy.stats.verdicts import NO, YES


def decide_on_controls(numbers: Numbers) -> list[Answer]:
    """Equal recipes with other seeds, and permuted labels."""
    told = numbers.get("control.silent")
    if told is None:
        return []
    because = (
        "equal recipes with other seeds: AUC {control.same.auc.first} and {control.same.auc}, difference "
        "{control.same.auc.difference}; permuted labels: test AUC {control.permuted.auc}, not learned"
        if told.value
        else "something was found: differences of equal recipes {control.same.auc.difference} (AUC) and "
        "{control.same.gap.difference} (gap); permuted labels: training AUC "
        "{control.permuted.train_auc}; one study in twenty shows this by chance"
    )
    return [
        Answer(
            "answer.controls",
            "Do comparisons with nothing to find, find nothing?",
            "equal recipes do not differ, and permuted labels are not learned",
            YES if told.value else NO,
            because,
            told.n,
            tier="check",
        )
    ]
