"""Chapter 05's controls in words: what equal recipes and random labels show.

Takes `Controls` (or None where the study has none); gives text for `say` and a table. Nothing is judged here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from dfstudy.chapters.c05_policies.per_metric import QUANTITIES
from dfstudy.present.numbers import literal

if TYPE_CHECKING:
    from dfstudy.chapters.c05_policies.controls import Controls

NOTHING = "No control was run: `policies.controls` is off, or no policy is named."


def tell_controls(controls: Controls | None) -> str:
    """What both controls show, for `say`."""
    if controls is None:
        return NOTHING
    seeds = next(iter(controls.same.values())).difference.seeds
    named = ", ".join(QUANTITIES[name].spoken for name in controls.found)
    same = f"**differ in {named}, which can be chance alone**" if controls.found else "do not differ"
    lost = "**are learned, although they mean nothing**" if controls.permuted.learned else "are not learned"
    return (
        f"**Controls: {'nothing is found, as it should be' if controls.silent else 'something is found'}.** "
        f"{literal(controls.policy)} and {literal(controls.policy)} with {seeds} other seeds {same}: AUC "
        "{control.same.auc.first} and {control.same.auc}, difference {control.same.auc.difference}. Permuted "
        f"labels {lost}: training AUC {{control.permuted.train_auc}}, test AUC "
        f"{{control.permuted.auc}} (n = {controls.images:,})."
    )


def controls_table(controls: Controls | None) -> pd.DataFrame:
    """Equal recipes, a row a quantity: both values, difference, p and verdict."""
    rows = []
    for name, one in controls.same.items() if controls else ():
        kind = QUANTITIES[name]
        first, second = (str(value.number("a.b", unit=kind.unit, n=one.n)) for value in one.values)
        told = str(one.difference.number("a.b", unit=kind.unit, n=one.n))
        p = "" if one.p is None else f"{one.p:.3f}"
        rows.append((kind.spoken, first, second, told, p, one.verdict(name), f"{one.n:,}"))
    columns = ["quantity", "some seeds", "other seeds", "difference", "p (Holm)", "verdict", "n"]
    return pd.DataFrame(rows, columns=columns)
