"""Suspicious labels as a table that becomes corrections.

Takes images and probabilities of fake from models that did not learn from them; gives those whose label is
suspicious by `stats.label_errors`, and a file beside the numbers, of which columns can be copied into
index.csv. Cost: a sort.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dfstudy.data.tables import FORMULA
from dfstudy.present.place import results_folder
from dfstudy.stats.label_errors import find_label_errors

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from dfstudy.study.study import Study

COLUMNS = ["path", "label", "suggested", "exclude", "rank", "score", "split"]
WHAT_TO_DO = (
    "Look at them from the top. Where a label is wrong, write `suggested` into the column `label` of your "
    "`index.csv`; where you cannot decide, write a word into its column `exclude`. Without an `index.csv`, "
    "name the path in `data.exclude` of the study file. Then make the report again."
)


def suspect_images(rows: pd.DataFrame, probabilities: ArrayLike) -> pd.DataFrame:
    """`COLUMNS` of the suspicious images, the most suspicious first; `exclude` is empty.

    Args:
        rows: columns path, label and split.
        probabilities: [n] of fake.
    """
    found = find_label_errors(rows["label"], probabilities)
    table = rows.assign(
        suggested=1 - rows["label"], exclude="", rank=found.ranks, score=np.round(found.margin, 6)
    )
    return table.loc[found.suspicious, COLUMNS].sort_values("rank", ignore_index=True)


def write_suspects(study: Study, name: str, suspects: pd.DataFrame) -> None:
    """The file `numbers/<name>`."""
    paths = suspects["path"].astype(str)
    # `./` names the same file, and no spreadsheet takes it for a formula
    table = suspects.assign(path=paths.where(~paths.str.startswith(FORMULA), "./" + paths))
    table.to_csv(results_folder(study, "numbers") / name, index=False, lineterminator="\n")
