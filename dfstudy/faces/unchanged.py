"""Crops of a fake that show what its original shows: of two people in a video often one alone is forged.

Takes a crop of a fake and the one at the same place of the same frame of its original; says whether they
differ by more than compression. A forgery moves the brightness or colour of some part of the face, if only of
the mouth: the two are laid over each other in cells, and in a forged crop the mean of at least one cell
differs. Compression changes single pixels, up to several levels, and hardly the mean of a cell; what changes
all pixels strongly, such as a new texture, shows in the mean size of the differences. The limits are meant to
keep a crop in doubt, as a fake. Cost: 1 ms a crop of 256 px, and reading the original's.
"""

from __future__ import annotations

import cv2
import numpy as np

CELLS = 8  # a side: a mouth covers a few
MOVED = 4.0  # grey levels by which a cell's mean must differ
ROUGH = 8.0  # grey levels that the pixels of a cell must differ in mean, whatever the sign


def is_unchanged(fake: np.ndarray, original: np.ndarray) -> bool:
    """Whether a crop shows nothing that its original does not.

    Args:
        fake, original: uint8 [H, W, 3] of the same place and frame; of unlike sizes where theirs differ.
    """
    if fake.shape != original.shape:
        original = cv2.resize(original, fake.shape[1::-1], interpolation=cv2.INTER_AREA)
    difference = fake.astype(np.float32) - original.astype(np.float32)
    moved, rough = _cells(difference), _cells(np.abs(difference))
    return bool(np.abs(moved).max() < MOVED and rough.max() < ROUGH)


def _cells(difference: np.ndarray) -> np.ndarray:
    return cv2.resize(difference, (CELLS, CELLS), interpolation=cv2.INTER_AREA)
