"""Does a fake beside its source help? From the numbers `pairs.*`; none where they are missing. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dfstudy.present.answer import Answer, gains
from dfstudy.stats.verdicts import UNTRAINED

if TYPE_CHECKING:
    from dfstudy.chapters.base import Gathered

LEAST_AUC = 0.01  # AUC that is worth having


def answer_pairs(gathered: Gathered) -> list[Answer]:
    """One answer on the AUC; the reliance on shortcuts stands beside it."""
    numbers = gathered.numbers
    if "pairs.auc.difference" not in numbers:
        return []
    change, seeds = numbers["pairs.auc.difference"], int(numbers["pairs.seeds"].value or 0)
    return [
        Answer(
            "answer.pairs",
            "Does a fake beside its source in each batch help?",
            f"paired batches raise the test AUC (interval above 0; less than {LEAST_AUC} is no difference)",
            gains(change, LEAST_AUC, seeds) if numbers["pairs.learned"].value else UNTRAINED,
            "AUC {pairs.auc.shuffled} shuffled, {pairs.auc.paired} paired, difference "
            "{pairs.auc.difference}; reliance "
            "on shortcuts {pairs.reliance.shuffled} and {pairs.reliance.paired}, difference "
            "{pairs.reliance.difference}",
            change.n,
        )
    ]
