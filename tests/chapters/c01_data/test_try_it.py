"""One training image closely: the one that was asked for, its nearest, and never one of the test."""

from __future__ import annotations

import cv2
import pytest

from dfstudy.chapters.c01_data.try_it import _nearest, show_image, trait_table
from dfstudy.data.index import index_study
from dfstudy.data.split import split_study
from dfstudy.errors import StudyError


@pytest.fixture
def found(tmp_path, texture, open_study):
    """A study of textures: eight a class and part, the first training fake nearly the first training real."""
    root = tmp_path / "pictures"
    for at, (part, label) in enumerate(
        (part, label) for part in ("train", "val", "test") for label in (0, 1)
    ):
        for number in range(8):
            file = root / part / ("fake" if label else "real") / f"{part}{label}{number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            image = texture(1000 * at + number)
            if (part, label, number) == ("train", 1, 0):
                image = cv2.GaussianBlur(texture(0), (3, 3), 0.5)
            cv2.imwrite(str(file), image)
    study = open_study(root, near_duplicates=0)
    return study, split_study(study, index_study(study, progress=False))


def test_an_image_is_shown_with_its_nearest_and_its_traits(found):
    study, split = found
    shown = show_image("train10", split, study, split.rows).data
    assert "train/fake/train10.png (fake" in shown and "106" in shown and "<img" in shown
    assert "bits of 255" in shown and "of real images lower" in shown
    train = split.part("train").reset_index(drop=True)
    near = _nearest(train[train["path"] == "train/fake/train10.png"].iloc[0], train)
    assert near["path"].iloc[0] == "train/real/train00.png" and near["bits"].iloc[0] < 32
    assert near["bits"].is_monotonic_increasing and len(near) == 4


def test_a_number_counts_training_images_from_either_end(found):
    study, split = found
    train = split.part("train")["path"]
    assert train.iloc[0] in show_image(0, split, study, split.rows).data
    assert train.iloc[-1] in show_image(-1, split, study, split.rows).data
    with pytest.raises(StudyError, match="no training image 16") as told:
        show_image(16, split, study, split.rows)
    assert "0 to 15" in told.value.hint


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("test00", "kept for validation or the test"),
        ("val0", "kept for validation or the test"),
        ("train0", "part of 8 paths"),
        ("nowhere", "no training image's path holds 'nowhere'"),
    ],
)
def test_what_cannot_be_shown_is_said(found, image, words):
    study, split = found
    with pytest.raises(StudyError, match=words):
        show_image(image, split, study, split.rows)


def test_traits_are_compared_with_the_training_images_of_each_class(found):
    study, split = found
    train = split.part("train")
    table = trait_table(train.iloc[0], split, study, split.rows).set_index("trait")
    assert "width" not in table.index  # alike in all of them
    sizes = train["bytes"].to_numpy()
    for label, column in ((0, "of real images lower"), (1, "of fake images lower")):
        share = (sizes[train["label"] == label] < sizes[0]).mean()
        assert table.loc["bytes", column] == f"{100 * share:.0f} %"
    assert table.loc["bytes", "value"] == sizes[0]
