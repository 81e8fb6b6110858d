"""Fixtures shared by all rooms: real pictures and weights where this machine has them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

import dfstudy  # noqa: F401 -- before torch: it sets how idle threads wait

# how long an example takes says something about the machine that tests, and nothing about the code
hypothesis.settings.register_profile("dfstudy", deadline=None)
hypothesis.settings.load_profile("dfstudy")

SHARED = Path(__file__).resolve().parents[2] / "shared"


def _shared(kind: str) -> Path:
    folder = SHARED / kind
    if not folder.is_dir():
        pytest.skip(f"no real {kind} beside this checkout (../shared/{kind})")
    return folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real picture sets; skips where absent."""
    return _shared("data")


@pytest.fixture(scope="session")
def shared_models() -> Path:
    """Folder of real weights; skips where absent."""
    return _shared("models")


@pytest.fixture
def make_run() -> Callable[..., Path]:
    """Write a finished run of a tiny network with random weights, its validation scores made up.

    `validation` False leaves them out, as a run from elsewhere may; `seed` draws other weights.
    """

    def make(folder: Path, validation: bool = True, seed: int = 0) -> Path:
        import numpy as np
        import pandas as pd
        import torch

        from dfstudy.model import build_model, resolve_normalisation, save_checkpoint
        from dfstudy.model.checkpoint import save_weights
        from dfstudy.study import Model

        folder.mkdir(parents=True)
        model = Model(backbone="test_resnet", size=32)
        torch.manual_seed(seed)
        network = build_model(model)
        with torch.no_grad():  # random weights leave all logits close to each other; now they lie around 0
            network.get_classifier().weight.mul_(300)
            network.get_classifier().bias.add_(8)
        save_weights(folder / "best.safetensors", network.state_dict())
        normalisation = resolve_normalisation(network, model)
        description = {
            "model": model.model_dump(mode="json"),
            "normalisation": {"mean": normalisation.mean, "std": normalisation.std},
            "size": 32,
            "policy": "none",
            "fingerprint": "f" * 64,
            "threshold": 0.4,
            "temperature": 1.7,
            "training": {"precision": "float32"},
            "seed": seed,
        }
        if validation:
            random = np.random.default_rng(0)
            labels = np.arange(200) % 2
            rows = {"part": "val", "path": [f"{row}.png" for row in range(200)], "label": labels}
            logits = random.normal(3 * labels - 1.5, 1.2)
            groups = [f"g{row // 4}" for row in range(200)]
            table = pd.DataFrame({**rows, "group": groups, "logit": logits})
            table.to_csv(folder / "clean.csv", index=False)
        save_checkpoint(folder, ("best",), description)
        return folder

    return make


@pytest.fixture
def write_noise() -> Callable[..., list[Path]]:
    """Write noisy PNG files of 37 x 53 pixels and different colours, `00.png` and so on."""

    def write(folder: Path, count: int) -> list[Path]:
        import cv2
        import numpy as np

        folder.mkdir(parents=True, exist_ok=True)
        random = np.random.default_rng(0)
        paths = [folder / f"{number:02d}.png" for number in range(count)]
        for path in paths:
            colour = random.uniform(20, 235, 3)
            cv2.imwrite(str(path), random.normal(colour, 40, (53, 37, 3)).clip(0, 255).astype("uint8"))
        return paths

    return write
