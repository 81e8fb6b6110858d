"""One test image as every network of the comparison scores it, by what it learned.

Takes outcomes of `run_variants` and an image; gives a table. Cost: none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dfstudy.errors import StudyError, near_match

if TYPE_CHECKING:
    from dfstudy.chapters.c06_transfer.outcome import Outcome

NOTHING = "no other networks were trained: forgeries.train_on is off, or there is one method"


def score_by_network(outcomes: Sequence[Outcome], image: int | str) -> pd.DataFrame:
    """A row a network: what it learned, its probability of fake for one image, and what it calls it.

    Args:
        image: its number among the test's fakes, sorted by path, negative from the end; or its path.

    Returns:
        Columns image, method, network, learned (whether it learned the image's method), probability (mean
        over seeds) and verdict, the surest first; one row that says why where there is no network.

    Raises:
        StudyError: no such test image.
    """
    if not outcomes:
        return pd.DataFrame({"network": [NOTHING]})
    first = outcomes[0].tables[0]
    path = _find(first, image)
    method = first.loc[first["path"] == path, "method"].iloc[0]
    rows = []
    for one in outcomes:
        scores = [float(table.loc[table["path"] == path, "probability"].iloc[0]) for table in one.tables]
        called = np.mean([score >= limit for score, limit in zip(scores, one.thresholds, strict=True)])
        verdict = "fake" if called > 0.5 else "real" if called < 0.5 else "seeds disagree"
        learned = "yes" if method in one.trained_on else "no"
        rows.append((path, method, f"{one.network}: {one.name}", learned, np.mean(scores), verdict))
    columns = ["image", "method", "network", "learned", "probability", "verdict"]
    return pd.DataFrame(rows, columns=columns).sort_values("probability", ascending=False, ignore_index=True)


def _find(table: pd.DataFrame, image: int | str) -> str:
    if isinstance(image, str):
        if not (table["path"] == image).any():
            raise StudyError(
                f"no test image is called {image}{near_match(image, table['path'])}",
                "give its number, from 0",
            )
        return image
    fakes = table.loc[table["label"] == 1, "path"].sort_values().tolist()
    if not -len(fakes) <= image < len(fakes):
        raise StudyError(
            f"there is no fake {image} in the test", f"give a number from 0 to {len(fakes) - 1:,}"
        )
    return str(fakes[image])
