"""A few images that a tiny network can tell apart, and studies that train on them in a second."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from dfstudy.study.study import Study
from dfstudy.system.provenance import digest

COUNTS = {"train": 22, "val": 10, "test": 4}  # no multiple of the batch size 8


@dataclass(frozen=True)
class Parts:
    """What training reads of a split."""

    root: Path
    rows: pd.DataFrame
    fingerprint: str

    def part(self, name: str) -> pd.DataFrame:
        return self.rows[self.rows["split"] == name]


@pytest.fixture(scope="session")
def parts(tmp_path_factory) -> Parts:
    """36 noisy images of 37 x 53; fakes (two fifths) have a faint stripe pattern; groups of two."""
    root = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    rows = []
    for part, count in COUNTS.items():
        for number in range(count):
            label = int(number % 5 in (1, 3))
            picture = random.normal((90, 120, 150), 25, (53, 37, 3))
            picture += 30 * label * (np.arange(37) % 4 < 2)[None, :, None]
            path = f"{part}_{number:02d}.png"
            cv2.imwrite(str(root / path), np.clip(picture, 0, 255).astype(np.uint8))
            row = {"path": path, "label": label, "group": f"{part}{number // 2}", "split": part}
            rows.append(row | {"width": 37, "height": 53})
    table = pd.DataFrame(rows).sort_values("path", ignore_index=True)
    return Parts(root, table, digest(table.to_dict("records")))


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """Nets this small only lose time to threads, above all where tests run side by side."""
    monkeypatch.setattr("dfstudy.model.device.MOST_THREADS", 1)


@pytest.fixture
def make_study(tmp_path):
    """`make_study(folder, **recipe)`: a tiny study with its results under tmp_path/folder."""
    return lambda folder="out", **recipe: tiny_study(tmp_path / folder, **recipe)


@pytest.fixture
def train_with_a_stop(monkeypatch):
    """`train_with_a_stop(study, parts, seed, at)`: interrupted before step `at`, resumed, no step twice."""
    from dfstudy.train import loop
    from dfstudy.train.run import train

    step, taken = loop.Trainer.step, []

    def count(trainer, batch, rate):
        taken.append(None)
        return step(trainer, batch, rate)

    def attempt(study: Study, parts: Parts, seed: int, at: int):
        def stop(trainer, batch, rate):
            if len(taken) == at:
                raise KeyboardInterrupt
            return count(trainer, batch, rate)

        monkeypatch.setattr(loop, "SAVE_SECONDS", 0.0)
        monkeypatch.setattr(loop.Trainer, "step", stop)
        with pytest.raises(KeyboardInterrupt):
            train(study, parts, seed, False)
        monkeypatch.setattr(loop.Trainer, "step", count)
        resumed = train(study, parts, seed, False)
        assert len(taken) == study.training.epochs * -(-COUNTS["train"] // study.training.batch_size)
        return resumed

    return attempt


def tiny_study(
    out: Path, model: dict | None = None, policy: str = "none+horizontal_flip", **training
) -> Study:
    """`test_efficientnet` at 48 px in steps of 8 images; keyword arguments change the recipe."""
    recipe = {"epochs": 3, "batch_size": 8, "workers": 0, "learning_rate": 0.003}
    settings = {
        "name": "tiny",
        "title": "A tiny study",
        "model": {
            "backbone": "test_efficientnet",
            "size": 48,
            "options": {"drop_rate": 0.2},
            **(model or {}),
        },
        "augment": {"policy": policy},
        "training": {**recipe, **training},
    }
    return Study.model_validate(settings).model_copy(update={"out": out})
