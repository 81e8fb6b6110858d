"""Labels, methods and given splits from folder names, and the errors that name the mending lines."""

from __future__ import annotations

import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dfstudy.data.index import index_study
from dfstudy.data.layouts.folders import FolderMeaning, read_folders, read_meaning
from dfstudy.data.layouts.names import build_aliases
from dfstudy.errors import StudyError
from dfstudy.study.study import load_study

TABLE = build_aliases({})


@pytest.mark.parametrize(
    ("folder", "meaning"),
    [
        ("real", (0, "real", "")),
        ("FAKE", (1, "fake", "")),
        ("Train/Real", (0, "real", "train")),
        ("Validation/Fake", (1, "fake", "val")),
        ("valid/0_real", (0, "real", "val")),
        ("test/1_fake/stylegan2", (1, "stylegan2", "test")),
        ("fake/train/StyleGAN/png", (1, "StyleGAN", "train")),
        ("training_fake", (1, "fake", "train")),
        ("original_sequences/youtube/c23", (0, "real", "")),
        ("manipulated_sequences/Face2Face/c23", (1, "Face2Face", "")),
        ("FaceSwap/frames", (1, "FaceSwap", "")),
        ("faces/deepfake/fake", (1, "fake", "")),
        ("someone/else", (None, "", "")),
        ("really", (None, "", "")),  # never a part of a word
        ("not_fake", (None, "", "")),
        ("trainee/real", (0, "real", "")),
        ("", (None, "", "")),
    ],
)
def test_whole_folder_names_in_any_case_decide(folder, meaning):
    assert read_meaning(folder, TABLE) == FolderMeaning(*meaning)


def test_a_folder_named_by_the_study_names_the_method():
    table = build_aliases({"fake": ["StyleGAN1"], "real": ["flickr"]})
    assert read_meaning("stylegan1", table) == FolderMeaning(1, "stylegan1", "")
    assert read_meaning("Flickr/a", table) == FolderMeaning(0, "real", "")


def test_the_study_overrules_the_built_in_table():
    assert read_meaning("original", build_aliases({"fake": ["original"]})).label == 1


def test_one_alias_on_both_sides_is_refused():
    with pytest.raises(StudyError, match="calls 'web' both real and fake"):
        build_aliases({"real": ["Web"], "fake": ["web "]})


@pytest.mark.parametrize(
    ("folder", "meaning"),
    [
        ("Face2Face/train/real/000", (0, "real", "train")),
        ("Face2Face/train/fake/000", (1, "Face2Face", "train")),
        ("deepfake/0_real", (0, "real", "")),
        ("ai_generated/1_fake", (1, "fake", "")),
        ("Fake/x/Original", (0, "real", "")),
        ("original/fake/swap", (1, "swap", "")),
    ],
)
def test_the_class_folder_nearest_the_picture_decides(folder, meaning):
    assert read_meaning(folder, TABLE) == FolderMeaning(*meaning)


def test_folders_that_disagree_are_said(read):
    pictures = [f"Face2Face/{kind}/{at}.png" for kind in ("real", "fake") for at in range(3)]
    reading = read(pictures)
    assert reading.rows["label"].tolist() == [1, 1, 1, 0, 0, 0]
    assert "3 images are below real and fake, as in Face2Face/real" in reading.line


def test_a_path_in_two_splits_is_refused():
    with pytest.raises(StudyError, match="names two splits: train and test"):
        read_meaning("train/real/test", TABLE)


@given(st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1), st.sampled_from(sorted(TABLE)))
def test_longer_names_say_nothing(more, word):
    name = f"{word}{more}"
    assert (read_meaning(name, TABLE).label is None) == (name not in TABLE)


def test_no_folder_above_the_root_counts(fill, open_study, tmp_path):
    root = fill(["real/a.png", "fake/b.png"], root="fake/original/train")
    table = read_folders(open_study(root), ["fake/b.png", "real/a.png"])
    assert table["label"].tolist() == [1, 0]
    assert set(table["given_split"]) == {""}


def test_each_picture_is_its_own_group(fill, open_study):
    table = read_folders(open_study(fill([])), ["fake/x/1.png", "real/1.png"])
    assert table["group"].tolist() == table["path"].tolist()
    assert table["method"].tolist() == ["x", "real"]


def test_very_many_subfolders_are_no_methods(fill, open_study):
    paths = [f"fake/video{at:03d}/1.png" for at in range(60)]
    table = read_folders(open_study(fill([])), [*paths, "real/1.png"])
    assert set(table["method"]) == {"fake", "real"}


def two_lines(error: StudyError) -> dict:
    """The block of YAML that the hint shows, which must be two lines."""
    block = re.search(r"\n\n(data:\n.*)\n\n", error.hint).group(1)
    assert len(block.splitlines()) == 2
    return yaml.safe_load(block)


def test_unknown_folders_are_listed_with_counts_and_the_mending_lines(fill, open_study):
    paths = [
        "Train/camera photos/1.png",
        "Train/swapped/a/1.png",
        "Train/swapped/b/2.png",
        "Test/swapped/3.png",
    ]
    study = open_study(fill(paths))
    with pytest.raises(StudyError) as caught:
        read_folders(study, paths)
    assert "swapped: 3 images" in caught.value.message
    assert "camera photos: 1 image" in caught.value.message
    mended = two_lines(caught.value)
    assert mended == {"data": {"aliases": {"real": [], "fake": []}}}
    assert 'each of "camera photos", "swapped"' in caught.value.hint
    mended["data"]["aliases"] = {"real": ["camera photos"], "fake": ["swapped"]}
    assert f"DATA={study.pictures}" in caught.value.hint and "my.yaml" in caught.value.hint
    table = read_folders(open_study(study.pictures, **mended["data"]), paths)
    assert table["label"].tolist() == [0, 1, 1, 1]
    assert table["method"].tolist() == ["real", "swapped", "swapped", "swapped"]


@pytest.mark.parametrize("before", ["", "data:\n  test_fraction: 0.25\n"])
def test_the_two_lines_mend_the_study_file_they_are_written_into(fill, tmp_path, before):
    root = fill([f"{folder}/{at}.png" for folder in ("camera photos", "swapped") for at in range(3)])
    file = tmp_path / "mine.yaml"
    file.write_text(f"name: mine\ntitle: My faces\n{before}")
    opened = {"data": str(root), "out": str(tmp_path / "results")}
    with pytest.raises(StudyError, match="camera photos: 3 images\n  swapped: 3 images") as caught:
        index_study(load_study(str(file), **opened), progress=False)
    first, second = re.search(r"\n\n(data:\n.*)\n\n", caught.value.hint).group(1).splitlines()
    second = second.replace("[]", '["camera photos"]', 1).replace("[]", '["swapped"]')
    assert f"STUDY={file} DATA={root}" in caught.value.hint
    text = file.read_text()
    if before:  # the first line stands there; once more, it would take the first one's settings away
        file.write_text(f"{text}{first}\n{second}\n")
        with pytest.raises(StudyError, match="'data' appears twice"):
            load_study(str(file), **opened)
        file.write_text(text.replace(first, f"{first}\n{second}"))
    else:
        file.write_text(f"{text}{first}\n{second}\n")
    study = load_study(str(file), **opened)
    table = index_study(study, progress=False)
    assert table.groupby("method")["label"].unique().map(list).to_dict() == {"real": [0], "swapped": [1]}
    assert study.data.test_fraction == (0.25 if before else 0.2)


def test_unknown_folders_beside_known_ones_are_named_and_not_their_parent(fill, open_study):
    paths = ["set/real/1.png", "set/webcam/2.png"]
    with pytest.raises(StudyError, match="webcam: 1 image") as caught:
        read_folders(open_study(fill(paths)), paths)
    assert "  set:" not in caught.value.message


def test_a_picture_beside_the_class_folders_is_refused(fill, open_study):
    with pytest.raises(StudyError, match="directly in the folder: 1 image") as caught:
        read_folders(open_study(fill([])), ["loose.png", "real/1.png"])
    assert "folders called real and fake" in caught.value.hint


GUESSES = {
    "RealVisXL": "fake",
    "ffhq": "real",
    "celeba_hq": "real",
    "stylegan2": "fake",
    "DALL-E 3": "fake",
    "FakeVideo-RealAudio": "",
    "RealVideo-RealAudio": "",
    "natural_fakes": "",
    "photorealistic_gan_v2": "",
    "not_original": "",
    "unrealistic": "",
}


def test_a_label_is_offered_for_whole_known_names_only(fill, open_study):
    paths = [f"{name}/{at}.png" for name in GUESSES for at in range(2)]
    with pytest.raises(StudyError) as caught:
        read_folders(open_study(fill(paths)), paths)
    offered = two_lines(caught.value)["data"]["aliases"]
    assert set(offered["real"]) == {name for name, side in GUESSES.items() if side == "real"}
    assert set(offered["fake"]) == {name for name, side in GUESSES.items() if side == "fake"}
    assert all(f'"{name}"' in caught.value.hint for name in GUESSES)


def test_missing_labels_of_dfdc_are_named(read):
    videos = ["aaqaifqrwn", "bbxyzfqrwn", "cccccccccc"]
    for folder in ("dfdc_train_part_0/", ""):
        with pytest.raises(StudyError, match=r"no metadata\.json lies there"):
            read([f"{folder}{video}/{at}.png" for video in videos for at in range(2)], root=folder or "bare")


def test_an_unlabelled_part_is_named_where_it_lies_and_can_be_left_out(fill, open_study):
    root = fill([f"train/{label}/{at}.png" for label in ("real", "fake") for at in range(3)] + ["test/1.png"])
    with pytest.raises(StudyError, match="directly in test: 1 image") as caught:
        index_study(open_study(root), progress=False)
    mended = two_lines(caught.value)
    assert mended == {"data": {"exclude": ["test"]}}
    table = index_study(open_study(root, **mended["data"]), progress=False).set_index("path")
    assert table["error"].to_dict() == dict.fromkeys(table.index, "") | {
        "test/1.png": "left out by data.exclude"
    }
