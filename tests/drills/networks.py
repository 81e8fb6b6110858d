"""Real networks for drills: recipes of the built-in study, trained with many seeds, and their scores.

    python tests/drills/networks.py --work FOLDER [--networks 40] [--permuted 9] [--processes 2]

Trains what `same_recipe.py` draws from, two at a time, and keeps of every network what the chapters ask for:
test, training, validation and corrupted images with their logits, and the losses by epoch.
A network that is there is not trained again, so the drill can be stopped at any time, and the rules can be
asked anew after they have changed. Recipes:

- `none`, `original`: the trainings of chapter 05 under these two policies, five epochs, one forgery unseen.
- `defects`: the correct training of chapter 08, two epochs.
- `permuted`: `none` with the labels of training and validation images permuted; nothing can be learned.

About 16 seconds of one core a network, 8 for chapter 08.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))
from truth import hasten

from dfstudy.data.index import index_study
from dfstudy.data.split import split_study
from dfstudy.stats.calibration import FITS, USED
from dfstudy.study.study import Study, load_study
from dfstudy.variants.controls import permute_labels
from dfstudy.variants.defects import correct_variant
from dfstudy.variants.registry import POLICIES, list_variants
from dfstudy.variants.variant import Variant

RECIPES = ("none", "original", "defects", "permuted")
TABLES = ("test", "clean", "corrupted")


@dataclass(frozen=True)
class Network:
    """What one training says of images; as `policies.Tested` holds it for several."""

    learned: tuple[str, ...]
    test: pd.DataFrame
    clean: pd.DataFrame
    corrupted: pd.DataFrame
    losses: list[float]


def study_in(work: Path) -> Study:
    """The built-in study with the two policies of its first question; runs and images under the folder."""
    study = load_study("sample")
    policies = study.policies.model_copy(update={"names": ["none", "original"]})
    return study.model_copy(update={"out": work / "sample", "policies": policies})


@cache
def arms_in(work: Path) -> dict[str, Variant]:
    """By recipe; renders the images where they are not there yet."""
    study = study_in(work)
    split = split_study(study, index_study(study, progress=False))
    none, original = list_variants(study, split, POLICIES)
    untrue = permute_labels(none.split, study.data.split_seed)
    permuted = Variant("permuted", none.trained_on, none.study, untrue)
    return dict(zip(RECIPES, (none, original, correct_variant(study, split), permuted), strict=True))


def make_network(work: Path, recipe: str, seed: int) -> float:
    """Train, predict, keep; gives the seconds of processor time."""
    from dfstudy.chapters.c05_policies.tested import CONDITIONS
    from dfstudy.predict.predict import predict
    from dfstudy.predict.predict_corrupted import predict_corrupted
    from dfstudy.train.run import train

    began, variant = time.process_time(), arms_in(work)[recipe]
    run = train(variant.study, variant.split, seed, progress=False)
    tables = {"test": predict(run, variant.split, "test", progress=False), "clean": run.clean}
    if recipe != "defects":  # chapter 08 corrupts nothing
        settings = variant.study.evaluate
        tables["corrupted"] = predict_corrupted([run], variant.split, settings, CONDITIONS, progress=False)
    folder = folder_of(work, recipe, seed)
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_parquet(folder / f"{name}.parquet")
    told = {
        "learned": list(variant.trained_on),
        "losses": run.history["val_loss"].tolist(),
    }
    (folder / "network.json").write_text(json.dumps(told))  # written last: it says that all is there
    return time.process_time() - began


def folder_of(work: Path, recipe: str, seed: int) -> Path:
    return work / "networks" / recipe / f"{seed:03d}"


def load_networks(work: Path, recipe: str) -> list[Network]:
    """Every finished network of a recipe, in the order of its seeds."""
    found = []
    for file in sorted((work / "networks" / recipe).glob("*/network.json")):
        told = json.loads(file.read_text())
        shown = {name: file.parent / f"{name}.parquet" for name in TABLES}
        tables = {name: pd.read_parquet(at) if at.is_file() else pd.DataFrame() for name, at in shown.items()}
        rows = tables["clean"][tables["clean"]["part"] == "val"]
        calibration = FITS[USED](rows["logit"].to_numpy(), rows["label"].to_numpy())
        test = tables["test"]
        tables["test"] = test.assign(probability=calibration(test["logit"].to_numpy()))
        found.append(Network(tuple(told["learned"]), **tables, losses=told["losses"]))
    return found


def make_networks(work: Path, counts: dict[str, int], processes: int) -> None:
    """All that are missing, the low seeds of every recipe first; says how far it is."""
    arms_in(work)  # renders once, before the processes ask
    wanted = sorted((seed, recipe) for recipe, count in counts.items() for seed in range(count))
    missing = [each for each in wanted if not (folder_of(work, *each[::-1]) / "network.json").is_file()]
    began = time.monotonic()
    with ProcessPoolExecutor(processes, get_context("spawn"), hasten) as pool:
        waiting = [pool.submit(make_network, work, recipe, seed) for seed, recipe in missing]
        spent = []
        for done in as_completed(waiting):
            spent.append(done.result())
            left = (time.monotonic() - began) / len(spent) * (len(missing) - len(spent))
            print(
                f"{len(spent)} of {len(missing)} networks, {np.mean(spent):.1f} s of one core each, "
                f"{left / 60:.0f} min left",
                file=sys.stderr,
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="where images, runs and scores are kept")
    parser.add_argument("--networks", type=int, default=40, help="seeds of none, original and defects")
    parser.add_argument("--permuted", type=int, default=9)
    parser.add_argument("--recipes", nargs="*", default=list(RECIPES), choices=RECIPES)
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    counts = dict.fromkeys(RECIPES, asked.networks) | {"permuted": asked.permuted}
    counts = {recipe: counts[recipe] for recipe in asked.recipes}
    make_networks(asked.work.resolve(), counts, asked.processes)


if __name__ == "__main__":
    main()
