"""Which layout is chosen, what the index keeps of it, and class folders full of videos."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from dfstudy.data.index import index_study
from dfstudy.data.index_file import layout_line
from dfstudy.data.layouts.folders import ClassFolders
from dfstudy.data.layouts.registry import KNOWN
from dfstudy.data.split import split_study
from dfstudy.errors import StudyError
from dfstudy.study.pictures import Data


def test_most_specific_first():
    names = [layout.name for layout in KNOWN]
    assert len(set(names)) == len(names)
    assert names.index("DeepfakeBench") < names.index("FaceForensics++") < len(names)


def test_a_layout_that_places_less_than_half_is_passed_over(read):
    pictures = ["real/1.png", "real/2.png", "fake/3.png", "fake/4.png", "fake/aa_1.png"]
    reading = read(pictures, {"metadata.json": {"aa.mp4": {"label": "FAKE"}}})
    assert reading.layout == "class folders" and (reading.rows["error"] == "").all()
    assert reading.line == "layout: class folders (5 images, no splits given; groups: none named)"


def test_the_study_file_may_name_the_layout(read):
    pictures = ["real/1.png", "real/2.png", "fake/3.png", "fake/4.png", "fake/aa_1.png"]
    described = {"metadata.json": {"aa.mp4": {"label": "FAKE"}}}
    forced = read(pictures, described, layout="DFDC")
    assert forced.layout == "DFDC" and (forced.rows["error"] == "").sum() == 1
    with pytest.raises(StudyError, match="is not laid out as Celeb-DF"):
        read(pictures, described, layout="Celeb-DF")


def test_class_folders_can_be_asked_for(read):
    pictures = [f"Celeb-{kind}/id0_{at}_0001.png" for kind in ("real", "synthesis") for at in range(2)]
    assert read(pictures, layout="class folders").layout == "class folders"


def test_every_known_layout_can_be_named():
    field = Data.model_fields["layout"].annotation
    names = {name for part in get_args(field) for name in get_args(part)}
    assert names == {layout.name for layout in KNOWN} | {"class folders", ""}


def test_the_document_has_a_row_a_layout_in_the_order_in_which_they_are_tried():
    document = Path(__file__).resolve().parents[2] / "docs" / "layouts.md"
    rows = re.findall(r"^\| `([^`]+)`", document.read_text("utf-8"), re.MULTILINE)
    assert rows == [*(layout.name for layout in KNOWN), ClassFolders.name]


def test_a_side_file_that_is_damaged_is_named(read):
    with pytest.raises(StudyError, match=r"metadata\.json is no JSON"):
        read(["aa/0000.png"], {"metadata.json": '{"aa.mp4": '})


def test_the_index_prints_records_and_splits_what_was_recognised(fill, open_study, faceforensics):
    single = [f"manipulated_sequences/Deepfakes/c23/images/700_701/{frame}.png" for frame in (0, 1)]
    root = fill([*faceforensics, *single])
    (root / "train.json").write_text('[["071", "054"]]')
    (root / "test.json").write_text('[["123", "456"], ["700", "701"]]')
    study = open_study(root, val_fraction=0.3)
    table = index_study(study, progress=False)
    assert layout_line(study).startswith("layout: FaceForensics++ (24 images, 12 videos, official splits")
    assert set(table["given_split"]) == {"train", "test"}
    with pytest.raises(StudyError, match="validation set holds no real image"):
        split_study(study, table)  # one pair trains: a second set cannot be made of it
    (root / "train.json").write_text('[["071", "054"], ["700", "701"]]')
    (root / "test.json").write_text('[["123", "456"]]')
    split = split_study(study, index_study(study, progress=False))
    assert split.groups_known and split.given == ("train", "test")
    assert split.rows.groupby("group")["split"].nunique().max() == 1
    assert set(split.part("test")["group"]) == {"123+456"}


def test_folders_of_videos_are_groups_that_fakes_share_with_their_originals(read):
    videos = [f"{number:05d}" for number in range(45)]
    pictures = [
        f"{kind}/{video}/{at}.png" for kind in ("real", "fake/swap") for video in videos for at in (0, 1)
    ]
    reading = read(pictures)
    table = reading.rows.set_index("path")
    assert set(table["method"]) == {"real", "swap"}
    assert table["group"].nunique() == 45 and (table.groupby("group").size() == 4).all()
    assert "45 folders, taken as videos or people" in reading.line


def test_numbered_folders_begin_anew_in_each_given_split(read):
    pictures = [
        f"{split}/{kind}/{number:05d}/1.png"
        for split in ("train", "test")
        for kind in ("real", "fake")
        for number in range(42)
    ]
    reading = read(pictures)
    table = reading.rows.set_index("path")
    assert table.groupby("group")["given_split"].nunique().max() == 1
    assert "given: train, test" in reading.line
