"""The index.csv of a set: what it says, what it leaves out, and what is wrong with it."""

from __future__ import annotations

import json
import os
import re

import pytest
import yaml

from dfstudy.data.index import index_study
from dfstudy.data.split import split_study
from dfstudy.errors import StudyError

PATHS = ["a/1.png", "a/2.png", "b/3.png", "b/4.png"]


@pytest.fixture
def listed(fill, open_study):
    """Index a set of four images whose index.csv holds the given lines."""

    def index(text: str, paths=PATHS, encoding="utf-8", **data):
        folder = fill(paths)
        (folder / "index.csv").write_text(text, encoding)
        return index_study(open_study(folder, **data), progress=False).set_index("path")

    return index


def test_every_column_is_read_and_further_ones_become_notes(listed, open_study, tmp_path):
    table = listed(
        "path,label,method,group,split,mae\n"
        "a/1.png,0,photo,ann,Training,1\na/2.png,real,real,bob,test,\n"
        "b/3.png,1,swap,ann,train,3\nb/4.png,FAKE,,bob,testing,4\n"
    )
    assert table["label"].tolist() == [0, 0, 1, 1]
    assert table["method"].tolist() == ["real", "real", "swap", "fake"]
    assert table["group"].tolist() == ["ann", "bob", "ann", "bob"]
    assert table["given_split"].tolist() == ["train", "test", "train", "test"]
    assert table["notes"].tolist() == ['{"mae": "1"}', "", '{"mae": "3"}', '{"mae": "4"}']
    assert set(table["error"]) == {""}


def test_notes_shape_no_training_but_have_a_fingerprint(fill, open_study):
    folder = fill(PATHS)
    study, found = open_study(folder), []
    for camera in ("phone", "web"):
        lines = "\n".join(f"{path},{at // 2},{camera}" for at, path in enumerate(PATHS))
        (folder / "index.csv").write_text(f"path,label,camera\n{lines}\n")
        index_study(study, progress=False)
        found.append(json.loads((study.out / "data" / "fingerprint.json").read_text()))
    assert found[0]["fingerprint"] == found[1]["fingerprint"] and found[0]["notes"] != found[1]["notes"]


def test_pipelines_travel_to_the_rows_of_the_split(listed, fill, open_study):
    lines = [f"a/{at}.png,{at % 2},g{at},{'ab'[at % 4 // 2]}" for at in range(40)]
    folder = fill([line.split(",")[0] for line in lines], "many")
    (folder / "index.csv").write_text("path,label,group,pipeline\n" + "\n".join(lines))
    study = open_study(folder, near_duplicates=0)
    split = split_study(study, index_study(study, progress=False))
    named = split.rows.set_index("path")["pipeline"]
    assert len(named) == 40 and all(
        named[path] == word for path, _, _, word in map(lambda x: x.split(","), lines)
    )
    table = listed("path,label\na/1.png,0\na/2.png,0\nb/3.png,1\nb/4.png,1\n")
    assert set(table["pipeline"]) == {""}


def test_videos_are_named_or_those_that_faces_were_cropped_from(listed):
    named = listed("path,label,video\na/1.png,0,x\na/2.png,0,\nb/3.png,1,y\nb/4.png,1,y\n")
    assert named["video"].tolist() == ["x", "", "y", "y"]
    assert named["group"].tolist() == ["x", "a/2.png", "y", "y"]  # frames of one video stay together
    # a photograph has a source and no frame, as the forged images of the rendered sample have
    cropped = listed(
        "path,label,group,source,frame\na/1.png,0,g,in/a.mp4,0\na/2.png,0,g,in/a.mp4,30\n"
        "b/3.png,1,g,in/b.mp4,0\nb/4.png,1,g,in/c.png,\n"
    )
    assert cropped["video"].tolist() == ["in/a.mp4", "in/a.mp4", "in/b.mp4", ""]
    assert set(cropped["group"]) == {"g"}


def test_masks_are_found_from_their_pictures(listed):
    table = listed("path,label,mask\na/1.png,0,\na/2.png,0,\n./b/3.png,1,masks\\3.png\nb/4.png,1,b/5.png\n")
    assert table["mask"].tolist() == ["", "", "masks/3.png", "b/5.png"]
    assert set(listed("path,label\na/1.png,0\na/2.png,0\nb/3.png,1\nb/4.png,1\n")["mask"]) == {""}


def test_order_of_columns_case_spaces_backslashes_and_byte_order_mark(listed):
    table = listed(
        "Label, PATH \n0, a\\1.png\n0,./a/2.png\n1,b/../b/3.png\n\nforged,b/4.png\n", encoding="utf-8-sig"
    )
    assert table["label"].tolist() == [0, 0, 1, 1]
    assert set(table["error"]) == {""}
    assert table["group"].tolist() == PATHS


def test_a_comma_at_the_ends_of_lines_is_harmless(listed):
    table = listed("path,label\na/1.png,0,\na/2.png,0,\nb/3.png,1,\nb/4.png,1,\n")
    assert set(table["error"]) == {""}


def test_files_and_rows_without_each_other_are_set_aside(listed):
    table = listed("path,label\na/1.png,0\na/gone.png,0\nb/3.png,1\nclip.mp4,1\n../out.png,1\n")
    errors = table["error"].to_dict()
    assert errors.pop("a/gone.png") == "the file is missing"
    assert errors.pop("a/2.png") == errors.pop("b/4.png") == "not in index.csv"
    assert errors.pop("clip.mp4") == "no image format that is read (.mp4)"
    assert errors.pop("../out.png") == "the file lies outside the folder of images"
    assert errors == {"a/1.png": "", "b/3.png": ""}
    assert table.loc["a/2.png", "label"] is not None and table["label"].isna().sum() == 2
    assert table.loc["a/gone.png", "bytes"] == 0


def test_a_row_twice_counts_once_and_a_contradiction_is_set_aside(listed):
    table = listed("path,label\na/1.png,0\na/1.png,0\na/2.png,0\nb/3.png,1\nb/4.png,1\nb/4.png,0\n")
    assert table["error"].to_dict() == {
        **dict.fromkeys(PATHS[:3], ""),
        "b/4.png": "index.csv names it twice and says different things",
    }


def test_masks_are_no_pictures(listed):
    paths = [*PATHS, "masks/3.png", "regions/4.png"]
    table = listed("path,label,mask\na/1.png,0,\nb/3.png,1,masks/3.png\nb/4.png,1,regions/4.png\n", paths)
    assert sorted(table.index) == PATHS
    assert table.loc["a/2.png", "error"] == "not in index.csv"


def test_folders_name_the_split_where_no_column_does(listed):
    paths = ["Train/x/1.png", "Train/x/2.png", "Test/x/3.png", "Test/x/4.png"]
    table = listed("path,label\n" + "".join(f"{path},{at % 2}\n" for at, path in enumerate(paths)), paths)
    assert table["given_split"].to_dict() == dict(zip(paths, ["train", "train", "test", "test"], strict=True))


def test_absolute_paths_below_the_folder_are_taken(fill, open_study):
    folder = fill(PATHS)
    lines = [f"{folder / path},{at // 2}" for at, path in enumerate(PATHS)]
    (folder / "index.csv").write_text("path,label\n" + "\n".join(lines))
    table = index_study(open_study(folder), progress=False)
    assert table["path"].tolist() == PATHS and set(table["error"]) == {""}


def test_absolute_paths_through_links_are_taken(fill, open_study, tmp_path):
    """A data set is often reached by a link, whose name then stands in its list."""
    folder = fill(PATHS)
    (tmp_path / "root").symlink_to(folder)
    (tmp_path / "around").symlink_to(tmp_path)
    (tmp_path / "below").symlink_to(folder / "a")
    fill(["5.png"], "elsewhere")
    (folder / "b" / "linked").symlink_to(tmp_path / "elsewhere")  # a link below the root names its own place
    (folder / "b" / "6.png").symlink_to(folder / "b" / "3.png")
    listed = {"root/a/1.png": 0, "below/2.png": 0, "around/pictures/b/3.png": 1, "pictures/b/4.png": 1}
    listed |= {"root/b/linked/5.png": 1, "root/b/6.png": 1}
    lines = [f"{tmp_path / path},{label}" for path, label in listed.items()]
    (folder / "index.csv").write_text("path,label\n" + "\n".join(lines))
    table = index_study(open_study(folder), progress=False)
    assert table["path"].tolist() == [*PATHS, "b/6.png", "b/linked/5.png"]
    assert set(table["error"]) == {""}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("path,label\n", "names no image"),
        ("file,label\na/1.png,0\n", "no column 'path'; it has: file, label"),
        ("path,lable\na/1.png,0\n", r"no column 'label' \(did you mean 'lable'\?\)"),
        ("path;label\na/1.png;0\n", "name 1 real images and no other"),
        ("path,label\na/1.png,0\na/2, b.png,1\n", "line 3: 3 cells, where the first line has 2"),
        ("path,label,Path\na/1.png,0,x\n", "has the column 'path' twice"),
        ("path,label\na/1.png,0\na/2.png,\n", "line 3: labels that say neither real nor fake: ''"),
        ("path,label\na/1.png,0\nb/3.png,2\nb/4.png,2\n", r"lines 3, 4: labels .*'2' \(2\)"),
        ("path,label,split\na/1.png,0,train\nb/3.png,1,holdout\n", "line 3: no split is called 'holdout'"),
        ('path,label\n"a/1.png,0\n', "cannot be read"),
        ("path,label\na/1.png,0\na/2.png,0\n", "the lines of index.csv name 2 real images and no other"),
        (
            "path,label\nx/1.png,0\nx/2.png,1\n",
            "no image can be used; the first reason: the file is missing",
        ),
    ],
)
def test_a_file_that_is_no_such_list_is_refused(listed, text, message):
    with pytest.raises(StudyError, match=message):
        listed(text)


def test_a_file_in_another_encoding_is_refused(fill, open_study):
    folder = fill(PATHS)
    (folder / "index.csv").write_bytes(b"path,label\n\xe9.png,0\n")
    with pytest.raises(StudyError, match="cannot be read") as caught:
        index_study(open_study(folder), progress=False)
    assert "UTF-8" in caught.value.hint


def test_the_hint_of_an_unknown_label_mends_it(listed):
    text = "path,label\na/1.png,camera\na/2.png,camera\nb/3.png,swap\nb/4.png,swap\n"
    with pytest.raises(StudyError) as caught:
        listed(text)
    mended = yaml.safe_load(re.search(r"\n\n(data:\n.*)\n\n", caught.value.hint).group(1))
    assert mended == {"data": {"aliases": {"real": [], "fake": []}}}
    assert 'in one of the two lists each of "camera", "swap"' in caught.value.hint
    table = listed(text, aliases={"real": ["camera"], "fake": ["swap"]})
    assert table["label"].tolist() == [0, 0, 1, 1]


@pytest.mark.skipif(os.sep != "/", reason="a backslash is no part of a name here")
def test_a_backslash_in_a_name_is_one_and_others_part_folders(listed):
    paths = ["a/1\\2.png", "a/2.png", "b/3.png", "b/4.png"]
    table = listed("path,label\na/1\\2.png,0\na\\2.png,0\nb/3.png,1\nb/4.png,1\n", paths)
    assert set(table["error"]) == {""} and set(table.index) == set(paths)
