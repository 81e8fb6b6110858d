"""The leakage estimate's small trainings: on the grouped split, and on a random per-image one.

Takes a study and its grouped split; gives the study with the estimate's network and recipe, and both splits.
Groups come from the set or from near-duplicates; where few images share one, two trainings would compare
noise, and `why_not` says so. Cost: none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from dfstudy.data.assign import assign_groups
from dfstudy.data.traits import draw_pictures
from dfstudy.study.recipe import Augment, Model, Training
from dfstudy.train.naming import say_run
from dfstudy.variants.variant import with_table

if TYPE_CHECKING:
    from dfstudy.data.split import Split
    from dfstudy.study.study import Study

MOST = 2_000  # images: enough for a small network to remember people, few enough for two minutes
# Pretrained and small: the meter compares two splits, and a network that learned nothing leaks nothing.
SMALL = Model(backbone="tf_efficientnet_lite0", weights="package", size=64, trainable_stages=2)
SHORT = Training(epochs=5, patience=5, learning_rate=1e-3, batch_size=32, seeds=[0, 1, 2])
SEEN = 2_500  # images that a training sees at least: of few images it takes more epochs to learn anything
KINDS = ("grouped split", "random split")  # in the order in which they are trained
LEAST_SHARING = 0.2  # share of images that must have a fellow in their group
LEAST_GROUPS = 20  # with fewer, the interval over groups spans what any leak could pay


def small_study(
    study: Study, model: Model = SMALL, training: Training = SHORT, pictures: int = SEEN
) -> Study:
    """The study with the estimate's network and recipe; images, split, threads and statistics stay its own.

    Args:
        pictures: of the training part; few are shown in more epochs.
    """
    epochs = max(training.epochs, -(-SEEN // pictures))
    own = study.training.model_dump(include={"threads", "workers"})
    return study.model_copy(
        update={
            "model": model,
            "training": training.model_copy(update={**own, "epochs": epochs, "patience": epochs}),
            "augment": Augment(policy="none+horizontal_flip"),
        }
    )


def say_leakage_run(study: Study, seed: int, kind: str) -> str:
    """What one of the small trainings is called while it runs: nobody takes it for one of the study's own."""
    return say_run(study, seed, f"leakage estimate, {kind}")


def draw_split(split: Split, seed: int, most: int = MOST) -> Split:
    """The same split of at most about `most` images, in whole groups.

    Each part gives in proportion, and both its classes: where groups are large, a draw from all at once could
    leave one part without.
    """
    parts = split.rows.groupby("split", sort=False)
    drawn = [draw_pictures(own, seed, max(1, most * len(own) // len(split.rows))) for _, own in parts]
    return with_table(split, pd.concat(drawn).sort_values("path"))


def scatter(split: Split, seed: int) -> Split:
    """The split as it would be without groups: single images drawn at random, in the same shares.

    Classes and methods are as even as in the grouped split. The column `group` keeps the true groups, which
    now lie on both sides. For measuring what that pays, and for nothing else.
    """
    parts = split.rows["split"].value_counts(normalize=True)
    shares = {name: float(parts[name]) for name in ("test", "val")}
    alone = split.rows.assign(group=split.rows["path"])
    dealt = assign_groups(alone, shares, seed)
    return with_table(split, split.rows.assign(split=split.rows["path"].map(dealt)))


def why_not(split: Split) -> str:
    """Why the estimate does not apply, in words; empty where it does."""
    groups = split.rows["group"]
    sharing = groups.duplicated(keep=False).mean()
    if sharing < LEAST_SHARING:
        known = f"{split.why_groups_unknown}, and " if split.why_groups_unknown else ""
        return f"{known}{sharing:.0%} of the images share a group with another: there is little to tear apart"
    if groups.nunique() < LEAST_GROUPS:
        return f"{groups.nunique()} groups are too few to compare two splits"
    return ""
