"""The drill of truth recovery: where the right answer is known by construction, do the verdicts say it?

    python tests/drills/truth.py                   every kind of case at all of its seeds
    python tests/drills/truth.py --kinds leak noise --cases 2

A case makes images of 48 px whose classes differ in known ways, trains small networks on them with the
study's own training (three seeds a side), and asks the rule of chapters 05 and 08 for a verdict: a gain, or
an inflation, is called where the whole interval over images and seeds lies on one side of nothing and its p
is below .05. Kinds, and what is true of them:

- noise, jpeg: classes differ in a fine trace, which the corruption hides, and in a faint coarse one, which
  survives it. Test images are corrupted as the policy corrupts some training images, and the training
  images are not: the policy improves.
- same: images are their own mirror images, so that flipping them changes no byte. The true effect is
  nothing, and both sides have the same weights.
- chance: the same, but the two sides have different seeds. The true effect is nothing, and the networks
  differ by chance, as those of two recipes do.
- leak: a mark that each group carries tells its label, and nothing else does. Images drawn at random leave
  the mark on both sides: whoever knows the marks of the training images gets `known_auc` on images of the
  same groups, and one half on people who were never seen. The report of such a split is inflated, and by no
  more than the difference.
- no leak: marks are drawn anew for each image and say nothing. Dealing at random inflates by nothing.

Prints a row a case and a summary; ends with status 1 where fewer than 19 of 20 verdicts are right or
inconclusive, where more than one is wrong, or where fewer than `FOUND` of the effects that are there are
found: a rule that never decides would keep every other promise. About 4 minutes on two cores.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pandas as pd
from scipy.stats import rankdata

from dfstudy.data.split import Split
from dfstudy.predict.predict import predict
from dfstudy.stats.intervals import groups_behind
from dfstudy.stats.metrics import auc
from dfstudy.stats.paired import PairedDifference, difference_over, paired_difference
from dfstudy.study.comparisons import Evaluate
from dfstudy.study.study import Study
from dfstudy.system.provenance import digest, file_digest
from dfstudy.train.run import train

SIDE = 48  # pixels
SEEDS = 3  # networks a side: with two the interval over seeds has one degree of freedom and finds nothing
# Epochs. A fine trace that separates the classes is learned instead of a coarse one, but not at once.
SHORT, LONG = 6, 12
GROUPS = {"train": 60, "val": 20, "test": 50}  # of two real images and two fakes each
LEVEL = 0.05  # of the verdicts
RIGHT, FOUND = 0.95, 0.6  # shares of cases that must not be wrong, and of effects that must be found
SETTINGS = Evaluate(replicates=400)

Effect = Literal["gain", "loss", "none"]


@dataclass(frozen=True)
class Result:
    """One case: what is true, what was found."""

    kind: str
    case: int
    truth: Effect
    verdict: Effect
    value: float
    low: float
    high: float
    most: float  # the largest effect that is possible, NaN where not known
    seconds: float

    @property
    def judged(self) -> Literal["right", "inconclusive", "wrong"]:
        """A verdict `none` decides nothing; an effect that is larger than possible is wrong."""
        if self.verdict == "none":
            return "right" if self.truth == "none" else "inconclusive"
        possible = math.isnan(self.most) or self.low <= self.most
        return "right" if self.verdict == self.truth and possible else "wrong"


def decide(found: PairedDifference) -> Effect:
    """The rule of chapters 05 and 08 for one comparison."""
    if found.p is None or found.low is None or found.p >= LEVEL:
        return "none"
    return "gain" if found.low > 0 else "loss" if found.high < 0 else "none"


# -- images


def smooth(random: np.random.Generator, scale: int, strength: float) -> np.ndarray:
    """float [SIDE, SIDE, 3]: soft blobs of about SIDE / scale pixels."""
    coarse = random.normal(0, strength, (scale, scale, 3))
    return cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)


def scene(random: np.random.Generator) -> np.ndarray:
    """A background of its own, without the grain of a camera."""
    return random.uniform(90, 160, 3) + smooth(random, 4, 18) + smooth(random, 12, 5)


def grain(label: int, random: np.random.Generator) -> np.ndarray:
    """Fine trace that noise hides: real images have grain, and fakes are smooth."""
    return random.normal(0, 1.5, (SIDE, SIDE, 3)) * (1 - label)


def weave(label: int, random: np.random.Generator) -> np.ndarray:
    """Fine trace that compression removes: fakes have pixels that go up and down by turns, 3 grey levels."""
    turns = np.indices((SIDE, SIDE)).sum(axis=0) % 2 * 2 - 1
    return random.normal(0, 1.5, (SIDE, SIDE, 3)) + 3.0 * label * turns[..., None]


def glow(label: int, random: np.random.Generator) -> np.ndarray:
    """Coarse trace that survives either: light from one corner or the other, right in 80 % of images."""
    ramp = np.add.outer(np.linspace(-1, 1, SIDE), np.linspace(-1, 1, SIDE))[..., None]
    return random.normal(10 * (2 * label - 1), 12) * ramp * np.ones(3)


def mark(name: int) -> np.ndarray:
    """The mark of a group: a pattern of coloured blocks that no other group has."""
    blocks = np.random.default_rng(name).choice([-45.0, 45.0], (4, 4, 3))
    return cv2.resize(blocks, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST)


def hide_in_noise(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The strongest noise that `none+gaussian_noise` draws: variance 50."""
    return picture + random.normal(0, math.sqrt(50), picture.shape)


def compress(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The strongest compression that `none+jpeg_compression` draws: quality 60."""
    _, file = cv2.imencode(".jpg", to_bytes(picture), (cv2.IMWRITE_JPEG_QUALITY, 60))
    return cv2.imdecode(file, cv2.IMREAD_COLOR).astype(float)


def to_bytes(picture: np.ndarray) -> np.ndarray:
    return np.clip(np.round(picture), 0, 255).astype(np.uint8)


def write(folder: Path, rows: list[dict], pictures: list[np.ndarray]) -> Split:
    """PNG files and their split, as `split_study` gives it."""
    folder.mkdir(parents=True)
    for at, (row, picture) in enumerate(zip(rows, pictures, strict=True)):
        row["path"] = f"{at:04d}.png"
        cv2.imwrite(str(folder / row["path"]), to_bytes(picture))
        row["sha256"] = file_digest(folder / row["path"])
        row |= {"method": ("real", "made")[row["label"]], "width": SIDE, "height": SIDE, "error": ""}
    table = pd.DataFrame(rows)
    content = table[["path", "sha256", "label", "group", "split"]].to_numpy().tolist()
    return Split(table, table.iloc[:0], folder, digest(content), True, (), table.iloc[:0])


def study_of(
    out: Path, policy: str = "none", seeds: tuple[int, ...] = tuple(range(SEEDS)), epochs: int = LONG
) -> Study:
    """`test_resnet` from scratch, on one thread."""
    recipe = {"epochs": epochs, "patience": epochs, "batch_size": 32, "learning_rate": 0.003, "workers": 0}
    settings = {
        "name": "truth",
        "title": "A case whose answer is known",
        "model": {"backbone": "test_resnet", "size": SIDE},
        "augment": {"policy": policy},
        "training": recipe | {"threads": 1, "seeds": list(seeds)},
    }
    return Study.model_validate(settings).model_copy(update={"out": out})


def scores_of(study: Study, split: Split) -> tuple[pd.DataFrame, np.ndarray]:
    """Test rows, and logits [seeds, n]."""
    tables = [
        predict(train(study, split, seed, progress=False), split, progress=False)
        for seed in study.training.seeds
    ]
    return tables[0], np.stack([table["logit"].to_numpy() for table in tables])


# -- cases


def policy_case(
    folder: Path,
    case: int,
    fine: Callable[[int, np.random.Generator], np.ndarray],
    spoil: Callable[[np.ndarray, np.random.Generator], np.ndarray],
    policy: str,
) -> tuple[PairedDifference, float]:
    """`none` against a policy, where the test is spoilt as the policy spoils."""
    random, rows, pictures = np.random.default_rng([1, case]), [], []
    for part, groups in GROUPS.items():
        for group in range(groups):
            for label in (0, 1, 0, 1):
                picture = scene(random) + fine(label, random) + glow(label, random)
                pictures.append(spoil(picture, random) if part == "test" else picture)
                rows.append({"label": label, "group": f"{part}{group}", "split": part})
    split = write(folder / "pictures", rows, pictures)
    return compare(folder, split, ("none", policy)), math.nan


def mirror_case(folder: Path, case: int, shifted: bool) -> tuple[PairedDifference, float]:
    """`none` against flips of images that are their own mirror images."""
    random, rows, pictures = np.random.default_rng([2, case]), [], []
    for part, groups in GROUPS.items():
        for group in range(groups):
            for label in (0, 1, 0, 1):
                half = scene(random) + glow(label, random)
                half[:, SIDE // 2 :] = half[:, : SIDE // 2][:, ::-1]
                pictures.append(half)
                rows.append({"label": label, "group": f"{part}{group}", "split": part})
    split = write(folder / "pictures", rows, pictures)
    seeds = tuple(range(SEEDS)), tuple(range(SEEDS, 2 * SEEDS)) if shifted else tuple(range(SEEDS))
    return compare(folder, split, ("none", "none+horizontal_flip"), seeds, SHORT), 0.0


def compare(
    folder: Path,
    split: Split,
    policies: tuple[str, str],
    seeds: tuple[tuple[int, ...], tuple[int, ...]] = (tuple(range(SEEDS)),) * 2,
    epochs: int = LONG,
) -> PairedDifference:
    """The second policy less the first, by AUC on the test."""
    sides = [scores_of(study_of(folder, *side, epochs), split) for side in zip(policies, seeds, strict=True)]
    table, (first, second) = sides[0][0], (scores for _, scores in sides)
    labels, units = table["label"].to_numpy(), table["group"].to_numpy()
    return paired_difference(labels, first, second, units, SETTINGS)


MARKED, EACH, NEW = 50, 8, 40  # groups that are dealt, images of each, groups that were never seen


def leak_case(folder: Path, case: int, told: bool) -> tuple[PairedDifference, float]:
    """What a report of images drawn at random says, less what is true of the same network."""
    random, rows, pictures = np.random.default_rng([3, case]), [], []
    for group in range(MARKED + NEW):
        label, name = group % 2, int(random.integers(2**40))
        for _ in range(EACH if group < MARKED else 4):
            pictures.append(scene(random) + mark(name if told else int(random.integers(2**40))))
            part = random.choice(["train", "val", "torn"], p=[0.6, 0.15, 0.25])
            part = str(part) if group < MARKED else "new"
            rows.append({"label": label, "group": f"g{group}", "split": part})
    parts = np.array([row["split"] for row in rows])
    for row in rows:
        row["split"] = "test" if row["split"] in ("torn", "new") else row["split"]
    split = write(folder / "pictures", rows, pictures)
    table, scores = scores_of(study_of(folder), split)
    own = parts[[int(path[:4]) for path in table["path"]]]
    labels, units = table["label"].to_numpy(), table["group"].to_numpy()
    sets = [(labels[own == name], scores[:, own == name], units[own == name]) for name in ("new", "torn")]

    def inflation(*weights: np.ndarray) -> np.ndarray:
        areas = [
            np.stack([auc(label, row, weight) for row in rows], axis=1)
            for (label, rows, _), weight in zip(sets, weights, strict=True)
        ]
        return areas[1] - areas[0]

    behind = [count for label, _, unit in sets for count in groups_behind(label, unit)]
    found = difference_over(inflation, *(unit for *_, unit in sets), behind=behind, settings=SETTINGS)
    trained = set(split.rows.loc[split.rows["split"] == "train", "group"])
    return found, known_auc(sets[1][0], np.isin(sets[1][2], list(trained))) - 0.5 if told else 0.0


def known_auc(labels: np.ndarray, known: np.ndarray) -> float:
    """AUC of one who knows the labels of some images and has no idea of the others."""
    ranks = rankdata(np.where(known, labels, 0.5))
    fakes = labels == 1
    count = int(fakes.sum())
    return float((ranks[fakes].sum() - count * (count + 1) / 2) / (count * (~fakes).sum()))


# by name: what is true, how many cases, and what makes one
KINDS: dict[str, tuple[Effect, int, Callable[[Path, int], tuple[PairedDifference, float]]]] = {
    "noise": ("gain", 6, lambda at, n: policy_case(at, n, grain, hide_in_noise, "none+gaussian_noise")),
    "jpeg": ("gain", 4, lambda at, n: policy_case(at, n, weave, compress, "none+jpeg_compression")),
    "same": ("none", 1, lambda at, n: mirror_case(at, n, shifted=False)),
    "chance": ("none", 7, lambda at, n: mirror_case(at, n, shifted=True)),
    "leak": ("gain", 4, lambda at, n: leak_case(at, n, told=True)),
    "no leak": ("none", 4, lambda at, n: leak_case(at, n, told=False)),
}


def hasten() -> None:
    """For a process that runs cases alone: a few hundred images are read sooner than a worker starts."""
    import_module("dfstudy.data.loader").count_workers = lambda workers, processes=1: 0


def run_case(kind: str, case: int) -> Result:
    """Make, train, judge; leaves nothing."""
    truth, _, make = KINDS[kind]
    began, folder = time.perf_counter(), Path(tempfile.mkdtemp(prefix="truth_"))
    try:
        found, most = make(folder, case)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    low, high = (math.nan if end is None else end for end in (found.low, found.high))
    seconds = time.perf_counter() - began
    return Result(kind, case, truth, decide(found), found.value, low, high, most, round(seconds, 1))


def summarise(results: list[Result]) -> tuple[str, bool]:
    """The promise in words, and whether it holds."""
    judged = [result.judged for result in results]
    there = [result for result in results if result.truth != "none"]
    found = sum(result.judged == "right" for result in there)
    wrong = judged.count("wrong")
    fine = len(results) - wrong >= RIGHT * len(results) and wrong <= 1
    tells = found >= FOUND * len(there)
    text = (
        f"{len(results)} cases: {judged.count('right')} right, {judged.count('inconclusive')} inconclusive, "
        f"{wrong} wrong; of {len(there)} effects that are there {found} are found"
    )
    return text, fine and tells


def main() -> int:
    parser = argparse.ArgumentParser(description="Do the verdicts say what is true?")
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--cases", type=int, help="of each kind; default as listed")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    cases = [(kind, case) for kind in asked.kinds for case in range(asked.cases or KINDS[kind][1])]
    with ProcessPoolExecutor(asked.processes, get_context("spawn"), hasten) as pool:
        results = list(pool.map(run_case, *zip(*cases, strict=True)))
    table = pd.DataFrame([asdict(result) | {"judged": result.judged} for result in results])
    print(table.round(3).to_string(index=False))
    text, holds = summarise(results)
    print(f"\n{text}: the promise {'holds' if holds else 'does not hold'}")
    return int(not holds)


if __name__ == "__main__":
    sys.exit(main())
