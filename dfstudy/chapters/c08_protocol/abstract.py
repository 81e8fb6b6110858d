"""The paragraph on the original protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dfstudy.stats.verdicts import CANNOT_TELL, NO, UNTRAINED, YES

if TYPE_CHECKING:
    from dfstudy.chapters.base import Gathered
    from dfstudy.present.answer import Answer
    from dfstudy.stats.verdicts import Verdict

TRUTH: dict[Verdict, str] = {
    YES: "The original protocol would have reported the AUC of its network correctly",
    NO: "The original protocol would have misreported the AUC of its network",
    CANNOT_TELL: "We cannot tell whether the original protocol would have misreported its AUC",
    UNTRAINED: "Its network was not trained enough to tell whether it would have misreported its AUC",
}
COST: dict[Verdict, str] = {
    YES: "It would have trained a worse detector",
    NO: "It would have trained a detector as good as without its flaws",
    CANNOT_TELL: "We cannot tell whether it would have trained a worse detector",
    UNTRAINED: "Nor can we tell whether it would have trained a worse detector",
}


def write_abstract(answers: Sequence[Answer], gathered: Gathered) -> str:
    """Whether all flaws together would have misreported the result, and what they cost."""
    numbers, verdicts = gathered.numbers, {answer.id: answer.verdict for answer in answers}
    names = {part: f"defect.all.auc.{part}" for part in ("inflation", "change")}
    known = {part for part, name in names.items() if name in numbers and numbers[name].value is not None}
    if known != set(names) or not {"answer.protocol.truth", "answer.protocol.cost"} <= set(verdicts):
        return ""
    return (
        "**Exploratory: what did the flaws of the original protocol cost?** "
        f"{TRUTH[verdicts['answer.protocol.truth']]} (reported AUC minus true AUC {{{names['inflation']}}}). "
        f"{COST[verdicts['answer.protocol.cost']]} (AUC on an honest test, with all flaws minus without, "
        f"{{{names['change']}}})."
    )
