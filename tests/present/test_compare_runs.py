"""Two runs side by side: what differs in their settings, and a difference that is paired image by image."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from dfstudy.errors import StudyError
from dfstudy.present.compare_runs import UNSET, compare_runs
from dfstudy.stats.metrics import auc
from dfstudy.study.comparisons import Evaluate
from dfstudy.train.run import Run

IMAGES = 120


@pytest.fixture
def make(tmp_path):
    """A finished run whose validation logits lie so far from chance; other keyword arguments describe it."""

    def run(skill: float, seed: int = 0, epochs: int = 3, images=range(IMAGES), **told) -> Run:
        folder = tmp_path / f"seed{seed}-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        random = np.random.default_rng(seed)
        labels = np.arange(IMAGES) % 2
        logits = random.normal(0, 1, IMAGES) + skill * (2 * labels - 1)
        rows = {"part": "val", "path": [f"{at:03d}.png" for at in range(IMAGES)], "label": labels}
        groups = [f"g{at // 3}" for at in range(IMAGES)]
        clean = pd.DataFrame({**rows, "group": groups, "logit": logits}).iloc[list(images)]
        pd.concat([clean, clean.head(4).assign(part="train", path="t.png")]).to_csv(
            folder / "clean.csv", index=False
        )
        names = ("train_loss", "train_auc", "val_loss", "val_auc")
        history = pd.DataFrame({"epoch": range(1, epochs + 1), **dict.fromkeys(names, skill)})
        described = {
            "policy": "none",
            "model": {"backbone": "a", "options": {}},
            "training": {"epochs": epochs},
            "protocol": {},
            "fingerprint": "f" * 64,
            **told,
        }
        return Run(folder.name, seed, folder, history, pd.DataFrame(), described)

    return run


def test_what_differs_is_named_by_its_key_and_nothing_else(make):
    flawed = make(1, seed=1, policy="original", protocol={"raw_pixels": True}, fingerprint="e" * 64)
    found = compare_runs(make(1), flawed).settings
    assert found.set_index("setting").T.to_dict("list") == {
        "augment.policy": ["none", "original"],
        "images and split": ["f" * 12, "e" * 12],
        "protocol.raw_pixels": [UNSET, "True"],
        "seeds": ["0", "1"],
    }
    assert compare_runs(make(1), make(2)).settings.empty


def test_the_difference_is_the_second_minus_the_first_on_the_same_images(make):
    first, second = make(0.2), make(1.5)
    found = compare_runs(first, second)
    better, loss = found.differences
    values = [auc(run.clean["label"][:IMAGES], run.clean["logit"][:IMAGES]) for run in (first, second)]
    assert better.value == pytest.approx(float(np.squeeze(values[1] - values[0])))
    assert (better.n, better.groups) == (IMAGES, IMAGES // 3) and better.low > 0
    assert loss.value < 0 and loss.high < 0 and "smaller is better" in loss.note
    assert "one seed: it covers no other" in better.note
    assert compare_runs(second, first).differences[0].value == pytest.approx(-better.value)


def test_curves_stand_side_by_side_however_long(make):
    table = compare_runs(make(1, epochs=2), make(3, epochs=4)).epochs
    assert table["epoch"].tolist() == [1, 2, 3, 4]
    assert table["val_auc, second"].tolist() == [3.0] * 4
    assert table["val_auc, first"].isna().tolist() == [False, False, True, True]


def test_seeds_are_paired_in_their_order(make):
    ways = [[make(skill, seed=seed) for seed in range(3)] for skill in (0.5, 0.9)]
    found = compare_runs(*ways, Evaluate(replicates=200))
    assert found.seeds == 3 and "and 3 seeds" in found.differences[0].note
    each = [compare_runs(*pair).differences[0].value for pair in zip(*ways, strict=True)]
    assert found.differences[0].value == pytest.approx(np.mean(each))


def test_only_images_that_both_validate_on_and_agree_on_are_compared(make):
    part = make(1, images=range(0, 60))
    assert compare_runs(make(1), part).differences[0].n == 60
    other = make(1, images=range(60, IMAGES))
    none = compare_runs(part, other)
    assert none.differences == [] and "no validation image in common" in none._repr_html_()
    guessed = make(1)
    table = guessed.clean.assign(label=lambda rows: rows["label"].where(rows["path"] != "001.png", 0))
    table.to_csv(guessed.folder / "clean.csv", index=False)
    assert compare_runs(make(1), guessed).differences[0].n == IMAGES - 1


def test_it_shows_three_tables(make):
    shown = compare_runs(make(1), make(2, policy="original"))._repr_html_()
    assert shown.count("<table") == 3 and "augment.policy" in shown and "compare.log_loss" in shown


def test_what_cannot_be_compared_is_said(make, tmp_path):
    one = make(1)
    with pytest.raises(StudyError, match="1 and 2 runs cannot be compared"):
        compare_runs(one, [one, dataclasses.replace(one, seed=1)])
    with pytest.raises(StudyError, match="there is no folder nowhere"):
        compare_runs(one, "nowhere")
    with pytest.raises(StudyError, match="no finished training"):
        compare_runs(str(tmp_path), one)
