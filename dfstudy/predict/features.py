"""Features of a network that nobody trained here: one row an image, kept by content, mapped and not loaded.

Takes a network with its weights, images with their sha256, and a folder; gives `FrozenFeatures`: float16 in a
.npy file, a row for each content, in the order of the sha256. `<folder>/<extractor>/` is named after all that
shapes a row (weights, stages, size, normalisation, batch, device, versions, code), and a file in it after the
images; another set of images copies the rows that an earlier one has. Refused with `StudyError`: an image
that is not what was indexed, a feature that is no number, a full disk.

Equal inputs give equal bytes, for any number of workers, after an interruption, and beside any neighbours:
images pass in batches of exactly 64, as in `predict`. Rows go to the disk every 512 images, and only then
does `<images>.progress.json` count them, so that a killed extraction goes on from there; memory is that of a
few batches. Images are decoded while the network computes, and none is kept decoded, because each is read
once. Cost: one forward pass an image, then the hash of the file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, NamedTuple

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray
from tqdm import tqdm

from dfstudy.errors import StudyError
from dfstudy.predict.predict import BATCH, NETWORK
from dfstudy.system.kept import read_json, room_in, write_atomic
from dfstudy.system.lock import file_lock
from dfstudy.system.provenance import code_digest, digest, file_digest, versions
from dfstudy.system.threads import count_cores

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

    from dfstudy.data.samples import Batch
    from dfstudy.data.split import Split
    from dfstudy.model.device import DeviceSetup, Normalisation
    from dfstudy.model.pooled import PooledStages
    from dfstudy.study.recipe import Model, Training
    from dfstudy.study.study import Study

# torch is imported where it is used, as in `predict`

CHUNK = 8 * BATCH  # images between two notes of progress
FOLDER = "features"  # in a study's results
FEW = 4  # cores that a network on the processor needs for itself
SHORT = 16  # hexadecimal digits of a name
LARGEST = float(np.finfo(np.float16).max)  # a feature beyond it counts as this

Rows = NDArray[np.float16]


@dataclass(frozen=True)
class FrozenFeatures:
    """Features of images.

    Attributes:
        values: float16 [contents, columns], on the disk; to be read only.
        places: [n] row of each image that was asked for.
        columns: what the columns hold, with how many of each, in their order.
        file: where they lie.
    """

    values: Rows
    places: NDArray[np.int64]
    columns: tuple[tuple[str, int], ...]
    file: Path

    def __len__(self) -> int:
        """Images."""
        return len(self.places)

    @property
    def width(self) -> int:
        """Features of an image."""
        return int(self.values.shape[1])

    def __getitem__(self, which: NDArray[Any] | slice) -> NDArray[np.float32]:
        """float32 [k, columns] of some images, in memory: 4 bytes a number."""
        taken: NDArray[np.float32] = self.values[self.places[which]].astype(np.float32)
        return taken

    def part(self, which: NDArray[Any]) -> FrozenFeatures:
        """Of some images; nothing is read."""
        return replace(self, places=self.places[which])

    def describe(self) -> str:
        """How many numbers of what, and how large the file is."""
        parts = ", ".join(f"{name} ({width:,})" for name, width in self.columns)
        size = self.file.stat().st_size / 1e6
        return (
            f"{self.width:,} features of {len(self.values):,} images, {size:.1f} MB "
            f"({2 * self.width / 1e3:.1f} kB an image): {parts}"
        )


def why_no_features(study: Study) -> str:
    """Why frozen features of the study's network would say nothing; empty where they do."""
    if study.model.weights != "none":
        return ""
    return "no pretrained weights (model.weights is none), so there are no features to probe"


def study_features(study: Study, split: Split, images: pd.DataFrame, progress: bool = True) -> FrozenFeatures:
    """Features of the study's network as its weights came, before any training.

    Args:
        images: rows of the split, in any order.
    """
    folder = study.out / FOLDER
    return find_features(study.model, study.recipe, images, split.root, folder, progress=progress)


def find_features(
    model: Model,
    recipe: Training,
    images: pd.DataFrame,
    root: Path,
    folder: Path,
    *,
    stages: Literal["auto"] | Sequence[int] = "auto",
    workers: int | Literal["auto", "recipe"] = "recipe",
    progress: bool = True,
) -> FrozenFeatures:
    """Features of images, as they are kept, or extracted.

    Args:
        model: network, weights, size and normalisation; what of it would train does not matter.
        recipe: precision and threads.
        images: columns path and sha256.
        root: folder that paths count from.
        folder: where features of any network are kept; made where it is missing.
        stages: as `PooledStages` takes them.
        workers: loader processes; `recipe` is none where the recipe has one thread, or the network has a
            few cores to itself, else `auto`.
        progress: show a bar on stderr.

    Raises:
        StudyError: an image cannot be read or is not what its sha256 says, a feature is no number, the
            network or its weights cannot be had, the disk is full.
    """
    from dfstudy.model.device import find_place

    place = find_place(recipe.model_dump())
    extractor = _Extractor.build(model, place, stages)
    if workers == "recipe":  # one thread leaves the other cores to steps beside it
        few = place.device.type == "cpu" and count_cores() <= FEW
        workers = 0 if few or place.threads == 1 else "auto"
    unique = images.drop_duplicates("sha256").sort_values("sha256", ignore_index=True)
    contents, paths = unique["sha256"].tolist(), [root / path for path in unique["path"]]
    own = folder / extractor.key
    own.mkdir(parents=True, exist_ok=True)
    store = _Store(own, contents, extractor)
    with file_lock(own / ".lock"):  # chapters side by side: one extracts, the others read
        if not store.is_whole():
            store.fill(paths, workers, progress)
    places = np.searchsorted(np.array(contents), images["sha256"].to_numpy(str)).astype(np.int64)
    columns = tuple((each.name, each.width) for each in extractor.pooled.columns)
    return FrozenFeatures(store.open(), places, columns, store.file)


class _Extractor(NamedTuple):
    """A network that gives features, where it computes, and the digest of all that shapes them."""

    pooled: PooledStages
    normalisation: Normalisation
    place: DeviceSetup
    size: int
    told: dict[str, Any]

    @classmethod
    def build(cls, model: Model, place: DeviceSetup, stages: Literal["auto"] | Sequence[int]) -> _Extractor:
        import torch

        from dfstudy.model.build import build_model
        from dfstudy.model.device import resolve_normalisation
        from dfstudy.model.pooled import PooledStages, weights_digest

        with torch.random.fork_rng(devices=[]):  # a new classifier is drawn: nothing after this may notice
            network = build_model(model)
        pooled = PooledStages(network, model.size, stages)
        normalisation = resolve_normalisation(network, model)
        told = {
            "backbone": model.backbone,
            "options": model.options,
            "weights": weights_digest(network),
            "stages": pooled.stages,
            "columns": pooled.columns,
            "size": model.size,
            "normalisation": [normalisation.mean, normalisation.std, normalisation.channels],
            "batch": BATCH,
            "device": place.name,
            "versions": versions(),
            "code": code_digest(*NETWORK, "dfstudy.model.pooled", __name__),
        }
        return cls(pooled, normalisation, place, model.size, json.loads(json.dumps(told)))

    @property
    def key(self) -> str:
        """Name of its folder."""
        return digest(self.told)[:SHORT]

    def rows(
        self, paths: Sequence[Path], workers: int | Literal["auto"], tick: tqdm[Any]
    ) -> Generator[Rows, None, None]:
        """float16 [at most 64, columns] of the images, in their order.

        Raises:
            StudyError: an image cannot be read, or a feature is no number.
        """
        import torch

        from dfstudy.augment.policies import build_policy
        from dfstudy.data.loader import make_loader

        if not paths:
            return
        self.place.settle()
        pooled = self.pooled.to(self.place.device)
        # filled up with copies to whole batches, because rounding may depend on the size of a batch
        filled = [paths[min(at, len(paths) - 1)] for at in range(-(-len(paths) // BATCH) * BATCH)]
        transform = build_policy("none", self.size, train=False)
        loading = make_loader(filled, np.zeros(len(filled)), transform, batch_size=BATCH, workers=workers)
        done = 0
        with loading as loader, torch.inference_mode():
            for found in _one_behind(self._compute(pooled, batch) for batch in loader.epoch(0)):
                part = _as_float16(found.cpu().numpy()[: len(paths) - done], paths[done:])
                done += len(part)
                tick.update(len(part))
                yield part

    def _compute(self, pooled: PooledStages, batch: Batch) -> Tensor:
        with self.place.autocast():
            found: Tensor = pooled(self.normalisation(batch.images_NHWC, self.place.device))
        return found


class _Store:
    """The features of one set of contents on the disk, and what is there of them."""

    def __init__(self, folder: Path, contents: Sequence[str], extractor: _Extractor) -> None:
        self._folder, self._contents, self._extractor = folder, contents, extractor
        self._shape = (len(contents), extractor.pooled.width)
        name = digest(contents)[:SHORT]
        self.file, self._told = folder / f"{name}.npy", folder / f"{name}.json"
        self._partial, self._progress = folder / f"{name}.partial", folder / f"{name}.progress.json"

    def is_whole(self) -> bool:
        """Everything is there, as it was written."""
        return _is_whole(self._told)

    def open(self) -> Rows:
        """float16 [contents, columns], mapped and not read."""
        values: Rows = np.load(self.file, mmap_mode="r")
        return values

    def fill(self, paths: Sequence[Path], workers: int | Literal["auto"], progress: bool) -> None:
        """Extract what is neither there nor known from another set."""
        count, width = self._shape
        known, done = self._known(), self._count_done()
        missing = [at for at in range(done, count) if self._contents[at] not in known]
        bar = tqdm(total=len(missing), desc="features", unit="image", disable=not progress, leave=False)
        computing = closing(self._extractor.rows([paths[at] for at in missing], workers, bar))
        with bar, room_in(self._partial), computing as computed, self._continue(done) as stream:
            rows = (row for part in computed for row in part)
            for start in range(done, count, CHUNK):
                here = range(start, min(start + CHUNK, count))
                block = np.empty((len(here), width), np.float16)
                for at, row in zip(here, block, strict=True):
                    row[:] = known[self._contents[at]] if self._contents[at] in known else next(rows)
                self._refuse_changed(paths, [at for at in here if self._contents[at] not in known])
                stream.write(block.tobytes())
                stream.flush()
                os.fsync(stream.fileno())
                self._note(self._progress, {"rows": here.stop})
        told = {"images": list(self._contents), "file": file_digest(self._partial)}
        # before the rows have their name: a kill between the two leaves them to be taken up again
        self._note(self._told, told | {"extractor": self._extractor.told})
        self._partial.replace(self.file)
        self._progress.unlink(missing_ok=True)

    def _continue(self, done: int) -> BinaryIO:
        """The partial file, at the end of the rows that are done."""
        stream = self._partial.open("r+b" if done else "w+b")
        npy.write_array_header_1_0(stream, {"descr": "<f2", "fortran_order": False, "shape": self._shape})
        stream.seek(done * self._shape[1] * 2, os.SEEK_CUR)
        stream.truncate()
        return stream

    def _count_done(self) -> int:
        """Rows of an extraction that was interrupted."""
        done = read_json(self._progress).get("rows", 0)
        rows = done * self._shape[1] * 2
        return done if self._partial.is_file() and self._partial.stat().st_size > rows else 0

    def _known(self) -> dict[str, Rows]:
        """Rows of other sets by content; they stay on the disk until one is asked for."""
        found: dict[str, Rows] = {}
        for told in sorted(self._folder.glob("*.json")):
            if _is_whole(told):
                values = np.load(told.with_suffix(".npy"), mmap_mode="r")
                found.update(zip(read_json(told)["images"], values, strict=True))
        return found

    def _refuse_changed(self, paths: Sequence[Path], rows: Sequence[int]) -> None:
        """Features stand under the content that the index read, so what was decoded has to be that."""
        for at in rows:
            if file_digest(paths[at]) != self._contents[at]:
                raise StudyError(
                    f"{paths[at]}: it changed after it was indexed", "index again: dfstudy index"
                )

    @staticmethod
    def _note(file: Path, value: dict[str, Any]) -> None:
        write_atomic(file, (json.dumps(value, sort_keys=True) + "\n").encode())


def _is_whole(told: Path) -> bool:
    """The file beside a description holds what the description says."""
    try:
        return bool(read_json(told).get("file") == file_digest(told.with_suffix(".npy")))
    except OSError:
        return False


def _one_behind(computed: Iterable[Tensor]) -> Iterator[Tensor]:
    """The same, each after the next has begun: a GPU goes on while what it has computed is fetched."""
    waiting = None
    for each in computed:
        if waiting is not None:
            yield waiting
        waiting = each
    if waiting is not None:
        yield waiting


def _as_float16(found: NDArray[np.float32], paths: Sequence[Path]) -> Rows:
    """Rounded; what is larger than float16 holds becomes its largest.

    Raises:
        StudyError: a feature is no number.
    """
    wrong = ~np.isfinite(found).all(axis=1)
    if wrong.any():
        raise StudyError(
            f"{paths[int(np.argmax(wrong))]}: the network gives a feature that is no finite number",
            "set training.precision: float32, or choose another backbone",
        )
    return found.clip(-LARGEST, LARGEST).astype(np.float16)
