"""One way of training: a study and a split of its own under a name that is safe in a file's name.

Variants leave training and validation images out, or change network, policy or length; test images are
the same in all variants of a group. Cost: none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dfstudy.data.pipelines import own_reals
from dfstudy.study.own_code import name_content
from dfstudy.study.recipe import NOT_SHAPING
from dfstudy.system.provenance import digest
from dfstudy.train.naming import say_run

if TYPE_CHECKING:
    from dfstudy.data.split import Split
    from dfstudy.study.study import Study
    from dfstudy.train.run import Run

# torch is imported where it is used: a plan needs the names alone

MAIN = "main"  # the one variant of the group `runs`
SHAPING = ("model", "augment", "protocol")  # parts of a study that shape a run, beside its recipe


@dataclass(frozen=True)
class Variant:
    """One way of training, for each of its study's seeds.

    Attributes:
        name: unique in the study, lower-case letters, digits, `_` and `-`.
        trained_on: forgery methods among its training images.
        study: with the variant's own network, policy and recipe.
        split: with the variant's own training and validation images.
        is_defective: it is trained with an original flaw, so that a training that diverges is a finding.
    """

    name: str
    trained_on: tuple[str, ...]
    study: Study
    split: Split
    is_defective: bool = False

    def note(self, seed: int) -> str:
        """Stem of the note that a finished run leaves for the report's steps."""
        return f"seed_{seed}" if self.name == MAIN else f"{self.name}-seed_{seed}"

    def identity(self, seed: int) -> str:
        """Equal for two variants whose runs of this seed are one and the same, on any device."""
        study = self.study
        shaping = {name: name_content(getattr(study, name).model_dump(mode="json")) for name in SHAPING}
        shaping["training"] = study.training.model_dump(mode="json", exclude=set(NOT_SHAPING))
        return digest([shaping, self.split.fingerprint, seed])

    def train(self, progress: bool = True) -> list[Run]:
        """One run for each seed, found, resumed or begun."""
        return [self.train_seed(seed, progress) for seed in self.study.training.seeds]

    def train_seed(self, seed: int, progress: bool = True) -> Run:
        """The run of one seed, found, resumed or begun; it says its lines under this variant's name."""
        from dfstudy.train.run import train

        return train(self.study, self.split, seed, progress, self.say_run(seed))

    def say_run(self, seed: int) -> str:
        """What its run of this seed is called while it trains."""
        return say_run(self.study, seed, "" if self.name == MAIN else self.name)


def methods_of(split: Split) -> tuple[str, ...]:
    """Forgery methods that both training and validation hold, sorted."""
    kinds = [set(part.loc[part["label"] == 1, "method"]) for part in map(split.part, ("train", "val"))]
    return tuple(sorted(set.intersection(*kinds)))


def with_recipe(study: Study, seeds: int, **changed: Any) -> Study:
    """The study with another recipe, for so many of its seeds.

    One device each: a comparison has many runs, which fill several devices side by side.
    """
    recipe = study.training
    changed |= {"seeds": recipe.seeds[:seeds], "devices": 1}
    return study.model_copy(update={"training": recipe.model_copy(update=changed)})


def with_methods(split: Split, methods: tuple[str, ...]) -> Split:
    """The split whose training and validation images are fakes of these methods, and reals.

    Where images name pipelines, the reals are those of the methods' own: a network that also learned others
    would learn that a pipeline without learned fakes is real.
    """
    rows = split.rows
    fakes = (rows["label"] == 1) & rows["method"].isin(methods)
    return with_rows(split, fakes | own_reals(rows, methods) | (rows["split"] == "test"))


def with_table(split: Split, rows: pd.DataFrame) -> Split:
    """The split with these rows, of other labels or in other parts; its fingerprint is theirs."""
    return with_rows(replace(split, rows=rows), np.ones(len(rows), bool))


def with_rows(split: Split, keep: np.ndarray) -> Split:
    """The split of the rows that a mask [rows] keeps; its fingerprint is theirs."""
    kept = split.rows[keep].reset_index(drop=True)
    content = kept[["path", "sha256", "label", "group", "split"]].to_numpy().tolist()
    return replace(split, rows=kept, fingerprint=digest(content))
