"""How much of a study fits into the minutes that somebody has.

Takes a study, its split, what an image costs on this machine and minutes; gives the study as far up a fixed
ladder as fits, so that a partial report answers what it can: first the study's own network, then whether
augmentation helps, what the original flaws cost, the other policies, unseen forgeries, ways of tuning,
shorter budgets, single transforms, and at last more seeds. A rung never turns on what the study has off, and
no rung changes epochs: a network that was cut short would answer another question. Where not even the first
rung fits, it is taken all the same, and said how long it takes. Pure: equal inputs give equal studies, more
minutes never give less. Cost: the variants are listed once a rung.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from dfstudy.chapters.registry import CHAPTERS
from dfstudy.pipeline.costs import network_name
from dfstudy.pipeline.plan import list_runs
from dfstudy.pipeline.precision import say_detectable
from dfstudy.predict.corruptions import CORRUPTIONS, SEVERITIES
from dfstudy.variants.policies import slugs_of
from dfstudy.variants.variant import MAIN, Variant

if TYPE_CHECKING:
    from dfstudy.data.split import Split
    from dfstudy.study.study import Study

MOST_SEEDS = 5  # beyond it the images are what a comparison lacks
MORE_SEEDS = " seeds of every policy and flaw"  # end of the name of such a rung
# Seconds beside the training, on two cores of `costs.REFERENCE`: a chapter with its kernel, figures and
# bootstraps; index, leakage estimate and page; the start of a run. Small reports are mostly these. They add
# up to what `costs` finds for the built-in study without its trainings, 155 s of 592.
CHAPTER, OTHERS, START = 9.0, 75.0, 2.0


@dataclass(frozen=True)
class Speed:
    """What this machine does.

    Attributes:
        train, predict: seconds an image, by `network_name`.
        side_by_side: runs that train at a time.
        rest: how many times as long anything else takes as where `CHAPTER` and `OTHERS` were measured.
    """

    train: Mapping[str, float]
    predict: Mapping[str, float]
    side_by_side: int = 1
    rest: float = 1.0


class Rung(NamedTuple):
    """A study with everything below it on the ladder, and the runs that it trains."""

    name: str
    study: Study
    runs: list[tuple[Variant, int]]


@dataclass(frozen=True)
class FittedStudy:
    """The decision.

    Attributes:
        minutes: as asked for.
        needed: minutes that the chosen study should take at most, as nothing is finished yet.
        taken: rungs that it holds.
        left_out: (rung, minutes that a report with it should take), in order.
        reached: (rung, minutes that a report up to it should take) of the rungs that it holds.
        runs: trainings of the chosen study.
        precision: what its comparisons can show, in words.
    """

    minutes: int
    needed: float
    taken: tuple[str, ...]
    left_out: tuple[tuple[str, float], ...]
    reached: tuple[tuple[str, float], ...]
    runs: int
    precision: str

    def lines(self) -> list[str]:
        """For the terminal and the page."""
        fits = f"about {_round(self.needed)} of {self.minutes} minutes"
        if self.needed > self.minutes and len(self.taken) > 1:
            fits = f"about {_round(self.needed)} minutes if nothing were trained yet"
        elif self.needed > self.minutes:
            fits = f"about {_round(self.needed)} minutes: more than {self.minutes}, but less is no report"
        held = ", ".join(_last_of_seeds(self.taken))
        lines = [f"{self.runs} training run{'s' * (self.runs != 1)}, {fits}: {held}"]
        for name, needed in self.left_out[:1]:
            more = ", ".join(later for later, _ in self.left_out[1:])
            after = f"; after that: {more}" if more else ""
            lines.append(f"left out: {name} (BUDGET={_up(needed)} would hold it){after}")
        return [*lines, self.precision]


def fit_budget(
    study: Study,
    split: Split,
    speed: Speed,
    minutes: int,
    is_finished: Callable[[Variant, int], bool] = lambda variant, seed: False,
) -> tuple[Study, FittedStudy]:
    """As much of the study as fits, and why.

    Args:
        is_finished: whether a run is there already: a rung of which every run is takes no more training, and
            is held however slow the machine is today.
    """
    rungs = ladder(study, split)
    needed = [_minutes(rung.runs, speed) for rung in rungs]
    last = 0
    while last + 1 < len(rungs) and (
        needed[last + 1] <= minutes or all(is_finished(*run) for run in rungs[last + 1].runs)
    ):
        last += 1
    chosen = rungs[last]
    named = tuple((rung.name, round(each, 2)) for rung, each in zip(rungs, needed, strict=True))
    fitted = FittedStudy(
        minutes,
        round(needed[last], 2),
        tuple(rung.name for rung in rungs[: last + 1]),
        named[last + 1 :],
        named[: last + 1],
        len(chosen.runs),
        _precision(chosen.study, split),
    )
    return chosen.study, fitted


def ladder(study: Study, split: Split) -> list[Rung]:
    """The rungs from the lowest; those that add no run are left out."""
    policies, seeds = study.policies, study.training.seeds
    quiet = {"budgets": [], "leave_one_out": False, "add_one": False, "strengths": []}
    bare = _change(study, "policies", names=[], controls=False, **quiet)
    bare = _change(_change(bare, "defects", measured=False), "forgeries", train_on="off")
    bare = _change(bare, "tuning", modes=[])
    bare = _change(bare, "pairs", measured=False)
    bare = _change(bare, "learning_curve", networks=False)
    rungs = [("the study's own network", _change(bare, "training", seeds=seeds[:1]))]

    def climb(name: str, section: str, **settings: Any) -> None:
        rungs.append((name, _change(rungs[-1][1], section, **settings)))

    climb(f"with {len(seeds)} seeds", "training", seeds=seeds)
    names, others = list(dict.fromkeys(policies.names)), "the other policies"
    if len(names) > 1:
        first, second = _two(names, policies.asked)
        climb(f"{second} compared with {first}", "policies", names=[first, second])
    else:  # a single one is compared with nothing, and still shown
        others = f"the policy {''.join(names)}, shown alone"
    climb("controls: equal recipes, permuted labels", "policies", controls=policies.controls)
    climb(
        "the flaws of the original protocol, together and alone", "defects", measured=study.defects.measured
    )
    climb(others, "policies", names=policies.names)
    climb("unseen forgeries", "forgeries", train_on=study.forgeries.train_on)
    climb("ways of tuning", "tuning", modes=study.tuning.modes)
    climb("each fake beside its source", "pairs", measured=study.pairs.measured)
    climb("the learning curve of the network", "learning_curve", networks=study.learning_curve.networks)
    climb("shorter budgets", "policies", budgets=policies.budgets)
    climb("single transforms and strengths", "policies", **{name: getattr(policies, name) for name in quiet})
    for count in range(2, MOST_SEEDS + 1):
        more = _more_seeds(rungs[-1][1], count)
        rungs.append((f"{count}{MORE_SEEDS}", more))
    return _growing(rungs, split)


def networks(study: Study) -> dict[str, Study]:
    """A study for each network that any rung trains, by `network_name`."""
    second = study.forgeries.second
    others = [*([second] if second else []), *study.tuned_models.values()]
    every = [study, *(study.model_copy(update={"model": model}) for model in others)]
    return {network_name(each): each for each in every}


def list_all_runs(study: Study, split: Split) -> list[tuple[Variant, int]]:
    """Every run that the report needs, once."""
    return [run for runs in list_runs(study, split).values() for run in runs]


def _minutes(runs: list[tuple[Variant, int]], speed: Speed) -> float:
    splits = {variant.split.fingerprint: variant.split for variant, _ in runs}
    sizes = {name: split.rows["split"].value_counts().to_dict() for name, split in splits.items()}
    seconds = [_run_seconds(variant, sizes[variant.split.fingerprint], speed) for variant, _ in runs]
    trained = max(sum(seconds) / speed.side_by_side, max(seconds, default=0.0))
    return (trained + speed.rest * (CHAPTER * len(CHAPTERS) + OTHERS)) / 60


def _run_seconds(variant: Variant, pictures: Mapping[str, int], speed: Speed) -> float:
    """Epochs with validation, then every part once more for threshold, gap and test; corrupted images."""
    study = variant.study
    train, val, test = (pictures.get(name, 0) for name in ("train", "val", "test"))
    name, epochs = network_name(study), study.training.epochs
    seen = epochs * val + train + val + test
    seen += _conditions(variant) * min(test, study.evaluate.robustness_pictures or test)
    # a network that was not measured is taken for the slowest that was
    step, look = (known.get(name, max(known.values())) for known in (speed.train, speed.predict))
    return START + epochs * train * step + seen * look


def _conditions(variant: Variant) -> int:
    """In how many ways each image is corrupted for a run: all in chapter 07, one severity in chapter 05."""
    if variant.name == MAIN:
        return len(CORRUPTIONS) * len(SEVERITIES)
    return (
        len(CORRUPTIONS)
        if variant.name in {f"policy_{slug}" for slug in slugs_of(variant.study).values()}
        else 0
    )


def _growing(steps: list[tuple[str, Study]], split: Split) -> list[Rung]:
    rungs, known = [], set()
    for name, study in steps:
        runs = list_all_runs(study, split)
        identities = {variant.identity(seed) for variant, seed in runs}
        if identities != known:
            rungs.append(Rung(name, study, runs))
        known = identities
    return rungs


def _two(names: list[str], asked: str) -> list[str]:
    """The first policy, and the one that the study asks about."""
    return [*names[:1], asked] if asked in names[1:] else names[:2]


def _more_seeds(study: Study, count: int) -> Study:
    """At least so many seeds of everything that is compared by seeds."""
    seeds = list(study.training.seeds)
    unused = (seed for seed in range(count + len(seeds)) if seed not in seeds)
    seeds += [next(unused) for _ in range(count - len(seeds))]
    study = _change(study, "training", seeds=seeds)
    study = _change(study, "policies", seeds=max(count, study.policies.seeds))
    study = _change(study, "tuning", seeds=max(count, study.tuning.seeds))
    study = _change(study, "pairs", seeds=max(count, study.pairs.seeds))
    return _change(study, "defects", seeds=max(count, study.defects.seeds))


def _change(study: Study, section: str, **settings: Any) -> Study:
    changed = getattr(study, section).model_copy(update=settings)
    return study.model_copy(update={section: changed})


def _precision(study: Study, split: Split) -> str:
    if not study.policies.names[1:]:
        return "No two policies are compared."
    return say_detectable(split.part("test"), min(len(study.training.seeds), study.policies.seeds))


def _last_of_seeds(names: tuple[str, ...]) -> list[str]:
    """Five seeds hold four: of rungs that only add seeds the last is named."""
    following = [*names[1:], ""]
    return [
        name
        for name, after in zip(names, following, strict=True)
        if not (name.endswith(MORE_SEEDS) and after.endswith(MORE_SEEDS))
    ]


def _round(minutes: float) -> str:
    return f"{minutes:.1f}" if minutes < 10 else f"{minutes:.0f}"


def _up(minutes: float) -> int:
    return int(-(-minutes // 1))
