"""How every figure looks and how it is saved: one palette, one font, one function.

Takes a matplotlib figure with id, caption and alt text; gives a PNG (charts) or JPEG (images of faces)
with the same bytes on every run, and the figure itself, which JupyterLab and the report both show as HTML and
which can still be changed. Widths are inches at 144 dots an inch; colours are Okabe and Ito's, which
colour-blind readers can tell apart.
"""

from __future__ import annotations

import base64
import html
import io
import os
import re
from dataclasses import dataclass, field

import matplotlib

matplotlib.use("agg")  # no window system is needed, and the bytes do not depend on one

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
from IPython.display import HTML, display
from IPython.display import Image as Picture
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import PercentFormatter
from PIL import Image

from dfstudy.errors import StudyError
from dfstudy.present.place import STAGING, results_folder

if TYPE_CHECKING:
    from dfstudy.study.study import Study

REAL, FAKE = "#0072B2", "#D55E00"
PALETTE = (REAL, FAKE, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C8C8C")
INK, FAINT = "#000000", "#8C8C8C"
WIDTH = 7.2  # inches: the text column of the report
DPI = 144

matplotlib.rcdefaults()  # whatever a user's matplotlibrc says
plt.rcParams.update(
    {
        "figure.dpi": DPI,
        "savefig.dpi": DPI,
        "figure.constrained_layout.use": True,
        "font.family": "DejaVu Sans",
        "font.size": 9,
        "axes.titlesize": 9,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.color": "#E5E5E5",
        "axes.axisbelow": True,
        "axes.prop_cycle": matplotlib.rcsetup.cycler(color=PALETTE),
        "legend.frameon": False,
    }
)


@dataclass(eq=False)
class ShownFigure:
    """A figure with its words: what a cell shows, and what can still be changed.

    It shows itself as HTML of what the figure is at that moment: a cell may say `shown = save_figure(...)`,
    the next one change `shown.figure.axes[0]` and show `shown` again. What `save_figure` wrote stays.

    Attributes:
        figure: the matplotlib figure. pyplot holds it no longer.
        caption, alt: as for `save_figure`.
        name: id of the figure; empty where it is none of the report's.
        pictures, timing: as for `save_figure`.
    """

    figure: Figure
    caption: str
    alt: str
    name: str = ""
    pictures: bool = False
    timing: bool = False
    _image: bytes = field(default=b"", init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.caption.strip() or not self.alt.strip():
            raise ValueError(f"figure '{self.name}' needs a caption and an alt text")
        plt.close(self.figure)  # else pyplot would hold every figure as long as the kernel runs

    def __repr__(self) -> str:
        return f"<figure {self.name}: {self.caption}>" if self.name else f"<figure: {self.caption}>"

    def image(self) -> bytes:
        """PNG or JPEG of the figure as it is now; the same bytes until the figure is changed."""
        # a second drawing of an unchanged figure may shift by a pixel, as its layout is solved anew
        if not self._image or self.figure.stale:
            self._image = _draw(self.figure, self.pictures)
            self.figure.stale = False
        return self._image

    @property
    def suffix(self) -> str:
        """Ending of a file that holds `image`."""
        return "jpg" if self.pictures else "png"

    @property
    def html(self) -> str:
        """The figure as it is now, with caption and alt text."""
        kind = "jpeg" if self.pictures else "png"
        source = f"data:image/{kind};base64,{base64.b64encode(self.image()).decode()}"
        mark = (f' id="{self.name}"' if self.name else "") + (' data-timing="true"' if self.timing else "")
        return (
            f'<figure{mark}><img src="{source}" alt="{html.escape(self.alt)}">'
            f"<figcaption>{html.escape(self.caption)}</figcaption></figure>"
        )

    def _repr_html_(self) -> str:
        return self.html


def save_figure(
    figure: Figure,
    study: Study,
    name: str,
    *,
    caption: str,
    alt: str,
    pictures: bool = False,
    timing: bool = False,
) -> ShownFigure:
    """Save a figure under its id, and return what the notebook shows.

    Args:
        name: id of the figure, such as `test_roc`; also its file name.
        caption: what is shown, with n, interval and unit, in one to three sentences.
        alt: what a reader who cannot see it should know: the shape and the message.
        pictures: photographs or renderings, saved as JPEG, which is a tenth of the PNG.
        timing: shows measured durations, which differ from run to run: the report puts it into the
            provenance block and no comparison counts it.
    """
    if not re.fullmatch(r"[a-z0-9_]+", name):
        raise ValueError(f"figure id '{name}': lower-case letters, digits and underscores only")
    shown = ShownFigure(figure, caption, alt, name, pictures, timing)
    (results_folder(study, "figures") / f"{name}.{shown.suffix}").write_bytes(shown.image())
    return shown


def _show(*_: object, **__: object) -> None:
    """`plt.show` where this module drew: under agg it would show nothing, and say nothing.

    Raises:
        StudyError: in a chapter of a report, where a figure needs words for those who cannot see it.
    """
    if os.environ.get(STAGING):
        raise StudyError(
            "plt.show() in a chapter: a figure of the report has a name, a caption and an alt text",
            'write as the last line: save_figure(plt.gcf(), study, "name", caption="...", alt="...")',
        )
    for number in plt.get_fignums():
        drawn = io.BytesIO()
        plt.figure(number).savefig(drawn, format="png")
        plt.close(number)
        display(Picture(drawn.getvalue()))


plt.show = _show


def show_percent(*every: Axis) -> None:
    """Shares 0..1 as percent on these axes."""
    for axis in every:
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))


def legend_below(figure: Figure, axes: Axes) -> None:
    """The legend under the figure, where it covers no data."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=8)


def _take_dollars_as_they_are(figure: Figure) -> None:
    """Two dollar signs in a name enclose no formula; only ticks of logarithmic axes are written as one."""
    for _ in range(2):  # once more for what drawing itself writes, such as ticks of a shared axis
        named = [text for text in figure.findobj(Text) if _has_dollars(text)]
        for text in named:
            text.set_parse_math(False)
        if not named:
            return
        figure.draw_without_rendering()


def _has_dollars(text: Text) -> bool:
    return "$" in text.get_text() and not text.get_text().startswith(r"$\mathdefault{")


def _draw(figure: Figure, pictures: bool) -> bytes:
    """JPEG of images; of a chart a PNG with a palette of 256 colours.

    That is a third of the size, and no value moves by more than 10 of 255.
    """
    _take_dollars_as_they_are(figure)
    drawn = io.BytesIO()
    if pictures:
        options = {"quality": 75, "optimize": True, "progressive": True}
        figure.savefig(drawn, format="jpeg", pil_kwargs=options)
        return drawn.getvalue()
    figure.savefig(drawn, format="png")
    picture = Image.open(drawn).convert("RGB")
    # of Pillow's ways the one that keeps rare colours; no dithering, which would speckle plain areas
    chart = picture.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    kept = io.BytesIO()
    chart.save(kept, format="png", optimize=True)  # no text entries: matplotlib's version stays out
    return kept.getvalue()


def timing_table(table_html: str) -> HTML:
    """Mark a table of measured durations, which the report moves into its provenance block."""
    return HTML(f'<div data-timing="true">{table_html}</div>')
