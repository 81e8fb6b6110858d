"""A result that a slider moves, and that is readable where nothing can move it.

Takes a function of one value and the values that it may take; gives what a cell shows: the slider, and below
it what the function returns. The result is an output of its own, so that a saved notebook, and a page made of
one, hold the result at the value where it was left. A chapter of a report is run without anybody watching:
there only the result at the first value is made. Cost: the function's, once a value that is chosen.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from IPython.display import Markdown, display

from dfstudy.errors import StudyError
from dfstudy.present.place import STAGING


@dataclass(frozen=True)
class Slide:
    """What a cell shows.

    Attributes:
        title: what the slider stands for, with its unit.
        values: by what the slider says of each, in order.
        start: a key of `values`.
        show: makes the result of a value: a figure, a table, Markdown.
    """

    title: str
    values: Mapping[str, Any]
    start: str
    show: Callable[[Any], Any]

    def __post_init__(self) -> None:
        if self.start not in self.values:
            raise ValueError(f"the slider '{self.title}' has no value '{self.start}'")

    def at(self, value: str) -> Any:
        """The result at a value; what is wrong with it, in words, where it has none."""
        try:
            return self.show(self.values[value])
        except StudyError as error:
            return Markdown(f"**{error.message}.** Next step: {error.hint}.")

    def _ipython_display_(self) -> None:
        if os.environ.get(STAGING):
            display(self.at(self.start))
            return
        # imported here: only who has a slider on the screen needs it
        import ipywidgets

        slider = ipywidgets.SelectionSlider(
            options=list(self.values),
            value=self.start,
            description=self.title,
            continuous_update=False,  # a result may take a second
            style={"description_width": "initial"},
            layout={"width": "36em"},
        )
        display(slider)
        shown = display(self.at(self.start), display_id=True)
        slider.observe(lambda change: shown.update(self.at(change["new"])), names="value")
