"""Which real images a forgery method is compared with: those that were prepared in the same way.

Takes images with label, method and, where known, `pipeline`: a word for how an image came to its file
(photographed, cropped, resized, compressed). Gives masks of reals. Fakes of one pipeline against reals of
another tell the pipelines apart, not the forgery; so a method stands against the reals of its own pipelines,
and against all reals where some of its fakes name none, or where no real has their pipeline. Cost: one pass.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

PIPELINE = "pipeline"  # column of an index, of the split's rows and of predictions


def own_reals(pictures: pd.DataFrame, methods: Collection[str]) -> np.ndarray:
    """Bool [images]: reals that fakes of these methods are compared with.

    Args:
        pictures: columns label (0 real, 1 fake), method and, where known, pipeline.
    """
    real = (pictures["label"] == 0).to_numpy(bool)
    if PIPELINE not in pictures.columns:
        return real
    chosen = np.zeros(len(pictures), bool)
    for method in methods:
        fakes = pictures.loc[~real & (pictures["method"] == method).to_numpy(bool), PIPELINE]
        own = real & pictures[PIPELINE].isin(set(fakes)).to_numpy(bool)
        chosen |= real if "" in set(fakes) or not own.any() else own
    return chosen
