"""One prediction an image: a finished run's network applied to its own split, or to another folder.

Takes a run and the split that it trained on; gives a table with one row an image, sorted by path, and
keeps it beside the run. The kept table is used again only where weights, images, versions, device and
code are the same; it is written in one step, and checked against its own digest when read. Refused: a split
other than the one the run trained on (its test images may have been trained on), another folder's images
that were not checked against it, and an image that changed after it was indexed. Cost: decoding and one
forward pass an image; a kept table costs milliseconds.

Equal inputs give equal bytes: images go in order of path through batches of exactly 64 (the last is
filled up with copies), because a network's rounding may depend on the size of its batch.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from scipy.special import expit
from tqdm import tqdm

from dfstudy.data.columns import TABLE
from dfstudy.errors import StudyError
from dfstudy.system.kept import write_atomic
from dfstudy.system.provenance import code_digest, digest, file_digest, versions

if TYPE_CHECKING:
    from pathlib import Path

    from dfstudy.data.external import Elsewhere
    from dfstudy.data.split import Split
    from dfstudy.model.device import DeviceSetup
    from dfstudy.train.run import Run

# torch is imported where it is used: reading numbers passes through this room's door and needs none.

BATCH = 64
# the code between an image on disk and a logit
NETWORK = (
    "dfstudy.model.checkpoint",
    "dfstudy.model.device",
    "dfstudy.data.loader",
    "dfstudy.augment.policies",
)
COLUMNS = ("path", "label", "method", "group", "logit", "probability")
FURTHER = ("video", *TABLE)  # columns where the images name any


def predict(run: Run, split: Split, part: str = "test", progress: bool = True) -> pd.DataFrame:
    """Predictions of a run's best weights.

    Args:
        part: `train`, `val` or `test`; images are only resized and padded, whatever the part.
        progress: show a bar on stderr.

    Returns:
        One row an image, sorted by path: path, label (0 real, 1 fake), method, group, video and pipeline
        (where the images name any), logit (the float32 of the network) and probability of fake, its sigmoid
        in float64 without temperature.

    Raises:
        StudyError: the run was trained on another split, its weights changed, or an image changed.
    """
    if run.checkpoint["fingerprint"] != split.fingerprint:
        raise StudyError(
            f"run {run.key} was trained on other images or another split than the ones to predict",
            "train on these images first: make report",
        )
    return _find_or_predict(run, split.part(part), split.root, part, progress)


def predict_elsewhere(run: Run, other: Elsewhere, progress: bool = True) -> pd.DataFrame:
    """Predictions of a run's best weights for images of another folder, as `predict` gives them.

    Raises:
        StudyError: those images were checked against another split than the run was trained on, so that
            its training images may be among them; its weights changed, or an image changed.
    """
    if run.checkpoint["fingerprint"] != other.checked_against:
        raise StudyError(
            f"run {run.key} was trained on other images than those that {other.name} was checked against",
            "look the folder up for the split that the run was trained on: make report",
        )
    return _find_or_predict(run, other.rows, other.root, f"elsewhere_{other.slug}", progress)


def _find_or_predict(run: Run, rows: pd.DataFrame, root: Path, part: str, progress: bool) -> pd.DataFrame:
    from dfstudy.model.device import find_place

    rows = rows.sort_values("path", ignore_index=True)
    place = find_place(run.checkpoint["training"])
    shaped_by = _describe(run, rows, place)
    kept = _read_kept(run, part, shaped_by)
    if kept is not None:
        return kept
    table = rows[_said(rows)].copy()
    table["logit"] = _logits(run, root, rows, place, progress)
    table["probability"] = expit(table["logit"].to_numpy())
    _keep(run, part, shaped_by, table)
    return table


def _logits(run: Run, root: Path, rows: pd.DataFrame, place: DeviceSetup, progress: bool) -> np.ndarray:
    """float64 [n] of the network's float32 logits."""
    from dfstudy.augment.policies import build_policy
    from dfstudy.data.loader import make_loader
    from dfstudy.model.checkpoint import load_checkpoint
    from dfstudy.model.device import Normalisation, predict_logits

    network, told = load_checkpoint(run.folder, own_code=True)
    network.to(place.device)
    normalisation = Normalisation.of(told["normalisation"])
    filled = np.minimum(np.arange(-(-len(rows) // BATCH) * BATCH), len(rows) - 1)
    paths = [root / rows["path"][row] for row in filled]
    labels = rows["label"].to_numpy()[filled]
    transform = build_policy("none", told["size"], train=False)
    # a run of one thread leaves the other cores to runs beside it
    workers: int | Literal["auto"] = 0 if place.threads == 1 else "auto"
    loading = make_loader(paths, labels, transform, batch_size=BATCH, workers=workers)
    bar = tqdm(total=len(filled), desc=f"predict {run.key}", unit="image", disable=not progress, leave=False)
    with loading as loader, bar:
        logits = predict_logits(network, loader.epoch(0), len(filled), normalisation, place, bar.update)
    return logits[: len(rows)].double().numpy()


def _said(rows: pd.DataFrame) -> list[str]:
    """Columns of the images that the table repeats."""
    further = [name for name in FURTHER if name in rows and (rows[name] != "").any()]
    return ["path", "label", "method", "group", *further]


def _describe(run: Run, rows: pd.DataFrame, place: DeviceSetup) -> dict[str, Any]:
    """Everything that shapes the table."""
    return {
        "weights": run.checkpoint["weights"]["best"],
        "normalisation": run.checkpoint["normalisation"],
        "size": run.checkpoint["size"],
        "rows": digest(rows[["sha256", *_said(rows)]].astype(str).to_dict("list")),
        "batch": BATCH,
        "device": place.name,
        "versions": versions(),
        "code": code_digest(*NETWORK, __name__),
    }


def _keep(run: Run, part: str, shaped_by: dict[str, Any], table: pd.DataFrame) -> None:
    file = run.folder / f"predictions_{part}.csv"
    write_atomic(file, table.to_csv(index=False, lineterminator="\n").encode())
    # last, so that a table without it, or one that it does not fit, is never taken for finished
    told = {**shaped_by, "table": file_digest(file)}
    text = json.dumps(told, indent=1, sort_keys=True) + "\n"
    write_atomic(file.with_suffix(".json"), text.encode())


def _read_kept(run: Run, part: str, shaped_by: dict[str, Any]) -> pd.DataFrame | None:
    file = run.folder / f"predictions_{part}.csv"
    try:
        told = json.loads(file.with_suffix(".json").read_text("utf-8"))
        if told != {**shaped_by, "table": file_digest(file)}:
            return None
    except (OSError, ValueError):
        return None
    # a method may be called `None`, which pandas would take for nothing, and only Python's own `float` reads
    # back every bit in every version of pandas
    words = dict.fromkeys(("path", "method", "group", *FURTHER), str)
    numbers = dict.fromkeys(("logit", "probability"), float)
    return pd.read_csv(file, keep_default_na=False, dtype=words, converters=numbers)
