"""Explanations: regions as the network sees them, checks against an independent count, nothing that fails."""

from __future__ import annotations

import cv2
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from dfstudy.chapters.c04_test.examples import choose_examples
from dfstudy.chapters.c04_test.explain import DRAWS, Explained, correlate, explain
from dfstudy.chapters.c04_test.localisation import explain_numbers, measure_pointing
from dfstudy.data.split import Split
from dfstudy.predict.predict import predict
from dfstudy.stats.aligned import align
from dfstudy.study.comparisons import Evaluate
from dfstudy.train.run import Run

SETTINGS = Evaluate(replicates=100)
SIDE = 12


@pytest.fixture(scope="module")
def split(tmp_path_factory) -> Split:
    """Test images of 53 x 37; fakes 1 and 3 have masks of a part, 5 one of everything, 7 a broken one."""
    root = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    rows, masks = [], {}
    for number in range(10):
        pixels = random.normal((60, 120, 200), 40, (53, 37, 3)).clip(0, 255).astype("uint8")
        cv2.imwrite(str(root / f"{number}.png"), pixels)
        method = ("real", "swap")[number % 2]
        row = {"path": f"{number}.png", "label": number % 2, "method": method, "group": f"g{number // 2}"}
        rows.append({**row, "sha256": f"{number:064x}", "split": "test", "width": 37, "height": 53})
    (root / "masks").mkdir()
    mask = np.zeros((53, 37), np.uint8)
    mask[26:] = 255
    for number, pixels in ((1, mask), (3, mask[:, ::-1]), (5, np.full((53, 37), 255, np.uint8))):
        masks[f"{number}.png"] = f"masks/{number}.png"
        cv2.imwrite(str(root / masks[f"{number}.png"]), pixels)
    masks["7.png"] = "masks/7.png"
    (root / "masks/7.png").write_bytes(b"no image")
    table = pd.DataFrame(rows)
    table["mask"] = table["path"].map(masks).fillna("")
    return Split(table, pd.DataFrame(), root, "f" * 64, True, (), pd.DataFrame())


@pytest.fixture
def runs(make_run, tmp_path) -> list[Run]:
    from dfstudy.model.checkpoint import read_checkpoint

    folders = [make_run(tmp_path / f"seed{seed}", seed=seed) for seed in range(2)]
    empty = pd.DataFrame()
    return [Run(f.name, at, f, empty, empty, read_checkpoint(f)) for at, f in enumerate(folders)]


def explain_all(runs, split, settings=SETTINGS) -> Explained:
    tables = [predict(run, split, progress=False) for run in runs]
    return explain(runs, tables, split, settings, progress=False)


def made_up(seed: int = 0, count: int = 12, seeds: int = 2, methods=("swap", "blend")) -> Explained:
    """Random maps and regions; the images' upper edge is padding."""
    random = np.random.default_rng(seed)
    rows = [
        (f"{at:02d}", at % 2, "real" if at % 2 == 0 else methods[at // 2 % len(methods)], f"g{at // 3}")
        for at in range(count)
    ]
    table = pd.DataFrame(rows, columns=["path", "label", "method", "group"])
    tables = [table.assign(probability=random.random(count)) for _ in range(seeds)]
    regions = np.full((count, SIDE, SIDE), np.nan, np.float32)
    for at in range(1, count, 2):
        top, left = random.integers(3, 7, 2)
        regions[at] = 0
        regions[at, top : top + 4, left : left + 4] = 0.8
    inside = np.ones((count, SIDE, SIDE), bool)
    inside[:, :2] = False
    maps = random.random((seeds, count, SIDE, SIDE)).astype(np.float32)
    return Explained(
        align(tables), 2 * count, np.zeros((count, SIDE, SIDE, 3), np.uint8), inside, maps, regions,
        random.uniform(-1, 1, (seeds, DRAWS, count)), random.random(count), "layer", 3,
    )  # fmt: skip


def test_regions_lie_where_the_network_sees_them(runs, split):
    found = explain_all(runs, split)
    assert found.test.pictures["path"].tolist() == [f"{number}.png" for number in range(10)]
    # 53 x 37 fills the height of 32 px, and 22 px of the width
    assert found.inside[0].any(axis=1).all() and found.inside[0].any(axis=0).sum() == pytest.approx(22, abs=1)
    assert found.known.tolist() == [number in (1, 3) for number in range(10)]
    assert (found.regions[1][found.inside[1]] > 0.5).mean() == pytest.approx(27 / 53, abs=0.03)
    assert found.regions[1][:14].max() < 0.1 and not found.regions[1][~found.inside[1]].any()
    assert found.maps.shape == (2, 10, 32, 32) and found.resemblance.shape == (2, DRAWS, 10)
    assert (found.maps[0] != found.maps[1]).any() and np.abs(found.agreement).max() <= 1


def test_maps_are_the_same_whatever_else_is_explained(runs, split):
    every = explain_all(runs, split)
    again = explain_all(runs, split)
    few = explain_all(runs, split, SETTINGS.model_copy(update={"explained_pictures": 4}))
    for name in ("maps", "resemblance", "agreement", "inputs"):
        assert np.array_equal(getattr(every, name), getattr(again, name)), name
    rows = every.test.pictures["path"].isin(few.test.pictures["path"]).to_numpy()
    assert 0 < rows.sum() <= 4 and (few.asked, len(few.test)) == (10, rows.sum())
    assert few.test.pictures.groupby("group").size().eq(2).all()
    assert np.array_equal(every.maps[:, rows], few.maps)
    assert np.array_equal(every.resemblance[:, :, rows], few.resemblance)


@pytest.mark.parametrize("why", ["off", "network"])
def test_what_cannot_be_explained_is_said(runs, split, why, monkeypatch):
    from dfstudy.errors import StudyError

    settings = SETTINGS
    if why == "off":
        settings = SETTINGS.model_copy(update={"explained_pictures": 0})
    else:

        def refuse(network, size):
            raise StudyError("no stage keeps places apart", "choose another")

        monkeypatch.setattr("dfstudy.model.maps.find_layer", refuse)
    found = explain_all(runs, split, settings)
    numbers = {number.id: number for number in explain_numbers(found, settings)}
    reason = "evaluate.explained_pictures is 0" if why == "off" else "no stage keeps places apart"
    assert found.reason == reason and len(found.test) == 0 and found.asked == 10
    assert numbers["explain.pictures"].value == 0
    for name in ("energy", "pointing", "randomised.correlation", "seeds.correlation", "blank"):
        assert numbers[f"explain.{name}"].value is None and reason in numbers[f"explain.{name}"].note
    assert choose_examples(found, 0.5).empty


@given(st.integers(0, 2**31))
def test_rank_correlation_is_scipys(seed):
    random = np.random.default_rng(seed)
    one, other = random.integers(0, 4, (2, 5, 3, 3)).astype(np.float32)  # ties
    other[0] = 1  # flat
    found = correlate(one, other)
    assert found[0] == 0
    for at in range(1, 5):
        if np.ptp(one[at]) and np.ptp(other[at]):
            assert found[at] == pytest.approx(spearmanr(one[at].ravel(), other[at].ravel()).statistic)


@given(st.integers(0, 2**31))
def test_energy_and_pointing_by_counting(seed):
    """The same, place by place."""
    explained = made_up(seed)
    explained.maps[0, 1] = 0  # points nowhere
    found = measure_pointing(explained)
    rows = np.flatnonzero(explained.known)
    groups = explained.test.pictures["group"].to_numpy(str)
    for at, row in enumerate(rows):
        places = list(zip(*np.nonzero(explained.inside[row]), strict=True))
        forged = [explained.regions[row][place] for place in places]
        energies, hits, others = [], [], []
        for maps in explained.maps:
            values = [float(maps[row][place]) for place in places]
            if not any(values):
                energies.append(np.mean(forged))
                hits.append(np.mean([share >= 0.5 for share in forged]))
            else:
                energies.append(np.dot(values, forged) / np.sum(values))
                hits.append(forged[int(np.argmax(values))] >= 0.5)
            shares = []
            for other in rows:
                theirs = [float(maps[other][place]) for place in places]
                if groups[other] != groups[row] and any(theirs):
                    shares.append(np.dot(theirs, forged) / np.sum(theirs))
            others.append(np.mean(shares))
        assert found.energy[at] == pytest.approx(np.mean(energies))
        assert found.hit[at] == pytest.approx(np.mean(hits))
        assert found.others[at] == pytest.approx(np.mean(others))
        assert found.chance[at] == pytest.approx(np.mean(forged))


def test_maps_that_know_the_region_beat_chance_and_blind_ones_do_not():
    blind = made_up(3, count=60)
    knowing = made_up(3, count=60)
    known = knowing.known
    knowing.maps[:, known] = 0.1 + knowing.regions[known]
    for explained, beats in ((blind, False), (knowing, True)):
        numbers = {number.id: number for number in explain_numbers(explained, SETTINGS)}
        assert (numbers["explain.energy.gain"].low > 0) == beats
        assert (numbers["explain.energy.others.gain"].low > 0) == beats
        assert (numbers["explain.pointing.gain"].low > 0) == beats
        gain = numbers["explain.energy"].value - numbers["explain.energy.chance"].value
        assert numbers["explain.energy.gain"].value == pytest.approx(gain)
        assert (numbers["explain.energy"].n, numbers["explain.energy"].groups) == (30, 20)
        assert numbers["explain.energy.gain.method.swap"].n == 15


def test_maps_of_the_middle_beat_chance_but_not_each_other():
    """All alike and all in the middle, where the regions are: the stricter rival is not beaten."""
    explained = made_up(5, count=60)
    explained.maps[:] = 0
    explained.maps[:, :, 4:9, 4:9] = 1
    numbers = {number.id: number for number in explain_numbers(explained, SETTINGS)}
    assert numbers["explain.energy.gain"].low > 0
    assert numbers["explain.energy.others.gain"].value == pytest.approx(0, abs=1e-9)


def test_without_masks_the_maps_and_the_random_weights_remain():
    explained = made_up()
    explained.regions[:] = np.nan
    numbers = {number.id: number for number in explain_numbers(explained, SETTINGS)}
    for name in ("energy", "energy.gain", "energy.others", "pointing", "pointing.chance"):
        assert (
            numbers[f"explain.{name}"].value is None and "no forged region" in numbers[f"explain.{name}"].note
        )
    assert numbers["explain.randomised.correlation"].low is not None and numbers["explain.regions"].value == 0
    assert not [name for name in numbers if ".method." in name]


def test_one_group_alone_has_no_others():
    explained = made_up(count=2)
    numbers = {number.id: number for number in explain_numbers(explained, SETTINGS)}
    others = numbers["explain.energy.others"]
    assert others.value is None and "the images are of one group" in others.note
    assert numbers["explain.energy"].value is not None


def test_a_picture_without_maps_of_others_is_left_out_of_that_mean_and_said():
    """Only one group has maps: its own images have none of others, all the rest have its."""
    explained = made_up(count=24)
    groups = explained.test.pictures["group"].to_numpy(str)
    alone = groups == "g1"
    explained.maps[0, ~alone] = 0  # of one training; the other's are whole
    numbers = {number.id: number for number in explain_numbers(explained, SETTINGS)}
    left = explained.known & ~alone
    out = int((explained.known & alone).sum())
    assert out and left.sum() > 6
    measured = measure_pointing(explained)
    kept = left[explained.known]
    for name, expected in {
        "energy.others": measured.others[kept].mean(),
        "energy.others.gain": (measured.energy - measured.others)[kept].mean(),
    }.items():
        number = numbers[f"explain.{name}"]
        assert number.value == pytest.approx(expected) and number.low < number.value < number.high
        assert (number.n, number.groups) == (left.sum(), len(set(groups[left])))
        assert f"{out} images are left out: every map of another group is empty" in number.note
    assert numbers["explain.energy"].n == explained.known.sum()
    assert "left out" not in numbers["explain.energy"].note
    assert "left out" not in numbers["explain.energy.gain.method.swap"].note


def test_where_all_maps_are_empty_nothing_is_said_of_a_single_group():
    explained = made_up(count=24)
    explained.maps[:] = 0
    number = {number.id: number for number in explain_numbers(explained, SETTINGS)}["explain.energy.others"]
    assert number.value is None and number.n == 0
    assert "every map of another group is empty" in number.note and "one group" not in number.note


def test_one_seed_has_none_to_agree_with():
    explained = made_up(seeds=1)
    ids = {number.id for number in explain_numbers(explained, SETTINGS)}
    assert "explain.randomised.correlation" in ids and "explain.seeds.correlation" not in ids


def test_examples_are_the_surest_and_the_nearest_once_each():
    explained = made_up(2, count=40)
    examples = choose_examples(explained, 0.5)
    assert len(examples) == 12 and examples["row"].is_unique
    probability = explained.test.probabilities[0]
    for example in examples.itertuples():
        assert example.probability == probability[example.row]
        right = (example.probability >= 0.5) == (example.label == 1)
        assert right == (example.kind == "right") or example.kind == "unsure"
    first = examples[(examples["kind"] == "right") & (examples["place"] == 0)].set_index("label")["row"]
    labels = explained.test.labels
    assert probability[first[1]] == probability[labels == 1].max()
    assert probability[first[0]] == probability[labels == 0].min()
    fakes = examples[(examples["label"] == 1) & (examples["kind"] != "unsure")]
    assert fakes.groupby("kind")["method"].nunique().eq(2).all()
    nearest = examples[(examples["kind"] == "unsure") & (examples["place"] == 0)]
    left = ~np.isin(np.arange(40), examples.loc[examples["kind"] != "unsure", "row"])
    for example in nearest.itertuples():
        of_class = left & (labels == example.label)
        assert abs(example.probability - 0.5) == pytest.approx(np.abs(probability[of_class] - 0.5).min())


def test_a_class_that_is_never_wrong_leaves_its_places_empty():
    explained = made_up(count=4)
    explained.test.probabilities[:] = explained.test.labels
    examples = choose_examples(explained, 0.5)
    assert sorted(examples["kind"].unique()) == ["right"] and len(examples) == 4
