"""The leakage estimate: two splits that differ in their groups alone, two keyed runs, a difference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from dfstudy.chapters.c01_data.leakage import compare, leakage_numbers, measure_leakage
from dfstudy.data.assign import assign_groups
from dfstudy.data.index import index_study
from dfstudy.data.split import SPLITS, Split, split_study
from dfstudy.model.device import choose_place
from dfstudy.study.comparisons import Evaluate
from dfstudy.study.recipe import Model, Training
from dfstudy.study.study import load_study
from dfstudy.train.key import describe_run
from dfstudy.variants.leakage import SEEN, SHORT, draw_split, scatter, small_study

SCENES = 16


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Sixteen scenes of five frames, half of them fake: the scene can be known, the label cannot."""
    folder = tmp_path_factory.mktemp("set")
    lines = ["path,label,method,group"]
    for scene in range(SCENES):
        random = np.random.default_rng(scene)
        base = cv2.resize(random.integers(0, 256, (4, 4, 3)).astype(np.uint8), (37, 53))
        for frame in range(5):
            name = f"{scene:02d}_{frame}.png"
            noise = np.random.default_rng(1000 + 10 * scene + frame).normal(0, 12, base.shape)
            cv2.imwrite(str(folder / name), np.clip(base + noise, 0, 255).astype(np.uint8))
            lines.append(f"{name},{scene % 2},{'swap' if scene % 2 else 'real'},scene{scene}")
    (folder / "index.csv").write_text("\n".join(lines))
    study = load_study("small", data=str(folder), out=str(tmp_path_factory.mktemp("out")))
    tiny = Training(epochs=1, batch_size=16, workers=0, seeds=[0, 1])
    return small_study(study, Model(backbone="test_resnet", size=32), tiny)


@pytest.fixture(scope="module")
def split(study):
    return split_study(study, index_study(study, progress=False))


def test_the_random_split_is_the_same_but_for_groups(split):
    random = scatter(split, 0)
    assert random.rows.drop(columns="split").equals(split.rows.drop(columns="split"))
    for name in ("train", "val", "test"):
        assert abs(len(random.part(name)) - len(split.part(name))) <= 2
        assert set(random.part(name)["label"]) == {0, 1}
    assert random.fingerprint != split.fingerprint
    shared = set(random.part("train")["group"]) & set(random.part("test")["group"])
    assert len(shared) > SCENES / 3
    assert not set(split.part("train")["group"]) & set(split.part("test")["group"])
    assert scatter(split, 0).fingerprint == random.fingerprint != scatter(split, 1).fingerprint


def test_fewer_pictures_keep_their_groups_and_parts(split):
    fewer = draw_split(split, 0, 40)
    assert 40 <= len(fewer.rows) < len(split.rows)
    assert fewer.rows.groupby("group").size().eq(5).all()
    merged = fewer.rows.merge(split.rows, on="path")
    assert (merged["split_x"] == merged["split_y"]).all()
    assert draw_split(split, 0, 1000).fingerprint == split.fingerprint


@pytest.mark.parametrize("most", [200, 600])
def test_a_draw_from_a_split_holds_its_parts_in_their_shares(most):
    """Drawn in the order in which groups were dealt, it would hold training images and no others."""
    rows = [(f"p{at}_{label}.png", f"p{at}", label) for at in range(500) for label in (0, 1)]
    table = pd.DataFrame(rows, columns=["path", "group", "label"])
    table["method"] = table["label"].map({0: "real", 1: "swap"})
    table["sha256"] = table["path"]
    dealt = assign_groups(table, {"test": 0.2, "val": 0.2}, seed=0)
    table = table.assign(split=table["group"].map(dealt)).sort_values("path", ignore_index=True)
    split = Split(table, table.iloc[:0], Path("pictures"), "f" * 64, True, (), table.iloc[:0])
    shares = draw_split(split, 0, most).rows["split"].value_counts(normalize=True)
    assert shares.to_dict() == pytest.approx({"train": 0.6, "test": 0.2, "val": 0.2}, abs=0.08)


def test_a_draw_of_large_groups_leaves_no_part_without_a_class():
    """A real video a part holds more than all that is drawn."""
    videos = [("real", part, 3000) for part in SPLITS]
    videos += [("swap", part, 100) for part in SPLITS for _ in range(13)]
    rows = [
        (f"{at}_{frame}.png", f"v{at}", int(method != "real"), method, part)
        for at, (method, part, frames) in enumerate(videos)
        for frame in range(frames)
    ]
    table = pd.DataFrame(rows, columns=["path", "group", "label", "method", "split"])
    table = table.assign(sha256=table["path"]).sort_values("path", ignore_index=True)
    split = Split(table, table.iloc[:0], Path("pictures"), "f" * 64, True, (), table.iloc[:0])
    for seed in range(3):
        drawn = draw_split(split, seed)
        assert all(set(drawn.part(part)["label"]) == {0, 1} for part in SPLITS)
        assert all(set(scatter(drawn, seed).part(part)["label"]) == {0, 1} for part in SPLITS)


def test_runs_in_pairs_are_trained_found_again_and_compared(study, split):
    found = measure_leakage(study, split, progress=False)
    runs = sorted(folder.name for folder in (study.out / "runs").iterdir())
    assert len(runs) == 4
    numbers = {number.id: number for number in leakage_numbers(found, split)}
    difference = numbers["leakage.auc.random"].value - numbers["leakage.auc.grouped"].value
    assert numbers["leakage.inflation"].value == pytest.approx(difference)
    assert 0.5 < numbers["leakage.shared"].value <= 1
    again = leakage_numbers(measure_leakage(study, split, progress=False), split)
    assert again == list(numbers.values())
    assert sorted(folder.name for folder in (study.out / "runs").iterdir()) == runs


@pytest.mark.parametrize("gain", [3.0, 0.0])
def test_a_leak_lies_wholly_above_zero_and_no_leak_does_not(split, gain):
    random = np.random.default_rng(0)
    labels = np.arange(400) % 2
    table = pd.DataFrame({"label": labels, "group": [f"g{at // 4}" for at in range(400)]})
    tables = [[table.assign(logit=random.normal(labels * extra)) for _ in range(3)] for extra in (0.0, gain)]
    found = compare(*tables, Evaluate(replicates=200), shared=0.9)
    number = next(n for n in leakage_numbers(found, split) if n.id == "leakage.inflation")
    assert number.low < number.value < number.high and (number.low > 0) == (gain > 0)


def test_its_trainings_are_named_apart_from_the_studys_own(study, split, capsys):
    measure_leakage(study.model_copy(update={"out": study.out / "told"}), split)
    epochs = [line for line in capsys.readouterr().err.splitlines() if ": epoch 1 of 1" in line]
    names = [line[line.index(study.name) :].partition(": epoch")[0] for line in epochs]
    assert names == [
        f"{study.name}, leakage estimate, {kind} split, seed {seed}"
        for kind in ("grouped", "random")
        for seed in (0, 1)
    ]


def test_without_groups_nothing_is_trained(study, split):
    alone = replace(split, rows=split.rows.assign(group=split.rows["path"]))
    assert measure_leakage(study, alone, progress=False) is None
    for number in leakage_numbers(None, alone):
        assert number.value is None and "nothing names" in number.note


def test_few_pictures_are_shown_in_more_epochs(study):
    assert small_study(study, pictures=100_000).training.epochs == SHORT.epochs
    few = small_study(study, pictures=400).training
    assert (few.epochs - 1) * 400 < SEEN <= few.epochs * 400 and few.patience == few.epochs


def test_a_study_whose_own_runs_are_those_of_the_meter_trains_them_once(tmp_path):
    study = load_study("sample", out=str(tmp_path))
    meter = small_study(study, pictures=SEEN)
    place = choose_place("float32")
    own, found = (describe_run(each, "f", 1, place) for each in (study, meter))
    assert own == found and meter.training.seeds == study.training.seeds


def test_the_gain_is_the_mean_over_seeds_of_what_scikit_learn_finds(split):
    random = np.random.default_rng(1)
    labels = np.arange(200) % 2
    table = pd.DataFrame({"label": labels, "group": [f"g{at // 4}" for at in range(200)]})
    sides = [[table.assign(logit=random.normal(labels * extra)) for _ in range(2)] for extra in (0.5, 1.0)]
    found = compare(*sides, Evaluate(replicates=100), shared=1.0)
    grouped, torn = ([roc_auc_score(each["label"], each["logit"]) for each in side] for side in sides)
    assert found.inflation.each == pytest.approx(np.subtract(torn, grouped))
    assert float(found.grouped.value) == pytest.approx(np.mean(grouped)) and found.inflation.seeds == 2
