"""What validation can promise of other images: bounds for a share that take its own sampling into account.

Takes whether each image goes wrong ([n], 0 or 1) and the group of each; gives the number of independent
images that they are worth, and whether a share of so many errors promises a rate. A promise holds with a
confidence of `CONFIDENCE` for images like those of validation: the exact binomial bound (Clopper and Pearson
1934), with an effective number of images where those of a group are related (Korn and Graubard 1998, Survey
Methodology 24:193). Deterministic. Cost: one pass.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc
from scipy.stats import t as student

if TYPE_CHECKING:
    from dfstudy.stats.weighted import Floats

CONFIDENCE = 0.95  # one-sided, that the true rate is at most the promised one


def promises(errors: ArrayLike, images: ArrayLike, rate: float) -> NDArray[np.bool_]:
    """Whether so many errors among so many independent images promise at most this rate; elementwise.

    Both counts may be fractions, as effective numbers are. No image promises nothing.

    >>> [bool(promises(0, images, 0.05)) for images in (58, 59)]
    [False, True]
    """
    wrong, many = np.broadcast_arrays(np.asarray(errors, float), np.asarray(images, float))
    right = np.maximum(many - wrong, 0)
    # betainc is not defined for a second parameter of 0: where all are wrong nothing is promised
    certain = betainc(wrong + 1, np.where(right > 0, right, 1), rate) >= CONFIDENCE * (1 - 1e-12)
    promised: NDArray[np.bool_] = certain & (right > 0)
    return promised


def least_images(rate: float) -> int:
    """Independent images without an error that it takes to promise this rate, 0..1 exclusive.

    >>> [least_images(rate) for rate in (0.01, 0.05, 0.1)]
    [299, 59, 29]
    """
    return math.ceil(math.log(1 - CONFIDENCE) / math.log(1 - rate) - 1e-9)


def design_effect(marks: ArrayLike, groups: ArrayLike) -> float:
    """How many images of these groups it takes for one independent image, at least 1.

    Variance of a share between groups over that of independent images, for each row of marks; the largest row
    counts, so that one in which groups look independent by chance does not decide. With few groups it is
    raised by the squared ratio of Student's quantiles (Korn and Graubard 1998). It is at most what groups of
    copies would give, which is also taken where no row varies. Infinity with a single group of several
    images.

    Args:
        marks: [n] or [rows, n] of 0 and 1.
        groups: [n].
    """
    rows = np.atleast_2d(np.asarray(marks, float))
    codes = np.unique(np.asarray(groups), return_inverse=True)[1]
    sizes = np.bincount(codes) if len(codes) else np.zeros(0)
    if len(codes) and sizes.max() == 1:
        return 1.0
    if len(sizes) < 2:
        return math.inf
    few = float(student.ppf(0.975, len(sizes) - 1) / student.ppf(0.975, len(codes) - 1)) ** 2
    copies = float((sizes.astype(float) ** 2).sum() / len(codes))
    rows = rows[(rows.min(axis=1) < 1) & (rows.max(axis=1) > 0)]
    if not len(rows):
        return max(1.0, few * copies)
    found = max(_between(row, codes) for row in rows)
    return float(max(1.0, few * min(found, copies)))


def _between(marks: Floats, codes: NDArray[np.int64]) -> float:
    share = float(marks.mean())
    sums = np.bincount(codes, weights=marks - share)
    return len(sums) / (len(sums) - 1) * float((sums**2).sum()) / (len(marks) * share * (1 - share))
