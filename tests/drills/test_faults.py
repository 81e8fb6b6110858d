"""Planted faults: what is planted is there, the rest is as it was, and the truth says so."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from faults.plant import FAULTS, plant, without_trace
from faults.relations import RELATIONS, choose, give_splits
from faults.shortcuts import SHORTCUTS
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dfstudy.data.header_traits import header_traits
from dfstudy.data.images import decode, read_picture
from dfstudy.errors import StudyError

GROUPS, FRAMES = 10, 2


@pytest.fixture(scope="module")
def source(tmp_path_factory, texture) -> Path:
    """Ten groups of a real image and a fake; one group is PNG, one grey JPEG."""
    folder = tmp_path_factory.mktemp("source")
    lines = ["path,label,method,group,source,mask"]
    for group in range(GROUPS):
        for frame in range(FRAMES):
            label = frame % 2
            name = f"{('real', 'fake')[label]}/{group:02d}_{frame}.{'png' if group == 3 else 'jpg'}"
            image = Image.fromarray(texture(100 * group + frame, 53, 37))
            (folder / name).parent.mkdir(exist_ok=True)
            options = {} if group == 3 else {"quality": 80 + group, "subsampling": "4:2:0"}
            (image.convert("L") if group == 5 else image).save(folder / name, **options)
            lines.append(f"{name},{label},{'swap' if label else 'real'},g{group},a,b")
    (folder / "index.csv").write_text("\n".join(lines))
    return folder


def read_set(folder: Path) -> tuple[pd.DataFrame, dict]:
    table = pd.read_csv(folder / "index.csv", keep_default_na=False).set_index("path")
    return table, json.loads((folder / "fault.json").read_text())


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_repeatable_and_true_to_its_index(source, tmp_path, fault):
    before = contents(source)
    planted = plant(source, tmp_path / "one", fault, 0.5, seed=3)
    plant(source, tmp_path / "two", fault, 0.5, seed=3)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert contents(source) == before
    table, truth = read_set(tmp_path / "one")
    files = set(contents(tmp_path / "one")) - {"index.csv", "fault.json"}
    assert set(table.index) == files and table.index.is_unique
    assert truth["fault"] == fault and truth["strength"] == 0.5 and truth["seed"] == 3
    assert truth["touched"] == list(planted.touched) and set(planted.touched) <= files and planted.touched
    assert {path for one, other, _ in planted.pairs for path in (one, other)} <= files
    assert list(table.columns) == ["label", "method", "group", "split"]
    assert ((table["method"] == "real") == (table["label"] == 0)).all()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_strength_of_nothing_plants_nothing(source, tmp_path, fault):
    planted = plant(source, tmp_path / "set", fault, 0.0)
    assert planted.touched == planted.pairs == planted.families == ()
    table, _ = read_set(tmp_path / "set")
    assert len(table) == GROUPS * FRAMES
    for path in table.index:
        one, other = read_picture(tmp_path / "set" / path), read_picture(source / path)
        # a shortcut's set is written anew throughout, with the same tables
        assert np.abs(one.mean(axis=2) - other.mean(axis=2)).mean() < 4
        if fault in RELATIONS:
            assert (tmp_path / "set" / path).read_bytes() == (source / path).read_bytes()


@pytest.mark.parametrize("fault", SHORTCUTS)
def test_a_shortcut_touches_fakes_alone(source, tmp_path, fault):
    plain = plant(source, tmp_path / "plain", fault, 0.0)
    planted = plant(source, tmp_path / "set", fault, 0.5)
    fakes = GROUPS * FRAMES // 2
    assert len(planted.touched) == (fakes // 2 if SHORTCUTS[fault].share else fakes)
    before, after = contents(tmp_path / "plain"), contents(tmp_path / "set")
    assert planted.families == SHORTCUTS[fault].families and not plain.families
    for path in set(after) - {"index.csv", "fault.json"}:
        if path in planted.touched:
            assert path.startswith("fake/") and (fault == "format" or after[path] != before[path])
        else:
            assert after[path] == before[path]


def test_shortcuts_are_what_they_say(source, tmp_path):
    sets = {fault: plant(source, tmp_path / fault, fault, 1.0) for fault in SHORTCUTS}

    def pairs(fault):
        for path in sets[fault].touched:
            original = next(source.glob(f"fake/{Path(path).stem}.*"))
            yield tmp_path / fault / path, original

    for file, original in pairs("format"):
        assert file.suffix == ".png" and (read_picture(file) == read_picture(original)).all()
        assert decode(file.read_bytes())[1] == "PNG"
    for file, _ in pairs("quality"):
        assert header_traits(file.read_bytes())["quality"] == 60 and file.suffix == ".jpg"
    for file, original in pairs("metadata"):
        assert header_traits(file.read_bytes())["exif"] == "yes"
        kept = [header_traits(each.read_bytes()) for each in (file, original)]
        if kept[1]["quality"] > 0 and kept[1]["mode"] == "RGB":
            assert kept[0]["tables"] == kept[1]["tables"] and kept[0]["quality"] == kept[1]["quality"]
            assert kept[0]["subsampling"] == kept[1]["subsampling"]
    for file, _ in pairs("dimensions"):
        assert read_picture(file).shape[:2] == (49, 34)
    for fault, larger in (("brightness", True), ("frame", False)):
        for file, original in pairs(fault):
            assert (read_picture(file).mean() > read_picture(original).mean()) is np.bool_(larger)
    for file, original in pairs("blur"):
        steps = [np.abs(np.diff(read_picture(f).astype(int), axis=0)).mean() for f in (file, original)]
        assert steps[0] < 0.9 * steps[1]
    for file, original in pairs("gradient"):
        moved = read_picture(file).astype(int) - read_picture(original)
        assert moved[:, :9].mean() < -10 and moved[:, -9:].mean() > 10


def test_copies_lie_on_both_sides_under_names_that_do_not_tell(source, tmp_path):
    for fault in ("copies", "near_copies", "frames"):
        planted = plant(source, tmp_path / fault, fault, 1.0)
        table, _ = read_set(tmp_path / fault)
        old = table[~table.index.isin(planted.touched)]
        assert old.groupby("group")["split"].nunique().max() == 1
        assert set(old["split"]) == {"train", "val", "test"}
        assert len(planted.pairs) == (old["split"] == "test").sum()
        for one, other, _ in planted.pairs:
            assert table.loc[[one, other], "split"].tolist() == ["train", "test"]
            assert table.loc[one, "group"] == "" and table.loc[one, "label"] == table.loc[other, "label"]
            same = (tmp_path / fault / one).read_bytes() == (tmp_path / fault / other).read_bytes()
            assert same is (fault == "copies")
        assert len({way for _, _, way in planted.pairs}) == (3 if fault == "near_copies" else 1)


def test_groups_are_torn_lost_and_labels_are_wrong_where_the_truth_says(source, tmp_path):
    original = pd.read_csv(source / "index.csv").set_index("path")
    torn = plant(source, tmp_path / "torn", "torn_groups", 1.0)
    table, _ = read_set(tmp_path / "torn")
    sides = table.groupby("group")["split"].nunique()
    assert (sides == 2).sum() == round(0.3 * GROUPS)
    assert set(table.loc[list(torn.touched), "split"]) == {"train"}
    lost = plant(source, tmp_path / "lost", "lost_groups", 0.3)
    table, _ = read_set(tmp_path / "lost")
    assert set(table.index[table["group"] == ""]) == set(lost.touched) and len(lost.touched) == 3 * FRAMES
    wrong = plant(source, tmp_path / "wrong", "wrong_labels", 0.25)
    table, _ = read_set(tmp_path / "wrong")
    flipped = table["label"] != original["label"].reindex(table.index)
    assert set(table.index[flipped]) == set(wrong.touched) and len(wrong.touched) == 5
    both = plant(source, tmp_path / "both", "both_labels", 0.5)
    table, _ = read_set(tmp_path / "both")
    for one, other, _ in both.pairs:
        assert table.loc[[one, other], "label"].tolist() == [1, 0]
        assert (tmp_path / "both" / one).read_bytes() == (tmp_path / "both" / other).read_bytes()


def test_a_set_without_trace_is_real_pictures_with_labels_by_chance(source, tmp_path):
    tables = []
    for seed in (0, 1):
        without_trace(source, tmp_path / f"{seed}", seed, given=seed == 1)
        table, truth = read_set(tmp_path / f"{seed}")
        assert set(table.index) == {p.relative_to(source).as_posix() for p in source.glob("real/*")}
        assert 0 < table["label"].sum() < len(table) and truth["touched"] == []
        assert all((tmp_path / f"{seed}" / p).read_bytes() == (source / p).read_bytes() for p in table.index)
        tables.append(table)
    assert (tables[0]["label"] != tables[1]["label"]).any()
    assert set(tables[0]["split"]) == {""} and set(tables[1]["split"]) == {"train", "val", "test"}
    every = shutil.copytree(source, tmp_path / "every")
    (every / "index.csv").write_text((source / "index.csv").read_text().replace(",1,swap,", ",0,real,"))
    without_trace(every, tmp_path / "half")
    assert (read_set(tmp_path / "half")[0].groupby("group")["label"].agg(["sum", "size"]) == [1, 2]).all(
        axis=None
    )


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 40), st.floats(0, 1), st.integers(0, 99))
def test_a_share_is_chosen_whole_and_sorted(count, share, seed):
    names = [f"{at:03d}" for at in range(count)]
    chosen = choose(names, share, np.random.default_rng(seed))
    assert len(chosen) == round(share * count) and chosen == sorted(set(chosen)) and set(chosen) <= set(names)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=60), st.integers(0, 99))
def test_given_splits_keep_groups_whole(groups, seed):
    table = pd.DataFrame({"group": [f"g{at}" for at in groups]})
    split = give_splits(table, np.random.default_rng(seed))
    assert split.groupby("group")["split"].nunique().eq(1).all() and len(split) == len(table)
    assert set(split["split"]) <= {"train", "val", "test"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fault": "blurr"}, "no fault is called 'blurr'"),
        ({"strength": 1.5}, "a strength of 1.5 means nothing"),
        ({"strength": float("nan")}, "a strength of nan means nothing"),
        ({"target": "."}, "exists already"),
        ({"folder": "nowhere"}, "index.csv is missing"),
    ],
)
def test_mistakes_are_named(source, tmp_path, change, message):
    arguments = {"folder": source, "target": "new", "fault": "blur", "strength": 0.5} | change
    arguments |= {name: tmp_path / arguments[name] for name in ("folder", "target")}
    with pytest.raises(StudyError, match=message):
        plant(**arguments)
    assert not (tmp_path / "new").exists()


def test_other_formats_and_other_tables_are_refused(tmp_path):
    buffer = io.BytesIO()
    Image.new("RGB", (37, 53)).save(buffer, "BMP")
    (tmp_path / "a.bmp").write_bytes(buffer.getvalue())
    (tmp_path / "index.csv").write_text("path,label\na.bmp,1\n")
    with pytest.raises(StudyError, match="JPEG and PNG, and this is BMP"):
        plant(tmp_path, tmp_path / "new", "blur", 0.5)
    (tmp_path / "index.csv").write_text("path,label\na.bmp,fake\n")
    with pytest.raises(StudyError, match="does not say what is real"):
        plant(tmp_path, tmp_path / "new", "blur", 0.5)
    assert {path.name for path in tmp_path.iterdir()} == {"a.bmp", "index.csv"}
