"""One study, validated: its images, network, training, augmentation and statistics.

Takes the name of a built-in study or the path of a YAML file; gives a frozen `Study`. Refuses unknown
keys, wrong types and impossible values, all at once, each with file, key, value and what is allowed.
The sections stand in `pictures`, `recipe` and `comparisons`; their descriptions are the only wording of a
setting.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any

from pydantic import Field, ModelWrapValidatorHandler, ValidationError, field_validator, model_validator

from dfstudy.errors import StudyError, near_match
from dfstudy.study.comparisons import (
    Curve,
    Defects,
    Evaluate,
    Forgeries,
    OtherPictures,
    Pairs,
    Policies,
    Tuning,
)
from dfstudy.study.overrides import (
    REFERENCE,
    describe_overrides,
    find_value,
    name_folder,
    with_overrides,
)
from dfstudy.study.own_code import resolve_own, resolve_path
from dfstudy.study.page import Page
from dfstudy.study.pictures import SAMPLE, Card, Data, SamplePictures
from dfstudy.study.recipe import (
    NOT_SHAPING,
    ORIGINAL_TRANSFORMS,
    PLAIN_SGD,
    WEIGHT_SOURCES,
    Augment,
    Model,
    Protocol,
    Training,
    knowing_policies,
)
from dfstudy.study.renamed import RENAMED, current_study
from dfstudy.study.section import Section, explain_misfit, read_settings
from dfstudy.system.file_kind import no_file
from dfstudy.system.kept import parse_json, read_json
from dfstudy.system.provenance import project_root

__all__ = [
    "FROZEN",
    "MARK",
    "NOT_SHAPING",
    "ORIGINAL_TRANSFORMS",
    "OWN",
    "SAMPLE",
    "STUDIES",
    "WEIGHT_SOURCES",
    "Augment",
    "Card",
    "Curve",
    "Data",
    "Defects",
    "Evaluate",
    "Forgeries",
    "Model",
    "OtherPictures",
    "Pairs",
    "Policies",
    "Protocol",
    "SamplePictures",
    "Study",
    "Training",
    "Tuning",
    "built_in_studies",
    "load_study",
    "read_study",
]

STUDIES = Path(__file__).parents[1] / "studies"
FROZEN = "study/frozen.json"  # in the results: the study that their last report was made of
MARK = "study/report.json"  # in the results: whose report they are
OWN = ("file", "out", "frozen", "overrides")  # fields that loading sets, and that are no settings


class Study(Section):
    """A whole study, as its YAML file says, and where its results go.

    `file`, `out`, `frozen` and `overrides` are set by `load_study`, never by the YAML, and are no part of any
    key. A frozen study is the copy that a report under way runs with: its index is not looked over again.
    `overrides` holds what was changed by dotted keys, which the settings hold already.
    """

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9_-]*$",
        description="what logs and the page call the study; the results of a study file of your own go to "
        "reports/ and the file's name",
    )
    title: str = Field(description="the report's heading")
    budget: int = Field(
        0,
        ge=0,
        description="minutes that a report on this machine may take: it holds what fits, the most important "
        "parts first; 0 is everything",
    )
    data: Data = Data()
    model: Model = Model()
    augment: Augment = Augment()
    training: Training = Training()
    protocol: Protocol = Protocol()
    evaluate: Evaluate = Evaluate()
    policies: Policies = Policies()
    forgeries: Forgeries = Forgeries()
    defects: Defects = Defects()
    tuning: Tuning = Tuning()
    pairs: Pairs = Pairs()
    learning_curve: Curve = Curve()
    report: Page = Page()
    test_on: list[OtherPictures] = Field(
        default=[],
        description="other folders on which the study's own networks are tested (chapter 06), each a path or "
        "root, name, aliases and layout; they train nothing",
    )
    file: Path = Field(default=Path(), exclude=True)
    out: Path = Field(default=Path(), exclude=True)
    frozen: bool = Field(default=False, exclude=True)
    overrides: dict[str, Any] = Field(default={}, exclude=True)

    @model_validator(mode="wrap")
    @classmethod
    def _own_policies_are_known(cls, given: Any, check: ModelWrapValidatorHandler[Study]) -> Study:
        """Sections beside `augment` may name own policies too."""
        with knowing_policies(given.get("augment") if isinstance(given, dict) else None):
            return check(given)

    @field_validator("evaluate")
    @classmethod
    def _pictures_name_the_level(cls, evaluate: Evaluate) -> Evaluate:
        if evaluate.level == "identity":
            raise ValueError(
                "level: no layout and no index.csv names identities; give group, video or picture "
                "(identity is for tables made elsewhere: dfstudy evaluate --level identity)"
            )
        return evaluate

    @model_validator(mode="after")
    def _tuned_once(self) -> Study:
        if self.tuning.modes and self.model.tuning != "stages":
            raise ValueError(
                f"model.tuning is {self.model.tuning}, and tuning.modes compares ways of tuning: give one"
            )
        return self

    @model_validator(mode="after")
    def _others_differ(self) -> Study:
        titles = [other.title for other in self.test_on]
        repeated = sorted({title for title in titles if titles.count(title) > 1})
        if repeated:
            raise ValueError(f"test_on: two folders are called '{repeated[0]}': give one of them a name")
        return self

    @property
    def recipe(self) -> Training:
        """The recipe that really trains: `training`, with `plain_sgd` by the original optimiser."""
        return self.training.model_copy(update=PLAIN_SGD if self.protocol.plain_sgd else {})

    @property
    def tuned_models(self) -> dict[str, Model]:
        """The network of each way of tuning that chapter 09 compares."""
        changed: dict[str, dict[str, Any]] = {
            "stages": {},
            "all": {"trainable_stages": "all"},
            "head": {"tuning": "head"},
            "norm": {"tuning": "norm"},
            "lora": {"tuning": "lora", "rank": self.tuning.rank},
        }
        return {mode: self.model.model_copy(update=changed[mode]) for mode in self.tuning.modes}

    @property
    def pictures(self) -> Path:
        """Folder that holds the study's images; the sample is rendered inside `out`."""
        return self.out / "pictures" if self.is_sample else Path(self.data.root)

    @property
    def base(self) -> Path | None:
        """Results of the study without its overrides, where they lie beside these: what is the same in both,
        rendered images and finished runs, is taken from there. They need not be there.
        """
        name, sign, _ = self.out.name.partition("+")
        return self.out.with_name(name) if sign and self.overrides else None

    @property
    def is_sample(self) -> bool:
        """True where the images are rendered portraits and show no person."""
        return self.data.root == SAMPLE

    @property
    def groups(self) -> str:
        """What the network never saw when it is tested, where the images name their groups."""
        return self.report.groups or ("people" if self.is_sample else "people or videos")


def load_study(
    study: str = SAMPLE, data: str = "", out: str = "", overrides: Mapping[str, Any] | None = None
) -> Study:
    """Read and check a study, as a notebook does that is run by hand.

    Args:
        study: name of a built-in study (`sample`, `small`, `original`, `full`, `foundation`, `dfdc_6k`,
            `openforensics_7k`) or path of a YAML file.
        data: folder of images that replaces the study's own; empty keeps it.
        out: results' folder; empty is `reports/<name>` of the checkout, where the name is that of a built-in
            study, of `data`, or of the study file. Overrides get a folder of their own beside it.
        overrides: settings to change, from dotted keys to values: `{"training.epochs": 6}`. Paths among them
            count from the current folder.
    Raises:
        StudyError: no such study, the file or the overrides do not fit, or `out` holds a report with other
            overrides.
    """
    loaded = read_study(study, data, out, overrides)
    if out and not loaded.frozen:
        _refuse_other_report(loaded)
    return loaded


def read_study(
    study: str = SAMPLE, data: str = "", out: str = "", overrides: Mapping[str, Any] | None = None
) -> Study:
    """The same, whatever report `out` holds: for commands, which decide on that themselves.

    Raises:
        StudyError: no such study, or the file or the overrides do not fit.
    """
    path = _study_file(current_study(study))
    if path.match(FROZEN):
        if overrides:
            raise StudyError(
                f"{path} is the copy that a report was made of, and takes no overrides",
                'give the study itself, such as study = "sample", and leave out empty',
            )
        return _thaw(path)
    settings = read_settings(path, STUDIES / "sample.yaml")
    if "overrides" in settings:  # the others are refused on reading
        raise StudyError(f"{path}: unknown key 'overrides'", "write the settings themselves into the file")
    if data:
        folder = Path(data).expanduser().resolve()
        settings["name"] = _folder_name(folder.name, "pictures")
        settings["title"] = f"Deepfake detection on {folder.name}"
        settings.setdefault("data", {})["root"] = str(folder)
    settings = _resolve_paths(settings, path.parent)
    changed = with_overrides({}, overrides or {})
    if unknown := sorted({*OWN} & {*changed}):
        raise StudyError(f"overrides: unknown key '{unknown[0]}'", f"remove it; every key: {REFERENCE}")
    changed = _resolve_paths(changed, Path.cwd())
    values = {key: find_value(changed, key) for key in overrides or {}}
    try:
        checked = Study.model_validate(with_overrides(settings, values))
    except ValidationError as error:
        shown = path.with_name(f"{path.name} with overrides") if values else path
        raise explain_misfit(shown, error, Study, REFERENCE) from None
    _refuse_sections(values)
    dumped = checked.model_dump(mode="json")
    values = {key: find_value(dumped, key) for key in sorted(values)}
    is_own_file = not data and path.parent != STUDIES
    base = _folder_name(path.stem, "study") if is_own_file else checked.name
    beside = project_root() / "reports" / name_folder(base, values)
    where = Path(out).expanduser().resolve() if out else beside
    return checked.model_copy(update={"file": path, "out": where, "overrides": values})


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
    if path.exists():
        raise StudyError(f"{path} is {no_file(path)}, no study file", "give the path of a YAML file")
    names = built_in_studies()
    raise StudyError(
        f"there is no study '{study}'{near_match(study, names)}",
        f"give one of {', '.join(names)}, or the path of a YAML file: make report STUDY=my.yaml",
    )


def _thaw(path: Path) -> Study:
    try:
        kept = parse_json(path.read_text("utf-8"))
        own = {"file": Path(kept["file"]), "out": path.parents[1], "frozen": True}
        own["overrides"] = kept.get("overrides", {})
        return Study.model_validate(kept["settings"]).model_copy(update=own)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StudyError(
            f"{path} is no study that a report has kept: {error}", "give make report again: it writes it anew"
        ) from None


def _refuse_other_report(study: Study) -> None:
    """By hand nothing asks before it writes: a finished report keeps the settings that it was made with."""
    holder, own = read_json(study.out / MARK), describe_overrides(study.overrides)
    if holder and (held := holder.get("overrides", describe_overrides({}))) != own:
        raise StudyError(
            f"{study.out} holds a report (overrides: {held}, now {own})",
            "leave out empty, which gives these settings a folder of their own, or name another folder",
        )


def _refuse_sections(overrides: Mapping[str, Any]) -> None:
    """A section as one value would set all its other keys to their defaults without a word."""
    for key in overrides:
        whole: Any = Study
        for name in key.split("."):
            field = whole.model_fields.get(name) if _is_section(whole) else None
            whole = field.annotation if field else None
        if _is_section(whole):
            raise StudyError(
                f"overrides: {key} is a section",
                f"give its keys, such as {key}.{next(iter(whole.model_fields))}",
            )


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Section)


def _resolve_paths(settings: dict[str, Any], base: Path) -> dict[str, Any]:
    """The settings with every path in them counted from `base`; what does not fit is left to the check."""
    data, forgeries = settings.get("data"), settings.get("forgeries")
    if isinstance(data, dict) and isinstance(data.get("root"), str):
        data["root"] = _resolve(data["root"], base, keep={SAMPLE})
    for model in (settings.get("model"), forgeries.get("second") if isinstance(forgeries, dict) else None):
        if isinstance(model, dict) and isinstance(model.get("weights"), str):
            model["weights"] = _resolve(model["weights"], base, keep=WEIGHT_SOURCES)
        if isinstance(model, dict) and isinstance(model.get("backbone"), str):
            model["backbone"] = resolve_own(model["backbone"], base)
    augment = settings.get("augment")
    if isinstance(augment, dict) and isinstance(augment.get("policies"), dict):
        augment["policies"] = {
            name: resolve_own(told, base) if isinstance(told, str) else told
            for name, told in augment["policies"].items()
        }
    if isinstance(settings.get("test_on"), list):
        settings["test_on"] = [_resolve_other(other, base) for other in settings["test_on"]]
    return settings


def _resolve(value: str, base: Path, keep: Set[str]) -> str:
    """A path in a study file counts from that file, so that the study can be run from anywhere."""
    return value if value in keep else str(resolve_path(value, base))


def _resolve_other(other: Any, base: Path) -> Any:
    """An entry of test_on with its path resolved; one that does not fit is left to the check."""
    if isinstance(other, str):
        return _resolve(other, base, keep=set())
    if isinstance(other, dict) and isinstance(other.get("root"), str):
        return other | {"root": _resolve(other["root"], base, keep=set())}
    return other


def _folder_name(called: str, kind: str) -> str:
    """Of results, after a folder of images or a study file."""
    name = re.sub(r"[^a-z0-9_-]+", "-", called.lower()).strip("-_") or kind
    # One that happens to be called like a built-in study must not land in that study's results.
    return f"{name}-{kind}" if name in {*built_in_studies(), *RENAMED, "published"} else name
