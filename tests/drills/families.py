"""The rendered sample explained: each forgery family from crude to subtle, with its mask.

    python tests/drills/families.py docs/sample.jpg

Takes the seed of the people to show; gives a matplotlib figure, which the command saves. The images are
rendered here, by the sample's own code, before the camera: what a method did is seen without noise and
compression.
Cost: 3 seconds.
"""

from __future__ import annotations

import sys

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from dfstudy.portraits.forgery import METHODS, Method
from dfstudy.portraits.person import draw_person, draw_shot
from dfstudy.portraits.photograph import sit, take
from dfstudy.present.style import WIDTH

DIFFICULTIES = (0.0, 0.6, 0.9)
_SIZE = 128


def draw_families(seed: int = 0) -> Figure:
    """A row a family: the photograph, the same forgery at three difficulties, and its mask."""
    titles = ["photograph", *(f"difficulty {difficulty:g}" for difficulty in DIFFICULTIES), "mask"]
    figure, axes = plt.subplots(
        len(METHODS), len(titles), squeeze=False, figsize=(WIDTH, 0.2 + WIDTH / len(titles) * len(METHODS))
    )
    for row, (place, method) in zip(axes, enumerate(METHODS.values()), strict=True):
        pictures = _forge_at_all(method, seed + place)
        for axis, picture in zip(row, pictures, strict=True):
            axis.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="lanczos")
            axis.grid(visible=False)
            axis.set_axis_off()
        row[-1].set_axis_on()  # a frame: the mask of a whole image is as white as the page
        row[-1].tick_params(left=False, bottom=False, labelleft=False, labelbottom=False)
        row[-1].spines[:].set_visible(True)
        row[0].set_title(method.name.replace("_", " "), fontsize=8)
    for axis, title in zip(axes[0, 1:], titles[1:], strict=True):
        axis.set_title(title, fontsize=8, fontweight="normal")
    return figure


def _forge_at_all(method: Method, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng([seed, 0])
    likeness = sit(draw_person(rng))
    photo = take(likeness, draw_shot(rng), _SIZE)
    fakes = [
        method.forge(likeness, photo, np.random.default_rng([seed, 1]), difficulty)
        for difficulty in DIFFICULTIES
    ]
    source = photo.image if method.has_source else np.ones_like(photo.image)
    return [source, *(fake.image for fake in fakes), fakes[0].mask]


if __name__ == "__main__":
    draw_families().savefig(sys.argv[1], dpi=110)
