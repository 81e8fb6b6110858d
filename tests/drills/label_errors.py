"""The drill of wrong labels: how many of those that are flipped on purpose come first?

    python tests/drills/label_errors.py --folder reports/sample/pictures --size 64 --by difficulty
    python tests/drills/label_errors.py --folder FOLDER --by mae_to_original --below 4
    python tests/drills/label_errors.py --folder FOLDER --trained dfdc_6k --draws 10

Takes a folder with an index.csv; flips 2, 5 and 10 % of its labels and prints the recall at the number
planted, pooled over draws, with its interval over groups: of all, of reals and of fakes, and of thirds of the
fakes by a column of index.csv. The linear probe of chapter 01 learns from the flipped labels, in groups. With
--trained the finished networks of a study rank the labels of validation and test instead: they learned from
neither, so that nothing is trained again. With --below it also says whether fakes with less than this in that
column are suspected first as they are. Keeps features under --out. Cost: 15 s of one core for each of 6,000
images' sets.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from planted import to_markdown
from scipy.special import expit

from dfstudy.chapters.c01_data.frozen import hold_out_images
from dfstudy.chapters.c04_test.label_errors import score_unlearned
from dfstudy.data.index import index_study
from dfstudy.data.split import Split, split_study
from dfstudy.predict.predict import predict
from dfstudy.stats.intervals import group_interval, groups_behind
from dfstudy.stats.label_errors import LabelErrors, find_label_errors, flip_labels, hit_rate
from dfstudy.stats.metrics import auc
from dfstudy.study.study import Study, load_study
from dfstudy.train.run import train_all

SHARES, THIRDS = (0.02, 0.05, 0.1), ("lowest", "middle", "highest")


def strata(rows: pd.DataFrame, values: pd.Series | None) -> dict[str, np.ndarray]:
    """Mask [n] of each kind of image."""
    fake = (rows["label"] == 1).to_numpy()
    found = {"all": np.ones(len(rows), bool), "reals": ~fake, "fakes": fake}
    if values is not None:
        ends = np.quantile(values[fake], [1 / 3, 2 / 3])
        third = np.searchsorted(ends, values, side="right")
        found |= {f"fakes, {name} third": fake & (third == at) for at, name in enumerate(THIRDS)}
    return found


@dataclass(frozen=True)
class Ranked:
    """Images with their labels, and what ranks them.

    Attributes:
        rows: [n], columns path, label and group.
        suspect: of labels [n].
        as_they_are: of their own labels.
    """

    rows: pd.DataFrame
    suspect: Callable[[np.ndarray], LabelErrors]
    as_they_are: LabelErrors


def by_probe(study: Study, split: Split) -> Ranked:
    probed = hold_out_images(study, split, split.rows)

    def suspect(labels: np.ndarray) -> LabelErrors:
        return find_label_errors(labels, expit(probed.cross_validate(labels).log_odds))

    rows = split.rows.reset_index(drop=True)
    return Ranked(rows, suspect, find_label_errors(rows["label"], expit(probed.held.log_odds)))


def by_network(study: Study, split: Split) -> Ranked:
    runs = train_all(study, split)
    rows = score_unlearned(runs, [predict(run, split) for run in runs])
    rows = rows.merge(split.rows[["path", "group"]], on="path", validate="one_to_one")
    suspect = partial(find_label_errors, probabilities=rows["probability"])
    return Ranked(rows, suspect, suspect(rows["label"]))


def main() -> None:
    parser = argparse.ArgumentParser(description="How many wrong labels come first?")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--out", default="", help="results; default reports/drill_labels, or the study's own")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--draws", type=int, default=2, help="of the labels that are flipped")
    parser.add_argument("--trained", default="", help="a study whose networks are trained")
    parser.add_argument("--by", default="", help="a column of index.csv with numbers")
    parser.add_argument("--below", type=float)
    asked = parser.parse_args()
    if asked.trained:
        study = load_study(asked.trained, out=asked.out)
    else:
        out, overrides = asked.out or "reports/drill_labels", {"model.size": asked.size}
        study = load_study("sample", data=str(asked.folder), out=out, overrides=overrides)
    split = split_study(study, index_study(study))
    ranked = (by_network if asked.trained else by_probe)(study, split)
    rows, groups = ranked.rows, ranked.rows["group"].to_numpy(str)
    labels, values = rows["label"].to_numpy("int64"), None
    if asked.by:
        table = pd.read_csv(asked.folder / "index.csv").set_index("path")
        values = table[asked.by].reindex(rows["path"]).reset_index(drop=True).fillna(np.inf)
    kinds, printed = strata(rows, values), []
    for share in SHARES:
        hits, who = [], []
        for seed in range(asked.draws):
            planted = flip_labels(len(rows), share, seed)
            given = np.where(planted, 1 - labels, labels)
            ranks = ranked.suspect(given).ranks
            hits.append(ranks[planted] <= planted.sum())
            who.append(np.flatnonzero(planted))
        hit, at = np.concatenate(hits), np.concatenate(who)
        for name, mask in kinds.items():
            of = mask[at]
            rate = hit_rate(hit[of], groups[at[of]], study.evaluate)
            printed.append(
                (f"{share:.0%}", name, int(of.sum()), f"{rate.value:.2f} [{rate.low:.2f}, {rate.high:.2f}]")
            )
    print(to_markdown(pd.DataFrame(printed, columns=["flipped", "of", "images", "recall"])))
    if asked.below is not None:
        margin, fake = ranked.as_they_are.margin, kinds["fakes"]
        low = (values[fake] < asked.below).to_numpy("int64")
        first = low[np.argsort(margin[fake], kind="stable")[:100]].mean()
        found = group_interval(
            lambda weights: auc(low, -margin[fake], weights), groups[fake], settings=study.evaluate
        ).student("share", groups_behind(low, groups[fake]))
        print(
            f"{asked.by} below {asked.below:g}: {low.sum()} of {len(low)} fakes, suspected first with AUC "
            f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]; {first:.2f} of the first 100"
        )


if __name__ == "__main__":
    main()
