"""Formulas of a notebook's prose as images, since the page holds no script that could set them.

Takes Markdown with TeX between dollars, as JupyterLab reads it; gives HTML in which each formula is a small
SVG with its TeX as alternative text, drawn by matplotlib. Refuses what matplotlib's TeX does not know, with
the formula. Cost: milliseconds a formula.
"""

from __future__ import annotations

import base64
import html
import io
import re
from typing import Any

import matplotlib
from jinja2 import pass_context
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.mathtext import MathTextParser
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from dfstudy.errors import StudyError

POINTS = 10.0  # of a letter: one em of the page
SETTINGS = {"svg.hashsalt": "formula", "svg.fonttype": "path", "mathtext.fontset": "dejavusans"}
UNKNOWN = re.compile(r"\\(displaystyle|textstyle|limits|nonumber|label\{\w*\})")  # changes no meaning


class FormulaExporter(HTMLExporter):
    """nbconvert's HTML, with formulas drawn."""

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        """The filter that the templates use for prose."""
        attachments = context.get("cell", {}).get("attachments", {})
        renderer = _Renderer(
            escape=False, attachments=attachments, exclude_anchor_links=self.exclude_anchor_links
        )
        return MarkdownWithMath(renderer=renderer).render(source)


class _Renderer(IPythonRenderer):
    def inline_math(self, body: str) -> str:
        return draw_formula(body)

    def block_math(self, body: str) -> str:
        return f'<span class="formula">{draw_formula(body)}</span>'

    def latex_environment(self, name: str, body: str) -> str:
        lines = [line.replace("&", "") for line in body.split(r"\\") if line.strip()]
        return "".join(map(self.block_math, lines))


def draw_formula(tex: str) -> str:
    """An `img` element of a formula, without its dollars.

    Raises:
        StudyError: matplotlib does not know the formula.
    """
    plain = " ".join(UNKNOWN.sub("", tex).split())
    try:
        with matplotlib.rc_context({**matplotlib.rcParamsDefault, **SETTINGS, "backend": "agg"}):
            data, width, height, depth = _draw(f"${plain}$")
    except ValueError as error:
        reason = str(error).strip().splitlines()[-1]
        raise StudyError(
            f"the page cannot show the formula ${plain}$: {reason}",
            "write it with the TeX that matplotlib knows (its docs: Writing mathematical expressions), "
            "or as code between backticks",
        ) from None
    wide, high, low = (f"{points / POINTS:.2f}em" for points in (width, height, -depth))
    size = f"width:{wide};height:{high};vertical-align:{low}"
    source = f"data:image/svg+xml;base64,{base64.b64encode(data).decode()}"
    return f'<img class="formula" style="{size}" alt="{html.escape(plain)}" src="{source}">'


def _draw(text: str) -> tuple[bytes, float, float, float]:
    """SVG, and its width, height and depth below the line in points."""
    font = FontProperties(size=POINTS)
    width, height, depth, _, _ = MathTextParser("path").parse(text, dpi=72, prop=font)
    figure = Figure(figsize=(width / 72, height / 72))
    FigureCanvasSVG(figure)
    figure.text(0, depth / height, text, fontproperties=font)
    written = io.BytesIO()
    figure.savefig(written, format="svg", dpi=72, transparent=True, metadata={"Date": None, "Creator": None})
    return written.getvalue(), width, height, depth
