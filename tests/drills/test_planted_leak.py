"""The drill of the leakage estimate, without trainings: what is planted, and what counts as right."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import planted_leak as drill

PEOPLE = 12


@pytest.fixture
def source(tmp_path):
    """As the sample is: two real and two forged images of each person."""
    random, rows = np.random.default_rng(0), []
    for person in range(PEOPLE):
        for at in range(4):
            path, label = f"{('real', 'fake')[at % 2]}/p{person:02d}_{at}.jpg", at % 2
            (tmp_path / "source" / path).parent.mkdir(parents=True, exist_ok=True)
            coarse = random.integers(0, 255, (6, 6, 3)).astype(np.uint8)
            cv2.imwrite(str(tmp_path / "source" / path), cv2.resize(coarse, (64, 64)))
            rows.append((path, label, ("real", "swap")[label], f"p{person:02d}", ""))
    return tmp_path / "source", pd.DataFrame(rows, columns=[*drill.COLUMNS, "source"])


def test_a_leak_ties_labels_to_scenes_and_a_clean_set_ties_nothing(source, tmp_path):
    folder, table = source
    (tmp_path / "leak").mkdir()
    leak = drill.plant(table, folder, tmp_path / "leak", np.random.default_rng(1))
    assert (leak.groupby("group")["label"].nunique() == 1).all() and leak["label"].mean() == 0.5
    assert (leak.groupby("group").size() == drill.FRAMES).all() and len(leak) == PEOPLE * drill.FRAMES
    pictures = {path: cv2.imread(str(tmp_path / "leak" / path)).astype(float) for path in leak["path"]}
    apart = {
        (one, other): np.abs(pictures[one] - pictures[other]).mean()
        for one, other in (("p00_0.jpg", "p00_1.jpg"), ("p00_0.jpg", "p01_0.jpg"))
    }
    assert 1 < apart["p00_0.jpg", "p00_1.jpg"] < 0.7 * apart["p00_0.jpg", "p01_0.jpg"]
    clean = drill.keep(table, folder, tmp_path / "clean", np.random.default_rng(1))
    assert (clean.groupby("group").size() == drill.FRAMES).all() and len(clean) == 4 * PEOPLE
    people = clean["path"].str.extract(r"(p\d+)")[0]
    assert (people.groupby(clean["group"]).nunique() > 1).mean() > 0.8
    assert clean["label"].equals(table["label"])
    assert all((tmp_path / "clean" / path).is_file() for path in clean["path"])


def test_what_counts_as_right():
    assert drill.is_right("leak", "yes", 0.3) and not drill.is_right("leak", "cannot tell", 0.3)
    assert not drill.is_right("clean", "yes", 0.3)
    assert drill.is_right("clean", "cannot tell", 0.1) and drill.is_right("clean", "cannot tell", None)
    assert drill.is_right("clean", "no", 0.01)  # a gain of any size that matters is excluded, which is true
    assert not drill.is_right("clean", "no", -0.01)  # a loss is found, which is not there
