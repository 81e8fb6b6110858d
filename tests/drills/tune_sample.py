"""Chooses the recipe of the built-in study, on training and validation images alone.

    python tests/drills/tune_sample.py [--people 200] [--seed 0] [--only CANDIDATE ...] [--seeds 1]

Renders people of a seed that the published study does not use, trains each candidate with the policies
`none` and `original` alike and prints a table: validation AUC and log-loss of the best epoch, training AUC on
unvaried images, by how much the last quarter of the epochs moved the best loss, seconds; over several
training seeds the means, and the deviation of the AUC between seeds. The test split is never predicted.
The tables in docs/sample.md were made with it.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from itertools import product
from pathlib import Path

import pandas as pd

from dfstudy.data.index import index_study
from dfstudy.data.split import split_study
from dfstudy.study.recipe import Augment
from dfstudy.study.study import Study, load_study
from dfstudy.train.run import train

POLICIES = ("none", "original")
COLUMNS = ("candidate", "px", "stages", "epochs", "rate", "policy", "val AUC", "SD", "train AUC", "log-loss",
           "late", "s")  # fmt: skip
# (side in pixels, stages that train, epochs, learning rate)
CANDIDATES = {
    "shortest": (64, 2, 2, 1e-3),
    "shortest, fast": (64, 2, 2, 2e-3),
    "short": (64, 2, 3, 1e-3),
    "middle": (64, 2, 5, 1e-3),
    "middle, fast": (64, 2, 5, 2e-3),
    "middle, slow": (64, 2, 5, 5e-4),
    "long": (64, 2, 8, 1e-3),
    "longest": (64, 2, 12, 1e-3),
    "one stage": (64, 1, 5, 1e-3),
    "small images": (56, 2, 5, 1e-3),
    "large images": (96, 2, 5, 1e-3),
    "head alone": (64, 0, 5, 3e-3),
}


def main() -> None:
    """Train what is asked for; one line of a Markdown table a candidate and policy."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0, help="of the people; never the published one")
    parser.add_argument("--only", nargs="*", default=list(CANDIDATES), choices=list(CANDIDATES))
    parser.add_argument("--policies", nargs="*", default=list(POLICIES))
    parser.add_argument("--seeds", type=int, default=1, help="trainings of each candidate and policy")
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "dfstudy-tuning")
    asked = parser.parse_args()
    base = load_study("sample")
    if asked.seed == base.data.sample.seed:
        parser.error("these people are the published ones: choose another seed")
    print(f"| {' | '.join(COLUMNS)} |")
    print("|---" * len(COLUMNS) + "|")
    for name, policy in product(asked.only, asked.policies):
        study = change_study(base, asked.people, asked.seed, policy, *CANDIDATES[name])
        study = study.model_copy(
            update={"out": asked.out / f"{asked.people}-{asked.seed}-{study.model.size}"}
        )
        found = pd.DataFrame([try_once(study, seed) for seed in range(asked.seeds)])
        mean, spread = found.mean(), found["auc"].std() if asked.seeds > 1 else float("nan")
        size, stages, epochs, rate = CANDIDATES[name]
        print(
            f"| {name} | {size} | {stages} | {epochs} | {rate:g} | `{policy}` "
            f"| {mean.auc:.3f} | {spread:.4f} | {mean.train_auc:.3f} | {mean.loss:.3f} "
            f"| {mean.late:+.3f} | {mean.seconds:.0f} |",
            flush=True,
        )


def change_study(
    base: Study, people: int, seed: int, policy: str, size: int, stages: int, epochs: int, rate: float
) -> Study:
    """The built-in study with a candidate's settings and people of another seed."""
    pictures = base.data.sample.model_copy(update={"seed": seed, "identities": people, "size": size})
    changed = {"epochs": epochs, "patience": epochs, "learning_rate": rate}
    return base.model_copy(
        update={
            "data": base.data.model_copy(update={"sample": pictures}),
            "model": base.model.model_copy(update={"size": size, "trainable_stages": stages}),
            "training": base.training.model_copy(update=changed),
            "augment": Augment(policy=policy),
        }
    )


def try_once(study: Study, seed: int) -> dict[str, float]:
    """One training, judged by training and validation images."""
    split = split_study(study, index_study(study))
    began = time.process_time()
    run = train(study, split, seed, progress=False)
    told, losses = run.checkpoint["clean"], run.history["val_loss"]
    quarter = max(1, study.training.epochs // 4)
    return {
        "seconds": time.process_time() - began,
        "auc": told["val"]["auc"],
        "train_auc": told["train"]["auc"],
        "loss": told["val"]["loss"],
        "late": losses.iloc[-quarter:].min() - losses.iloc[:-quarter].min(),
    }


if __name__ == "__main__":
    main()
