"""Fixtures shared by all rooms: real images and weights where this machine has them."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

import dfstudy  # noqa: F401 -- before torch: it sets how idle threads wait

# how long an example takes says something about the machine that tests, and nothing about the code
hypothesis.settings.register_profile("dfstudy", deadline=None)
hypothesis.settings.load_profile("dfstudy")

# a suite that was started in the background ignores Ctrl-C, and what it starts would inherit that
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# and one that nohup started ignores a closed terminal
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

pytest_plugins = [
    "fixtures.checkout",
    "fixtures.deadline",
    "fixtures.folders",
    "fixtures.metrics",
    "fixtures.predictions",
    "fixtures.probed",
    "fixtures.published",
]

# files of whole reports, the longest first: a third of the time in few tests
WHOLE = ("test_whole_report.py", "test_interrupted.py", "test_build.py", "test_execute.py", "test_stale.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole reports last, all others as they were found: what is short has run where minutes are few."""
    items.sort(key=lambda item: WHOLE.index(item.path.name) if item.path.name in WHOLE else -1)


SHARED = Path(__file__).resolve().parents[2] / "shared"


def _shared(kind: str) -> Path:
    folder = SHARED / kind
    if not folder.is_dir():
        pytest.skip(f"no real {kind} beside this checkout (../shared/{kind})")
    return folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real image sets; skips where absent."""
    return _shared("data")


@pytest.fixture(scope="session")
def shared_models() -> Path:
    """Folder of real weights; skips where absent."""
    return _shared("models")


@pytest.fixture
def without_provenance() -> Callable[[str], str]:
    """A page without its provenance block and its date: what two runs of a study share byte by byte."""
    from bs4 import BeautifulSoup

    def strip(page: str) -> str:
        soup = BeautifulSoup(page, "html.parser")
        soup.find("section", id="provenance").decompose()
        for told in soup.find_all(attrs={"data-run": True}):
            told.decompose()
        return str(soup)

    return strip


@pytest.fixture
def make_run() -> Callable[..., Path]:
    """Write a finished run of a tiny network with random weights, its validation scores made up.

    `validation` False leaves them out, as a run from elsewhere may; `seed` draws other weights.
    """

    def make(folder: Path, validation: bool = True, seed: int = 0) -> Path:
        import numpy as np
        import pandas as pd
        import torch

        from dfstudy.model.build import build_model
        from dfstudy.model.checkpoint import save_checkpoint, save_weights
        from dfstudy.model.device import resolve_normalisation
        from dfstudy.study.recipe import Model

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
            logits = random.normal(4 * labels - 2, 1.2)
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


@pytest.fixture(scope="session")
def make_tested() -> Callable[..., dict]:
    """What the trainings of a study's policies say of made-up images: `TestedVariant` by training.

    `gains` gives a policy's strength on top of 1.5 standard deviations, as a number or a function of the
    training; `seed_sd` is what a seed adds to it. Images of a group are alike for all trainings.
    """

    def make(study, gains, groups=60, seed_sd=0.0, unseen=("warp",), noise=0.6, seed=0) -> dict:
        import numpy as np
        import pandas as pd

        from dfstudy.chapters.c05_policies.tested import CONDITIONS, TestedVariant
        from dfstudy.variants.policies import name_variants

        random = np.random.default_rng(seed)
        kinds = ("real", "swap", "warp") if unseen else ("real", "swap")
        rows = [(f"{g:03d}_{kind}.png", kind, f"g{g}") for g in range(groups) for kind in kinds]
        pictures = pd.DataFrame(rows, columns=["path", "method", "group"])
        pictures.insert(1, "label", (pictures["method"] != "real").astype(int))
        shared = np.repeat(random.normal(0, 0.5, groups), len(kinds)) + random.normal(0, 0.7, len(rows))
        seeds = study.training.seeds[: study.policies.seeds]

        def table(gain: float, weaker: float = 1.0):
            fake = pictures["label"] * np.where(pictures["method"] == "warp", 0.5, 1.0)
            logit = shared + weaker * gain * fake - 0.7 + random.normal(0, noise, len(rows))
            return pictures.assign(logit=logit, probability=1 / (1 + np.exp(-logit)))

        def clean(gain: float):
            parts = [table(4.0).assign(part="train"), table(gain).assign(part="val")]
            parts[1]["logit"] += 0.7 - gain / 2  # centred, as training on equal classes leaves it
            told = pd.concat(parts, ignore_index=True)
            return told[~told["method"].isin(unseen)][["part", "path", "label", "group", "logit"]]

        def corrupted(gain: float, policy: str, at: int):
            parts = [table(gain, weaker=0.5).assign(corruption=name, severity=s) for name, s in CONDITIONS]
            return pd.concat(parts, ignore_index=True).assign(policy=policy, seed=at)

        tested = {}
        for trained in name_variants(study):
            gain = gains(trained) if callable(gains) else gains.get(trained.policy, 0.0)
            own = [1.5 + gain + seed_sd * random.normal() for _ in seeds]
            whole = trained.epochs == study.training.epochs and trained.policy in study.policies.names
            tested[trained] = TestedVariant(
                ("swap",),
                [table(each) for each in own],
                [clean(each) for each in own],
                [corrupted(each, trained.policy, at) for at, each in enumerate(own)] if whole else [],
            )
        return tested

    return make
