"""Chapter 01's figures, tables and numbers, on a small split whose counts are known."""

from __future__ import annotations

import dataclasses

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from dfstudy.chapters.c01_data import counts
from dfstudy.chapters.c01_data import figures_data as figures
from dfstudy.chapters.c01_data.chapter import CHAPTER
from dfstudy.data.index import index_study
from dfstudy.data.split import split_study
from dfstudy.present.numbers import say
from dfstudy.present.style import save_figure
from dfstudy.study.study import load_study

METHODS = ["real", "fake/swap", "fake/a method with a name that is long"]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for method, count in zip(METHODS, (40, 20, 10), strict=True):
        (folder / method).mkdir(parents=True)
        for at in range(count):
            pixels = rng.integers(0, 256, (53, 37 if at % 2 else 90, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / method / f"{at:02d}.png")
    (folder / "real" / "empty.png").touch()
    return load_study("small", data=str(folder), out=str(tmp_path_factory.mktemp("results")))


@pytest.fixture(scope="module")
def split(study):
    return split_study(study, index_study(study, progress=False))


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def test_counts_are_those_of_the_split(split):
    axes = figures.draw_counts(split).axes
    drawn = np.array([[bar.get_width() for bar in axis.patches] for axis in axes])
    names = ["real", "swap", "a method with a name that is long"]
    expected = pd.crosstab(split.rows["split"], split.rows["method"]).loc[["train", "val", "test"], names]
    assert np.array_equal(drawn, expected)
    assert drawn.sum() == 70
    assert f"test: real {expected.loc['test', 'real']}, swap" in figures.counts_alt(split)


def test_the_table_adds_up(split):
    table = figures.count_table(split)
    assert table.iloc[:, 0].tolist() == ["real", "fake", "fake", "all"]
    assert table["all"].tolist()[-1] == 70 == table["all"].tolist()[0] + sum(table["all"].tolist()[1:3])
    assert (table[["training", "validation", "test"]].sum(axis=1) == table["all"]).all()


def test_sizes_are_shares_of_each_class_and_constants_are_said(split, study):
    width, size = figures.draw_sizes(split).axes
    assert (width.get_xlabel(), size.get_xlabel()) == ("width, pixels", "file size, KiB")
    for axis in (width, size):
        shares = []
        for outline in axis.patches:
            corners = outline.get_xy()  # alternating edge and height, from the left
            shares.append(corners[1:-1:2, 1].sum())
        assert np.allclose(shares, 1)
    shown = figures.show_sizes(split, study).html
    assert "Width and file size by class, n = 70 images" in shown
    assert "The height of every image is 53 pixels." in shown
    assert "width of real images: median 63.5 pixels, from 37 to 90" in shown


def test_where_all_sizes_are_equal_a_sentence_says_so_and_no_figure_is_made(split, study, tmp_path):
    same = dataclasses.replace(split, rows=split.rows.assign(width=64, height=64))
    told = figures.show_sizes(same, study.model_copy(update={"out": tmp_path})).data
    median = next(x for x in counts.data_numbers(same) if x.id == "data.file_size.real")
    assert told.startswith("Every image is 64 x 64 pixels") and f"{median} KiB for real" in told
    assert not list(tmp_path.rglob("*.png")) and figures.SIZES not in CHAPTER.figures


def test_the_strip_shows_training_images_of_different_groups_and_each_method_first(split, monkeypatch):
    seen = []
    original = figures.read_picture
    monkeypatch.setattr(figures, "read_picture", lambda path: (seen.append(path), original(path))[1])
    figure = figures.draw_strip(split)
    rows = figures.choose_strip(split)
    assert [split.root / path for path in rows["path"]] == seen
    assert rows["label"].tolist() == [0] * 4 + [1] * 6 and set(rows["split"]) == {"train"}
    assert rows["method"].tolist()[4:] == ["swap", "a method with a name that is long"] * 3
    assert rows["group"].nunique() == rows["path"].nunique() == 10
    assert [axis.get_xlabel() for axis in figure.axes if axis.get_xlabel()][:6] == ["real"] * 4 + [
        "swap",
        "a\nmethod with…",
    ]
    assert tuple(figure.get_size_inches()) == (7.2, 1.2)
    assert "4 real ones, then 6 fakes by swap, a method" in figures.strip_alt(split)


def test_a_strip_of_few_groups_shows_different_images_of_them(split):
    few = dataclasses.replace(split, rows=split.rows.assign(group="one"))
    rows = figures.choose_strip(few)
    assert len(rows) == rows["path"].nunique() == 10
    small = split.rows.groupby("label").head(3).assign(split="train")
    rows = figures.choose_strip(dataclasses.replace(split, rows=small))
    assert rows["label"].tolist() == [0, 0, 0, 1, 1, 1] and rows["path"].nunique() == 6


def test_faces_come_from_training_pictures_alone_and_are_drawn_the_same_again(split, monkeypatch):
    seen = []
    original = figures.read_picture
    monkeypatch.setattr(figures, "read_picture", lambda path: (seen.append(path), original(path))[1])
    figures.draw_faces(split)
    first = list(seen)
    figures.draw_faces(split)
    assert seen == first * 2
    training = set(split.part("train")["path"])
    shown = [path.relative_to(split.root).as_posix() for path in first]
    assert set(shown) <= training
    assert len(shown) == len(set(shown)) == 8 + 8 + min(8, sum("long" in path for path in training))


def test_figures_have_the_same_bytes_again(split, study):
    for draw in (figures.draw_counts, figures.draw_sizes, figures.draw_faces, figures.draw_strip):
        html = [save_figure(draw(split), study, "once", caption="c", alt="a").html for _ in range(2)]
        assert html[0] == html[1]


def test_every_promised_number_is_there_and_right(split):
    numbers = {number.id: number for number in counts.data_numbers(split)}
    promised = {name for name in CHAPTER.numbers if name.startswith(("data.", "split."))}
    assert len(promised) == 8 and promised <= set(numbers)
    assert [numbers[f"data.{name}"].value for name in ("pictures", "real", "fake", "groups")] == [
        70,
        40,
        30,
        70,
    ]
    assert numbers["data.set_aside"].value == 1 and numbers["data.set_aside"].n == 71
    assert sum(numbers[f"split.{name}"].value for name in ("train", "val", "test")) == 70
    sizes = split.rows.loc[split.rows["label"] == 1, "bytes"]
    assert numbers["data.file_size.fake"].value == pytest.approx(np.median(sizes) / 1024)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("given", [(), ("train", "test"), ("train", "val", "test")])
def test_sentences_fill_in_and_say_whether_identity_is_known(split, known, given):
    other = dataclasses.replace(split, groups_known=known, given=given)
    numbers = counts.data_numbers(other)
    text = say(counts.groups_sentence(other) + counts.split_sentence(other), numbers).data
    assert "{" not in text and "70 images form 70 groups" in text
    assert ("Identity is unknown" in text) == (not known)


def test_groups_that_few_pictures_name_are_not_claimed(split):
    few = dataclasses.replace(split, groups_known=False, groups_named=2)
    text = counts.groups_sentence(few)
    assert text.startswith("**Identity is unknown.** Too few images") and "Nothing" not in text
    [note] = [number.note for number in counts.data_numbers(few) if number.id == "data.groups"]
    assert note == "only 2 of 70 images have a named group: near-duplicates joined only"


def test_many_methods_are_cut_to_the_largest_and_the_caption_says_so(split):
    rows = split.rows.copy()
    fakes = rows.index[rows["label"] == 1]
    rows.loc[fakes, "method"] = [f"m{min(at, 11):02d}" for at in range(len(fakes))]
    other = dataclasses.replace(split, rows=rows)
    assert figures.methods_shown(other) == "real and the 8 largest of 12 forgery methods"
    assert figures.largest_methods(other)[:2] == [(0, "real"), (1, "m11")]
    assert len(figures.draw_counts(other).axes[0].patches) == 9
