"""Predictions of several training seeds, lined up by path.

Takes one table of `predict` a seed; gives arrays that share their order. Refuses tables that do not
describe the same images: rows are joined by path, never by position. An image without a finite
probability in any of them is left out of all and counted. Cost: a sort.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dfstudy.data.columns import TABLE
from dfstudy.data.pipelines import own_reals
from dfstudy.stats.units import units_of

DESCRIPTION = ["label", "method", "group"]
# what a table may name beside: independent units, see `levels`, and how images were prepared
FURTHER = ["identity", "video", *TABLE]


@dataclass(frozen=True)
class Aligned:
    """The same images as every seed's network sees them.

    Attributes:
        pictures: path, label, method, group, and identity, video and pipeline where the tables have them,
            sorted by path.
        probabilities: of fake, float64 [seeds, n].
        failed: images left out because a seed has no finite probability for them.
    """

    pictures: pd.DataFrame
    probabilities: NDArray[np.float64]
    failed: int

    def __len__(self) -> int:
        """Images with a prediction."""
        return len(self.pictures)

    @property
    def seeds(self) -> int:
        """Training seeds."""
        return len(self.probabilities)

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """[n]: 0 real, 1 fake."""
        labels: NDArray[np.int64] = self.pictures["label"].to_numpy("int64")
        return labels

    def units(self, level: str) -> NDArray[np.int64]:
        """[n]: the independent unit of each image at a level of `levels`, as a number."""
        return np.unique(units_of(self.pictures, level), return_inverse=True)[1]

    @cached_property
    def methods(self) -> dict[str, NDArray[np.bool_]]:
        """Forgery methods by name, sorted, each with the mask [n] of its fakes."""
        named = self.pictures["method"].where(self.labels == 1)
        return {name: (named == name).to_numpy() for name in sorted(named.dropna().unique())}

    @cached_property
    def against(self) -> dict[str, NDArray[np.bool_]]:
        """For each forgery method the mask [n] of the reals that it is compared with, see `own_reals`."""
        return {name: own_reals(self.pictures, [name]) for name in self.methods}


def align(predictions: Sequence[pd.DataFrame]) -> Aligned:
    """Line up one table a seed.

    Raises:
        ValueError: no table, a path twice, or tables that differ in path, label, method or group.
    """
    if not predictions:
        raise ValueError("predictions: give one table a seed, and at least one")
    tables = [table.set_index("path").sort_index() for table in predictions]
    if not all(table.index.is_unique for table in tables):
        raise ValueError("predictions: a path comes twice in one table")
    first = tables[0]
    described = DESCRIPTION + [name for name in FURTHER if name in first.columns]
    for table in tables[1:]:
        if not table.reindex(columns=described).equals(first[described]):
            raise ValueError("predictions: the seeds' tables describe different images")
    probabilities = np.stack([table["probability"].to_numpy("float64") for table in tables])
    scored = np.isfinite(probabilities).all(axis=0)
    pictures = first.loc[scored, described].reset_index()
    return Aligned(pictures, probabilities[:, scored], int((~scored).sum()))
