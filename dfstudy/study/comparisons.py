"""Settings of what is measured: intervals, and the further runs that chapters 05, 06, 08 and 09 train.

The descriptions are the only wording of a setting: the report's settings table prints them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from dfstudy.study.pictures import Layout
from dfstudy.study.recipe import COMPARED, Count, Model, PolicyName
from dfstudy.study.section import Section

Mode = Literal["stages", "head", "norm", "all", "lora"]
Share = Annotated[float, Field(gt=0, le=1)]
# what may be asked of a policy: quantities of `c05_policies.per_metric` with a least gain worth having
AskedQuantity = Literal["auc", "unseen", "gap", "robust"]


class Evaluate(Section):
    """How uncertain the results are said to be."""

    replicates: int = Field(1000, ge=100, description="bootstrap replicates over groups")
    confidence: Annotated[float, Field(ge=0.5, lt=1)] = Field(0.95, description="coverage of intervals")
    seed: int = Field(0, ge=0, description="seed of the bootstrap, and of what corruptions leave to chance")
    robustness_pictures: int = Field(
        2000, ge=0, description="test images that are corrupted, at most, by groups; 0 is all"
    )
    explained_pictures: int = Field(
        200, ge=0, description="test images whose maps are drawn, at most, by groups; 0 explains none"
    )
    elsewhere_pictures: int = Field(
        2000, ge=0, description="images of each folder in test_on, at most, by groups; 0 is all"
    )
    subgroups: Literal["auto"] | list[str] = Field(
        "auto",
        description="further columns of index.csv (camera, quality, age ...) whose values are subgroups of "
        "the test "
        "(chapter 04): a list, or auto for all that have 2 to 8 words, or numbers, which are cut at terciles",
    )
    level: Literal["group", "identity", "video", "picture"] = Field(
        "group",
        description="what intervals take as independent: group is what the split keeps whole; video needs "
        "test images that all name theirs; identity is for tables made elsewhere, and refused in a study; "
        "image is too sure wherever images are related",
    )


class OtherPictures(Section):
    """A folder of other images; in the study file its path alone will do."""

    root: str = Field(description="folder of images")
    name: str = Field("", description="what the report calls it; empty is the folder's name")
    aliases: dict[Literal["real", "fake"], list[str]] = Field(
        default={}, description="further names of its class folders; empty takes those of data.aliases"
    )
    layout: Layout | Literal[""] = Field("", description="known layout to read it by; empty recognises it")

    @model_validator(mode="before")
    @classmethod
    def _take_a_path(cls, value: Any) -> Any:
        return {"root": value} if isinstance(value, str) else value

    @property
    def title(self) -> str:
        """What the report calls it."""
        return self.name or Path(self.root).name

    def __str__(self) -> str:
        """Without its path: the settings table shows it."""
        return self.title


class Forgeries(Section):
    """Which further runs chapter 06 trains, to test networks on forgeries that they never saw."""

    train_on: Literal["one", "all_but_one", "off"] = Field(
        "one", description="forgery methods that a run learns: one, all but one; off trains none"
    )
    epochs: Count | None = Field(None, description="epochs of these runs; None is training.epochs")
    seeds: Count = Field(1, description="how many of training.seeds each of them is trained with")
    second: Model | None = Field(None, description="a second network to compare, at the same budget")
    second_methods: list[str] = Field(
        [],
        description="of train_on, only the runs that learn (or leave out) these methods are trained with the "
        "second network as well; empty is all. Networks are compared over the runs that both have",
    )


class Policies(Section):
    """Which policies chapter 05 trains and compares, each with the study's network, split and recipe."""

    names: list[PolicyName] = Field(
        list(COMPARED),
        description="policies compared with the first of them; an empty list compares none",
    )
    leave_one_out: bool = Field(True, description="also `original` without each of its transforms")
    add_one: bool = Field(True, description="also each transform of `original` alone")
    strengths: list[Annotated[float, Field(gt=0)]] = Field(
        [0.5, 2.0], description="also `original` with every range multiplied by these"
    )
    budgets: list[Share] = Field(
        [0.25, 0.5], description="shares of the epochs at which the named policies are compared as well"
    )
    parts_budget: Share = Field(
        0.5, description="share of the epochs for runs that leave out or add a transform, or change strength"
    )
    unseen: list[str] = Field(
        [], description="forgery methods that no run of the comparison learns; the test asks for them"
    )
    seeds: Count = Field(3, description="how many of training.seeds each policy is trained with")
    asked: PolicyName = Field(
        "original",
        description="policy of the primary and secondary questions, compared with the first of names",
    )
    primary: AskedQuantity = Field(
        "auc", description="the one quantity of the primary question, at the full budget; no correction"
    )
    secondary: list[AskedQuantity] = Field(
        ["gap", "unseen", "robust"],
        description="quantities of the secondary questions, one family (Holm); all else is exploratory",
    )
    controls: bool = Field(
        True,
        description="also the first policy with other seeds, and with permuted labels: a check of the method",
    )

    @model_validator(mode="after")
    def _asked_once(self) -> Policies:
        asked = [self.primary, *self.secondary]
        if repeated := sorted({name for name in asked if asked.count(name) > 1}):
            raise ValueError(
                f"{repeated[0]} is asked twice: a quantity is primary or secondary, and appears once"
            )
        return self


class Tuning(Section):
    """Which ways of tuning chapter 09 trains, each with every policy, the study's split and its recipe."""

    modes: list[Mode] = Field(
        [],
        description="ways of tuning that are compared with the first of them: `stages` is the study's own, "
        "`all` trains everything, the others as in model.tuning; an empty list trains none",
    )
    policies: list[PolicyName] = Field(
        ["none", "original"],
        min_length=2,
        max_length=2,
        description="with each way of tuning, the second policy is compared with the first",
    )
    seeds: Count = Field(3, description="how many of training.seeds each of them is trained with")
    rank: Count = Field(8, description="rank of the updates of `lora`")
    learning_rates: dict[Mode, Annotated[float, Field(gt=0)]] = Field(
        {}, description="highest rate for a way of tuning that needs another than training.learning_rate"
    )

    @model_validator(mode="after")
    def _modes_differ(self) -> Tuning:
        for key in ("modes", "policies"):
            if len(set(getattr(self, key))) != len(getattr(self, key)):
                raise ValueError(f"{key} names one twice")
        return self


class Defects(Section):
    """Which flaws of the original protocol chapter 08 turns on, alone and together."""

    measured: bool = Field(True, description="false trains none")
    seeds: Count = Field(3, description="how many of training.seeds each flaw is trained with")
    epochs: Count | None = Field(None, description="epochs of these runs; None is training.epochs")
    imbalance: Annotated[float, Field(ge=1)] = Field(
        4.0, description="reals a fake, to which training images are thinned for the inverted class weight"
    )


class Pairs(Section):
    """Whether chapter 09 trains with each fake beside its source, compared with shuffled batches."""

    measured: bool = Field(False, description="false trains none")
    seeds: Count = Field(3, description="how many of training.seeds both ways are trained with")


class Curve(Section):
    """How the AUC grows with what there is to learn from (chapter 09)."""

    shares: list[Share] = Field(
        [0.1, 0.25, 0.5, 1.0],
        description="shares of the training groups that a linear probe learns from, rising; an empty list "
        "asks for no curve",
    )
    draws: Annotated[int, Field(ge=2)] = Field(
        5, description="draws of the groups; a share lies within the next"
    )
    networks: bool = Field(False, description="also train the study's own network on each share and draw")

    @model_validator(mode="after")
    def _rises_to_all(self) -> Curve:
        if self.shares and (
            self.shares != sorted({*self.shares}) or self.shares[-1] != 1 or not self.shares[1:]
        ):
            raise ValueError("shares: give two or more, rising, the last of them 1")
        return self
