"""Which labels does the trained network contradict? Validation and test images, which it did not learn from.

Takes finished runs and their tables of `predict`; gives `labels.network.suspicious` and the table
`numbers/label_errors_network.csv`. Probabilities are means over seeds. Cost: a sort.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd
from IPython.display import display
from scipy.special import expit

from dfstudy.number import Number
from dfstudy.present.numbers import say
from dfstudy.present.suspects import WHAT_TO_DO, suspect_images, write_suspects

if TYPE_CHECKING:
    from dfstudy.study.study import Study
    from dfstudy.train.run import Run

TABLE, SUSPICIOUS = "label_errors_network.csv", "labels.network.suspicious"


def show_labels(study: Study, runs: Sequence[Run], predictions: Sequence[pd.DataFrame]) -> list[Number]:
    """Say what is suspicious; gives the number."""
    number = suspect_labels(study, runs, predictions)
    display(say(tell_suspects(number), [number]))
    return [number]


def suspect_labels(study: Study, runs: Sequence[Run], predictions: Sequence[pd.DataFrame]) -> Number:
    """How many labels are suspicious; writes the table.

    Args:
        predictions: one table of `predict` a run, of the test.
    """
    rows = score_unlearned(runs, predictions)
    suspects = suspect_images(rows, rows["probability"])
    write_suspects(study, TABLE, suspects)
    note = "of validation and test, by the rule of confident learning; hard images are among them"
    return Number(SUSPICIOUS, len(suspects), "images", len(rows), note=note)


def score_unlearned(runs: Sequence[Run], predictions: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Columns path, label, split and probability (mean over seeds) of all validation and test images.

    Args:
        predictions: as above.
    """
    parts = []
    for run, test in zip(runs, predictions, strict=True):
        validation = run.clean[run.clean["part"] == "val"]
        parts += [validation.assign(split="val"), test.assign(split="test")]
    scored = pd.concat(parts).assign(probability=lambda rows: expit(rows["logit"]))
    each = scored.groupby("path").agg(label=("label", "first"), split=("split", "first"))
    return each.assign(probability=scored.groupby("path")["probability"].mean()).dropna().reset_index()


def tell_suspects(number: Number) -> str:
    """For `say`."""
    return (
        f"The network contradicts {{{SUSPICIOUS}}} of {number.n:,} labels of validation and test images, "
        f"from which it did not learn; hard images are among them. `numbers/{TABLE}` lists them, the most "
        f"suspicious first. {WHAT_TO_DO} Test labels that are corrected only where this network contradicts "
        "them flatter it: look at the images, and say beside the result what was corrected."
    )
