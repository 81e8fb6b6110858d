"""The split: disjoint, stratified, the same for any order of rows; given splits honoured."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dfstudy.data.assign import assign_groups
from dfstudy.data.split import COPY, prove_disjoint, set_aside, split_study
from dfstudy.errors import StudyError
from dfstudy.study.recipe import Protocol
from dfstudy.study.study import load_study

STUDY = load_study("small", data="pictures", out="results")


def make_index(rows: list[dict]) -> pd.DataFrame:
    """An index as `index_study` gives it; what a row leaves out is unremarkable."""
    table = []
    for at, row in enumerate(rows):
        path = row.get("path", f"{at:05d}.png")
        label = row.get("label", at % 2)
        usual = {"path": path, "label": label, "method": "swap" if label else "real", "group": path}
        usual |= {"given_split": "", "sha256": f"sha of {path}", "bytes": 9, "width": 37, "height": 53}
        table.append(usual | {"format": "PNG", "phash": "", "pixels": "", "error": ""} | row)
    return pd.DataFrame(table).astype({"label": "Int8"})


def sides(split) -> dict[str, str]:
    return split.rows.set_index("path")["split"].to_dict()


# Sets of images with enough groups of both classes, copies, mixed groups and several methods.
_pictures = st.lists(
    st.fixed_dictionaries(
        {
            "label": st.integers(0, 1),
            "group": st.sampled_from([f"group {at}" for at in range(12)]),
            "sha256": st.integers(0, 40),
            "kind": st.sampled_from("abc"),
        }
    ),
    max_size=60,
)


def any_index(drawn: list[dict]) -> pd.DataFrame:
    certain = [{"label": at % 2, "group": f"certain {at // 2}"} for at in range(12)]
    for row in drawn:
        row["method"] = row.pop("kind") if row["label"] else "real"
        # Six looks, the fake's three bits from the real one's; the rest of the images is flat.
        ones = row["sha256"] % 8 * 40 + 3 * row["label"]
        row["phash"] = f"{((1 << ones) - 1) << (256 - ones):064x}" if ones < 240 else ""
        row["pixels"] = f"{row['sha256']:08x}"
        row["sha256"] = f"content {row['sha256']} of {row['label']}"  # under both labels is another test
    return make_index(certain + [dict(row) for row in drawn])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_pictures, st.integers(0, 5), st.randoms(use_true_random=False))
def test_disjoint_complete_and_independent_of_order(drawn, seed, random):
    index = any_index(drawn)
    study = STUDY.model_copy(update={"data": STUDY.data.model_copy(update={"split_seed": seed})})
    split = split_study(study, index)
    rows = split.rows
    for key in ("path", "sha256", "group"):
        assert (rows.groupby(key)["split"].nunique() == 1).all(), key
    # The groups as they were named lie whole on one side too, not only the joined ones.
    named = index.set_index("path")["group"]
    assert (rows.groupby(rows["path"].map(named))["split"].nunique() == 1).all()
    assert sorted([*rows["path"], *split.set_aside["path"]]) == sorted(index["path"])
    assert set(split.set_aside["error"]) <= {COPY} and set(rows["sha256"]) == set(index["sha256"])
    assert not rows["sha256"].duplicated().any()
    looks = rows[rows["phash"] != ""]
    alike = looks["phash"].map(lambda look: round(int(look, 16).bit_count() / 40))
    assert (looks.groupby(alike)["split"].nunique() == 1).all()
    assert (rows.groupby("split")["label"].nunique() == 2).all() and rows["split"].nunique() == 3
    assert list(rows.index) == list(range(len(rows)))

    shuffled = list(range(len(index)))
    random.shuffle(shuffled)
    again = split_study(study, index.iloc[shuffled])
    pd.testing.assert_frame_equal(again.rows, rows)
    assert again.fingerprint == split.fingerprint


def test_each_class_and_method_is_dealt_by_share():
    rng = np.random.default_rng(1)
    rows = []
    for at in range(400):
        method = rng.choice(["a", "b", "c"], p=[0.6, 0.3, 0.1])
        rows += [{"label": 0, "group": f"g{at}"}] * int(rng.integers(1, 4))
        rows += [{"label": 1, "group": f"g{at}", "method": method}] * int(rng.integers(0, 6))
    split = split_study(STUDY, make_index(rows))
    table = pd.crosstab(split.rows["method"], split.rows["split"])
    wanted = np.outer(table.sum(axis=1), [0.2, 0.65, 0.15])  # test, train, val
    assert np.abs(table.to_numpy() - wanted).max() <= 3  # half a group at most
    assert split.groups_known


def test_single_pictures_are_dealt_exactly():
    split = split_study(STUDY, make_index([{}] * 2000))
    counts = split.rows.groupby(["split", "label"]).size()
    assert counts["test"].tolist() == [200, 200]
    assert counts["val"].tolist() == [150, 150]
    assert counts["train"].tolist() == [650, 650]
    assert not split.groups_known and split.given == ()


@pytest.mark.parametrize(
    ("named", "known", "why"),
    [
        (0, False, "nothing names groups"),
        (2, False, "only 2 of 400 images have a named group"),
        (379, False, "only 379 of 400 images have a named group"),
        (380, True, ""),
        (400, True, ""),
    ],
)
def test_groups_are_known_where_nearly_all_pictures_name_one(named, known, why):
    split = split_study(
        STUDY, make_index([{"group": f"g{at // 2}"} for at in range(named)] + [{}] * (400 - named))
    )
    assert (split.groups_known, split.groups_named, split.why_groups_unknown) == (known, named, why)


@pytest.mark.parametrize("count", range(3, 9))
@pytest.mark.parametrize("mixed", [True, False])
def test_few_groups_still_give_every_split_both_classes(count, mixed):
    rows = [
        {"label": label, "group": f"{at}" if mixed else f"{label} {at}"}
        for label in (0, 1)
        for at in range(count)
    ]
    rows = split_study(STUDY, make_index(rows)).rows
    assert len(rows.groupby(["split", "label"])) == 6


def test_another_seed_deals_other_groups():
    index = make_index([{}] * 100)
    splits = [
        split_study(
            STUDY.model_copy(update={"data": STUDY.data.model_copy(update={"split_seed": seed})}), index
        )
        for seed in (0, 1)
    ]
    assert sides(splits[0]) != sides(splits[1])
    assert splits[0].fingerprint != splits[1].fingerprint


def test_the_deal_is_recorded():
    """A change of these sides is a change of every published number: it must be meant."""
    rows = pd.DataFrame(
        {"group": [f"g{at}" for at in range(8)], "label": [0, 1] * 4, "method": ["r", "f"] * 4}
    )
    dealt = assign_groups(rows, {"test": 0.25, "val": 0.25}, seed=0)
    recorded = {
        name: sorted(g for g, side in dealt.items() if side == name) for name in ("train", "val", "test")
    }
    assert recorded == {"train": ["g1", "g2", "g3", "g6"], "val": ["g0", "g5"], "test": ["g4", "g7"]}


def test_too_few_groups_are_refused():
    rows = [{"label": 0}] * 30 + [{"label": 1, "group": f"person {at % 2}"} for at in range(30)]
    with pytest.raises(StudyError, match=r"holds no fake image.* from 2 groups") as caught:
        split_study(STUDY, make_index(rows))
    assert "three groups of each class" in caught.value.hint


def test_one_picture_under_both_labels_is_set_aside_with_all_its_copies():
    index = make_index([{}] * 40)
    index.loc[[0, 1, 6], "sha256"] = "same"  # labels 0, 1, 0
    split = split_study(STUDY, index)
    assert split.set_aside["path"].tolist() == ["00000.png", "00001.png", "00006.png"]
    assert set(split.set_aside["error"]) == {"the same image is under real and under fake"}
    assert len(split.rows) == 37


def test_of_exact_copies_one_stays_and_that_does_not_make_groups_known():
    index = make_index([{}] * 60)
    index.loc[[0, 2, 4], "sha256"] = "same"
    split = split_study(STUDY, index)
    assert split.set_aside[["path", "error"]].to_numpy().tolist() == [
        ["00002.png", COPY],
        ["00004.png", COPY],
    ]
    assert "00000.png" in set(split.rows["path"]) and len(split.rows) == 58
    assert not split.groups_known


def test_a_copy_joins_its_groups_though_it_is_set_aside():
    index = make_index([{"label": at % 2, "group": f"video {at // 4:02d}"} for at in range(80)])
    index.loc[[1, 41], "sha256"] = "same"
    split = split_study(STUDY, index)
    groups = split.rows.set_index("path")["group"]
    assert groups["00040.png"] == groups["00000.png"] == "video 00" and len(split.rows) == 79


def test_a_group_of_a_fake_and_its_source_is_fine():
    rows = [{"label": label, "group": f"video {at}"} for at in range(20) for label in (0, 1)]
    split = split_study(STUDY, make_index(rows))
    assert len(split.rows) == 40 and split.rows["group"].nunique() == 20


def given_rows(**counts: int) -> list[dict]:
    """Images of alternating class in each named split."""
    return [
        {"path": f"{name}/{at}.png", "given_split": name, "label": at % 2}
        for name, count in counts.items()
        for at in range(count)
    ]


def test_training_validation_and_test_folders_are_honoured():
    split = split_study(STUDY, make_index(given_rows(train=30, val=10, test=8)))
    assert all(path.startswith(f"{side}/") for path, side in sides(split).items())
    assert split.given == ("train", "val", "test")


@pytest.mark.parametrize("second", ["val", "test"])
def test_two_parts_are_training_and_test_and_validation_comes_off_training(second):
    split = split_study(STUDY, make_index(given_rows(train=200, **{second: 50})))
    assert all((side == "test") == path.startswith(f"{second}/") for path, side in sides(split).items())
    assert len(split.part("val")) == 30 and len(split.part("train")) == 170
    assert split.given == ("train", "test")


@pytest.mark.parametrize("only", ["train", "test", "val"])
def test_one_part_alone_is_split_like_any_set(only):
    split = split_study(STUDY, make_index(given_rows(**{only: 200})))
    assert split.rows["split"].value_counts().to_dict() == {"train": 130, "test": 40, "val": 30}


def test_parts_without_training_are_refused():
    with pytest.raises(StudyError, match="given as test and val, and none for training"):
        split_study(STUDY, make_index(given_rows(val=20, test=20)))


def test_training_rows_whose_group_or_copy_is_tested_are_set_aside():
    index = make_index(given_rows(train=40, val=20, test=20)).set_index("path")
    index.loc[["train/3.png", "train/4.png", "test/0.png"], "group"] = "one person"
    index.loc[["train/7.png", "val/1.png"], "sha256"] = "one image"
    index.loc[["val/2.png", "test/2.png"], "group"] = "another"
    split = split_study(STUDY, index.reset_index())
    aside = split.set_aside.set_index("path")["error"].to_dict()
    assert aside == {
        "train/3.png": "its group, or an exact copy, is also in the given test set",
        "train/4.png": "its group, or an exact copy, is also in the given test set",
        "train/7.png": "its group, or an exact copy, is also in the given validation set",
        "val/2.png": "its group, or an exact copy, is also in the given test set",
    }
    assert len(split.part("test")) == 20


def test_pictures_in_no_split_beside_given_ones_are_set_aside():
    rows = [*given_rows(train=30, val=10, test=10), {"path": "extra/1.png"}]
    split = split_study(STUDY, make_index(rows))
    assert split.set_aside["error"].tolist() == ["in no split, where others are given one"]


def test_a_given_part_of_one_class_is_refused_with_its_own_hint():
    rows = [*given_rows(train=30, val=10), {"path": "test/1.png", "given_split": "test", "label": 1}]
    with pytest.raises(StudyError, match="the test set holds no real image") as caught:
        split_study(STUDY, make_index(rows))
    assert "given parts" in caught.value.hint


def test_training_that_is_wholly_tested_is_refused():
    index = make_index(given_rows(train=20, test=20))
    index["group"] = "one person"
    with pytest.raises(StudyError, match="the training set holds no real image") as caught:
        split_study(STUDY, index)
    assert "20 of the set are excluded, most because: its group" in caught.value.message


def test_the_proof_counts_and_raises():
    rows = split_study(STUDY, make_index([{}] * 40)).rows
    proof = prove_disjoint(rows)
    assert proof.iloc[:, 0].tolist() == [
        "training and validation",
        "training and test",
        "validation and test",
    ]
    assert (proof.iloc[:, 1:] == 0).all(axis=None)
    for key in ("sha256", "group"):
        broken = rows.copy()
        at = [broken.index[broken["split"] == side][0] for side in ("train", "test")]
        broken.loc[at, key] = "shared"
        with pytest.raises(RuntimeError, match="not disjoint"):
            prove_disjoint(broken)


def test_parts_keep_row_numbers_and_the_split_is_frozen():
    split = split_study(STUDY, make_index([{}] * 40))
    for name in ("train", "val", "test"):
        part = split.part(name)
        assert (split.rows.loc[part.index, "split"] == name).all()
    with pytest.raises(ValueError, match="no split is called 'training'"):
        split.part("training")
    with pytest.raises(FrozenInstanceError):
        split.root = None


def test_the_fingerprint_moves_with_content_and_not_with_sizes():
    index = make_index([{}] * 40)
    first = split_study(STUDY, index).fingerprint
    assert split_study(STUDY, index.assign(bytes=7, width=5)).fingerprint == first
    index.loc[0, "sha256"] = "other"
    assert split_study(STUDY, index).fingerprint != first


def test_reasons_are_grouped_with_their_first_examples():
    index = make_index([{}] * 40)
    index.loc[[5, 1, 3, 9], "error"] = "broken"
    index.loc[7, "error"] = "the file is empty"
    assert set_aside(index).to_numpy().tolist() == [
        ["broken", 4, "00001.png, 00003.png, 00005.png"],
        ["the file is empty", 1, "00007.png"],
    ]
    assert set_aside(index.iloc[10:]).empty


def test_real_video_groups_stay_whole(shared_data, tmp_path):
    listed = pd.read_csv(shared_data / "dfdc_6k" / "index.csv", usecols=["path", "label", "group"])
    listed["label"] = (listed["label"] == "fake").astype(int)
    split = split_study(STUDY, make_index(listed.to_dict("records")))
    assert (split.rows.groupby("group")["split"].nunique() == 1).all()
    assert len(split.part("test")) == 1200


@pytest.mark.parametrize("name", ["random_split", "substring_labels"])
def test_a_recorded_defect_of_the_split_is_never_a_studys_own(name):
    study = load_study().model_copy(update={"protocol": Protocol(**{name: True})})
    with pytest.raises(StudyError, match=f"protocol.{name} is on"):
        split_study(study, pd.DataFrame())
