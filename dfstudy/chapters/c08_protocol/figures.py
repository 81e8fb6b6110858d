"""Figure, tables and sentences of the audit: what each flaw costs, and how much it flatters.

Takes `effect.Audit` and variants; gives a matplotlib figure, tables and text for `say`.
Nothing is computed here beyond what is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dfstudy.chapters.c08_protocol.effect import QUANTITIES, Audit, FlawEffect
from dfstudy.present.axes import zoom
from dfstudy.present.style import FAKE, REAL, WIDTH, legend_below
from dfstudy.stats.units import UNITS
from dfstudy.stats.verdicts import IMPROVES, INCONCLUSIVE, WORSENS
from dfstudy.study.recipe import Protocol
from dfstudy.variants.defects import ALL, IMBALANCED

if TYPE_CHECKING:
    from dfstudy.number import Number
    from dfstudy.stats.paired import PairedDifference
    from dfstudy.variants.variant import Variant

INK, FAINT = "#000000", "#6E6E6E"
SPOKEN = {
    "bgr_channels": "channels B, G, R",
    "raw_pixels": "raw grey levels",
    "inverted_class_weight": "inverted class weight",
    "drifting_batch_norm": "drifting BatchNorm",
    "random_split": "random split",
    "selection_is_result": "selection is the result",
    "batch_means": "means of batch means",
    "substring_labels": "labels by substring",
    "plain_sgd": "plain SGD",
    "timm_head": "timm's own head",
    ALL: "all together",
}
DRAWN = {"auc": (REAL, "o", 0.14), "accuracy": (FAKE, "s", -0.14)}
WIDEST = 0.5  # an interval that goes further ends in an arrow: it says that nothing is known
SILENT = {
    "cost": {"random_split": "cannot be asked: it learned test images", "": "the network is the same"},
    "inflation": {"": "reports the honest test"},
}


def switches_table(audit: Audit) -> pd.DataFrame:
    """The flaws of the original protocol, what each does, and whether it applies to this study."""
    fields = Protocol.model_fields
    rows = [
        (SPOKEN[name], field.description, audit.effects[name].reason or "yes")
        for name, field in fields.items()
    ]
    return pd.DataFrame(rows, columns=["flaw", "what it does", "applies here"])


def variants_table(variants: Sequence[Variant]) -> pd.DataFrame:
    """What is trained: one row a variant, with the images that it learns and selects on."""
    rows = []
    for variant in variants:
        parts = [variant.split.part(part)["label"] for part in ("train", "val")]
        counts = [f"{(part == 0).sum():,} real, {(part == 1).sum():,} fake" for part in parts]
        name = variant.name.removeprefix("defect_")
        told = "fakes thinned, no flaw" if name == IMBALANCED else SPOKEN.get(name, "no flaw")
        rows.append((variant.name, told, *counts, ", ".join(map(str, variant.study.training.seeds))))
    return pd.DataFrame(rows, columns=["training", "flaw", "learns from", "selects on", "seeds"])


def verdict_table(audit: Audit) -> pd.DataFrame:
    """One row a flaw: its question, cost, inflation, what would have been found, Holm's p, verdict."""
    alpha = 1 - audit.settings.confidence
    rows = []
    for name, effect in audit.effects.items():
        asked = effect.asked()
        detectable = [
            _signed(f"{one.detectable_among(effect.family):.3f}", kind, asked) for kind, one in asked.items()
        ]
        adjusted = [_signed(f"{effect.adjusted[kind]:.3f}", kind, asked) for kind in asked]
        cost, inflation = (_told(of.get(effect.question)) for of in (effect.changes, effect.inflation))
        question = "" if effect.reason else QUANTITIES[effect.question].spoken
        verdict = effect.verdict(alpha)
        rows.append(
            (SPOKEN[name], question, cost, inflation, ", ".join(detectable), ", ".join(adjusted), verdict)
        )
    columns = ["flaw", "asked in", "with − without", "reported − true", "detectable", "p", "verdict"]
    return pd.DataFrame(rows, columns=columns)


def describe_audit(audit: Audit) -> str:
    """What a caption must say: images, groups, seeds, and what the intervals cover."""
    groups = next(iter(audit.correct.values())).groups
    seeds = f"{audit.seeds} training seed{'s' * (audit.seeds > 1)}"
    both = f"{UNITS[audit.settings.level]} and seeds" if audit.seeds > 1 else UNITS[audit.settings.level]
    return (
        f"n = {audit.pictures:,} test images in {groups:,} {UNITS[audit.settings.level]}; {seeds} each. "
        f"Interval: {100 * audit.settings.confidence:g} % over the choice of {both}; arrows: it continues "
        "beyond the axis. Verdicts follow p after Holm's correction over all flaws, so that an interval "
        "without 0 can be inconclusive."
    )


def describe_effects(audit: Audit) -> str:
    """The figure's values and verdicts, for its alt text."""
    alpha = 1 - audit.settings.confidence
    told = []
    for name, effect in audit.effects.items():
        values = [
            f"{side} {QUANTITIES[quantity].spoken} {_told(of[quantity])}"
            for side, of in (("cost", effect.changes), ("inflation", effect.inflation))
            for quantity in DRAWN
            if quantity in of
        ]
        told.append(f"{SPOKEN[name]}: {', '.join([effect.verdict(alpha), *values])}")
    return f"Two panels of points with intervals around a line at zero, a row a flaw. {'; '.join(told)}."


def draw_effects(audit: Audit) -> Figure:
    """A row a flaw; left what it costs on the honest test, right reported minus true."""
    rows = list(audit.effects.values())
    figure, panels = plt.subplots(1, 2, figsize=(WIDTH, 1.3 + 0.36 * len(rows)), sharey=True)
    places = np.arange(len(rows))[::-1]
    for axes, kind in zip(panels, ("cost", "inflation"), strict=True):
        axes.axvline(0, color=INK, linewidth=0.9)
        for quantity, (color, marker, lift) in DRAWN.items():
            label = QUANTITIES[quantity].spoken
            axes.plot([], [], marker, color=color, label=label, linestyle="none", markersize=4)
            for place, effect in zip(places, rows, strict=True):
                found = (effect.changes if kind == "cost" else effect.inflation).get(quantity)
                if found is not None:
                    _draw_one(axes, found, place + lift, color, marker)
        ends = [float(np.clip(end, -WIDEST, WIDEST)) for effect in rows for end in _ends(effect, kind)]
        axes.set(xlim=zoom([0.0, *ends], least=0.1), ylim=(-0.6, len(rows) - 0.4))
        for place, effect in zip(places, rows, strict=True):
            _say_nothing(axes, effect, kind, place)
        axes.grid(visible=False, axis="y")
    panels[0].set_yticks(places, [SPOKEN[effect.switch] for effect in rows])
    panels[0].set(title="Cost: with the flaw − without", xlabel="change on the honest test   better →")
    panels[1].set(title="Inflation: reported − true", xlabel="added to the reported result   inflated →")
    legend_below(figure, panels[0])
    return figure


def answer_defects(audit: Audit, numbers: Mapping[str, Number]) -> str:
    """The chapter's answer, for `say`; verdicts by rule from p and interval."""
    applying = [effect for effect in audit.effects.values() if not effect.reason and effect.switch != ALL]
    if not applying:
        return f"**Answer.** Nothing was measured: {audit.effects[ALL].reason}."
    alpha = 1 - audit.settings.confidence
    told = [
        f"Of {len(audit.effects) - 1} flaws of the original protocol {len(applying)} apply to this study."
    ]
    for word, spoken in (
        ("diverges", "make training diverge"),
        (WORSENS, "worsen the network"),
        (IMPROVES, "improve it"),
        ("flatters", "inflate the reported result"),
        ("understates", "understate the result"),
    ):
        found = [SPOKEN[each.switch] for each in applying if word in each.verdict(alpha)]
        if found:
            told.append(f"Shown to {spoken}: {', '.join(found)}.")
    for verdict, spoken in (("no difference found", "No difference found"), (INCONCLUSIVE, "Inconclusive")):
        silent = [each for each in applying if each.verdict(alpha) == verdict]
        least = [one.detectable for each in silent if each.question == "auc" for one in each.asked().values()]
        if silent:
            limit = f"; differences in AUC that would have been found: {_range(least)}" if least else ""
            told.append(f"{spoken}: {', '.join(SPOKEN[each.switch] for each in silent)}{limit}.")
    if audit.effects[ALL].diverged:
        told.append(f"All together: training diverges ({audit.effects[ALL].diverged}).")
    if f"defect.{ALL}.reported.accuracy" in numbers:
        told.append(
            f"All together: {audit.effects[ALL].verdict(alpha)}. "
            "The original protocol reports an accuracy of {defect.all.reported.accuracy} where "
            "{defect.all.true.accuracy} is true of its network, and the correct protocol reaches "
            "{defect.correct.accuracy}; in AUC {defect.all.reported.auc}, {defect.all.true.auc} and "
            "{defect.correct.auc}."
        )
    return f"**Answer.** {' '.join(told)}"


def _draw_one(axes: Axes, found: PairedDifference, place: float, color: str, marker: str) -> None:
    if np.isnan(found.value):
        return
    if found.low is not None:
        ends = np.clip([found.low, found.high], -WIDEST, WIDEST)
        axes.hlines(place, *ends, color=color, linewidth=1.6)
        for end, beyond, arrow in ((ends[0], found.low, "<"), (ends[1], found.high, ">")):
            if abs(beyond) > WIDEST:
                axes.plot(end, place, arrow, color=color, markersize=4)
    axes.plot(np.clip(found.value, -WIDEST, WIDEST), place, marker, color=color, markersize=4)


def _ends(effect: FlawEffect, kind: str) -> list[float]:
    of = effect.changes if kind == "cost" else effect.inflation
    drawn = [of[name] for name in DRAWN if name in of]
    return [end for one in drawn for end in (one.low, one.high, one.value) if end is not None]


def _say_nothing(axes: Axes, effect: FlawEffect, kind: str, place: float) -> None:
    """Words where a row has no point."""
    if effect.reason:
        words = "does not apply here"
    elif effect.diverged:
        words = "a training diverged"
    elif effect.changes if kind == "cost" else effect.inflation:
        return
    else:
        words = SILENT[kind].get(effect.switch, SILENT[kind][""])
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    middle = sum(axes.get_xlim()) / 2
    axes.text(middle, place, words, ha="center", va="center", fontsize=7.5, color=FAINT, bbox=box)


def _range(values: Sequence[float]) -> str:
    """The smallest and the largest; beyond 1 there is no AUC to differ by."""
    if len(values) == 1:
        return f"from {values[0]:.2f} on"
    most = f"{max(values):.2f}" if max(values) < 1 else "none"
    return f"from {min(values):.2f} for one flaw to {most} for another"


def _told(found: PairedDifference | None) -> str:
    return "" if found is None else str(found.number("defect.shown", unit="1", n=0))


def _signed(text: str, kind: str, asked: Mapping[str, PairedDifference]) -> str:
    """A value of a row with two questions says which it belongs to."""
    return text if len(asked) == 1 else f"{text} ({'cost' if kind == 'change' else 'flattery'})"
