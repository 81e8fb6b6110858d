"""What each step of a report costs: seconds on a named machine, carried over to this one.

Takes a study, its split, the notes of steps that have to run, and the pace of this machine; gives
`ExpectedStep`s. A training costs what its images and epochs cost; one that is finished costs a look. A
chapter costs what it did on the built-in study, more where there are more images or runs, and what it still
has to predict. A step that has run here before on as much work costs what it took then. Nothing is refused:
what is not known is taken as the built-in study has it, and a forecast corrects it as steps end. Cost: a look
at each run's folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from dfstudy.chapters.registry import CHAPTERS
from dfstudy.pipeline.plan import LEAKAGE, PAGE, PLAN, TRAINING
from dfstudy.pipeline.schedule import ExpectedStep
from dfstudy.predict.corruptions import CORRUPTIONS, SEVERITIES
from dfstudy.system.finished import lacking
from dfstudy.system.kept import read_json, write_if_changed
from dfstudy.system.provenance import code_digest, versions
from dfstudy.train.key import CODE, WORDS
from dfstudy.variants.leakage import KINDS, MOST, draw_split, say_leakage_run, small_study, why_not
from dfstudy.variants.registry import POLICIES, RUNS
from dfstudy.variants.variant import MAIN, Variant

if TYPE_CHECKING:
    from pathlib import Path

    from dfstudy.chapters.base import Chapter
    from dfstudy.data.split import Split
    from dfstudy.pipeline.plan import Trainings
    from dfstudy.pipeline.probe import MachinePace
    from dfstudy.pipeline.resources import Site
    from dfstudy.study.recipe import Model
    from dfstudy.study.study import Study

# Everything below was measured on it, as seconds of processor time of one core, with `time` over single
# steps of the built-in study whose trainings and predictions were there.
REFERENCE = "AMD EPYC (Zen 4)"
ROBUSTNESS = "07_robustness"  # the chapter that corrupts images at every severity
CHAPTER_SECONDS = {
    "01_explore_data": 22.1,
    "02_view_augmentation": 14.2,
    "03_train": 12.7,
    "04_test": 27.0,
    "05_compare_augmentation": 14.5,
    "06_cross_forgery": 14.5,
    ROBUSTNESS: 14.3,
    "08_audit_protocol": 16.9,
    "09_pretrained": 18.0,
    "10_conclusions": 6.4,
}
OTHER_CHAPTER = 8.0  # one that is not listed
PAGE_SECONDS = 4.3
START = 7.0  # of a step with a network: Python, torch, the index, and a look at all that it reads
FOUND = 0.4  # a run that is finished: read, with its predictions
RUN = 2.5  # of a run, beside its images: the network is built, files are written
# Seconds an image of 64 px, by the last stages that train: a bottleneck network, as in the built-in studies.
KNOWN = "tf_efficientnet_lite0"
TRAIN = {0: 0.0017, 1: 0.0028, 2: 0.0036, 3: 0.0041, 4: 0.0046}
TRAIN_ALL, PREDICT, SIZE = 0.0067, 0.0016, 64
CORRUPT = 0.0008  # an image under a corruption, for all networks
SAMPLE_IMAGES = 1280
SAMPLE_RUNS = {"policies": 19, "forgeries": 7, "defects": 33, "tuning": 6}
SHARE = 0.4  # of a chapter, that grows with images and runs
MOST_LARGER = 25.0  # beyond it chapters draw from the images


DURATIONS = "study/durations.json"  # what steps took when they last ran here
ALIKE = 1.3  # the work of a step may be so many times as much as last time, for its seconds to count


class ImagePace(NamedTuple):
    """Seconds an image on this machine, in training and in prediction."""

    train: float
    predict: float


@dataclass(frozen=True)
class Machine:
    """What this machine does.

    Attributes:
        pace: beside the reference.
        measured: seconds an image here by `budget.network_name`, where a network was timed.
        name: for `DURATIONS`: other machines' seconds say nothing.
        has_gpu: networks run on one, of which the reference says nothing.
    """

    pace: MachinePace
    measured: Mapping[str, ImagePace]
    name: str = ""
    has_gpu: bool = False

    def image(self, study: Study) -> ImagePace | None:
        """Seconds an image of the study's network; None where nothing is known of it."""
        known = self.measured.get(network_name(study))
        if known is not None:
            return known
        found = None if self.has_gpu else reference_pace(study.model)
        if found is None:
            return None
        factor = self.pace.networks
        return ImagePace(found.train * factor, found.predict * factor)


def reference_pace(model: Model) -> ImagePace | None:
    """Seconds an image on the reference; None for a network that was not measured there."""
    if model.backbone.split(".")[0] != KNOWN:
        return None
    larger = (model.size / SIZE) ** 2
    stages = {"stages": model.trainable_stages, "head": 0}.get(model.tuning, "all")
    train = TRAIN_ALL if stages == "all" else TRAIN.get(stages, TRAIN_ALL)
    return ImagePace(train * larger, PREDICT * larger)


def network_name(study: Study) -> str:
    """What a pace is measured for."""
    model = study.model
    part = "" if model.trainable_stages == "all" else f", {model.trainable_stages} stages"
    if model.tuning != "stages":
        part = f", {model.tuning}" + f" of rank {model.rank}" * (model.tuning == "lora")
    return f"{model.network}, {model.size} px{part}"


def unknown_networks(study: Study, machine: Machine, trainings: Trainings) -> list[str]:
    """Networks that have to be trained, and whose pace nobody knows."""
    runs = [run for share in trainings.runs.values() for run in share]
    found = {
        network_name(variant.study)
        for variant, seed in runs
        if machine.image(variant.study) is None and not is_finished(study.out, variant, seed)
    }
    return sorted(found)


def is_finished(out: Path, variant: Variant, seed: int) -> bool:
    """Whether a training would be found: its note names a whole run of today's code and versions."""
    note = read_json(out / "runs" / f"{variant.note(seed)}.json")
    if note.get("identity") != variant.identity(seed):
        return False
    folder = out / "runs" / str(note.get("key", ""))
    if lacking(folder):
        return False
    told = read_json(folder / "config.json")
    return told.get("code") == code_digest(*CODE, without=WORDS) and told.get("versions") == versions()


def expect_steps(
    study: Study,
    split: Split,
    site: Site,
    trainings: Trainings,
    stale: Mapping[str, str],
    machine: Machine,
) -> list[ExpectedStep]:
    """The steps that have to run, in the order in which Snakemake takes equal ranks.

    Args:
        trainings: as the plan has them; the plan itself is read from the study's folder.
        stale: reasons by note, as `bookings.stale_steps` gives them.
    """
    plan = read_json(study.out / PLAN)
    asked = _StepWork(study, split, site, trainings, machine)
    steps: list[ExpectedStep] = []
    for position, rule in enumerate(plan.get("training", [])):
        for name, told in reversed(rule["steps"].items()):
            runs = asked.runs(name)
            steps.append(
                asked.expected(TRAINING.format(name), told["title"], "training", runs, told, -1 - position)
            )
    runs = asked.leakage()
    steps.append(asked.expected(LEAKAGE, "Leakage estimate", "training", runs, plan["leakage"], 0))
    for position, (chapter, told) in enumerate(zip(CHAPTERS, plan["chapters"], strict=True)):
        work = {"": asked.chapter(chapter)}
        steps.append(asked.expected(told["note"], told["title"], "chapter", work, told, 100 - position))
    steps.append(asked.expected(PAGE, "The page", "page", {"": asked.page()}, plan["page"], 0))
    return [step for step in steps if step.note in stale]


class _StepWork:
    """The work of one report, in seconds of this machine."""

    def __init__(
        self, study: Study, split: Split, site: Site, trainings: Trainings, machine: Machine
    ) -> None:
        self.study, self.split, self.site, self.machine = study, split, site, machine
        self.trainings = trainings
        self.parts = _parts(split)
        kept = read_json(study.out / DURATIONS)
        self.last = kept.get("steps", {}) if kept.get("machine") == machine.name else {}
        self.finished = {
            (variant.note(seed)): is_finished(study.out, variant, seed)
            for share in trainings.runs.values()
            for variant, seed in share
        }
        self.own = {
            variant.identity(seed)
            for name, step in trainings.steps.items()
            if step["group"] == RUNS
            for variant, seed in trainings.runs[name]
        }

    def expected(
        self,
        note: str,
        title: str,
        kind: str,
        work: Mapping[str, float],
        told: Mapping[str, Any],
        rank: int,
    ) -> ExpectedStep:
        """A step of these pieces of work (seconds by run; "" is no run)."""
        uncorrected = sum(work.values())
        last = self.last.get(note, {})
        before = last.get("planned", 0.0)
        is_alike = before and 1 / ALIKE < uncorrected / before < ALIKE
        return ExpectedStep(
            note,
            title,
            kind,
            uncorrected * (last["taken"] / before if is_alike else 1.0),
            told.get("threads", 1),
            told.get("resources", {}).get("gpu", 0),
            tuple(told["inputs"]),
            rank,
            {run: each / uncorrected for run, each in work.items() if run},
            uncorrected,
        )

    def runs(self, step: str) -> dict[str, float]:
        """Seconds of each run of a training step; its start counts to the first."""
        work: dict[str, float] = {}
        for variant, seed in self.trainings.runs[step]:
            name = variant.say_run(seed)
            if self.finished[variant.note(seed)]:
                work[name] = FOUND * self.machine.pace.rest
            else:
                work[name] = self._training(variant.study, _parts(variant.split), variant.name != MAIN)
        return self._with_start(work)

    def leakage(self) -> dict[str, float]:
        """Seconds of the estimate's runs."""
        if why_not(self.split):
            return self._with_start({"": 0.0})
        small = small_study(self.study, pictures=len(self.split.part("train")))
        thinned = min(1.0, MOST / len(self.split.rows))
        parts = {name: thinned * count for name, count in self.parts.items()}
        is_there = bool(read_json(self.study.out / LEAKAGE)) and any(self.finished.values())
        each = FOUND * self.machine.pace.rest if is_there else self._training(small, parts, True)
        grouped = Variant(MAIN, (), small, draw_split(self.split, self.study.data.split_seed))
        work = {}
        for kind in KINDS:
            for seed in small.training.seeds:
                # the study's own runs may be the same trainings, beside which this step waits or goes ahead
                is_shared = kind == KINDS[0] and grouped.identity(seed) in self.own
                work[say_leakage_run(small, seed, kind)] = each / 2 if is_shared else each
        return self._with_start(work)

    def chapter(self, chapter: Chapter) -> float:
        """Seconds of a chapter."""
        larger = len(self.split.rows) / SAMPLE_IMAGES
        for group, usual in SAMPLE_RUNS.items():
            if group in chapter.needs:
                larger *= self._count(*({group, "controls"} if group == POLICIES else {group})) / usual
        base = CHAPTER_SECONDS.get(chapter.id, OTHER_CHAPTER)
        seconds = base * (1 - SHARE + SHARE * min(larger, MOST_LARGER)) * self.machine.pace.rest
        return seconds + self._predicted(chapter)

    def page(self) -> float:
        """Seconds of the page."""
        return PAGE_SECONDS * self.machine.pace.rest

    def _with_start(self, work: dict[str, float]) -> dict[str, float]:
        first = next(iter(work), "")
        return {**work, first: work.get(first, 0.0) + START * self.machine.pace.rest}

    def _count(self, *groups: str) -> int:
        steps = self.trainings.steps
        return sum(len(self.trainings.runs[name]) for name, step in steps.items() if step["group"] in groups)

    def _training(self, study: Study, parts: Mapping[str, float], tested: bool) -> float:
        """One run: epochs with validation, then training and validation once more, and the test."""
        train, val, test = (parts.get(name, 0) for name in ("train", "val", "test"))
        epochs, pace = study.training.epochs, self._image(study)
        seen = epochs * val + train + val + tested * test
        return RUN * self.machine.pace.rest + epochs * train * pace.train + seen * pace.predict

    def _image(self, study: Study) -> ImagePace:
        """An image's seconds with as many cores as a step of the study takes."""
        pace = self.machine.image(study) or next(iter(self.machine.measured.values()), None)
        if pace is None:  # nothing is known: as the known network of that size
            model = study.model.model_copy(update={"backbone": KNOWN})
            pace = reference_pace(model)
            assert pace is not None
            pace = ImagePace(*(each * self.machine.pace.networks for each in pace))
        if network_name(study) in self.machine.measured:  # as it is trained here, whatever its threads
            return pace
        taken = self.site.training(study).threads
        spread = 1 if study.training.threads == 1 else max(1.0, 0.75 * taken)
        return ImagePace(*(each / spread for each in pace))

    def _predicted(self, chapter: Chapter) -> float:
        """What a chapter still has to predict: corrupted test images of runs that are not finished."""
        test = self.parts.get("test", 0)
        corrupted = min(test, self.study.evaluate.robustness_pictures or test)
        if chapter.id == ROBUSTNESS:
            return self._corrupted(RUNS, corrupted * len(CORRUPTIONS) * len(SEVERITIES))
        return self._corrupted(POLICIES, corrupted * len(CORRUPTIONS)) if POLICIES in chapter.needs else 0.0

    def _corrupted(self, group: str, images: int) -> float:
        """Seconds for the runs of a group whose corrupted images are not kept yet."""
        names = [name for name, step in self.trainings.steps.items() if step["group"] == group]
        runs = [run for name in names for run in self.trainings.runs[name]]
        new = [variant for variant, seed in runs if not _has_corrupted(self.study.out, variant, seed)]
        if not new:
            return 0.0
        predicted = sum(images * self._image(variant.study).predict for variant in new)
        return predicted + images * CORRUPT * self.machine.pace.rest


def keep_durations(out: Path, machine: str, planned: Mapping[str, float], taken: Mapping[str, float]) -> None:
    """Note what steps took, for the next plan on this machine; steps that did not run keep their last."""
    kept = read_json(out / DURATIONS)
    steps = kept.get("steps", {}) if kept.get("machine") == machine else {}
    new = {
        note: {"planned": round(planned[note], 2), "taken": round(seconds, 2)}
        for note, seconds in taken.items()
    }
    write_if_changed(out / DURATIONS, {"machine": machine, "steps": {**steps, **new}})


def _parts(split: Split) -> dict[str, float]:
    return {str(name): float(count) for name, count in split.rows["split"].value_counts().items()}


def _has_corrupted(out: Path, variant: Variant, seed: int) -> bool:
    key = read_json(out / "runs" / f"{variant.note(seed)}.json").get("key", "")
    return bool(key) and any((out / "runs" / key / "corrupted").glob("*.parquet"))
