"""The paragraph on the recorded protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dfstudy.present.verdicts import UNTRAINED, Answer, Verdict

if TYPE_CHECKING:
    from dfstudy.chapters.base import Gathered

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


def write_abstract(answers: Sequence[Answer], gathered: Gathered) -> str:
    """Whether all defects together would have told the truth, and what they cost."""
    numbers, verdicts = gathered.numbers, {answer.id: answer.verdict for answer in answers}
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
