"""What an image shows, in 255 bits that re-encoding, resizing and a little light leave almost as they are.

Takes decoded images; gives their perceptual hashes as text, and texts as bits for the search (`near.py`).
A bit is the sign of one coarse spatial frequency of the grey image (discrete cosine transform, after the
pHash of Zauner, "Implementation and benchmarking of perceptual image hash functions", 2010). The usual 64
bits are too few for faces, whose lowest frequencies are alike: on aligned photographs strangers come within
9 of 63 bits, and a copy a tenth brighter as far as 7; of 255 bits it is 70 and 16. An image that is nearly
flat (black, fogged, a plain ramp) gets no hash, as its signs are noise, or the same for every such image,
and would tie strangers together. A mirrored image has another hash.
Cost: 50 us a 256 px image. The library ImageHash would decode each file a second time, offers no search
for pairs, and its hash is these same few lines.
"""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

BITS = 255  # and one more, always 0, in the place of the mean brightness
_SIDE = 64  # the image as it is compared, pixels; frequencies above are lost to re-encoding first
_COARSE = 16  # frequencies along each side that count: up to 7.5 waves across the image

# A frequency counts as firm from this amplitude on, in grey levels of the orthonormal transform: JPEG at
# quality 75 moves one by 0.7 (root mean square) and one in a thousand by 2.5. With half of the bits firm, two
# flat images whose other bits are noise still differ in more bits than near-duplicates may. The least of
# 1,800 real faces has 150 firm ones.
_FIRM, _ENOUGH = 4.0, 128


def perceptual_hash(pixels: np.ndarray) -> str:
    """Hash one image.

    Args:
        pixels: uint8 [H, W, 3] in RGB, of any size; it is squeezed to a square.
    Returns:
        64 hexadecimal characters, or an empty text where the image is too flat to be told from others.
    """
    grey_HW = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey_HW, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    coarse = cv2.dct(small)[:_COARSE, :_COARSE].ravel()
    coarse[0] = 0
    if np.count_nonzero(np.abs(coarse) >= _FIRM) < _ENOUGH:
        return ""
    return np.packbits(coarse > 0).tobytes().hex()


def hash_bits(hashes: Iterable[str]) -> np.ndarray:
    """Hashes as numbers: uint16 [n, 16], one a row of coarse frequencies; none of them may be empty."""
    packed = np.frombuffer(bytes.fromhex("".join(hashes)), np.uint8)
    return packed.view(np.uint16).reshape(-1, _COARSE)
