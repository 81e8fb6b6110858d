"""The shortcut audit as a figure: how well each family of traits predicts the label, beside chance.

Takes the findings of `dfstudy.chapters.c01_data.shortcuts`; gives a matplotlib figure, unsaved, its caption
and alt text, and sentences that say what to do. Cost: a second.
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from dfstudy.chapters.c01_data.shortcuts import TOGETHER, VERDICTS, Finding
from dfstudy.present.axes import zoom
from dfstudy.present.numbers import as_code, literal
from dfstudy.present.style import FAKE, PALETTE, REAL, WIDTH

if TYPE_CHECKING:
    from dfstudy.study.study import Study

COLUMNS = 3  # panels beside each other
MOST_PANELS = 9  # all fakes and eight methods: more would not be read
MOST_NAMED = 3  # families or methods that a verdict names
MOST_ROWS = 24  # of the table: all fakes, then the methods' families that say something
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
    axes[0, 0].xaxis.set_major_locator(MaxNLocator(5))
    axes[0, 0].set_xlim(_limits([finding for finding in findings if finding.method in scopes]))
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
    lines.append(Line2D([], [], color="black", lw=0.8, label="chance"))
    figure.legend(handles=lines, loc="outside upper left", ncols=3)
    return figure


def _draw_scope(axis: Axes, findings: Sequence[Finding]) -> None:
    for place, finding in enumerate(findings):
        low, high = _shuffled(finding)
        axis.barh(place, high - low, left=low, height=0.7, color="#D9D9D9")
        value, ends = finding.interval.value, (finding.interval.low, finding.interval.high)
        colour, mark = _MARKS[finding.verdict]
        axis.plot(ends, (place, place), color=colour, lw=1.6)
        axis.plot(value, place, color=colour, marker=mark, ms=4)
    axis.axvline(0.5, color="black", lw=0.8)
    axis.grid(visible=False, axis="y")
    name = _in_two_lines(findings[0].method or "all fakes")
    axis.set_title(f"{name}\nn = {findings[0].pictures:,}", fontsize=8)


def _shuffled(finding: Finding) -> tuple[float, float]:
    """What 95 in 100 shuffles of the labels reach."""
    low, high = np.nanquantile(finding.shuffled, [0.025, 0.975])
    return float(low), float(high)


def _limits(findings: Sequence[Finding]) -> tuple[float, float]:
    """Of all panels: around every interval and every range of shuffled labels, chance among them."""
    ends = [
        float(end)
        for finding in findings
        for end in (
            *_shuffled(finding),
            finding.interval.low,
            finding.interval.value,
            finding.interval.high,
        )
    ]
    return zoom([0.5, *ends], lowest=0, highest=1)


def _in_two_lines(name: str, most: int = 20) -> str:
    """A method's name as a panel holds it: broken after its parts, cut after two lines."""
    lines = [""]
    for part in re.findall(r"[^_ -]+[_ -]*|[_ -]+", name):
        if len((lines[-1] + part).rstrip()) > most and lines[-1]:
            lines.append("")
        lines[-1] += part
    cut = len(lines) > 2 or any(len(line.rstrip()) > most for line in lines)
    return "\n".join(line[:most].strip() for line in lines[:2]) + "…" * cut


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


def shown_findings(findings: Sequence[Finding]) -> list[Finding]:
    """The findings that are drawn, whose numbers the report keeps: those of other methods fill pages."""
    scopes = shown_scopes(findings)
    return [finding for finding in findings if finding.method in scopes]


def shortcut_caption(findings: Sequence[Finding]) -> str:
    """What the figure shows, with n, interval and unit."""
    first = findings[0]
    methods = len({finding.method for finding in findings} - {""})
    drawn = len(shown_scopes(findings)) - 1
    which = f" The {drawn} methods with the highest AUC, of {methods}, are drawn." if methods > drawn else ""
    return (
        "Can the label be predicted without looking at the face? Area under the ROC curve of a "
        f"cross-validated linear probe on each family of traits, n = {first.pictures:,} images in "
        f"{first.interval.groups:,} groups, with {100 * first.interval.settings.confidence:g} % intervals "
        f"over groups; 0.5 is chance. Grey: the same probe on {len(first.shuffled)} shuffles of the labels."
        f"{which}"
    )


def shortcut_alt(findings: Sequence[Finding]) -> str:
    """The message for a reader who cannot see the figure."""
    overall = [finding for finding in findings if not finding.method]
    parts = [
        f"{finding.spoken} {float(finding.interval.value):.2f} ({finding.verdict})" for finding in overall
    ]
    return (
        "Dots with intervals, one row a family of traits and a panel for all fakes and each method. AUC over "
        f"all fakes, where 0.5 is chance: {'; '.join(parts)}."
    )


# What a re-encoding changes by construction, and what it leaves in the pixels.
_IN_THE_FILE = {"container", "file_size", "compression", "geometry"}


def shortcut_verdict(findings: Sequence[Finding]) -> str:
    """The audit in one or two sentences, for the page's first lines; Markdown for `say`."""
    overall = _overall(findings)
    told = sorted(
        _found_overall(findings), key=lambda x: (VERDICTS.index(x.verdict), -float(x.interval.value))
    )
    named = _named([f"{x.spoken} (AUC {{shortcut.{x.family}.auc}})" for x in told])
    if told and told[0].verdict == VERDICTS[0]:
        parts = [
            f"**Shortcuts: the label can be told without looking at the face**, from {named}. A good result "
            "may be the set's and not the forgery's."
        ]
    elif told:
        parts = [f"**Shortcuts: the label is hinted at** by {named}."]
    elif unclear := sum(finding.verdict == VERDICTS[3] for finding in overall):
        parts = [
            "**Shortcuts: inconclusive.** No family of traits predicts the label better than shuffled labels "
            f"do, but for {unclear} of {len(overall)} the images are too few to rule it out."
        ]
    else:
        parts = [
            "**Shortcuts: none found.** Nothing about file, size, light, detail or border predicts the label "
            "better than shuffled labels do."
        ]
    return " ".join([*parts, *_methods_told(findings)])


def shortcut_sentence(findings: Sequence[Finding], study: Study) -> str:
    """The chapter's plain verdict and the next step; Markdown for `say`."""
    overall = _overall(findings)
    found = _found_overall(findings)
    parts = []
    if not found:
        parts.append(
            "**No family of traits predicts the label** over all fakes better than shuffled labels do."
        )
    for finding in found:
        trait = f", most of all by {finding.trait[0].replace('_', ' ')}" if finding.trait else ""
        spoken = finding.spoken[0].upper() + finding.spoken[1:]
        parts.append(f"**{spoken}: {finding.verdict}**, AUC {{shortcut.{finding.family}.auc}}{trait}.")
    if any(finding.family in _IN_THE_FILE for finding in found):
        parts.append(
            "A network may learn the file instead of the face. Give all images one format, quality and "
            f"size, and study those:\n\n{_reencode_commands(study)}\n\n"
        )
    if any(finding.family not in {*_IN_THE_FILE, TOGETHER} for finding in found):
        parts.append(
            "What lies in the pixels may be the forgery's own trace or an accident of how the set was made; "
            "re-encoding does not take it away, and a detector that lives on it fails where images are "
            "made or compressed in another way. Compare with images of another origin."
        )
    open_ones = [finding.spoken for finding in overall if finding.verdict == VERDICTS[3]]
    if open_ones:
        parts.append(f"Too few groups to judge: {', '.join(open_ones)}.")
    return " ".join([*parts, *_methods_told(findings)])


def telling_rows(findings: Sequence[Finding]) -> list[Finding]:
    """The findings worth a row: all fakes, then by method those that say something, the strongest first."""
    overall = [finding for finding in findings if not finding.method]
    by_method = sorted(
        _found([finding for finding in findings if finding.method]),
        key=lambda finding: (-float(finding.interval.value), finding.method, finding.family),
    )
    return [*overall, *by_method[: MOST_ROWS - len(overall)]]


def _overall(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if not finding.method and finding.family != TOGETHER]


def _found(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.verdict in VERDICTS[:2]]


def _found_overall(findings: Sequence[Finding]) -> list[Finding]:
    """Families that say something over all fakes; all together only where none does so by itself."""
    single = _found(_overall(findings))
    return single or _found([x for x in findings if not x.method and x.family == TOGETHER])


def _methods_told(findings: Sequence[Finding]) -> list[str]:
    """A sentence on the methods whose label is told, or none."""
    told = [finding for finding in findings if finding.method and finding.verdict == VERDICTS[0]]
    strongest = sorted(told, key=lambda finding: (-float(finding.interval.value), finding.method))
    names = list(dict.fromkeys(literal(finding.method) for finding in strongest))
    return [f"By method, the label is told for {_named(names)}."] if names else []


def _named(words: Sequence[str]) -> str:
    more = f" and {len(words) - MOST_NAMED} more" if len(words) > MOST_NAMED else ""
    return ", ".join(words[:MOST_NAMED]) + more


def _reencode_commands(study: Study) -> str:
    """What to type, with the set's own name: the folder's place differs from machine to machine."""
    folder = f"path/to/{study.pictures.name}"
    words = [".venv/bin/dfstudy", "reencode", folder, f"{folder}_alike"]
    words += ["--study", study.file.name] if study.data.aliases else []
    return as_code(f"    {shlex.join(words)}\n    make report DATA={shlex.quote(f'{folder}_alike')}")
