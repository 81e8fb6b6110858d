"""Predictions of finished runs on corrupted test images, kept one file a run, corruption and severity.

Takes runs and the split that they trained on; gives one table with a row a run, condition and image. Each
file of a run's folder `corrupted/` carries the digest of what shaped it (weights, images, corruption, code
of the network and the loader, versions, device) and is used again only under the same one, so an
interruption loses one condition at most, and a new run or a new corruption adds its own files alone. Refused:
as `predict`. Cost: one corruption for all runs and one forward pass a run, for each image and condition.

More images than the study asks for are thinned by groups, in an order that hashes the groups' names
with the seed: a larger number keeps the groups of a smaller one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.special import expit
from tqdm import tqdm

from dfstudy.data.subsample import thin_groups
from dfstudy.predict.corruptions import CORRUPTIONS, SEVERITIES, picture_key
from dfstudy.predict.predict import BATCH, NETWORK, predict
from dfstudy.system.kept import write_atomic
from dfstudy.system.provenance import code_digest, digest, versions

if TYPE_CHECKING:
    from pathlib import Path

    from dfstudy.data.split import Split
    from dfstudy.model.device import DeviceSetup
    from dfstudy.study.comparisons import Evaluate
    from dfstudy.train.run import Run

CLEAN = "none"  # stands for the corruption of images as they are, at severity 0
MARK = b"dfstudy"  # of the digest in a file's metadata


class Condition(NamedTuple):
    """A corruption by name, and its severity 1..5."""

    corruption: str
    severity: int


CONDITIONS = tuple(Condition(name, severity) for name in CORRUPTIONS for severity in SEVERITIES)


def predict_corrupted(
    runs: Sequence[Run],
    split: Split,
    settings: Evaluate,
    conditions: Sequence[Condition] = CONDITIONS,
    progress: bool = True,
) -> pd.DataFrame:
    """Predictions of each run's best weights on test images as they are and under every condition.

    Args:
        runs: of one policy or of several, all trained on this split.
        settings: how many test images at most (`robustness_pictures`), and the seed.
        progress: show a bar with the time left on stderr.

    Returns:
        Columns policy, seed (of the training), threshold (of the run, from validation), corruption (`none`
        for the image as it is), severity (0 there), then those of `predict` without the logit; sorted by
        path within each run and condition.

    Raises:
        StudyError: a run was trained on another split, its weights changed, or an image changed.
    """
    clean = [predict(run, split, progress=progress) for run in runs]
    rows = choose_pictures(split.part("test"), settings).sort_values("path", ignore_index=True)
    keys = [picture_key(settings.seed, sha256) for sha256 in rows["sha256"]]
    shared = {
        "rows": digest(rows[["path", "sha256"]].to_dict("list")),
        "seed": settings.seed,
        "batch": BATCH,
        "versions": versions(),
        "code": code_digest(*NETWORK),
    }
    asked = [_Asked.of(run, shared) for run in runs]
    missing = {one.run.key: [c for c in conditions if one.read(c) is None] for one in asked}
    works = []
    for size in sorted({one.size for one in asked}):
        alike = [one for one in asked if one.size == size and missing[one.run.key]]
        lacking = [c for c in conditions if any(c in missing[one.run.key] for one in alike)]
        works.append((alike, _Work(split, rows, keys, lacking, size)))
    total = len(rows) * sum(len(work.conditions) for _, work in works)
    with tqdm(
        total=total, desc="corrupted images", unit="image", disable=not (progress and total), leave=False
    ) as bar:
        for alike, work in works:
            if alike:
                _compute(alike, missing, work, bar.update)
    parts = []
    for one, table in zip(asked, clean, strict=True):
        shown = table[table["path"].isin(rows["path"])]
        parts.append(one.describe(shown, CLEAN, 0, shown["probability"].to_numpy()))
        for condition in conditions:
            logits = one.read(condition)
            if logits is None:  # it was written a moment ago
                raise OSError(f"{one.file(condition)} cannot be read back")
            parts.append(one.describe(shown, *condition, expit(logits)))
    return pd.concat(parts, ignore_index=True)


def choose_pictures(rows: pd.DataFrame, settings: Evaluate) -> pd.DataFrame:
    """As many rows as `robustness_pictures` allows, by groups; all of them where it is 0 or enough."""
    if not settings.robustness_pictures:
        return rows
    return thin_groups(rows, settings.robustness_pictures, settings.seed)


@cache
def _identity(condition: Condition) -> str:
    return CORRUPTIONS[condition.corruption].identity(condition.severity)


@dataclass(frozen=True)
class _Asked:
    """One run with what is kept of it."""

    run: Run
    place: DeviceSetup
    shaped_by: dict[str, Any]

    @classmethod
    def of(cls, run: Run, shared: dict[str, Any]) -> _Asked:
        """What shapes the run's files, but for the condition; `shared` is alike for all runs."""
        from dfstudy.model.device import find_place

        told = run.checkpoint
        place = find_place(told["training"])
        own = {key: told[key] for key in ("normalisation", "size", "fingerprint")}
        shaped_by = {**shared, **own, "weights": told["weights"]["best"], "device": place.name}
        return cls(run, place, shaped_by)

    @property
    def size(self) -> int:
        """Side of the network's input, pixels."""
        return int(self.run.checkpoint["size"])

    def file(self, condition: Condition) -> Path:
        """Where the predictions of a condition are kept."""
        return self.run.folder / "corrupted" / f"{condition.corruption}_{condition.severity}.parquet"

    def _digest(self, condition: Condition) -> bytes:
        return digest({**self.shaped_by, "corruption": _identity(condition)}).encode()

    def read(self, condition: Condition) -> np.ndarray | None:
        """Logits float64 by path, or None where none are kept that fit."""
        file = self.file(condition)
        try:
            if (pq.read_schema(file).metadata or {}).get(MARK) != self._digest(condition):
                return None
            logits: np.ndarray = pq.read_table(file, page_checksum_verification=True)["logit"].to_numpy()
            return logits
        except (OSError, KeyError, pa.ArrowInvalid):
            return None

    def keep(self, condition: Condition, paths: pd.Series, logits: np.ndarray) -> None:
        """Write a condition's logits, in one step."""
        table = pa.table({"path": paths.astype(str).tolist(), "logit": logits})
        made = pa.BufferOutputStream()
        pq.write_table(
            table.replace_schema_metadata({MARK: self._digest(condition)}), made, write_page_checksum=True
        )
        file = self.file(condition)
        file.parent.mkdir(exist_ok=True)
        write_atomic(file, made.getvalue().to_pybytes())

    def describe(
        self, clean: pd.DataFrame, corruption: str, severity: int, probability: np.ndarray
    ) -> pd.DataFrame:
        """Rows of the result, for images described by `clean`."""
        told = self.run.checkpoint
        table = clean.drop(columns=["logit"]).assign(probability=probability)
        first = (told["policy"], self.run.seed, told["threshold"], corruption, severity)
        for at, name in enumerate(("policy", "seed", "threshold", "corruption", "severity")):
            table.insert(at, name, first[at])
        return table


class _Work(NamedTuple):
    """Images to corrupt for networks of one input size, and how: conditions that any of them lacks."""

    split: Split
    rows: pd.DataFrame
    keys: list[int]
    conditions: list[Condition]
    size: int


class _Corrupt:
    """The loader's transform: each epoch is a condition, and the resize of the test follows."""

    def __init__(self, conditions: Sequence[Condition], keys: Sequence[int], size: int) -> None:
        from dfstudy.augment.policies import build_policy
        from dfstudy.data.order import sample_key

        self.conditions, self.keys = conditions, keys
        self.resize = build_policy("none", size, train=False)
        # all that a loader tells its transform is a key, which no two samples share
        self.samples = {
            sample_key(0, epoch, row): (epoch, row)
            for epoch in range(len(conditions))
            for row in range(len(keys))
        }

    def __call__(self, picture: np.ndarray, key: int) -> np.ndarray:
        epoch, row = self.samples[key]
        name, severity = self.conditions[epoch]
        return self.resize(CORRUPTIONS[name](picture, severity, self.keys[row]), key)


def _compute(
    asked: Sequence[_Asked],
    missing: dict[str, list[Condition]],
    work: _Work,
    tick: Callable[[int], object],
) -> None:
    """Compute and keep what is missing: condition by condition, each image corrupted once for all runs."""
    from dfstudy.data.loader import make_loader
    from dfstudy.model.checkpoint import load_checkpoint
    from dfstudy.model.device import Normalisation, predict_logits

    networks = []
    for one in asked:
        network, told = load_checkpoint(one.run.folder, own_code=True)
        normalisation = Normalisation.of(told["normalisation"])
        networks.append((network.to(one.place.device), normalisation, one.place))
    # filled up with copies to whole batches, because rounding may depend on the size of a batch
    filled = np.minimum(np.arange(-(-len(work.rows) // BATCH) * BATCH), len(work.rows) - 1)
    loading = make_loader(
        [work.split.root / work.rows["path"][row] for row in filled],
        work.rows["label"].to_numpy()[filled],
        _Corrupt(work.conditions, [work.keys[row] for row in filled], work.size),
        batch_size=BATCH,
        workers="auto",
        sizes=work.rows[["width", "height"]].to_numpy("int64")[filled],
    )
    with loading as loader:
        for epoch, condition in enumerate(work.conditions):
            lacking = [at for at, one in enumerate(asked) if condition in missing[one.run.key]]
            logits = np.empty((len(asked), len(filled)))
            for batch in loader.epoch(epoch):
                rows = batch.rows.numpy()
                alone = batch._replace(rows=batch.rows - batch.rows[0])
                for at in lacking:
                    network, normalisation, place = networks[at]
                    out = predict_logits(network, [alone], len(rows), normalisation, place)
                    logits[at, rows] = out.double().numpy()
                tick(int((rows < len(work.rows)).sum()))
            for at in lacking:
                asked[at].keep(condition, work.rows["path"], logits[at, : len(work.rows)])
