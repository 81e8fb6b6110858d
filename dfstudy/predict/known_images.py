"""What a detector was trained on, as its own network sees it: images unlike that can be named.

Takes a finished run and its split; keeps `known_images.safetensors` beside the weights: features of training
images, the limit that validation sets, and sizes and formats. A run's key does not know of it. Refused with
`StudyError`: another split than the run's, an image that cannot be read, a damaged file. Cost: a forward pass
of at most 2,000 training and 2,000 validation images once; of an image that is scored, one product with the
features, which the pass that gives its logit leaves behind.

The distance is that to the nearest training image (Sun et al. 2022, Out-of-Distribution Detection with Deep
Nearest Neighbors, arXiv 2204.06507), but not in their place: mean and deviation over the image of each
channel of a late middle stage, each divided by its deviation over the training images. Before the classifier,
where they measure, a network has thrown away what its two classes do not need: there the sample's detector
told 0 to 13 % of real photographs from rendered faces, at a middle stage 76 to 95 % (docs/scoring.md).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from dfstudy.data.subsample import thin_groups
from dfstudy.errors import StudyError
from dfstudy.predict.predict import BATCH
from dfstudy.system.kept import write_atomic

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from torch import Tensor, nn

    from dfstudy.data.split import Split
    from dfstudy.train.run import Run

# torch is imported where it is used, as in `predict`

FILE = "known_images.safetensors"
RATE = 0.01  # share of the validation images that may lie beyond the limit
MOST = 2000  # images of a part
FACTOR = 2  # a shorter side is unlike where it is so many times smaller or larger than any that is known
MARK = "dfstudy"  # of the text in the file's head
REMAKE = "make it anew: move it away, then make report (chapter 04 writes it)"

Rows = NDArray[np.float32]


@dataclass(frozen=True)
class KnownSummary:
    """What is known of the images behind a detector.

    Attributes:
        weights: sha256 of the weights that they belong to.
        stage: module of the network that gives the features; empty where it has none to give.
        channels: of that stage.
        limit: distance beyond which at most `RATE` of the validation images lie; None where these are fewer
            than 99 or there are no features.
        images, validation: how many of the training, and of the validation, were looked at.
        sides: smallest and largest shorter side of training and validation images, pixels.
        formats: of their files, such as `JPEG`.
        rendered: they are the built-in sample, on which no person and no photograph is.
    """

    weights: str
    stage: str
    channels: int
    limit: float | None
    images: int
    validation: int
    sides: tuple[int, int]
    formats: tuple[str, ...]
    rendered: bool


@dataclass(frozen=True)
class KnownImages:
    """The summary; float32 [columns] centre and scale of features; float16 [images, columns] scaled rows."""

    summary: KnownSummary
    centre: Rows
    scale: Rows
    rows: NDArray[np.float16]

    def distances(self, features: Rows) -> NDArray[np.float64]:
        """[n] to the nearest training image, in limits: above 1 an image is unlike; NaN without a limit.

        Args:
            features: float32 [n, columns] of `StageFeatures`.
        """
        if self.summary.limit is None:
            return np.full(len(features), np.nan)
        return _nearest(self.rows, (features - self.centre) / self.scale) / self.summary.limit

    def unlike(self, distance: float, side: int, kind: str) -> str:
        """What of an image is unlike: of `features`, `size` and `format`, with commas; empty where nothing.

        Args:
            distance: as `distances` gives it.
            side: the shorter one, pixels.
            kind: the file's format; empty where none counts.
        """
        least, most = self.summary.sides
        found = {
            "features": distance > 1,
            "size": not least <= side * FACTOR <= most * FACTOR**2,
            "format": bool(kind) and kind not in self.summary.formats,
        }
        return ", ".join(name for name, holds in found.items() if holds)


class StageFeatures:
    """Features of the images that a network computes, taken as it does: mean and deviation of each channel.

    Attributes:
        rows: float32 [N, 2 * channels] of the last batch.
        hook: to be removed where no more are wanted.
    """

    def __init__(self, network: nn.Module, stage: str, channels: int) -> None:
        """Look at a stage of a network; nothing that it gives changes.

        Raises:
            StudyError: the network has no such stage.
        """
        try:
            module = network.get_submodule(stage)
        except AttributeError:
            raise StudyError(f"the network has no stage '{stage}', which {FILE} names", REMAKE) from None
        self.rows: Rows = np.empty((0, 2 * channels), np.float32)
        self._channels = channels
        self.hook = module.register_forward_hook(self._take)

    def _take(self, _module: nn.Module, _inputs: object, found: Tensor) -> None:
        import torch

        axis = 1 if found.ndim == 4 and found.shape[1] == self._channels else found.ndim - 1
        places = [at for at in range(1, found.ndim) if at != axis]
        deviation, mean = torch.std_mean(found.float(), dim=places, correction=0)
        self.rows = torch.cat([mean, deviation], dim=1).cpu().numpy()


def keep_known_images(run: Run, split: Split, rendered: bool) -> Path:
    """Write what a run was trained on beside its weights; returns the file.

    Args:
        rendered: the images are the built-in sample's.
    """
    from safetensors.numpy import save

    from dfstudy.model.checkpoint import load_checkpoint

    told = run.checkpoint
    if told["fingerprint"] != split.fingerprint:
        raise StudyError(
            f"run {run.key} was trained on other images or another split than these",
            "train on these images first: make report",
        )
    network, _ = load_checkpoint(run.folder, own_code=True)
    stage, channels = _choose_stage(network, told["size"])
    parts = [thin_groups(split.part(part), MOST, 0).sort_values("path") for part in ("train", "val")]
    train, val = (_features(network, stage, channels, told, split, rows) for rows in parts)
    centre, spread = train.mean(axis=0), train.std(axis=0)
    scale = np.where(spread > 0, spread, np.float32(1))  # a column that never varied has no scale
    kept = ((train - centre) / scale).astype(np.float16)
    known = split.rows[split.rows["split"].isin(["train", "val"])]
    sides = known[["width", "height"]].min(axis=1)
    summary = KnownSummary(
        weights=told["weights"]["best"],
        stage=stage,
        channels=channels,
        limit=_limit(_nearest(kept, (val - centre) / scale)) if stage else None,
        images=len(train),
        validation=len(val),
        sides=(int(sides.min()), int(sides.max())),
        formats=tuple(sorted(known["format"].unique())),
        rendered=rendered,
    )
    # one entry of metadata: of several, safetensors would write the order that a hash gives
    head = {MARK: json.dumps(asdict(summary), sort_keys=True)}
    file = run.folder / FILE
    write_atomic(file, save({"centre": centre, "scale": scale, "rows": kept}, head))
    return file


def read_known_images(folder: Path, weights: str) -> KnownImages | None:
    """What is kept beside a run's weights; None where nothing is, or it belongs to other weights.

    Raises:
        StudyError: the file is damaged.
    """
    from safetensors import SafetensorError, safe_open

    file = folder / FILE
    if not file.is_file():
        return None
    try:
        with safe_open(file, "np") as kept:
            told: dict[str, Any] = json.loads(kept.metadata()[MARK])
            sides, formats = tuple(told.pop("sides")), tuple(told.pop("formats"))
            summary = KnownSummary(**told, sides=sides, formats=formats)
            known = KnownImages(summary, *(kept.get_tensor(name) for name in ("centre", "scale", "rows")))
        columns = (2 * summary.channels,)
        if not known.centre.shape == known.scale.shape == known.rows.shape[1:] == columns:
            raise ValueError("its features are not of one width")
    except (SafetensorError, ValueError, TypeError, KeyError) as error:
        raise StudyError(f"{file} is damaged: {error}", REMAKE) from None
    return known if summary.weights == weights else None


def _choose_stage(network: nn.Module, size: int) -> tuple[str, int]:
    """Module and channels of the later of the two stages that frozen features take; empty where none is."""
    import torch

    from dfstudy.model.pooled import PooledStages

    timms: Any = network
    try:
        told = list(timms.feature_info)[PooledStages(network, size).stages[-1]]
        stage, channels = str(told["module"]), int(told["num_chs"])
        taken = StageFeatures(network, stage, channels)
    except (StudyError, AttributeError, IndexError):  # such as a network of the user's own
        return "", 0
    try:
        with torch.inference_mode():
            network(torch.zeros(1, 3, size, size))
    except (AttributeError, IndexError):  # the module gives something else than one tensor
        return "", 0
    finally:
        taken.hook.remove()
    # some networks name a module that their own pass does not call
    return (stage, channels) if taken.rows.shape == (1, 2 * channels) else ("", 0)


def _features(
    network: nn.Module, stage: str, channels: int, told: dict[str, Any], split: Split, rows: pd.DataFrame
) -> Rows:
    """float32 [images, 2 * channels], each batch of exactly 64 as a detector has it."""
    import torch

    from dfstudy.augment.policies import build_policy
    from dfstudy.data.loader import make_loader
    from dfstudy.model.device import Normalisation, find_place

    if not stage:
        return np.zeros((len(rows), 0), np.float32)
    place, normalisation = find_place(told["training"]), Normalisation.of(told["normalisation"])
    taken = StageFeatures(network.to(place.device), stage, channels)
    filled = np.minimum(np.arange(-(-len(rows) // BATCH) * BATCH), len(rows) - 1)
    paths = [split.root / path for path in rows["path"].to_numpy()[filled]]
    transform = build_policy("none", told["size"], train=False)
    found = []
    loading = make_loader(paths, np.zeros(len(filled)), transform, batch_size=BATCH, workers=0)
    with loading as loader, torch.inference_mode(), place.autocast():
        for batch in loader.epoch(0):
            network(normalisation(batch.images_NHWC, place.device))
            found.append(taken.rows)
    return np.concatenate(found)[: len(rows)]


def _nearest(kept: NDArray[np.float16], rows: Rows) -> NDArray[np.float64]:
    """[n] distance of each row to the nearest that is kept."""
    nearest: NDArray[np.float64] = cdist(rows, kept.astype(np.float32)).min(axis=1)
    return nearest


def _limit(distances: NDArray[np.float64]) -> float | None:
    """The split-conformal quantile: of other images like validation's at most `RATE` are expected beyond it.

    Reference: Vovk, Gammerman and Shafer 2005; Lei et al. 2018. None where there are too few, or no distance.
    """
    place = int(np.ceil((len(distances) + 1) * (1 - RATE) - 1e-9))
    if place > len(distances):
        return None
    return float(np.sort(distances)[place - 1]) or None
