"""What a generator leaves in an image: detail from its decoder in the place of the lens's.

Takes a float32 image [size, size, 3] in 0..1, a numpy generator and a difficulty in 0..1; gives the image
as a network would give it back. It is coded at about an eighth of its size and decoded by three transposed
convolutions (zeros between the values, then a kernel of 4 x 4), whose kernels weigh the pixels of a cell
unevenly: grids of about 2, 4 and 8 pixels, and copies of low frequencies at high ones. Fine texture that
the code cannot hold is replaced by decoded noise of the same strength, band by band and place by place:
neither sharpness nor noise as a whole tells the fake, only how its detail is arranged. Edges are given
back. Cost: 3 ms at 128 px.

Sources: Odena et al., "Deconvolution and Checkerboard Artifacts" (2016); Durall et al., "Watch your
Up-Convolution" (CVPR 2020); Frank et al., "Leveraging Frequency Analysis" (ICML 2020); noise a pixel beside
the decoded noise, Karras et al., "StyleGAN" (CVPR 2019).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Generator:
    """How coarse a generator is.

    Attributes:
        uneven: relative spread of the weights of each stage's kernel, from the coarsest grid to the finest;
            0.05 leaves a grid of about three grey levels.
        fine: sRGB; detail within it is taken for texture and invented anew, what stands out further is kept.
    """

    uneven: tuple[float, float, float]
    fine: float


FACE = Generator(uneven=(0.1, 0.07, 0.05), fine=0.1)  # gives back a face, to be laid into an image
PORTRAIT = Generator(uneven=(0.06, 0.03, 0.02), fine=0.04)  # gives a whole image, its outlines intact

_EVEN = np.outer([1, 3, 3, 1], [1, 3, 3, 1]).astype(np.float32) / 16  # bilinear interpolation
_INJECTED = np.float32(0.12)  # noise a pixel, against decoded noise of spread 0.6
_BANDS = (0.7, 1.5, 3.0)  # pixels of blur between the bands in which texture is invented


def decode(
    image: np.ndarray, rng: np.random.Generator, difficulty: float, generator: Generator = FACE
) -> np.ndarray:
    """The image as a generator gives it; at difficulty 1 it is the image itself.

    What is left of the hardest fakes to learn is particular to one image, so that a network which gets all
    of its training images right has memorised some of them.
    """
    trace, side = np.float32(1 - difficulty**3), len(image)
    eighth = round(side / 8 * rng.uniform(0.85, 1.3))  # a generator works at a size of its own
    kernels = [_uneven(rng, spread) for spread in generator.uneven]
    grain, injected = (rng.standard_normal((k * eighth, k * eighth), dtype=np.float32) for k in (4, 8))
    plain = uneven = cv2.resize(image, (eighth, eighth), interpolation=cv2.INTER_AREA)
    for kernel in kernels:
        plain, uneven = up_convolve(plain, _EVEN), up_convolve(uneven, kernel)
    grid, noise = uneven - plain, up_convolve(grain, kernels[-1]) + _INJECTED * injected
    plain, grid, noise = (
        cv2.resize(decoded, (side, side), interpolation=cv2.INTER_CUBIC) for decoded in (plain, grid, noise)
    )
    texture = np.clip(image - plain, -generator.fine, generator.fine)
    return image + trace * grid + _reinvent(texture, noise, trace) - texture


def up_convolve(code: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """A transposed convolution of stride 2: twice the side, each value spread over 4 x 4 pixels."""
    rows, columns = code.shape[:2]
    padded = cv2.copyMakeBorder(code, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    spread = np.zeros((2 * rows + 4, 2 * columns + 4, *code.shape[2:]), np.float32)
    spread[::2, ::2] = padded
    return cv2.filter2D(spread, -1, kernel, anchor=(2, 2))[2:-2, 2:-2]


def _uneven(rng: np.random.Generator, spread: float) -> np.ndarray:
    return _EVEN * (1 + np.float32(spread) * rng.standard_normal((4, 4), dtype=np.float32))


def _reinvent(texture: np.ndarray, noise: np.ndarray, trace: np.float32) -> np.ndarray:
    """Texture of the same strength in every band and place, of which the share `trace` is noise."""
    kept, invented = 1 - trace, np.sqrt(1 - (1 - trace) ** 2)
    result = np.zeros_like(texture)
    for sigma in (*_BANDS, 0):
        low, low_noise = (
            cv2.GaussianBlur(field, (0, 0), sigma) if sigma else 0 for field in (texture, noise)
        )
        band, grain = texture - low, noise - low_noise
        strength = np.sqrt(cv2.GaussianBlur(band * band, (0, 0), len(texture) / 128))
        result += kept * band + invented * strength * (grain / grain.std())[..., None]
        texture, noise = low, low_noise
    return result
