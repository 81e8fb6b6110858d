"""Entire face synthesis: a person who was never photographed, given by a generator from edge to edge.

Takes what every method takes (see `forgery`); gives a `Forgery` whose mask is the whole image. Nothing of
the photograph at hand goes into it: person, pose, light and background are drawn anew, as real images are
drawn, so that no content tells it. What tells it is the decoder's detail. Cost: 5 ms, and a rendering.
"""

from __future__ import annotations

import numpy as np

from dfstudy.portraits.blending import Forgery
from dfstudy.portraits.decoder import PORTRAIT, decode
from dfstudy.portraits.person import draw_person, draw_shot
from dfstudy.portraits.photograph import Likeness, Photograph, sit, take


def entire_synthesis(
    likeness: Likeness, target: Photograph, rng: np.random.Generator, difficulty: float
) -> Forgery:
    """A generated portrait of nobody; of the target only the size of the image is used."""
    size = len(target.image)
    imagined = take(sit(draw_person(rng)), draw_shot(rng), size)
    image = np.clip(decode(imagined.image, rng, difficulty, PORTRAIT), 0, 1).astype(np.float32)
    return Forgery(image, np.ones((size, size), np.float32), "decoder")
