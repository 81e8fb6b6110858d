"""Settings of a training: network, recipe, augmentation, and the flaws of the original protocol as switches.

The descriptions are the only wording of a setting: the report's settings table prints them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ModelWrapValidatorHandler, field_validator, model_validator

from dfstudy.errors import near_match
from dfstudy.study.own_code import read_own, title_of
from dfstudy.study.pictures import Fraction
from dfstudy.study.renamed import RENAMED, current_policy
from dfstudy.study.section import Section

Count = Annotated[int, Field(ge=1)]
TuningMode = Literal["stages", "head", "norm", "lora"]


# arguments of timm.create_model that are none of a network's own
LOADING = frozenset(
    {"pretrained", "pretrained_cfg", "pretrained_cfg_overlay", "checkpoint_path", "cache_dir", "scriptable"}
)


class Model(Section):
    """Which network, from which weights, and how much of it trains."""

    backbone: str = Field(
        "test_resnet",
        description="timm network, with its weight tag after a dot; or path/to/file.py:function, which "
        "returns a network of your own (docs/own.md)",
    )
    weights: str = Field(
        "none",
        description="`none` (from scratch), `package` (ImageNet weights that come with the environment), "
        "`hub`, or a .safetensors file",
    )
    size: int = Field(128, ge=32, le=1024, description="side of the network's input, pixels")
    trainable_stages: Literal["all"] | Annotated[int, Field(ge=0)] = Field(
        "all", description="last stages that train beside the head; 0 trains the head alone"
    )
    tuning: TuningMode = Field(
        "stages",
        description="which parameters train: `stages` (those of trainable_stages), the classifier alone "
        "(`head`), normalisation layers and classifier (`norm`), or updates of low rank and classifier "
        "(`lora`): docs/tuning.md",
    )
    rank: Count = Field(8, description="rank of the updates of `lora`")
    batch_norm: Literal["train", "eval"] = Field(
        "train", description="eval keeps the weights' own statistics in trained stages as well"
    )
    mean: list[float] | None = Field(
        None,
        min_length=3,
        max_length=3,
        description="mean of R, G, B in 0..1; None is timm's for the network",
    )
    std: list[Annotated[float, Field(gt=0)]] | None = Field(
        None, min_length=3, max_length=3, description="standard deviation of R, G, B; None is timm's"
    )
    options: dict[str, bool | int | float | str] = Field(
        default={}, description="further arguments of the timm network, such as pad_type, or of the function"
    )

    @field_validator("options")
    @classmethod
    def _weights_have_one_way_in(cls, options: dict[str, Any]) -> dict[str, Any]:
        """timm would load other weights than the run's key names, from any file or address."""
        for name in options:
            if name in LOADING:
                raise ValueError(f"{name}: weights are given by model.weights")
        return options

    @property
    def network(self) -> str:
        """What a report calls the network: `backbone`; of own code `file.py:function` without its folder."""
        return title_of(self.backbone)


# Values of model.weights that are words and no path.
WEIGHT_SOURCES = frozenset({"none", "hub", "package"})
# Settings of a training that shape no weight: each seed is a run of its own, the others change speed alone.
NOT_SHAPING = frozenset({"seeds", "workers", "cache", "runs_a_step"})


class Training(Section):
    """The recipe: optimiser, schedule, stopping, loss weight, precision and seeds."""

    optimiser: Literal["sgd", "nesterov", "adamw"] = Field("adamw", description="sgd has no momentum")
    learning_rate: float = Field(2e-3, gt=0, description="highest rate of the schedule")
    weight_decay: float = Field(0.01, ge=0, description="as the optimiser defines it")
    schedule: Literal["constant", "step", "cosine", "one_cycle"] = Field(
        "one_cycle", description="course of the learning rate over the training"
    )
    warmup_epochs: float = Field(0.0, ge=0, description="epochs of linear warm-up, cosine only; 0 is off")
    step_epochs: Count = Field(15, description="epochs between steps of the step schedule")
    step_factor: Fraction = Field(0.1, description="factor of each step of the step schedule")
    epochs: Count = Field(8, description="epochs at most")
    patience: Count = Field(3, description="epochs without a better validation before stopping")
    select_by: Literal["auc", "loss"] = Field("auc", description="validation quantity that picks the epoch")
    batch_size: Count = Field(64, description="images a step, over all devices and parts together")
    accumulate: Count = Field(
        1, description="parts in which a device passes its share of a step: less memory, same batch"
    )
    devices: Count = Field(1, description="GPUs (or CPU processes) that share each step of one run")
    clip_norm: Annotated[float, Field(gt=0)] | None = Field(
        None, description="largest norm of a step's gradient; None leaves it as it is"
    )
    ema: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="decay of a moving average of the weights, which is then tested; 0 is off"
    )
    compile: bool = Field(False, description="torch.compile: a wait at the start, faster steps after it")
    deterministic: bool = Field(
        True, description="on a GPU, equal bytes every time; false lets cuDNN take its fastest way"
    )
    class_weight: Literal["balanced", "none"] = Field(
        "balanced", description="weight of fakes in the loss, from training rows: n_real / n_fake"
    )
    threads: Literal["auto"] | Count = Field(
        "auto",
        description="CPU threads of one run, which shape its rounding; auto is every core. 1 gives the same "
        "bytes on any number of cores, and runs side by side",
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="auto is bfloat16 on a GPU that has it, else float32"
    )
    seeds: list[Annotated[int, Field(ge=0)]] = Field([0], min_length=1, description="one training run each")
    workers: Annotated[int, Field(ge=0)] | Literal["auto"] = Field(
        "auto", description="loader processes; changes speed, never a result"
    )
    runs_a_step: Count = Field(
        1, description="runs that one step of a report trains one after the other; never changes a result"
    )
    cache: Literal["auto", "off"] = Field(
        "auto", description="keep decoded images in memory where they fit; never changes a result"
    )

    @model_validator(mode="after")
    def _seeds_differ(self) -> Training:
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError("seeds repeats a seed: each trains one run")
        return self


# Policies, and the transforms of `original` in their order, as `dfstudy.augment` names them: names are
# checked and comparisons listed from these, without loading the library that applies them. A study that names
# none compares those of `COMPARED`: each further one is a training more for each seed and budget.
COMPARED = ("none", "original", "dfdc_winner", "deepfakebench", "self_blend")
POLICIES = (
    *COMPARED,
    "trivial_augment",
    "rand_augment",
    "aug_mix",
    "random_erasing",
    "mixup",
    "cutmix",
)
ORIGINAL_TRANSFORMS = (
    "jpeg_compression",
    "gaussian_noise",
    "horizontal_flip",
    "random_interpolation",
    "colour",
    "grey",
    "shift_scale_rotate",
)


RESIZE = "resize"  # in an own policy's list: here the image is brought to the network's size

# names in `augment.policies` of the study that is being checked: other sections may name them
_own_names: ContextVar[tuple[str, ...]] = ContextVar("own_names", default=())


@contextmanager
def knowing_policies(augment: Any) -> Iterator[None]:
    """Context in which the own policies of a section `augment`, as a file gives it, are names of policies."""
    told = augment.get("policies") if isinstance(augment, Mapping) else getattr(augment, "policies", None)
    known = tuple(map(str, told)) if isinstance(told, Mapping) else ()
    before = _own_names.set((*_own_names.get(), *known))
    try:
        yield
    finally:
        _own_names.reset(before)


def _known_policy(name: str) -> str:
    """Refuse what cannot be built before anything is trained; `dfstudy.augment` reads names in full."""
    name, own = current_policy(name), tuple(dict.fromkeys(_own_names.get()))
    recipe, *parts = re.findall(r"\w+", name.partition("*")[0]) or [""]
    if recipe in own:
        if name != recipe:
            raise ValueError(
                f"the own policy {recipe} is taken as it is: declare '{name}' in augment.policies under "
                "another name"
            )
        return name
    if recipe not in POLICIES:
        known = (*POLICIES, *own)
        raise ValueError(f"unknown policy{near_match(recipe, known)}: choose one of {', '.join(known)}")
    for part in parts if recipe in ("none", "original") else ():
        if part not in ORIGINAL_TRANSFORMS:
            raise ValueError(
                f"unknown transform '{part}'{near_match(part, ORIGINAL_TRANSFORMS)}: choose one of "
                f"{', '.join(ORIGINAL_TRANSFORMS)}"
            )
    return name


def _free_name(name: str) -> str:
    """Refuse a name of an own policy that means something else, or that no id of a number could hold."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError("a policy's name has small letters, digits and _, and begins with a letter")
    if name in POLICIES or name in RENAMED or name in ORIGINAL_TRANSFORMS:
        raise ValueError(f"'{name}' is taken: give the own policy another name")
    return name


def _own_policy(value: Any) -> Any:
    """Refuse what is no function of a file and no transforms; `dfstudy.augment.own` reads them in full."""
    if isinstance(value, str):
        if read_own(value) is None:
            raise ValueError("give path/to/file.py:function, or a list of transforms (docs/own.md)")
        return value
    entries = value if isinstance(value, list) else [value]
    if not entries or not all(isinstance(each, Mapping) or each == RESIZE for each in entries):
        raise ValueError(
            "give a list of transforms, each {Name: {parameter: value}}, or path/to/file.py:function "
            "(docs/own.md)"
        )
    return value


PolicyName = Annotated[str, AfterValidator(_known_policy)]
OwnName = Annotated[str, AfterValidator(_free_name)]
OwnPolicy = Annotated[Any, AfterValidator(_own_policy)]


class Augment(Section):
    """How training images are varied."""

    policy: PolicyName = Field("original", description="name of a policy, see dfstudy/augment/policies.py")
    policies: dict[
        Annotated[str, AfterValidator(_free_name)], Annotated[Any, AfterValidator(_own_policy)]
    ] = Field(
        default={},
        description="own policies by name: a list of albumentations transforms in its serialised form, or "
        "path/to/file.py:function (docs/own.md)",
    )

    @model_validator(mode="wrap")
    @classmethod
    def _own_names_are_known(cls, given: Any, check: ModelWrapValidatorHandler[Augment]) -> Augment:
        with knowing_policies(given):
            return check(given)


# The recorded optimiser and schedule: torch.optim.SGD as it comes, StepLR(15, 0.1).
PLAIN_SGD = {
    "optimiser": "sgd",
    "learning_rate": 0.01,
    "weight_decay": 1e-7,
    "schedule": "step",
    "step_epochs": 15,
    "step_factor": 0.1,
}


class Protocol(Section):
    """Flaws of the original protocol, each off unless chapter 08 turns it on to measure what it costs.

    Each changes what it says and nothing else. Two act on the split, which chapter 08 makes for them; a study
    file that turns these on is refused.
    """

    bgr_channels: bool = Field(False, description="channels reach the network in the order B, G, R")
    raw_pixels: bool = Field(False, description="the network gets grey levels 0..255, not normalised")
    inverted_class_weight: bool = Field(
        False, description="a fake weighs n_fake / n_real in the loss, instead of training.class_weight"
    )
    drifting_batch_norm: bool = Field(
        False, description="frozen stages stay in training mode: their BatchNorm statistics keep adapting"
    )
    random_split: bool = Field(
        False, description="images are split at random, so that groups are split across train and test"
    )
    selection_is_result: bool = Field(
        False,
        description="validation loss, rounded to two digits, picks the epoch and ends the training, and the "
        "validation result is what is reported",
    )
    batch_means: bool = Field(
        False, description="loss and accuracy are means of batch means; the last batch counts whole"
    )
    substring_labels: bool = Field(
        False, description="'fake' anywhere in a path, in any case, is fake; all else is real"
    )
    plain_sgd: bool = Field(
        False,
        description="SGD of rate 0.01 without momentum, a tenth of it every 15 epochs, instead of the "
        "study's optimiser and schedule",
    )
    timm_head: bool = Field(
        False,
        description="a new classifier starts as timm draws it, in EfficientNets from U(-1, 1); else at zero",
    )
