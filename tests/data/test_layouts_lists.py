"""Sets that lists describe, image by image: small copies of each."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfstudy.data.layouts.forgerynet import METHODS
from dfstudy.data.layouts.layout import Reading
from dfstudy.data.layouts.lists import ListFinder
from dfstudy.errors import StudyError


def rows(reading: Reading) -> pd.DataFrame:
    """Rows by path; each image has exactly one."""
    assert reading.rows["path"].is_unique
    return reading.rows.set_index("path")


INNER = "real_vs_fake/real-vs-fake"
HEAD = ",original_path,id,label,label_str,path\n"


def test_the_140k_tables_give_labels_and_splits(read):
    names = ["train/real/1.jpg", "train/fake/2.jpg", "valid/real/3.jpg", "test/fake/4.jpg"]
    tables = {
        "train.csv": HEAD + "0,/a/1.jpg,1,1,real,train/real/1.jpg\n1,/b/2.jpg,2,0,fake,train/fake/2.jpg\n",
        "valid.csv": HEAD + "0,/a/3.jpg,3,1,real,valid/real/3.jpg\n",
        "test.csv": HEAD + "0,/b/4.jpg,4,0,fake,test/fake/4.jpg\n1,/b/5.jpg,5,0,fake,test/fake/5.jpg\n",
    }
    reading = read([f"{INNER}/{name}" for name in [*names, "test/fake/9.jpg"]], tables)
    table = rows(reading)
    assert table.loc[[f"{INNER}/{name}" for name in names], "label"].tolist() == [0, 1, 0, 1]
    assert table.loc[[f"{INNER}/{name}" for name in names], "given_split"].tolist() == [
        *("train", "train", "val", "test")
    ]
    assert table.loc[f"{INNER}/test/fake/9.jpg", "error"] == "not in test.csv or train.csv or valid.csv"
    assert "listed but not there: 1)" in reading.line and "given by test.csv" in reading.line


def test_numbers_without_words_mean_what_the_folders_say(read):
    tables = {"train.csv": "path,label\nreal/1.png,1\nfake/2.png,0\n"}
    table = rows(read(["real/1.png", "fake/2.png"], tables))
    assert table["label"].to_dict() == {"real/1.png": 0, "fake/2.png": 1}


def test_numbers_that_nothing_explains_are_refused(read):
    with pytest.raises(StudyError, match="sets differ in what 1 means") as caught:
        read(["all/1.png", "all/2.png"], {"train.csv": "path,label\nall/1.png,1\nall/2.png,0\n"})
    assert "label_str" in caught.value.hint


def test_a_table_that_contradicts_the_folder_sets_the_picture_aside(read):
    tables = {
        "train.csv": "path,label_str\nreal/1.png,real\nreal/2.png,fake\nfake/3.png,fake\nfake/4.png,fake\n",
        "test.csv": "path,label_str\nfake/4.png,fake\n",
    }
    table = rows(read(["real/1.png", "real/2.png", "fake/3.png", "fake/4.png"], tables))
    assert table.loc["real/2.png", "error"] == "its folder says real, train.csv fake"
    assert table.loc["fake/4.png", "error"] == "two tables, or two lines, describe it differently"
    assert (table["error"] == "").sum() == 2


def forgery_line(name: str, number: int) -> str:
    triple = 0 if number == 0 else 1 + (number > 6)
    return f"{name} {int(number > 0)} {triple} {number}\n"


def test_forgerynet_names_each_of_its_16_classes(read):
    numbers = {f"sub {number}/x.jpg": number for number in range(16)}
    pictures = [f"{part}/image/{name}" for part in ("Training", "Validation") for name in numbers]
    lists = "".join(forgery_line(name, number) for name, number in numbers.items())
    masks = [f"Training/spatial_localize/{name}" for name in numbers]
    reading = read(
        [*pictures, *masks], {"Training/image_list.txt": lists, "Validation/image_list.txt": lists}
    )
    table = rows(reading)
    assert len(table) == 32  # masks are no images
    for name, number in numbers.items():
        assert table.loc[f"Training/image/{name}", ["label", "method", "given_split"]].tolist() == [
            *(int(number > 0), METHODS[number], "train")
        ]
    assert set(table.loc[table.index.str.startswith("Val"), "given_split"]) == {"val"}
    assert reading.line == (
        "layout: ForgeryNet (32 images, 15 forgery methods, given: train, val; groups: none named; "
        "frames of one video may be on both sides)"
    )


def test_forgerynet_sets_aside_contradictions_and_what_no_list_names(read):
    lists = forgery_line("a.jpg", 0) + forgery_line("b.jpg", 11) + "c.jpg 0 1 4\n"
    table = rows(read(["i/a.jpg", "i/b.jpg", "i/c.jpg", "i/d.jpg"], {"image_list.txt": lists}))
    assert table["error"].tolist() == [
        *("", "", "its three labels in the image list contradict each other"),
        "in no image list of ForgeryNet",
    ]


BENCH_ROOT = "D:\\sets\\FaceForensics++\\"


def bench_list(code: str, method: str) -> dict:
    """As DeepfakeBench writes it: set, class, split, compression, video."""

    def video(folder: str, name: str, label: str) -> dict:
        return {
            name: {"label": label, "frames": [f"{BENCH_ROOT}{folder}\\{name}\\{at:03d}.png" for at in (0, 1)]}
        }

    real, fake = "original_sequences\\youtube\\c23\\frames", f"manipulated_sequences\\{method}\\c23\\frames"
    return {
        code: {
            "FF-real": {
                "train": {"c23": video(real, "071", "FF-real") | video(real, "054", "FF-real")},
                "test": {"c23": video(real, "700", "FF-real")},
                "val": {"c23": {}},
            },
            code: {
                "train": {"c23": video(fake, "071_054", code)},
                "test": {"c23": video(fake, "700_701", code)},
                "val": {"c23": {}},
            },
        }
    }


def bench_frames(*videos: str) -> list[str]:
    return [f"{video}/{at:03d}.png" for video in videos for at in (0, 1)]


def test_deepfakebench_lists_decide_over_the_folders(read):
    real = "original_sequences/youtube/c23/frames"
    pictures = bench_frames(
        *(f"{real}/{video}" for video in ("071", "054", "700", "999")),
        "manipulated_sequences/Deepfakes/c23/frames/071_054",
        "manipulated_sequences/Deepfakes/c23/frames/700_701",
        "manipulated_sequences/Face2Face/c23/frames/071_054",
    )
    lists = {
        "FF-DF.json": bench_list("FF-DF", "Deepfakes"),
        "dataset_json/FF-NT.json": bench_list("FF-NT", "NeuralTextures"),
        "annotations.json": {"info": {"version": 1}},
        "dataset_json/UADFV.json": {"UADFV": {"r": {"train": {"v": {"label": "x", "frames": ["q/0.png"]}}}}},
    }
    reading = read(pictures, lists)
    table = rows(reading)
    assert reading.layout == "DeepfakeBench lists of FF-DF, FF-NT"
    good = table[table["error"] == ""]
    assert len(good) == 10 and good["group"].nunique() == 2
    assert set(good.loc[good["label"] == 1, "method"]) == {"Deepfakes"}
    assert set(good.loc[good.index.str.contains("700"), "given_split"]) == {"test"}
    # In no list, though a frame of NeuralTextures ends alike.
    assert set(table.loc[table["error"] != "", "error"]) == {"in no list of DeepfakeBench"}
    assert "listed but not there: 4)" in reading.line and "5 videos" in reading.line


def test_deepfakebench_keeps_for_the_test_what_it_lists_under_every_split(read):
    def video(name: str, label: str) -> dict:
        return {name: {"label": label, "frames": [f"Celeb-DF-v2/{label}/{name}/000.png"]}}

    reals = video("id0_0000", "CelebDFv2_real") | video("id5_0001", "CelebDFv2_real")
    fakes = video("id0_id1_0000", "CelebDFv2_fake") | video("id5_id1_0001", "CelebDFv2_fake")

    def splits(whole: dict, tested: dict) -> dict:
        return {"test": tested, "val": tested, "train": whole}

    listed = {
        "CelebDFv2_real": splits(reals, video("id0_0000", "CelebDFv2_real")),
        "CelebDFv2_fake": splits(fakes, video("id0_id1_0000", "CelebDFv2_fake")),
    }
    pictures = [
        *("CelebDFv2_real/id0_0000/000.png", "CelebDFv2_real/id5_0001/000.png"),
        *("CelebDFv2_fake/id0_id1_0000/000.png", "CelebDFv2_fake/id5_id1_0001/000.png"),
    ]
    table = rows(read(pictures, {"Celeb-DF-v2.json": {"Celeb-DF-v2": listed}}))
    assert table.loc[pictures, "given_split"].tolist() == ["test", "train", "test", "train"]
    assert table.loc[pictures, "group"].tolist() == ["id0_0000", "id5_0001"] * 2
    assert table.loc[pictures, "method"].tolist() == ["real", "real", "CelebDFv2", "CelebDFv2"]


def test_deepfakebench_sets_that_stand_whole_under_every_split_have_none(read):
    def whole(label: str, name: str) -> dict:
        video = {name: {"label": label, "frames": [f"UADFV/{name}/000.png"]}}
        return dict.fromkeys(("train", "val", "test"), video)

    listed = {
        "UADFV": {"UADFV_Real": whole("UADFV_Real", "0000"), "UADFV_Fake": whole("UADFV_Fake", "0000_fake")}
    }
    reading = read(["0000/000.png", "0000_fake/000.png"], {"UADFV.json": listed})
    table = rows(reading)
    assert set(table["given_split"]) == {""} and "no splits given" in reading.line
    assert table["group"].tolist() == ["0000", "0000"] and table["label"].tolist() == [0, 1]


def test_deepfakebench_sets_aside_what_two_lists_describe_differently(read):
    def listed(label: str, *videos: str) -> dict:
        frames = {video: {"label": label, "frames": [f"{video}/0.png"]} for video in videos}
        return {"Own": {"own": {"train": frames}}}

    lists = {
        "a.json": listed("a_Fake", "v", "w"),
        "b.json": listed("b_Fake", "v"),
        "c.json": listed("Real", "x"),
    }
    table = rows(read(["v/0.png", "w/0.png", "x/0.png"], lists))
    assert table["error"].to_dict() == {
        "v/0.png": "two lists describe it differently",
        "w/0.png": "",
        "x/0.png": "",
    }
    assert table.loc[["w/0.png", "x/0.png"], "label"].tolist() == [1, 0]


def test_deepfakebench_refuses_a_label_that_says_neither(read):
    listed = {"Own": {"own": {"train": {"v": {"label": "mystery", "frames": ["v/0.png"]}}}}}
    with pytest.raises(StudyError, match="'mystery' says neither real nor fake") as caught:
        read(["v/0.png"], {"own.json": listed})
    assert 'each of "mystery"' in caught.value.hint
    table = rows(read(["v/0.png"], {"own.json": listed}, aliases={"fake": ["mystery"]}))
    assert table["label"].tolist() == [1] and table["method"].tolist() == ["mystery"]


PARTS = st.lists(st.sampled_from("abcd"), min_size=1, max_size=5).map("/".join)


@given(st.sets(PARTS, min_size=1, max_size=20), PARTS, PARTS, st.booleans())
def test_a_list_from_another_root_is_found_whole(pictures, root, prefix, backslashes):
    """A list written above the images' root, with a folder around them here."""
    listed = [f"/elsewhere/{root}/inner/{picture}" for picture in sorted(pictures)]
    if backslashes:
        listed = [path.replace("/", "\\") for path in listed]
    here = [f"{prefix}/inner/{picture}" for picture in sorted(pictures)]
    assert ListFinder(here).find(listed) == here


def test_a_frame_of_another_method_that_ends_alike_is_not_taken():
    here = ["real/frames/071/0.png", *(f"Face2Face/frames/071_054/{at}.png" for at in range(5))]
    listed = ["/x/real/frames/071/0.png", *(f"/x/Deepfakes/frames/071_054/{at}.png" for at in range(5))]
    assert ListFinder(here).find(listed) == ["real/frames/071/0.png", *[""] * 5]


def test_bare_names_are_found_in_the_one_folder_that_holds_them():
    assert ListFinder(["faces/1.png", "faces/2.png"]).find(["2.png", "3.png", ""]) == ["faces/2.png", "", ""]
    assert ListFinder(["1.png"]).find(["train/1.png"]) == ["1.png"]
    assert ListFinder([]).find(["1.png"]) == [""]
