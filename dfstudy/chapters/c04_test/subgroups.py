"""Whether the detector is as good on every kind of image that index.csv tells apart.

Takes finished runs, their tables of `predict` and the split; gives numbers (`stats.subgroups`, which has the
rule), a table and a sentence. Which columns are asked is `evaluate.subgroups` of the study file: all that
index.csv has beside the known ones, or those that are named. Of a table that `dfstudy faces` wrote, where in
its source a crop lay is no property of the image; its size there is (`width`). Refused: a column that
index.csv does not have. Cost: seconds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from dfstudy.data.columns import NOTES
from dfstudy.errors import StudyError, near_match
from dfstudy.faces.table import COLUMNS
from dfstudy.present.answer import is_small
from dfstudy.present.lookup import find
from dfstudy.present.numbers import literal
from dfstudy.stats.aligned import align
from dfstudy.stats.learning import judge_runs
from dfstudy.stats.subgroups import FEW, compare_subgroups, cut
from dfstudy.stats.verdicts import CANNOT_TELL, UNTRAINED

if TYPE_CHECKING:
    from dfstudy.data.split import Split
    from dfstudy.number import Number
    from dfstudy.study.study import Study
    from dfstudy.train.run import Run

PLACES = frozenset(COLUMNS) - {"width"}
NOTHING = (
    "**No subgroups.** No further column of an `index.csv` tells the test images apart; nothing is guessed "
    "from the "
    "images themselves."
)
DIFFERS = "differs from the rest"


def measure_subgroups(
    study: Study, split: Split, runs: Sequence[Run], predictions: Sequence[pd.DataFrame]
) -> list[Number]:
    """Numbers of every subgroup; empty where no column makes any.

    Args:
        predictions: one table of `predict` a run, of the test.
    Raises:
        StudyError: `evaluate.subgroups` names a column that index.csv does not have.
    """
    test = align(predictions)
    notes = split.rows.set_index("path")[NOTES] if NOTES in split.rows else pd.Series(dtype=str)
    said = [json.loads(text) if text else {} for text in notes.reindex(test.pictures["path"], fill_value="")]
    every = pd.DataFrame(said).fillna("") if any(said) else pd.DataFrame(index=range(len(test)))
    settings, asked = study.evaluate, study.evaluate.subgroups
    if asked == "auto":
        asked = [name for name in every.columns if name not in PLACES]
    for name in asked:
        if name not in every:
            raise StudyError(
                f"evaluate.subgroups: index.csv says nothing of the test images in a column '{name}'"
                f"{near_match(name, every.columns)}",
                f"name some of: {', '.join(every.columns) or 'none, there is no further column'}; or write "
                f"auto",
            )
    subgroups = [one for name in asked for one in cut(name, every[name].tolist(), test.labels)]
    if not subgroups:
        return []
    thresholds = [run.checkpoint["threshold"] for run in runs]
    units = test.units(settings.level)
    made = (subgroups, test.labels, test.probabilities, thresholds, units, settings)
    return compare_subgroups(*made) + judge_runs(runs, settings).states("subgroups")[:1]


def subgroups_table(numbers: Mapping[str, Number]) -> pd.DataFrame:
    """One row a subgroup and quantity: inside, the rest, the difference, and what may be said."""
    learned = numbers["subgroups.learned"].value
    rows = []
    for name, of in find(numbers, kind="subgroup", aspect="").items():
        inside, apart, p = (numbers.get(each) for each in (name, f"{name}.difference", f"{name}.p"))
        assert inside is not None
        verdict = DIFFERS if p is not None and is_small(p.value) else CANNOT_TELL if p is not None else FEW
        rows.append(
            (
                inside.note.partition(";")[0] if inside.value is not None else of.run,
                "AUC" if of.quantity == "auc" else "false alarms",
                str(inside),
                str(numbers[f"{name}.rest"]),
                "" if apart is None else str(apart),
                "" if p is None or p.value is None else f"{p.value:.3f}",
                verdict if learned else UNTRAINED,
            )
        )
    columns = ["subgroup", "quantity", "inside", "rest of the column", "difference", "p (Holm)", "verdict"]
    return pd.DataFrame(rows, columns=columns)


def tell_subgroups(numbers: Mapping[str, Number]) -> str:
    """What was found, in a sentence, for `say`."""
    if "subgroups.learned" not in numbers:
        return NOTHING
    if not numbers["subgroups.learned"].value:
        return f"**Nothing is said of subgroups:** {literal(numbers['subgroups.learned'].note)}."
    p = find(numbers, kind="subgroup", aspect="p")
    differing = [name.removesuffix(".p") for name in p if is_small(numbers[name].value)]
    if not differing:
        return (
            f"**Whether any subgroup differs from the rest cannot be told**: none of {len(p)} comparisons "
            f"does, after "
            "Holm's correction. That does not show them to be equal: see how wide the intervals are."
        )
    told = [
        f"- {literal(numbers[name].note.partition(';')[0])}: "
        f"{'AUC' if name.endswith('.auc') else 'false alarms'} {{{name}}}, the rest {{{name}.rest}}, "
        f"difference "
        f"{{{name}.difference}}"
        for name in differing
    ]
    return "\n".join(
        [f"**{len(differing)} of {len(p)} comparisons differ**, after Holm's correction:", *told]
    )
