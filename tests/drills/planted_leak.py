"""The drill of the leakage estimate: does it find a planted leak, and is it silent where there is none?

    python tests/drills/planted_leak.py --work FOLDER [--seeds 10] [--people 120] [--processes 2]

Renders people of ten seeds, two real and two forged images of each, and runs chapter 01's own meter on two
sets of them:

- leak: four frames of every person, as of a video: one real image moved, turned and lit a little
  differently. One half of the people is called fake, so that nothing but the scene tells the label: between
  people there is nothing to learn, and a split by single images shows scenes whose label was learned.
- clean: all images, and groups of four drawn at random from them. The groups carry nothing, so that both
  splits are random ones and equally hard.

A leak is found where the report's answer is `yes`; a clean set is silent where it is not, and where the
meter does not say the opposite with the whole interval either. Two clean sets are also compared with each
other, split for split, as the meter compares its two splits: other people and other seeds of the same kind.
Prints a table; ends with status 1 where fewer than 9 of 10 leaks are found or a clean set is not silent.
Six trainings a set, about 70 seconds of one core; what is there is found again.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import combinations
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))
from same_recipe import share, to_markdown
from truth import hasten

from dfstudy.chapters.c01_data.leakage import compare, meter_numbers, run_meter
from dfstudy.chapters.c01_data.questions import leak_verdict
from dfstudy.data.index import index_study
from dfstudy.data.split import Split, split_study
from dfstudy.portraits.folder import render_sample
from dfstudy.study.pictures import SamplePictures
from dfstudy.study.study import Study, load_study
from dfstudy.variants.leakage import draw_split, scatter, small_study

KINDS = ("leak", "clean")
FIRST = 100  # seed of the first people: no study and no tuning shows them
FRAMES, SIDE = 4, 64
COLUMNS = ("path", "label", "method", "group")
FOUND = 0.9  # share of leaks that must be found


def make_set(work: Path, kind: str, seed: int, people: int) -> Path:
    """The folder of a set with its index; made where it is not there yet."""
    folder, source = work / kind / f"{seed:02d}", work / "people" / f"{seed:02d}"
    if folder.exists():
        return folder
    settings = SamplePictures(identities=people, frames=2, size=SIDE, seed=FIRST + seed)
    render_sample(source, settings, progress=False, processes=1)
    draft, random = folder.with_name(f"{folder.name}.draft"), np.random.default_rng([KINDS.index(kind), seed])
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    table = pd.read_csv(source / "index.csv")
    rows = plant(table, source, draft, random) if kind == "leak" else keep(table, source, draft, random)
    rows.to_csv(draft / "index.csv", index=False)
    draft.rename(folder)
    return folder


def plant(table: pd.DataFrame, source: Path, folder: Path, random: np.random.Generator) -> pd.DataFrame:
    """Frames of the first real image of every person; half of the people are called fake."""
    first, rows = table[table["label"] == 0].groupby("group").head(1), []
    labels = random.permutation(np.arange(len(first)) % 2)
    for path, group, label in zip(first["path"], first["group"], labels, strict=True):
        picture = cv2.imread(str(source / path))
        for at in range(FRAMES):
            name = f"{group}_{at}.jpg"
            cv2.imwrite(str(folder / name), frame_of(picture, random), [cv2.IMWRITE_JPEG_QUALITY, 92])
            rows.append((name, label, ("real", "made")[label], group))
    return pd.DataFrame(rows, columns=COLUMNS)


def frame_of(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """uint8 [n, n, 3]: the scene a moment later."""
    side = len(picture)
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), random.uniform(-8, 8), random.uniform(0.95, 1.1))
    turn[:, 2] += random.uniform(-3, 3, 2)
    moved = cv2.warpAffine(picture, turn, (side, side), borderMode=cv2.BORDER_REFLECT)
    lit = moved * random.uniform(0.85, 1.15) + random.normal(0, 3, moved.shape)
    return np.clip(np.round(lit), 0, 255).astype(np.uint8)


def keep(table: pd.DataFrame, source: Path, folder: Path, random: np.random.Generator) -> pd.DataFrame:
    """Every image as it is, in groups drawn at random."""
    names = random.permutation(np.arange(len(table)) // FRAMES)
    for path in table["path"]:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / path, folder / path)
    return table.assign(group=[f"g{name:03d}" for name in names])[list(COLUMNS)]


def study_of(work: Path, kind: str, seed: int, people: int) -> tuple[Study, Split]:
    folder = make_set(work, kind, seed, people)
    study = load_study("sample", data=str(folder), out=str(work / "out" / f"{kind}_{seed:02d}"))
    # near-duplicates would join the groups that are drawn at random
    study = study.model_copy(update={"data": study.data.model_copy(update={"near_duplicates": 0})})
    return study, split_study(study, index_study(study, progress=False))


def measure(work: Path, kind: str, seed: int, people: int) -> dict:
    """The meter's reading of a set, as a row, and the report's answer."""
    began = time.process_time()
    study, split = study_of(work, kind, seed, people)
    found = run_meter(study, split, progress=False)
    numbers = {number.id: number for number in meter_numbers(found, split)}
    gain = numbers["leakage.inflation"]
    return {
        "kind": kind,
        "seed": seed,
        "grouped": numbers["leakage.auc.grouped"].value,
        "random": numbers["leakage.auc.random"].value,
        "gain": gain.value,
        "low": gain.low,
        "high": gain.high,
        "learned": bool(numbers["leakage.learned"].value),
        "answer": leak_verdict(numbers),
        "right": is_right(kind, leak_verdict(numbers), gain.high),
        "s": round(time.process_time() - began, 1),
    }


def is_right(kind: str, answer: str, high: float | None) -> bool:
    """A leak is found; of a clean set nothing is said but that a gain is excluded."""
    return answer == "yes" if kind == "leak" else answer != "yes" and (high is None or high > 0)


def tables_of(work: Path, seed: int, people: int) -> list[list[pd.DataFrame]]:
    """Of a clean set that was measured: predictions of the grouped split, and of the random one."""
    from dfstudy.predict.predict import predict
    from dfstudy.train.run import train

    study, split = study_of(work, "clean", seed, people)
    study = small_study(study, pictures=len(split.part("train")))
    grouped = draw_split(split, study.data.split_seed)
    return [
        [predict(train(study, each, one, False), each, "test", False) for one in study.training.seeds]
        for each in (grouped, scatter(grouped, study.data.split_seed))
    ]


def compare_clean(work: Path, seeds: int, people: int) -> pd.DataFrame:
    """Every two clean sets, split for split, as the meter compares two splits of one set."""
    every = [tables_of(work, seed, people) for seed in range(seeds)]
    rows = []
    for one, other in combinations(range(seeds), 2):
        for at, name in enumerate(("grouped", "random")):
            study, _ = study_of(work, "clean", one, people)
            gain = compare(every[one][at], every[other][at], study.evaluate, shared=0.0).inflation
            sure = gain.low is not None and (gain.low > 0 or gain.high < 0)
            rows.append({"split": name, "one": one, "other": other, "gain": gain.value, "false": sure})
    return pd.DataFrame(rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="where images and runs are kept")
    parser.add_argument("--seeds", type=int, default=10, help="sets of each kind")
    parser.add_argument("--people", type=int, default=120)
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    work, began, rows = asked.work.resolve(), time.monotonic(), []
    with ProcessPoolExecutor(asked.processes, get_context("spawn"), hasten) as pool:
        cases = [(kind, seed) for seed in range(asked.seeds) for kind in KINDS]
        waiting = [pool.submit(measure, work, *case, asked.people) for case in cases]
        for done in as_completed(waiting):
            rows.append(done.result())
            left = (time.monotonic() - began) / len(rows) * (len(cases) - len(rows)) / 60
            said = " ".join(f"{name} {value}" for name, value in rows[-1].items())
            print(f"{said}; {len(rows)} of {len(cases)}, {left:.0f} min left", file=sys.stderr, flush=True)
    table = pd.DataFrame(rows).sort_values(["kind", "seed"], ignore_index=True)
    table.to_csv(work / "planted_leak.csv", index=False)
    print(to_markdown(table.round(3)))
    right = table.groupby("kind")["right"].agg(["sum", "size"])
    print(f"\nleaks found: {right['sum']['leak']} of {right['size']['leak']}", end="; ")
    print(f"clean sets silent: {right['sum']['clean']} of {right['size']['clean']}")
    if asked.seeds > 1:
        for name, own in compare_clean(work, asked.seeds, asked.people).groupby("split"):
            told = share(own["false"])
            print(f"clean sets against each other, {name}: {told['false']} of {len(own)} differ surely")
    fine = right["sum"]["leak"] >= FOUND * asked.seeds and right["sum"]["clean"] == asked.seeds
    return int(not fine)


if __name__ == "__main__":
    sys.exit(main())
