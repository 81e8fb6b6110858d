"""How every figure looks and how it is saved: one palette, one font, one function.

Takes a matplotlib figure with id, caption and alt text; gives a PNG (charts) or JPEG (pictures of faces)
with the same bytes on every run, and the HTML that JupyterLab and the report both show. Widths are inches
at 144 dots an inch; colours are Okabe and Ito's, which colour-blind readers can tell apart.
"""

from __future__ import annotations

import base64
import html
import io
import os
import re

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


def save_figure(
    figure: Figure,
    study: Study,
    name: str,
    *,
    caption: str,
    alt: str,
    pictures: bool = False,
    timing: bool = False,
) -> HTML:
    """Save a figure under its id, close it, and return what the notebook shows.

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
    if not caption.strip() or not alt.strip():
        raise ValueError(f"figure '{name}' needs a caption and an alt text")
    _take_dollars_as_they_are(figure)
    buffer = io.BytesIO()
    if pictures:
        options = {"quality": 75, "optimize": True, "progressive": True}
        figure.savefig(buffer, format="jpeg", pil_kwargs=options)
    else:
        _save_chart(figure, buffer)
    plt.close(figure)
    suffix = "jpg" if pictures else "png"
    (results_folder(study, "figures") / f"{name}.{suffix}").write_bytes(buffer.getvalue())
    return HTML(_figure_html(name, buffer.getvalue(), suffix, caption, alt, timing))


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


def _save_chart(figure: Figure, buffer: io.BytesIO) -> None:
    """PNG with a palette of 256 colours, a third of the size: no value moves by more than 10 of 255."""
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    picture = Image.open(drawn).convert("RGB")
    # of Pillow's ways the one that keeps rare colours; no dithering, which would speckle plain areas
    chart = picture.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    chart.save(buffer, format="png", optimize=True)  # no text entries: matplotlib's version stays out


def _figure_html(name: str, data: bytes, suffix: str, caption: str, alt: str, timing: bool) -> str:
    kind = "jpeg" if suffix == "jpg" else suffix
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    mark = ' data-timing="true"' if timing else ""
    return (
        f'<figure id="{name}"{mark}><img src="{source}" alt="{html.escape(alt)}">'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def timing_table(table_html: str) -> HTML:
    """Mark a table of measured durations, which the report moves into its provenance block."""
    return HTML(f'<div data-timing="true">{table_html}</div>')
