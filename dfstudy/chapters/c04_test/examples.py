"""Which explained images are shown: sure verdicts, right and wrong, and doubtful ones.

Takes `Explained` and a threshold; gives a table of rows to draw. Cost: a few sorts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from dfstudy.chapters.c04_test.explain import Explained


def choose_examples(explained: Explained, threshold: float) -> pd.DataFrame:
    """Images to show: the surest right and wrong verdicts, and those nearest the threshold; two a class.

    Verdicts are the first seed's. The second fake of a kind is of another method, where there is one.

    Args:
        threshold: of the first seed, from validation.

    Returns:
        A row an image: kind (`right`, `wrong`, `unsure`), label, place (0 or 1), row (of `explained`),
        method, probability. Fewer where there are none.
    """
    pictures = explained.test.pictures[["label", "method"]].reset_index(drop=True)
    pictures["row"] = pictures.index
    pictures["probability"] = explained.test.probabilities[0]
    beyond = pictures["probability"] - threshold
    right = (beyond >= 0) == (pictures["label"] == 1)
    found = []
    taken: set[int] = set()
    for kind, which, order in (
        ("right", right, -beyond.abs()),
        ("wrong", ~right, -beyond.abs()),
        ("unsure", beyond.notna(), beyond.abs()),
    ):
        for label in (0, 1):
            # the table is sorted by path, which decides between equal ones
            part = pictures[which & (pictures["label"] == label) & ~pictures["row"].isin(taken)]
            part = part.loc[order[part.index].sort_values(kind="stable").index]
            first = part.head(1)
            rest = part.iloc[1:]
            other = rest[~rest["method"].isin(first["method"])]
            chosen = pd.concat([first, (other if len(other) else rest).head(1)])
            taken |= set(chosen["row"])
            found.append(chosen.assign(kind=kind, place=range(len(chosen))))
    return pd.concat(found, ignore_index=True)[["kind", "label", "place", "row", "method", "probability"]]
