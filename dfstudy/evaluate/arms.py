"""Training runs by name: the study's own, and those that a comparison sets beside it.

Takes a study and its split; gives `Arm`s, each a study and a split of its own under a name that is safe in a
file's name, such as `main`, `only_face_swap` or `without_face_swap`. An arm leaves training and validation
pictures out or changes network and length; test pictures are the same in all. Arms are trained by `train`,
so one that two chapters ask for is trained once. Refused: a name that the study does not have. Cost: none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dfstudy.data import Split
from dfstudy.errors import StudyError, near_match
from dfstudy.number import name_methods
from dfstudy.provenance import digest
from dfstudy.study import Model, Study

if TYPE_CHECKING:
    from dfstudy.train import Run

# torch is imported where it is used: a plan needs the names alone

RUNS, FORGERIES = "runs", "forgeries"
MAIN = "main"  # the one arm of the group `runs`


@dataclass(frozen=True)
class Arm:
    """One way of training, for each of its study's seeds.

    Attributes:
        name: unique in the study, lower-case letters, digits, `_` and `-`.
        trained_on: forgery methods among its training pictures.
        study: with the arm's own network, policy and recipe.
        split: with the arm's own training and validation pictures.
    """

    name: str
    trained_on: tuple[str, ...]
    study: Study
    split: Split

    def note(self, seed: int) -> str:
        """Stem of the note that a finished run leaves for the report's steps."""
        return f"seed_{seed}" if self.name == MAIN else f"{self.name}-seed_{seed}"

    def train(self, progress: bool = True) -> list[Run]:
        """One run for each seed, found, resumed or begun."""
        from dfstudy.train import train

        return [train(self.study, self.split, seed, progress) for seed in self.study.training.seeds]


def list_arms(study: Study, split: Split, group: str) -> list[Arm]:
    """The arms of a group: `runs` (the study's own), or `forgeries` (one for each method and network).

    Args:
        split: the study's own.
    """
    return GROUPS[group](study, split)


def find_arm(study: Study, split: Split, name: str) -> Arm:
    """The arm of that name.

    Raises:
        StudyError: the study has none.
    """
    arms = {arm.name: arm for group in GROUPS for arm in list_arms(study, split, group)}
    if name not in arms:
        raise StudyError(
            f"this study has no training called '{name}'{near_match(name, arms)}",
            f"give one of {', '.join(arms)}",
        )
    return arms[name]


def _main(study: Study, split: Split) -> list[Arm]:
    return [Arm(MAIN, _methods(split), study, split)]


def _forgeries(study: Study, split: Split) -> list[Arm]:
    """Trained on one method, or on all but one; nothing to compare where there is one method only."""
    wanted = study.forgeries
    named = name_methods(_methods(split))
    if wanted.train_on == "off" or len(named) < 2:
        return []
    networks = {"": study.model} | ({"-second": wanted.second} if wanted.second else {})
    arms = []
    for ending, model in networks.items():
        short = _shortened(study, model)
        for slug, method in named.items():
            if wanted.train_on == "one":
                arms.append(_arm(f"only_{slug}{ending}", short, split, (method,)))
            else:
                others = tuple(other for other in named.values() if other != method)
                arms.append(_arm(f"without_{slug}{ending}", short, split, others))
    return arms


# by the word under which a chapter needs them
GROUPS: dict[str, Callable[[Study, Split], list[Arm]]] = {RUNS: _main, FORGERIES: _forgeries}


def _methods(split: Split) -> tuple[str, ...]:
    """Forgery methods that both training and validation hold, sorted."""
    kinds = [set(part.loc[part["label"] == 1, "method"]) for part in map(split.part, ("train", "val"))]
    return tuple(sorted(set.intersection(*kinds)))


def _shortened(study: Study, model: Model) -> Study:
    wanted, recipe = study.forgeries, study.training
    epochs = wanted.epochs or recipe.epochs
    # one device each: a comparison has many runs, which fill several devices side by side
    changed = {"epochs": epochs, "seeds": recipe.seeds[: wanted.seeds], "devices": 1}
    return study.model_copy(update={"model": model, "training": recipe.model_copy(update=changed)})


def _arm(name: str, study: Study, split: Split, methods: tuple[str, ...]) -> Arm:
    rows = split.rows
    keep = (rows["label"] == 0) | rows["method"].isin(methods) | (rows["split"] == "test")
    kept = rows[keep].reset_index(drop=True)
    content = kept[["path", "sha256", "label", "group", "split"]].to_numpy().tolist()
    return Arm(name, methods, study, replace(split, rows=kept, fingerprint=digest(content)))
