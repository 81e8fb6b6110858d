"""What happens to images between a camera and a detector: corruptions, each in five severities.

Takes an image as it was decoded, uint8 RGB [H, W, 3], at its own size and before the test's resize, because
that is where codecs, sensors and messengers act: all pixels named below are pixels of the file. Gives uint8
RGB of the same size, except `messenger`, which leaves the image as small as the app does. Chance (noise,
which blocks are hidden) follows from a key alone; severities share the draw, so that a stronger one is the
weaker one and more. Refuses a severity outside 1..5. Cost: 0.1 to 1 ms a 128 px image.

Which corruptions, and that each has five severities, follows Hendrycks and Dietterich 2019 (arXiv
1903.12261) and, for faces, Jiang et al. 2020 (DeeperForensics-1.0, arXiv 2001.03024). Severity 1 lies where
the augmentation of training still reaches (JPEG quality 60 and more, noise up to 7 grey levels). Severity 5
lies about where theirs does: JPEG quality 7, blur of 2.7 % of the side, noise of 97 grey levels, contrast .05
(the former); no saturation, sides shrunk to a sixth (the latter). Hidden blocks go beyond the latter's 8 % of
the area, as far as a hand or a mask hides a face.

`messenger` takes the longer side that apps allow and the JPEG quality that they write from the source code of
two open ones, for a photograph of 4032 px (12 megapixels, 4:3): Signal for Android, PushMediaConstraints at
commit 0f7f8665, levels 3 (high), 2, 1 (standard) and 1 for phones with little memory; Telegram for Android,
AndroidUtilities.getPhotoSize and SendMessagesHelper, its one level before photographs could be sent larger.
That platforms shrink, write anew and strip metadata was measured by Giudice et al. 2017 (arXiv 1610.06347).
Stripping changes no pixel.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from dfstudy.system.provenance import digest

SEVERITIES = (1, 2, 3, 4, 5)
GRID = 16  # blocks along each side
GREY = 128  # level of a hidden block
PHOTOGRAPH = 4032  # pixels, longer side of what a phone sends

Level = Any  # a number, or for `messenger` the pair of longest side and quality
Apply = Callable[[np.ndarray, Level, int], np.ndarray]


@dataclass(frozen=True)
class Corruption:
    """One way in which images suffer.

    Attributes:
        name: as in ids of numbers.
        spoken: as in figures.
        unit: of the levels.
        levels: one a severity, the weakest first.
        ticks: the levels in the unit, short.
        labels: the levels as words of a sentence.
        apply: image uint8 [H, W, 3], level and key -> image.
    """

    name: str
    spoken: str
    unit: str
    levels: tuple[Level, ...]
    ticks: tuple[str, ...]
    labels: tuple[str, ...]
    apply: Apply

    def __call__(self, picture: np.ndarray, severity: int, key: int = 0) -> np.ndarray:
        """The image at severity 1 (weak) to 5; `key` decides what is left to chance."""
        if severity not in SEVERITIES:
            raise ValueError(f"severity {severity} of {self.name}: one of {SEVERITIES}")
        return self.apply(picture, self.levels[severity - 1], key)

    def identity(self, severity: int) -> str:
        """sha256 of all that shapes its images at a severity: level, code, and two images made with it.

        The images betray a changed codec or a change of code that it shares with others, which leave the
        other two as they were; corruptions that are added beside it change nothing.
        """
        made = [hashlib.sha256(self(probe, severity, 1).tobytes()).hexdigest() for probe in _probes()]
        level = self.levels[severity - 1]
        return digest([self.name, severity, level, inspect.getsource(self.apply), made])


def picture_key(seed: int, sha256: str) -> int:
    """64-bit key of an image by its content: the same wherever it lies and whichever others are tested."""
    return int(hashlib.sha256(f"{seed}:{sha256}".encode()).hexdigest()[:16], 16)


def _jpeg(picture: np.ndarray, quality: int, key: int) -> np.ndarray:
    """One round through a JPEG file, colour at half resolution (4:2:0)."""
    return _through_file(picture, ".jpg", cv2.IMWRITE_JPEG_QUALITY, quality)


def _webp(picture: np.ndarray, quality: int, key: int) -> np.ndarray:
    """One round through a lossy WebP file."""
    return _through_file(picture, ".webp", cv2.IMWRITE_WEBP_QUALITY, quality)


def _through_file(picture: np.ndarray, suffix: str, setting: int, quality: int) -> np.ndarray:
    _, file = cv2.imencode(suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), (setting, quality))
    decoded = cv2.imdecode(file, cv2.IMREAD_COLOR_RGB)
    assert decoded is not None, "OpenCV cannot read what it just wrote"
    return decoded


def _blur(picture: np.ndarray, sigma: float, key: int) -> np.ndarray:
    """Gaussian blur, cut off at four standard deviations."""
    side = 2 * round(4 * sigma) + 1
    return cv2.GaussianBlur(picture, (side, side), sigma, borderType=cv2.BORDER_REFLECT_101)


def _noise(picture: np.ndarray, sigma: float, key: int) -> np.ndarray:
    """Independent Gaussian noise on every pixel and channel, rounded and clipped to 0..255."""
    height, width, channels = picture.shape
    # one channel of triple width: with three, a scalar sigma would reach the first one only
    field = np.empty((height, width * channels), np.float32)
    cv2.setRNGSeed(key & 0x7FFFFFFF)
    cv2.randn(field, 0, 1)  # type: ignore[call-overload]  # its types lack plain numbers
    return cv2.add(picture, field.reshape(picture.shape) * np.float32(sigma), dtype=cv2.CV_8U)


def _resize(picture: np.ndarray, factor: float, key: int) -> np.ndarray:
    """Both sides times `factor` by averaging areas, and back to their size by cubic interpolation."""
    size = picture.shape[1::-1]
    return cv2.resize(_shrink(picture, factor), size, interpolation=cv2.INTER_CUBIC)


def _shrink(picture: np.ndarray, factor: float) -> np.ndarray:
    width, height = (max(1, round(side * factor)) for side in picture.shape[1::-1])
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def _saturation(picture: np.ndarray, factor: float, key: int) -> np.ndarray:
    """Each colour's distance from its own grey times `factor`; 0 leaves grey."""
    grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return cv2.addWeighted(picture, factor, grey, 1 - factor, 0)


def _contrast(picture: np.ndarray, factor: float, key: int) -> np.ndarray:
    """Each value's distance from the image's mean grey level times `factor`."""
    mean = cv2.mean(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY))[0]
    return cv2.addWeighted(picture, factor, picture, 0, (1 - factor) * mean)


def _blocks(picture: np.ndarray, share: float, key: int) -> np.ndarray:
    """A share of the area hidden by grey blocks, each a cell of a grid of 16 x 16 laid over the image."""
    hidden = np.zeros(GRID * GRID, bool)
    hidden[np.random.default_rng(key).permutation(hidden.size)[: round(share * hidden.size)]] = True
    rows, columns = (np.arange(side) * GRID // side for side in picture.shape[:2])
    mask = hidden.reshape(GRID, GRID)[rows[:, None], columns]
    return np.where(mask[..., None], np.uint8(GREY), picture)


def _messenger(picture: np.ndarray, limits: tuple[int, int], key: int) -> np.ndarray:
    """Shrunk as the photograph around it, by areas, and written as JPEG (4:2:0)."""
    longest, quality = limits
    factor = min(1.0, longest / PHOTOGRAPH)
    return _jpeg(picture if factor == 1 else _shrink(picture, factor), quality, key)


def _scaled(
    name: str, spoken: str, unit: str, label: str, levels: tuple[float, ...], apply: Apply
) -> Corruption:
    ticks = tuple(f"{100 * level:g} %" if unit == "of the area" else f"{level:g}" for level in levels)
    return Corruption(name, spoken, unit, levels, ticks, tuple(label.format(tick) for tick in ticks), apply)


_APPS = {
    (4096, 75): ("1\nq 75", "Signal, high quality: 1 × side, q 75"),
    (2048, 75): ("0.51\nq 75", "Signal, medium: 0.51 × side, q 75"),
    (1600, 70): ("0.40\nq 70", "Signal, standard: 0.40 × side, q 70"),
    (1280, 80): ("0.32\nq 80", "Telegram: 0.32 × side, q 80"),
    (768, 70): ("0.19\nq 70", "Signal, small phone: 0.19 × side, q 70"),
}

_ALL = (
    _scaled("jpeg", "JPEG", "quality", "quality {}", (80, 60, 40, 20, 10), _jpeg),
    _scaled("webp", "WebP", "quality", "quality {}", (80, 60, 40, 20, 5), _webp),
    Corruption(
        "messenger",
        "messaging app",
        "× side, quality",
        tuple(_APPS),
        tuple(tick for tick, _ in _APPS.values()),
        tuple(label for _, label in _APPS.values()),
        _messenger,
    ),
    _scaled("resize", "shrink, enlarge", "× side", "{} × side", (0.75, 0.5, 0.35, 0.25, 0.15), _resize),
    _scaled("blur", "blur", "σ, pixels", "σ {} px", (0.5, 1, 2, 3, 4), _blur),
    _scaled("noise", "noise", "σ, grey levels", "σ {} levels", (5, 10, 20, 40, 80), _noise),
    _scaled("blocks", "hidden blocks", "of the area", "{} of the area", (0.05, 0.1, 0.2, 0.3, 0.5), _blocks),
    _scaled("contrast", "contrast", "× contrast", "{} × contrast", (0.8, 0.6, 0.4, 0.2, 0.1), _contrast),
    _scaled(
        "saturation", "saturation", "× saturation", "{} × saturation", (0.8, 0.6, 0.4, 0.2, 0), _saturation
    ),
)

# In the order of the figures: files first, then what cameras do, then colour.
CORRUPTIONS = {corruption.name: corruption for corruption in _ALL}


def _probes() -> list[np.ndarray]:
    """Two images of odd and of even sides with edges, ramps and texture."""
    probes = []
    for height, width in ((53, 37), (64, 96)):
        y, x = np.mgrid[:height, :width]
        waves = [np.sin(x / (2 + channel)) + np.cos(y / (3 + channel)) for channel in range(3)]
        steps = 60.0 * ((x // 9 + y // 7) % 2)
        probes.append((90 + 30 * np.stack(waves, -1) + steps[..., None]).astype(np.uint8))
    return probes
