"""The shortcut audit as a figure: what each family of traits says about the label, beside chance.

Takes the findings of `dfstudy.evaluate.shortcuts`; gives a matplotlib figure, unsaved, its caption and alt
text, and sentences that say what to do. Cost: a second.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from dfstudy.evaluate.shortcuts import TOGETHER, VERDICTS, Finding
from dfstudy.report.figures.style import FAKE, PALETTE, REAL, WIDTH

COLUMNS = 3  # panels beside each other
MOST_PANELS = 9  # all fakes and eight methods: more would not be read
_MARKS = dict(zip(VERDICTS, ((FAKE, "D"), (PALETTE[4], "s"), (REAL, "o"), (PALETTE[7], "v")), strict=True))


def draw_shortcuts(findings: Sequence[Finding]) -> Figure:
    """AUC and interval of each family, over the range of shuffled labels; a panel for each method."""
    scopes = shown_scopes(findings)
    families = [finding for finding in findings if not finding.method]
    columns = min(COLUMNS, len(scopes))
    rows = math.ceil(len(scopes) / columns)
    height = 0.7 + rows * (0.55 + 0.24 * len(families))
    figure, axes = plt.subplots(
        rows, columns, sharex=True, sharey=True, squeeze=False, figsize=(WIDTH, height)
    )
    for axis, method in zip(axes.ravel(), scopes, strict=False):
        _draw_scope(axis, [finding for finding in findings if finding.method == method])
    for axis in axes.ravel()[len(scopes) :]:
        axis.set_visible(False)
    axes[0, 0].set_yticks(range(len(families)), [finding.spoken for finding in families])
    axes[0, 0].invert_yaxis()
    for axis in axes.ravel()[max(0, len(scopes) - columns) : len(scopes)]:
        axis.set_xlabel("AUC of the probe")
        axis.tick_params(labelbottom=True)
    lines = [
        Line2D([], [], color=colour, marker=mark, ls="", label=verdict)
        for verdict, (colour, mark) in _MARKS.items()
    ]
    lines.append(Patch(color="#D9D9D9", label="95 % of shuffled labels"))
    figure.legend(handles=lines, loc="outside upper left", ncols=3)
    return figure


def _draw_scope(axis: Axes, findings: Sequence[Finding]) -> None:
    for place, finding in enumerate(findings):
        low, high = np.nanquantile(finding.shuffled, [0.025, 0.975])
        axis.barh(place, high - low, left=low, height=0.7, color="#D9D9D9")
        value, ends = finding.interval.value, (finding.interval.low, finding.interval.high)
        colour, mark = _MARKS[finding.verdict]
        axis.plot(ends, (place, place), color=colour, lw=1.6)
        axis.plot(value, place, color=colour, marker=mark, ms=5)
    axis.axvline(0.5, color="black", lw=0.8)
    axis.grid(visible=False, axis="y")
    axis.set_xlim(0.35, 1.02)
    name = findings[0].method or "all fakes"
    name = name if len(name) <= 24 else f"{name[:23]}…"
    axis.set_title(f"{name}\nn = {findings[0].pictures:,}")


def shown_scopes(findings: Sequence[Finding]) -> list[str]:
    """All fakes (an empty text), then the methods that are drawn: the most telling ones, by name."""
    methods: dict[str, float] = {}
    for finding in findings:
        if finding.method:
            # not NaN > 0: a probe without a value tells nothing
            value = float(np.nan_to_num(finding.interval.value))
            methods[finding.method] = max(value, methods.get(finding.method, 0.0))
    telling = sorted(methods, key=lambda method: (-methods[method], method))[: MOST_PANELS - 1]
    return ["", *sorted(telling)]


def shortcut_caption(findings: Sequence[Finding]) -> str:
    """What the figure shows, with n, interval and unit."""
    first = findings[0]
    methods = len({finding.method for finding in findings} - {""})
    drawn = len(shown_scopes(findings)) - 1
    which = f" The {drawn} most telling of {methods} methods are drawn." if methods > drawn else ""
    return (
        f"Can the label be told without looking at the face? Area under the ROC curve of a cross-validated "
        f"linear probe on each family of traits, {first.pictures:,} pictures in {first.interval.groups:,} "
        f"groups, with {100 * first.interval.settings.confidence:g} % intervals over groups; 0.5 is chance. "
        f"Grey: the same probe on {len(first.shuffled)} shuffles of the labels.{which}"
    )


def shortcut_alt(findings: Sequence[Finding]) -> str:
    """The message for a reader who cannot see the figure."""
    overall = [finding for finding in findings if not finding.method]
    parts = [
        f"{finding.spoken} {float(finding.interval.value):.2f} ({finding.verdict})" for finding in overall
    ]
    return f"Dots with intervals, one row a family, over all fakes: {'; '.join(parts)}."


# What a re-encoding changes by construction, and what it leaves in the pixels.
_IN_THE_FILE = {"container", "file_size", "compression", "geometry"}


def shortcut_sentence(findings: Sequence[Finding]) -> str:
    """The chapter's plain verdict and the next step, for `say`."""
    overall = [finding for finding in findings if not finding.method and finding.family != TOGETHER]
    found = [finding for finding in overall if finding.verdict in VERDICTS[:2]]
    open_ones = [finding for finding in overall if finding.verdict == VERDICTS[3]]
    parts = []
    if not found:
        parts.append("**No family of traits tells the label** over all fakes better than shuffled labels do.")
    for finding in found:
        trait = f", most of all by {finding.trait[0].replace('_', ' ')}" if finding.trait else ""
        name = f"{{shortcut.{finding.family}.auc}}"
        spoken = finding.spoken[0].upper() + finding.spoken[1:]
        parts.append(f"**{spoken}: {finding.verdict}**, AUC {name}{trait}.")
    if any(finding.family in _IN_THE_FILE for finding in found):
        parts.append(
            "A network may learn the file instead of the face: give all pictures one format, quality and "
            "size with `dfstudy reencode IN OUT`, then run the report on OUT."
        )
    if any(finding.family not in _IN_THE_FILE for finding in found):
        parts.append(
            "What lies in the pixels may be the forgery's own trace or an accident of how the set was made; "
            "re-encoding does not take it away, and a detector that lives on it fails where pictures are "
            "made or compressed in another way. Compare with pictures of another origin."
        )
    if open_ones:
        names = ", ".join(finding.spoken for finding in open_ones)
        parts.append(f"Too few groups to judge: {names}.")
    only = sorted(
        {finding.method for finding in findings if finding.method and finding.verdict == VERDICTS[0]}
    )
    if only:
        parts.append(f"By method, the label is told for {', '.join(only)}.")
    return " ".join(parts)
