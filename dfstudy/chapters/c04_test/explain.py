"""Where networks look: maps of finished runs on test images, and of random weights beside them.

Takes runs, their predictions and their split; gives `Explained`: a map of the logit of fake for each run
and image (`dfstudy.model.maps`), the forged regions where index.csv names masks, and how far maps of
random weights resemble the trained ones. At most `evaluate.explained_pictures` test images, by groups
in the order of their hashes; images pass in batches of exactly 16, so that no map depends on others. A
network that cannot be explained is said with its reason, and nothing fails; a mask that cannot be read counts
as none. Cost: for each run and image, 1 + `DRAWS` forward and backward passes.

Random weights (Adebayo et al. 2018, arXiv 1810.03292): maps that stayed the same would show the image and
nothing of what was learned. A new network of the same kind is drawn `DRAWS` times a run, as one draw may
resemble anything by chance. It knows no side yet: where nothing speaks for fake, its map is of what speaks
for real.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata
from tqdm import tqdm

from dfstudy.data.images import PictureError, read_picture
from dfstudy.data.subsample import thin_groups
from dfstudy.errors import StudyError
from dfstudy.stats.aligned import Aligned, align

if TYPE_CHECKING:
    from torch import nn

    from dfstudy.data.split import Split
    from dfstudy.model.device import DeviceSetup
    from dfstudy.model.maps import Layer
    from dfstudy.study.comparisons import Evaluate
    from dfstudy.train.run import Run

BATCH = 16  # images whose passes are kept in memory for their gradients
DRAWS = 3  # of random weights, a run
WHOLE = 0.95  # a mask over more of an image than this names no region

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Explained:
    """Maps of some test images, S pixels a side, as the network takes them.

    Attributes:
        test: the images explained, with every seed's probability.
        asked: test images that they were taken from.
        inputs: uint8 [n, S, S, 3] RGB.
        inside: bool [n, S, S], False where an image that is no square was padded.
        maps: float32 [seeds, n, S, S] in 0..1; all 0 where nothing speaks for fake.
        regions: float32 [n, S, S] in 0..1, share of each pixel that was forged; NaN where no region is known.
        resemblance: rank correlation of each map with those of random weights, float32 [seeds, DRAWS, n];
            0 where one of both maps is all 0.
        agreement: rank correlation of two seeds' maps, mean over pairs [n]; NaN with one seed.
        layer: name of the layer explained, and `cells`, a side of its map.
        reason: why nothing is explained; then n is 0. Empty otherwise.
    """

    test: Aligned
    asked: int
    inputs: NDArray[np.uint8]
    inside: NDArray[np.bool_]
    maps: Floats
    regions: Floats
    resemblance: Floats
    agreement: Floats
    layer: str = ""
    cells: int = 0
    reason: str = ""

    @property
    def known(self) -> NDArray[np.bool_]:
        """[n] images whose forged region is known."""
        return ~np.isnan(self.regions).any(axis=(1, 2))


def explain(
    runs: Sequence[Run],
    predictions: Sequence[pd.DataFrame],
    split: Split,
    settings: Evaluate,
    progress: bool = True,
) -> Explained:
    """Maps of each run's best weights.

    Args:
        runs: training seeds of one study.
        predictions: one table of `predict` a run, of the test.
        settings: how many images at most (`explained_pictures`), and the seed.
        progress: show a bar with the time left on stderr.
    Raises:
        StudyError: an image changed after it was indexed.
    """
    from dfstudy.model.device import choose_place

    asked = len(predictions[0])
    chosen = thin_groups(predictions[0], settings.explained_pictures, settings.seed)
    test = align([table[table["path"].isin(chosen["path"])] for table in predictions])
    told = runs[0].checkpoint
    if not settings.explained_pictures:
        return _nothing(test, asked, "evaluate.explained_pictures is 0")
    place = choose_place(told["training"]["precision"])
    try:
        networks = [_Explainer.of(run, place) for run in runs]
    except StudyError as error:
        return _nothing(test, asked, error.message)
    inputs, inside, regions = _read(test, split, told["size"])
    total = len(runs) * (1 + DRAWS) * len(test)
    with tqdm(total=total, desc="maps", unit="map", disable=not progress, leave=False) as bar:
        maps = np.stack([one.maps(inputs, bar.update) for one in networks])
        resemblance = np.stack(
            [
                np.stack(
                    [correlate(own, other) for other in one.random_maps(inputs, settings.seed, bar.update)]
                )
                for one, own in zip(networks, maps, strict=True)
            ]
        )
    pairs = [correlate(a, b) for at, a in enumerate(maps) for b in maps[:at]]
    agreement = np.mean(pairs, axis=0) if pairs else np.full(len(test), np.nan)
    layer = networks[0].layer
    return Explained(
        test, asked, inputs, inside, maps, regions, resemblance, agreement, layer.name, layer.cells
    )


def map_images(run: Run, predictions: pd.DataFrame, split: Split) -> Explained:
    """Maps of one run for a few images, without random weights beside them.

    Args:
        predictions: rows of a table of `predict` by this run.
    Raises:
        StudyError: the network cannot be explained, or an image changed after it was indexed.
    """
    from dfstudy.model.device import choose_place

    test, told = align([predictions]), run.checkpoint
    own = _Explainer.of(run, choose_place(told["training"]["precision"]))
    inputs, inside, regions = _read(test, split, told["size"])
    maps = own.maps(inputs, lambda done: None)[None]
    unknown = np.full(len(test), np.nan, np.float32)
    none = np.empty((1, 0, len(test)), np.float32)
    layer = own.layer
    return Explained(test, len(test), inputs, inside, maps, regions, none, unknown, layer.name, layer.cells)


def correlate(one: Floats, other: Floats) -> Floats:
    """Spearman's rank correlation of maps [n, S, S] and others, image by image [n]; 0 for a flat map."""
    ranks = [rankdata(maps.reshape(len(maps), -1), axis=1) for maps in (one, other)]
    first, second = (each - each.mean(axis=1, keepdims=True) for each in ranks)
    spread = np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))
    together = (first * second).sum(axis=1)
    return np.divide(together, spread, out=np.zeros(len(one)), where=spread > 0)


@dataclass(frozen=True)
class _Explainer:
    """One run's network with the layer that explains it."""

    run: Run
    network: nn.Module
    layer: Layer
    place: DeviceSetup

    @classmethod
    def of(cls, run: Run, place: DeviceSetup) -> _Explainer:
        """Load the network and find its layer."""
        from dfstudy.model.checkpoint import load_checkpoint
        from dfstudy.model.maps import find_layer

        network, told = load_checkpoint(run.folder, own_code=True)
        network.to(place.device)
        return cls(run, network, find_layer(network, told["size"]), place)

    def maps(self, inputs: NDArray[np.uint8], tick: Callable[[int], object]) -> Floats:
        """Of the trained network, float32 [n, S, S]."""
        return self._maps(self.network, inputs, tick)

    def random_maps(
        self, inputs: NDArray[np.uint8], seed: int, tick: Callable[[int], object]
    ) -> Iterator[Floats]:
        """Of networks with weights as they are before any training."""
        import torch

        from dfstudy.model.build import build_model
        from dfstudy.model.checkpoint import describe_model

        settings = describe_model(self.run.folder, self.run.checkpoint, own_code=True)
        for draw in range(DRAWS):
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(
                    int(np.random.SeedSequence([seed, self.run.seed, draw]).generate_state(1)[0])
                )
                network = build_model(settings).eval()
            maps = self._maps(network.to(self.place.device), inputs, tick)
            empty = ~maps.any(axis=(1, 2))
            if empty.any():
                maps[empty] = self._maps(network, inputs[empty], lambda done: None, side=-1)
            yield maps

    def _maps(
        self, network: nn.Module, inputs: NDArray[np.uint8], tick: Callable[[int], object], side: int = 1
    ) -> Floats:
        import torch

        from dfstudy.model.device import Normalisation
        from dfstudy.model.maps import activation_maps

        parts = (tuple(self.run.checkpoint["normalisation"][part]) for part in ("mean", "std"))
        normalisation = Normalisation(*parts)
        made = np.empty(inputs.shape[:3], np.float32)
        for start in range(0, len(inputs), BATCH):
            batch = inputs[start : start + BATCH]
            # filled up with copies, because rounding may depend on the size of a batch
            filled = batch[np.minimum(np.arange(BATCH), len(batch) - 1)]
            pictures = normalisation(torch.from_numpy(filled), self.place.device)
            made[start : start + BATCH] = activation_maps(network, self.layer, pictures, side)[: len(batch)]
            tick(len(batch))
        return made


def _nothing(test: Aligned, asked: int, reason: str) -> Explained:
    """Of no image."""
    none = Aligned(test.pictures.iloc[:0], test.probabilities[:, :0], 0)
    flat = np.empty((0, 1, 1), np.float32)
    return Explained(
        none,
        asked,
        np.empty((0, 1, 1, 3), np.uint8),
        flat > 0,
        np.empty((test.seeds, 0, 1, 1), np.float32),
        flat,
        np.empty((test.seeds, DRAWS, 0)),
        np.empty(0),
        reason=reason,
    )


def _read(test: Aligned, split: Split, size: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_], Floats]:
    """Images, where they are not padding, and their forged regions, all as the network takes them."""
    from dfstudy.augment.policies import build_policy

    resize = build_policy("none", size, train=False)
    masks = split.rows.set_index("path")["mask"]
    inputs = np.empty((len(test), size, size, 3), np.uint8)
    inside = np.empty((len(test), size, size), bool)
    regions = np.full((len(test), size, size), np.nan, np.float32)
    for row, (path, label) in enumerate(zip(test.pictures["path"], test.labels, strict=True)):
        try:
            picture = read_picture(split.root / path)
        except PictureError as error:
            raise StudyError(
                f"{path}: {error.reason}", "it changed after it was indexed: run dfstudy index"
            ) from None
        inputs[row] = resize(picture, 0)
        inside[row] = resize(np.full_like(picture, 255), 0)[..., 0] > 127
        if label and masks[path]:
            mask = _read_mask(split, masks[path], picture.shape)
            if mask is not None:
                region = resize(mask, 0)[..., 0].astype(np.float32) / 255
                share = region[inside[row]].mean()
                regions[row] = region if 0 < share < WHOLE else np.nan
    return inputs, inside, regions


def _read_mask(split: Split, path: str, shape: tuple[int, ...]) -> NDArray[np.uint8] | None:
    """uint8 [H, W, 3] in the shape of its image, or None where it cannot be read."""
    import cv2

    try:
        mask = read_picture(split.root / path)
    except PictureError:
        return None
    return mask if mask.shape == shape else cv2.resize(mask, shape[1::-1], interpolation=cv2.INTER_LINEAR)
