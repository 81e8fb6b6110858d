"""What reports on other splits of the same images say beside a published one."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
from PIL import Image

from dfstudy.errors import StudyError
from dfstudy.number import Number
from dfstudy.pipeline import other_splits
from dfstudy.pipeline.page.fragments import TEMPLATES
from dfstudy.study.study import load_study

AUC = Number("test.auc", 0.9, "AUC", 40, 0.85, 0.95)
SOLVED = Number("answer.solved", 1, "1", 40, note="yes: it does")


def finished(folder, *numbers):
    (folder / "numbers").mkdir(parents=True)
    (folder / "numbers/04_test.json").write_text(json.dumps([asdict(number) for number in numbers]))
    return folder


@pytest.fixture
def shown(tmp_path):
    (tmp_path / "published").mkdir()
    return tmp_path / "published"


@pytest.mark.parametrize(("word", "agree"), [("yes", "1 of 1"), ("no", "0 of 1")])
def test_another_split_is_compared_and_the_page_says_what_it_agrees_on(tmp_path, shown, word, agree):
    made = finished(tmp_path / "faces", AUC, SOLVED)
    answer = Number(SOLVED.id, int(word == "yes"), "1", 40, note=f"{word}: it does")
    other = finished(tmp_path / "faces+data.split_seed=1", AUC, answer)
    before = f"<main>{other_splits.BEFORE}</main>"
    assert other_splits.tell_on_page(before, shown) == before
    other_splits.compare_splits([made, other], shown, {SOLVED.id: "Is it <solved>?"}, 0.2)
    line = other_splits.tell_on_page(before, shown)
    assert '<a href="other_splits.html">1 other split of the same images</a>' in line
    assert f"20 % of the test images are in both; {agree} verdicts" in line
    assert ("answered otherwise: Is it &lt;solved&gt;? (yes, no)" in line) == (word == "no")
    assert line.index("other_splits") < line.index(other_splits.BEFORE)
    page = (shown / "other_splits.html").read_text()
    assert "reports/faces+data.split_seed=1" in page and str(tmp_path) not in page


def test_settings_and_numbers_of_three_splits_stand_side_by_side(tmp_path, shown):
    made = finished(tmp_path / "faces", AUC, SOLVED)
    seeds = [finished(tmp_path / f"faces+data.split_seed={seed}", AUC, SOLVED) for seed in (10, 2)]
    finished(tmp_path / "faces+data.split_seed=1,training.epochs=9", AUC, SOLVED)  # another recipe
    finished(tmp_path / "faces of others+data.split_seed=3", AUC, SOLVED)
    found = other_splits.find_other_splits(made)
    assert found == {2: seeds[1], 10: seeds[0]} and list(found) == [2, 10]
    other_splits.compare_splits([made, *found.values()], shown, {}, 0.1)
    told = json.loads((shown / "other_splits.json").read_text())
    assert told["reports"] == ["reports/faces", *(f"reports/{folder.name}" for folder in found.values())]
    said = other_splits.tell_splits(shown, "{splits}: {found}")
    assert said.startswith("2 other splits of the same images: 10 % of the test images are in all")


@pytest.mark.parametrize("given", [True, False])
def test_a_test_part_that_the_folder_names_is_the_same_on_every_split(tmp_path, shown, given):
    noise = np.random.default_rng(0)
    for part in ("train", "test") if given else ("",):
        for label in ("real", "fake"):
            folder = tmp_path / "faces" / part / label
            folder.mkdir(parents=True)
            for number in range(30):
                pixels = noise.integers(0, 256, (40, 40, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.png")
    study = load_study(data=str(tmp_path / "faces"), out=str(tmp_path / "out"))
    shared = other_splits.share_tests(study, [1, 2])
    assert (shared == 1) == given
    made = finished(tmp_path / "made", AUC, SOLVED)
    other_splits.compare_splits([made, made], shown, {}, shared)
    said = other_splits.tell_splits(shown, "{found}")
    assert ("training and validation alone were drawn anew" in said) == given


def test_a_page_without_a_place_for_the_line_is_refused(shown):
    assert other_splits.BEFORE in (TEMPLATES / "page.html.j2").read_text("utf-8")
    with pytest.raises(StudyError, match="no place"):
        other_splits.tell_on_page("<main></main>", shown)
