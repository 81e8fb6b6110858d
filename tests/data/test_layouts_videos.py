"""Sets of video frames: small copies of each, read as their makers describe them."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfstudy.data.layouts.faceforensics import join_pairs
from dfstudy.data.layouts.layout import Reading
from dfstudy.errors import StudyError


def rows(reading: Reading) -> pd.DataFrame:
    """Rows by path; each image has exactly one."""
    assert reading.rows["path"].is_unique
    return reading.rows.set_index("path")


def frames(*videos: str, number: int = 2) -> list[str]:
    return [f"{video}/{frame:04d}.png" for video in videos for frame in range(number)]


ORIGINAL, FAKE = "original_sequences/youtube/c23/images", "manipulated_sequences/NeuralTextures/c23/images"
SPLITS = {
    "splits/train.json": [["071", "054"]],
    "splits/val.json": [["123", "456"]],
    "splits/test.json": [["700", "701"]],
}


def test_faceforensics_ties_a_pair_its_inverse_and_both_originals(read, faceforensics):
    reading = read(faceforensics, SPLITS)
    table = rows(reading)
    tied = table[table.index.str.contains("054|071")]
    assert len(tied) == 12 and tied["group"].nunique() == 1
    assert set(tied["given_split"]) == {"train"}
    assert table["group"].nunique() == 3
    assert table["video"].nunique() == 11
    assert set(table.loc[frames(f"{FAKE}/054_071"), "video"]) == {"NeuralTextures/054_071"}
    assert table.loc[frames(f"{ORIGINAL}/123"), "given_split"].tolist() == ["val", "val"]
    assert table.loc[f"{FAKE}/054_071/0000.png", ["label", "method"]].tolist() == [1, "NeuralTextures"]
    assert table.loc[f"{ORIGINAL}/054/0000.png", ["label", "method"]].tolist() == [0, "real"]
    assert reading.line == "layout: FaceForensics++ (22 images, 11 videos, official splits; groups: pairs)"


def test_faceforensics_without_split_files_says_so_and_still_ties_pairs(read, faceforensics):
    reading = read(faceforensics)
    assert set(rows(reading)["given_split"]) == {""}
    assert rows(reading)["group"].nunique() == 3
    assert "splits made here: no train.json" in reading.line


def test_faceforensics_reads_names_of_single_files_and_bare_method_folders(read):
    flat = [
        "original/071_0012.png",
        "original/054_0001.png",
        "Deepfakes/071_054_0003.png",
        "face2face/054_071.png",
    ]
    table = rows(read(flat))
    assert table["group"].nunique() == 1
    assert table.loc["face2face/054_071.png", "method"] == "Face2Face"
    # One name that is no pair, and the folders mean what class folders mean.
    assert read([*flat, "Deepfakes/portrait.png"]).layout == "class folders"


def test_faceforensics_sets_aside_what_it_cannot_place(read, faceforensics):
    strange = "manipulated_sequences/Deepfakes/c23/images/readme.png"
    torn = frames("manipulated_sequences/FaceSwap/c23/images/071_123")
    table = rows(read([*faceforensics, strange, *torn], SPLITS))
    assert table.loc[strange, "error"] == "FaceForensics++: neither folder nor name says which video"
    assert set(table.loc[torn, "error"]) == {"its target and source are in different official splits"}
    assert (table["error"] != "").sum() == 3


def test_deepfakedetection_groups_by_target_actor(read):
    reading = read(
        frames(
            "original_sequences/actors/c23/images/01__exit_phone_room",
            "original_sequences/actors/c23/images/02__exit_phone_room",
            "manipulated_sequences/DeepFakeDetection/c23/images/01_02__exit_phone_room__YVGY8LOK",
            "manipulated_sequences/DeepFakeDetection/c23/images/02_01__exit_phone_room__0ABCDEF9",
        )
    )
    table = rows(reading)
    assert table.groupby("group")["label"].agg(["size", "nunique"]).to_numpy().tolist() == [[4, 2], [4, 2]]
    assert reading.videos == 4 and "target actors" in reading.line and "not tied" in reading.line


def test_one_video_in_two_official_splits_is_refused(read, faceforensics):
    with pytest.raises(StudyError, match="video 071 is in train as well"):
        read(faceforensics, {"train.json": [["071", "054"]], "test.json": [["071", "700"]]})


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=40))
def test_pairs_join_exactly_what_they_connect(pairs):
    names = {f"{one:03d}_{other:03d}" for one, other in pairs}
    groups = join_pairs(names, {})
    reached = {f"{n:03d}": {f"{n:03d}"} for pair in pairs for n in pair}
    for _ in range(len(reached)):  # slow second way: grow each set until nothing is added
        for one, other in (name.split("_") for name in names):
            union = reached[one] | reached[other]
            for member in union:
                reached[member] = union
    assert {number: set(group.split("+")) for number, group in groups.items()} == reached


CELEB = [
    *frames("Celeb-real/id0_0000", "Celeb-real/id0_0001", "Celeb-real/id1_0000"),
    *frames("YouTube-real/00170", "Celeb-synthesis/id0_id1_0000", "Celeb-synthesis/id1_id0_0000"),
]
CELEB_LIST = "1 YouTube-real/00170.mp4\n1 Celeb-real/id0_0000.mp4\n0 Celeb-synthesis/id0_id1_0000.mp4\n"


def test_celebdf_with_its_list_keeps_a_clip_with_its_fakes(read):
    reading = read(CELEB, {"List_of_testing_videos.txt": CELEB_LIST})
    table = rows(reading)
    tested = table[table["given_split"] == "test"]
    assert sorted(set(tested.index.str.rpartition("/").map(lambda parts: parts[0]))) == [
        "Celeb-real/id0_0000",
        "Celeb-synthesis/id0_id1_0000",
        "YouTube-real/00170",
    ]
    assert set(table["given_split"]) == {"train", "test"}
    assert table.loc["Celeb-real/id0_0000/0000.png", "group"] == "id0_0000"
    assert table.loc["Celeb-synthesis/id0_id1_0000/0000.png", "group"] == "id0_0000"
    assert table.loc["Celeb-real/id0_0001/0000.png", "group"] == "id0_0001"
    assert table.loc["YouTube-real/00170/0000.png", "label"] == 0  # the list's own number says 1
    assert reading.line == (
        "layout: Celeb-DF (12 images, 6 videos, official list of testing videos; "
        "groups: clips with their fakes; people recur on both sides)"
    )


def test_celebdf_without_its_list_groups_by_person_shown(read):
    reading = read(CELEB)
    table = rows(reading)
    assert set(table["given_split"]) == {""}
    assert table.loc[table["group"] == "id0"].index.str.contains("/id0_").all()
    assert table["group"].nunique() == 3
    assert "groups: people shown; people whose face appears in another's fake are not tied" in reading.line


def test_celebdf_in_flat_files_and_what_it_cannot_place(read):
    flat = ["Celeb-real/id3_0001_012.png", "Celeb-synthesis/id3_id4_0001_012.png", "Celeb-synthesis/odd.png"]
    table = rows(read([*flat, "YouTube-real/00011_1.png"]))
    assert table.loc[flat[0], "group"] == table.loc[flat[1], "group"] == "id3"
    assert table.loc[flat[2], "error"] == "Celeb-DF: neither folder nor name says which video"


KINDS = {"FaceSwap": ("SimSwap", "GHOST"), "FaceReenact": ("LIA",), "TalkingFace": ("EDTalk",)}


@pytest.mark.parametrize("below", ["", "/frames"])
def test_celebdf_plus_plus_has_a_method_in_each_folder_and_a_clip_of_each_name_in_each(read, below):
    methods = [f"{kind}/{method}" for kind, names in KINDS.items() for method in names]
    fakes = [
        f"Celeb-synthesis/{method}{below}/id{at}_id{at + 1}_0000" for method in methods for at in range(3)
    ]
    real = [f"Celeb-real{below}/id{at}_0000" for at in range(3)]
    tested = "".join(f"0 Celeb-synthesis/{method}/id0_id1_0000.mp4\n" for method in methods)
    reading = read(
        frames(*real, *fakes), {"List_of_testing_videos.txt": tested + "1 Celeb-real/id0_0000.mp4\n"}
    )
    table = rows(reading)
    assert set(table.loc[table["label"] == 1, "method"]) == {"SimSwap", "GHOST", "LIA", "EDTalk"}
    assert table.loc[table["label"] == 1, "video"].nunique() == 12 and reading.videos == 15
    assert set(table.loc[table["given_split"] == "test", "group"]) == {"id0_0000"}
    assert (table["given_split"] == "test").sum() == 10 and "Celeb-DF++ of 4 methods" in reading.line
    assert table.groupby("group").size().tolist() == [10, 10, 10]
    assert rows(read(frames(*real, *fakes), root="unlisted"))["group"].nunique() == 3


DFDC_META = {
    "aaqaifqrwn.mp4": {"label": "REAL", "split": "train"},
    "bbxyzfqrwn.mp4": {"label": "FAKE", "split": "train", "original": "aaqaifqrwn.mp4"},
    "cccccccccc.mp4": {"label": "FAKE", "split": "train", "original": "zzzzzzzzzz.mp4"},
}


def test_dfdc_keeps_a_fake_with_its_original(read):
    part = "dfdc_train_part_0"
    pictures = [
        *frames(f"{part}/aaqaifqrwn", f"{part}/bbxyzfqrwn.mp4"),
        f"{part}/cccccccccc_0.png",
        f"{part}/stranger/1.png",
    ]
    reading = read(pictures, {f"{part}/metadata.json": DFDC_META})
    table = rows(reading)
    assert table["label"].tolist()[:5] == [0, 0, 1, 1, 1] and table["label"].isna().sum() == 1
    assert set(table["group"][:4]) == {"aaqaifqrwn"}
    assert table.loc[f"{part}/cccccccccc_0.png", ["label", "group"]].tolist() == [1, "zzzzzzzzzz"]
    assert table.loc[f"{part}/stranger/1.png", "error"].startswith("DFDC: no metadata.json")
    assert reading.line == (
        "layout: DFDC (5 images, 3 videos, splits made here; groups: original videos; "
        "people may recur in other videos)"
    )


def test_dfdc_reads_the_published_test_sets_tables(read):
    reading = read(
        frames("train/p/aaqaifqrwn", "train/p/bbxyzfqrwn", "test/dddddddddd", "test/eeeeeeeeee"),
        {
            "train/p/metadata.json": DFDC_META,
            "test/labels.csv": "filename,label\ndddddddddd.mp4,1\n",
            "test/metadata.json": {"eeeeeeeeee.mp4": {"is_fake": 0}},
        },
    )
    table = rows(reading)
    assert table.loc[frames("test/dddddddddd")[0], ["label", "given_split"]].tolist() == [1, "test"]
    assert table.loc[frames("test/eeeeeeeeee")[0], ["label", "given_split"]].tolist() == [0, "test"]
    assert "given: train, test" in reading.line


def test_dfdc_refuses_a_label_that_is_neither(read):
    with pytest.raises(StudyError, match="aa has the label 'MAYBE'") as caught:
        read(frames("aa"), {"metadata.json": {"aa": {"label": "MAYBE"}, "bb": {"label": "REAL"}}})
    assert "REAL or FAKE" in caught.value.hint


def test_another_sets_metadata_is_passed_over(read):
    meta = {"real": {"label": "cat"}, "fake": {"label": "dog"}}
    assert read(frames("real", "fake"), {"metadata.json": meta}).layout == "class folders"
    assert read(frames("real", "fake"), {"metadata.json": [1, 2]}).layout == "class folders"


@pytest.mark.parametrize(
    "names", [["clip07", "clip08", "clip09"], ["000", "001", "002"], ["a/v1", "a/v2", "a/v3"]]
)
def test_numbered_folders_above_real_and_fake_are_videos(read, names):
    reading = read(frames(*(f"{name}/{label}" for name in names for label in ("real", "fake")), number=3))
    table = rows(reading)
    assert table["group"].nunique() == 3 and set(table["method"]) == {"real", "fake"}
    assert (
        table.groupby("group")["label"].nunique().eq(2).all() and "3 folders, taken as videos" in reading.line
    )


@pytest.mark.parametrize("name", ["fold{}", "part_{}", "set{}", "stylegan{}"])
def test_parts_of_a_set_above_real_and_fake_are_no_videos(read, name):
    reading = read(frames(*(f"{name.format(at)}/{label}" for at in range(4) for label in ("real", "fake"))))
    assert "groups: none named" in reading.line and "may be videos" not in reading.line


def test_named_folders_above_real_and_fake_are_said(read):
    reading = read(frames(*(f"{name}/{label}" for name in ("anna", "ben") for label in ("real", "fake"))))
    assert "2 folders above real and fake (anna, ben) may be videos or people; not taken" in reading.line


def test_a_name_beside_those_of_real_videos_is_no_method(read):
    real, fake = (["one", "two", "three", "four"], ["one (1)", "two", "three", "four"])
    table = rows(read(frames(*(f"real/{v}" for v in real), *(f"fake/{v}" for v in fake), number=3)))
    assert set(table["method"]) == {"real", "fake"} and table["group"].nunique() == 5
