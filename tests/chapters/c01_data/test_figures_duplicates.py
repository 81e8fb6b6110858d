"""Chapter 01's account of duplicates: every kind is counted, and no image that judges is shown."""

from __future__ import annotations

import dataclasses

import matplotlib.pyplot as plt
import numpy as np
import pytest
from bs4 import BeautifulSoup
from PIL import Image

from dfstudy.chapters.c01_data import figures_duplicates as figures
from dfstudy.chapters.c01_data.chapter import CHAPTER
from dfstudy.data.index import index_study
from dfstudy.data.split import split_study
from dfstudy.study.study import load_study


def portrait(seed: int) -> Image.Image:
    """Rich enough for a perceptual hash, which a little noise leaves as it is."""
    pixels = np.random.default_rng(seed).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize((53, 61), Image.Resampling.BICUBIC)


def noisy(picture: Image.Image) -> Image.Image:
    pixels = np.asarray(picture).astype(int) + np.random.default_rng(0).integers(-2, 3, (61, 53, 3))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Thirty images a class; two copies, three images under both labels, eight near pairs of both."""
    folder = tmp_path_factory.mktemp("faces")
    for name, offset in (("real", 0), ("fake", 100)):
        (folder / name).mkdir()
        for at in range(30):
            portrait(offset + at).save(folder / name / f"{at:02d}.png")
    for at in range(2):
        portrait(at).save(folder / "real" / f"copy{at}.bmp")
    for at in range(3):
        portrait(10 + at).save(folder / "fake" / f"both{at}.png")
    for at in range(8):
        noisy(portrait(20 + at)).save(folder / "fake" / f"near{at}.png")
    return load_study("small", data=str(folder), out=str(tmp_path_factory.mktemp("results")))


@pytest.fixture(scope="module")
def split(study):
    return split_study(study, index_study(study, progress=False))


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def test_every_kind_is_counted_and_the_promised_numbers_are_there(split):
    table = figures.duplicate_table(split)
    assert table["pairs"].tolist() == [2, 3, 0, 8] and "between given splits" not in table
    numbers = {number.id: number for number in figures.duplicate_numbers(split)}
    promised = {name for name in CHAPTER.numbers if name.startswith("duplicates.")}
    assert promised and promised <= set(numbers)
    values = {name.partition(".")[2]: number.value for name, number in numbers.items()}
    assert (values["copies"], values["both_labels"], values["near"], values["near_labels"]) == (2, 3, 8, 8)
    assert numbers["duplicates.near"].n == 73
    assert "between given splits" in figures.duplicate_table(
        dataclasses.replace(split, given=("train", "test"))
    )


def test_no_validation_or_test_picture_is_shown(split, monkeypatch):
    seen = []
    original = figures.read_picture
    monkeypatch.setattr(figures, "read_picture", lambda path: (seen.append(path), original(path))[1])
    pairs = figures.pairs_to_show(split)
    figure = figures.draw_pairs(split, pairs)
    names = {path.relative_to(split.root).as_posix() for path in seen}
    judging = set(split.rows.loc[split.rows["split"] != "train", "path"])
    assert len(names) == 2 * len(pairs) and not names & judging
    assert 3 < len(pairs) < 11, "some near pairs judge, and some do not"
    titles = [axis.get_title("left") or axis.get_title() for axis in figure.axes]
    assert titles[:3] == ["real and fake: equal"] * 3 and "bits apart" in titles[3]


def test_the_cell_shows_the_sheet_or_says_why_there_is_none(split, study):
    soup = BeautifulSoup(figures.show_duplicates(split, study).data, "html.parser")
    assert soup.find("figure", id=figures.SHEET) and soup.find("table")
    assert "of 11, exact copies first" in soup.figcaption.get_text()
    assert (study.out / "figures" / f"{figures.SHEET}.jpg").is_file()
    hidden = dataclasses.replace(split, rows=split.rows.assign(split="test"), set_aside=split.set_aside[:0])
    near = split.duplicates[split.duplicates["kind"] == "near"]
    soup = figures.show_duplicates(dataclasses.replace(hidden, duplicates=near), study).data
    assert "lie in validation or test" in soup and "<figure" not in soup
    clean = figures.show_duplicates(dataclasses.replace(split, duplicates=split.duplicates[:0]), study).data
    assert "No image, and no near-duplicate" in clean and "No group grew" in clean
