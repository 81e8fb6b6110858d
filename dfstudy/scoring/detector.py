"""A finished run as a detector: images, arrays and videos to calibrated probabilities and verdicts.

    detector = Detector.load("reports/sample")
    detector.score("face.jpg").verdict
    for score in detector.stream(paths): ...

Takes a run's folder, or a study's results; gives one `Score` an item, in the items' order. An image gets
the very logit of `predict`: it passes in a batch of exactly 64, filled up with copies, so that neither its
neighbours nor an interruption change a bit. Memory is that of a few batches, whatever the number of items. In
a stream an item that cannot be scored is a `Score` with its reason. An image unlike the training's is named
so where the run has `known_images.safetensors`, at no further pass. Refused with `StudyError`: a folder that
is no finished run. Cost: decoding and one forward pass an image, five with `check_stability`; of 64 images
where one alone is scored.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dfstudy.chapters.c04_test.video_level import STRATEGIES
from dfstudy.data.prefetch import map_ahead
from dfstudy.errors import StudyError
from dfstudy.faces.settings import FaceSettings
from dfstudy.predict.corruptions import CORRUPTIONS
from dfstudy.predict.known_images import FILE, RATE, StageFeatures, read_known_images
from dfstudy.predict.predict import BATCH
from dfstudy.scoring.inputs import RE_ENCODINGS, Intake, Item, Prepared, is_clip
from dfstudy.scoring.operating_point import Operating, read_operating
from dfstudy.system.provenance import digest, file_digest
from dfstudy.train.find import find_run

if TYPE_CHECKING:
    from torch import nn

    from dfstudy.faces.finder import Finder

AHEAD = 2 * BATCH  # squares that are decoded or being decoded: one batch waits while another is computed
MOST_WAITING = 8 * BATCH  # items that wait for a batch to fill; unreadable ones fill none


@dataclass(frozen=True)
class Score:
    """What a detector says of one item.

    Attributes:
        name: path as it was given, with forward slashes; empty for an array.
        kind: `picture` or `video`.
        probability: of fake, 0..1, calibrated; None where the item could not be scored. Of a video: its
            frames' as one, by the detector's strategy.
        logit: the network's float32 output; None for a video, and where several faces were asked for.
        verdict: `real`, `fake` or `unsure`; empty where the item could not be scored.
        threshold: probability with the best balanced accuracy on validation, within the band `unsure`.
        frames: images behind the score: 1, or a video's usable frames.
        error: why there is no score; empty where there is one.
        unlike: what of the item is unlike the training images: of `features`, `size` and `format`, with
            commas; empty where nothing is, or nothing is known of them.
        distance: from the nearest training image, in limits: above 1 its features are unlike. None where no
            limit is known; of a video its frames' median.
        flips: of its re-encodings, how many got another verdict than the item itself, which then is `unsure`;
            None where stability was not checked.
    """

    name: str
    kind: str
    probability: float | None
    logit: float | None
    verdict: str
    threshold: float
    frames: int
    error: str = ""
    unlike: str = ""
    distance: float | None = None
    flips: int | None = None


@dataclass
class _Waiting:
    """An item whose squares are on their way through the network."""

    prepared: Prepared
    squares: int
    logits: list[float] = field(default_factory=list)
    distances: list[float] = field(default_factory=list)


class Detector:
    """The best weights of one run, with the verdicts that its validation images chose.

    Attributes:
        folder: of the run.
        operating: calibration, threshold, band, and what they mean.
        known: what the training images looked like; None where the run does not say.
        strategy: a key of `dfstudy.chapters.c04_test.video_level.STRATEGIES`.
        key: names everything that a score depends on but the item; equal keys give equal scores on one
            class of device.
    """

    def __init__(
        self,
        folder: Path,
        network: nn.Module,
        told: dict[str, Any],
        finder: Finder | None = None,
        faces: FaceSettings | None = None,
        strategy: str = "mean",
    ) -> None:
        from dfstudy.model.device import Normalisation, find_place

        if strategy not in STRATEGIES:
            raise StudyError(f"no strategy is called '{strategy}'", "choose of " + ", ".join(STRATEGIES))
        faces = faces or FaceSettings()
        self.folder, self.strategy = folder, strategy
        self.operating: Operating = read_operating(folder, told)
        self._intake = Intake(told["size"], finder, faces)
        self._place = find_place(told["training"])
        self._network = network.to(self._place.device)
        self._normalisation = Normalisation.of(told["normalisation"])
        self.known = read_known_images(folder, told["weights"]["best"])
        self._features: StageFeatures | None = None
        if self.known and self.known.summary.stage:
            self._features = StageFeatures(
                self._network, self.known.summary.stage, self.known.summary.channels
            )
        found = [finder.key, faces.model_dump(mode="json"), strategy] if finder else []
        fitted = self.operating.calibration
        point = [fitted.slope, fitted.intercept, *vars(self.operating.band).values()]
        shaped_by = [
            told["weights"]["best"],
            told["size"],
            told["normalisation"],
            list(map(str, point)),
            found,
            *([file_digest(folder / FILE)] if self.known else []),
        ]
        self.key = f"{folder.name}/{digest(shaped_by)[:12]}"

    @classmethod
    def load(
        cls,
        run: str | Path,
        finder: Finder | None = None,
        faces: FaceSettings | None = None,
        strategy: str = "mean",
        own_code: bool = False,
    ) -> Detector:
        """The detector of a run.

        Args:
            run: folder of a run (with checkpoint.json), or a study's results, such as `reports/sample` or
                `sample` for short, from any folder of the checkout: then the run that belongs to them, of
                the lowest seed where there are several.
            finder: crops faces first, such as `FaceFinder.load()`; None takes images as they are and
                refuses videos.
            faces: how they are cropped, and how many frames of a video; as `dfstudy faces` by default.
            strategy: how frames become one score of a video.
            own_code: run the code that a run with a network of its maker's own brings along: like any program
                that you start, it can do whatever you can.

        Raises:
            StudyError: no finished run, more than one, weights that changed, or code that is not to be run.
        """
        from dfstudy.model.checkpoint import load_checkpoint

        folder = find_run(run)
        return cls(folder, *load_checkpoint(folder, own_code=own_code), finder, faces, strategy)

    def check_stability(self) -> Detector:
        """From now on score each image under `RE_ENCODINGS` too, at as many further passes; returns itself.

        Where a re-encoding gets another verdict, the item's is `unsure`; its probability stays.
        """
        if not self._intake.views:
            self._intake.views = RE_ENCODINGS
            self.key += f"-{digest(RE_ENCODINGS)[:12]}"
        return self

    def score(self, item: Item) -> Score:
        """The score of one image (path, or uint8 [H, W, 3] RGB) or video (path).

        Raises:
            StudyError: it cannot be scored.
        """
        (score,) = self.stream([item])
        if score.error:
            what = score.name or "the item"
            raise StudyError(
                f"{what}: {score.error}",
                "give an image with something to judge, or a video with a face finder",
            )
        return score

    def stream(self, items: Iterable[Item]) -> Iterator[Score]:
        """The scores of many items, in their order, as they come; never raises for one bad item."""
        waiting: deque[_Waiting] = deque()
        queue: list[tuple[np.ndarray, _Waiting]] = []
        passes = 1 + len(self._intake.views)
        frames = self._intake.faces.frames
        prepared = map_ahead(
            self._intake,
            items,
            AHEAD,
            weigh=lambda item: passes * (frames if is_clip(item) else 1),
            behind=self._place.device.type == "cpu",
        )
        with closing(prepared):
            for one in prepared:
                entry = _Waiting(one, len(one.squares))
                waiting.append(entry)
                queue += [(square, entry) for square in one.squares]
                one.squares.clear()  # the queue holds them, and lets go of them batch by batch
                while len(queue) >= BATCH:
                    self._compute(queue[:BATCH])
                    del queue[:BATCH]
                if len(waiting) >= MOST_WAITING and queue:
                    self._compute(queue)
                    queue.clear()
                while waiting and len(waiting[0].logits) == waiting[0].squares:
                    yield self._judge(waiting.popleft())
        if queue:
            self._compute(queue)
        yield from map(self._judge, waiting)

    def _compute(self, queue: list[tuple[np.ndarray, _Waiting]]) -> None:
        """Logits of at most 64 squares, in one batch of 64."""
        import torch

        from dfstudy.data.samples import Batch
        from dfstudy.model.device import predict_logits

        filled = [queue[min(at, len(queue) - 1)][0] for at in range(BATCH)]
        rows = torch.arange(BATCH)
        batch = Batch(torch.from_numpy(np.stack(filled)), torch.zeros(BATCH), rows)
        logits = predict_logits(self._network, [batch], BATCH, self._normalisation, self._place)
        for (_, entry), logit in zip(queue, logits.double().tolist(), strict=False):
            entry.logits.append(logit)
        if self.known and self._features:
            distances = self.known.distances(self._features.rows[: len(queue)]).tolist()
            for (_, entry), distance in zip(queue, distances, strict=True):
                entry.distances.append(distance)

    def _judge(self, entry: _Waiting) -> Score:
        name, kind, threshold = entry.prepared.name, entry.prepared.kind, self.operating.threshold
        error = entry.prepared.error
        if not error and not np.isfinite(entry.logits).all():
            error = "the network gave no finite number"
        if error:
            return Score(name, kind, None, None, "", threshold, 0, error)
        passes = 1 + len(self._intake.views)
        # [passes, frames]: the item itself first, then each of its re-encodings
        views = self.operating.calibration(entry.logits).reshape(-1, passes).T
        frames = views.shape[1]
        # one image is no matter of strategy: nothing may move its last bit
        combined = [float(one[0] if frames == 1 else STRATEGIES[self.strategy](one)) for one in views]
        logit = entry.logits[0] if frames == 1 and kind == "picture" else None
        verdict, *others = map(self.operating.verdict, combined)
        flips = sum(other != verdict for other in others) if others else None
        verdict = "unsure" if flips else verdict
        return Score(
            name, kind, combined[0], logit, verdict, threshold, frames, "", *self._know(entry), flips
        )

    def _know(self, entry: _Waiting) -> tuple[str, float | None]:
        """What of an item is unlike the training images, and its distance from them."""
        if self.known is None:
            return "", None
        own = entry.distances[:: 1 + len(self._intake.views)]
        distance = float(np.median(own)) if own else np.nan
        unlike = self.known.unlike(distance, entry.prepared.side, entry.prepared.format)
        return unlike, distance if np.isfinite(distance) else None

    def legend(self) -> list[str]:
        """What is scored by what, and what score and verdict mean; for a reader."""
        video = f"A video's score is the {self.strategy} of its frames'; its verdict uses the images' ends."
        return [
            f"Run {self.folder.name}.",
            *self.operating.legend()[:-1],
            *([video] if self._intake.finder else []),
            *self._describe_checks(),
            self.operating.legend()[-1],
        ]

    def _describe_checks(self) -> list[str]:
        lines = []
        if views := self._intake.views:
            named = "; ".join(
                f"{CORRUPTIONS[name].spoken} {CORRUPTIONS[name].labels[severity - 1]}"
                for name, severity in views
            )
            lines.append(
                f"Stability: {1 + len(views)} forward passes an image, of itself and after {named}. Where "
                "one of them gets another verdict, the verdict is unsure."
            )
        if self.known is None:
            return [*lines, f"Images unlike the training's are not named: {self.folder.name} has no {FILE}."]
        told, (least, most) = self.known.summary, self.known.summary.sides
        features = (
            f"features further from {told.images:,} training images than {1 - RATE:.0%} of "
            f"{told.validation:,} validation images', "
            if told.limit is not None
            else ""
        )
        sides = f"{least}" if least == most else f"{least} to {most}"
        lines.append(
            f"Unlike the training images: {features}shorter side beyond half or twice their {sides} px, or "
            f"another format than {', '.join(told.formats)}."
        )
        if told.rendered:
            lines.append(
                "This detector was trained on rendered faces only: it knows no photograph, and what it says "
                "of one means nothing."
            )
        return lines
