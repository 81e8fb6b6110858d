"""One study, validated: its pictures, network, training, augmentation and statistics.

Takes the name of a built-in study or the path of a YAML file; gives a frozen `Study`. Refuses unknown
keys, wrong types and impossible values, all at once, each with file, key, value and what is allowed.
The descriptions below are the only wording of a setting: the report's settings table prints them.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from dfstudy.errors import StudyError, near_match
from dfstudy.provenance import project_root
from dfstudy.section import Section, explain_misfit, read_settings

STUDIES = Path(__file__).parent / "studies"
SAMPLE = "sample"  # value of data.root that stands for the rendered portraits

Fraction = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
Layout = Literal[
    "DeepfakeBench", "ForgeryNet", "tables by split", "DFDC", "FaceForensics++", "Celeb-DF", "class folders"
]


class SamplePictures(Section):
    """Settings of the rendered portraits (used where data.root is `sample`)."""

    identities: int = Field(240, ge=12, description="rendered people; each is one group")
    frames: int = Field(4, ge=1, description="real pictures of each person")
    size: int = Field(128, ge=48, le=512, description="side of a picture, pixels")
    seed: int = Field(0, ge=0, description="seed of everything that is rendered")


class Card(Section):
    """What only a person knows of the pictures: words for the dataset card, which shape no result."""

    origin: str = Field("", description="where the pictures come from: name, version, address, date")
    licence: str = Field("", description="licence or terms under which they may be used")
    consent: str = Field("", description="what the people shown have agreed to")
    notes: str = Field("", description="what else a reader should know")


class Data(Section):
    """Which pictures, how their labels are read, and how they are split."""

    root: str = Field(SAMPLE, description="folder of pictures, or `sample` for rendered portraits")
    sample: SamplePictures = SamplePictures()
    aliases: dict[Literal["real", "fake"], list[str]] = Field(
        default={}, description="further names of class folders, beside the built-in table"
    )
    layout: Layout | Literal[""] = Field(
        "", description="known layout to read the folder by; empty recognises it"
    )
    near_duplicates: int = Field(
        31,
        ge=0,
        le=31,
        description="bits of 255 in which two pictures' hashes may differ where they join one group; "
        "0 joins copies only",
    )
    test_fraction: Fraction = Field(0.2, description="share of groups kept for the one test")
    val_fraction: Fraction = Field(0.15, description="share of groups that selects epoch and threshold")
    split_seed: int = Field(0, ge=0, description="seed of the split")
    card: Card = Card()

    @model_validator(mode="after")
    def _fractions_leave_training(self) -> Data:
        if self.test_fraction + self.val_fraction > 0.8:
            raise ValueError("test_fraction and val_fraction together leave less than 20 % for training")
        return self


class Model(Section):
    """Which network, from which weights, and how much of it trains."""

    backbone: str = Field("test_resnet", description="timm network, with its weight tag after a dot")
    weights: str = Field("none", description="`none` (from scratch), `hub`, or a .safetensors file")
    size: int = Field(128, ge=32, le=1024, description="side of the network's input, pixels")
    trainable_stages: Literal["all"] | Annotated[int, Field(ge=0)] = Field(
        "all", description="last stages that train beside the head; 0 trains the head alone"
    )
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
        default={}, description="further arguments of the timm network, such as pad_type"
    )


# Settings of a training that shape no weight: each seed is a run of its own, the others change speed alone.
NOT_SHAPING = frozenset({"seeds", "workers", "cache"})


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
    batch_size: Count = Field(64, description="pictures a step, over all devices and parts together")
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
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="auto is bfloat16 on a GPU that has it, else float32"
    )
    seeds: list[Annotated[int, Field(ge=0)]] = Field([0], min_length=1, description="one training run each")
    workers: Annotated[int, Field(ge=0)] | Literal["auto"] = Field(
        "auto", description="loader processes; changes speed, never a result"
    )
    cache: Literal["auto", "off"] = Field(
        "auto", description="keep decoded pictures in memory where they fit; never changes a result"
    )

    @model_validator(mode="after")
    def _seeds_differ(self) -> Training:
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError("seeds repeats a seed: each trains one run")
        return self


class Augment(Section):
    """How training pictures are varied."""

    policy: str = Field("seed", description="none, seed, `none+transform` or `seed-transform`")


class Evaluate(Section):
    """How uncertain the results are said to be."""

    replicates: int = Field(1000, ge=100, description="bootstrap replicates over groups")
    confidence: Annotated[float, Field(ge=0.5, lt=1)] = Field(0.95, description="coverage of intervals")
    seed: int = Field(0, ge=0, description="seed of the bootstrap, and of what corruptions leave to chance")
    robustness_pictures: int = Field(
        2000, ge=0, description="test pictures that are corrupted, at most, by whole groups; 0 is all"
    )
    level: Literal["group", "identity", "video", "picture"] = Field(
        "group",
        description="what intervals take as independent: group is what the split keeps whole; identity and "
        "video need a column of that name; picture is too sure wherever pictures are related",
    )


class Forgeries(Section):
    """Which further runs chapter 06 trains, to test networks on forgeries that they never saw."""

    train_on: Literal["one", "all_but_one", "off"] = Field(
        "one", description="forgery methods that a run learns: one, all but one; off trains none"
    )
    epochs: Count | None = Field(None, description="epochs of these runs; None is training.epochs")
    seeds: Count = Field(1, description="how many of training.seeds each of them is trained with")
    second: Model | None = Field(None, description="a second network to compare, at the same budget")


class Study(Section):
    """A whole study, as its YAML file says, and where its results go.

    `file` and `out` are set by `load_study`, never by the YAML, and are no part of any key.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", description="names the folder under reports/")
    title: str = Field(description="the report's heading")
    data: Data = Data()
    model: Model = Model()
    augment: Augment = Augment()
    training: Training = Training()
    evaluate: Evaluate = Evaluate()
    forgeries: Forgeries = Forgeries()
    file: Path = Field(default=Path(), exclude=True)
    out: Path = Field(default=Path(), exclude=True)

    @property
    def pictures(self) -> Path:
        """Folder that holds the study's pictures; the sample is rendered inside `out`."""
        return self.out / "pictures" if self.is_sample else Path(self.data.root)

    @property
    def is_sample(self) -> bool:
        """True where the pictures are rendered portraits and show no person."""
        return self.data.root == SAMPLE


def load_study(study: str = SAMPLE, data: str = "", out: str = "") -> Study:
    """Read and check a study.

    Args:
        study: name of a built-in study (`sample`, `small`, `seed`, `full`) or path of a YAML file.
        data: folder of pictures that replaces the study's own; empty keeps it.
        out: results' folder; empty is `reports/<name>` of the checkout.
    Raises:
        StudyError: no such study, or the file does not fit.
    """
    path = _study_file(study)
    settings = read_settings(path, STUDIES / "sample.yaml")
    if data:
        folder = Path(data).expanduser().resolve()
        settings["name"] = _folder_name(folder)
        settings["title"] = f"Deepfake detection on {folder.name}"
        settings.setdefault("data", {})["root"] = str(folder)
    elif isinstance(settings.get("data"), dict) and isinstance(settings["data"].get("root"), str):
        settings["data"]["root"] = _resolve(settings["data"]["root"], path.parent, keep={SAMPLE})
    if isinstance(settings.get("model"), dict) and isinstance(settings["model"].get("weights"), str):
        weights = settings["model"]["weights"]
        settings["model"]["weights"] = _resolve(weights, path.parent, keep={"none", "hub"})
    try:
        checked = Study.model_validate(settings)
    except ValidationError as error:
        raise explain_misfit(path, error, Study, STUDIES / "sample.yaml") from None
    where = Path(out).expanduser().resolve() if out else project_root() / "reports" / checked.name
    return checked.model_copy(update={"file": path, "out": where})


def built_in_studies() -> list[str]:
    """Names that `load_study` takes without a path."""
    return sorted(path.stem for path in STUDIES.glob("*.yaml"))


def _study_file(study: str) -> Path:
    named = STUDIES / f"{study}.yaml"
    if re.fullmatch(r"[a-z0-9_-]+", study) and named.is_file():
        return named
    path = Path(study).expanduser().resolve()
    if path.is_file():
        return path
    names = built_in_studies()
    raise StudyError(
        f"there is no study '{study}'{near_match(study, names)}",
        f"give one of {', '.join(names)}, or the path of a YAML file: make report STUDY=my.yaml",
    )


def _resolve(value: str, base: Path, keep: set[str]) -> str:
    """A path in a study file counts from that file, so that the study can be run from anywhere."""
    return value if value in keep else str((base / Path(value).expanduser()).resolve())


def _folder_name(folder: Path) -> str:
    name = re.sub(r"[^a-z0-9_-]+", "-", folder.name.lower()).strip("-_") or "pictures"
    # A folder that happens to be called like a study must not land in that study's results.
    return f"{name}-pictures" if name in {*built_in_studies(), "published"} else name
