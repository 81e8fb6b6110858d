"""One training image looked at closely: its traits beside those of the others, and what looks most like it.

Takes an image by its number or by part of its path; gives HTML for a notebook. Validation and test images are
refused, so that nobody tunes by eye on them. Cost: a second for 100,000 images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import HTML

from dfstudy.data.images import read_picture
from dfstudy.data.layouts.names import CLASS_NAMES
from dfstudy.data.phash import BITS, hash_bits
from dfstudy.data.traits import FAMILIES, read_traits
from dfstudy.errors import StudyError, near_match
from dfstudy.present.style import WIDTH, ShownFigure
from dfstudy.present.tiles import make_tile

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dfstudy.data.split import Split
    from dfstudy.study.study import Study

NEIGHBOURS = 4  # shown beside the image
SIDE = 160  # pixels of a tile
SHOWN = ("file_size", "compression", "geometry", "light", "detail", "border")  # families of traits


def show_image(image: int | str, split: Split, study: Study, others: pd.DataFrame) -> HTML:
    """The image with what is known of it, its nearest by perceptual hash, and its traits.

    Args:
        image: its number among the training images, from 0, negative from the end; or part of one path.
        others: rows whose traits are measured, such as `draw_pictures` gives; those of training count.

    Raises:
        StudyError: there is no such training image, or several.
    """
    train = split.part("train").reset_index(drop=True)
    row = train.iloc[_find(image, train, split)]
    near = _nearest(row, train)
    known = ", ".join(dict.fromkeys([CLASS_NAMES[row["label"]], row["method"], f"group {row['group']}"]))
    shown = ShownFigure(
        _draw(row, near, split),
        f"Training image {row['path']} ({known}; {row['width']} x {row['height']} {row['format']}), and the "
        f"{len(near)} nearest by perceptual hash, in bits of {BITS} that differ.",
        f"The image on the left, beside {len(near)} others.",
        pictures=True,
    )
    table = trait_table(row, split, study, others)
    return HTML(shown.html + table.to_html(index=False, float_format="{:.3g}".format, na_rep=""))


def trait_table(row: pd.Series, split: Split, study: Study, others: pd.DataFrame) -> pd.DataFrame:
    """A row a trait that varies: the image's own value, and how many training images have a lower one.

    Returns:
        Columns trait, value, `of real images lower` and `of fake images lower`: shares of the training images
        of each class, in percent.
    """
    compared = others[others["path"].isin(split.part("train")["path"])]
    traits = read_traits(study, compared, progress=False)
    own = read_traits(study, pd.DataFrame([row]), progress=False).iloc[0]
    labels = compared["label"].to_numpy()
    rows = []
    for family in (FAMILIES[name] for name in SHOWN):
        for name in family.values:
            values = traits[name].to_numpy()
            if not np.isnan(own[name]) and not (values == own[name]).all():
                rows.append((name, own[name], *_shares(values < own[name], labels)))
    columns = ["trait", "value", "of real images lower", "of fake images lower"]
    return pd.DataFrame(rows, columns=columns)


def _shares(lower: np.ndarray, labels: np.ndarray) -> list[str]:
    parts = [lower[labels == label] for label in (0, 1)]
    return [f"{100 * part.mean():.0f} %" if len(part) else "" for part in parts]


def _find(image: int | str, train: pd.DataFrame, split: Split) -> int:
    if isinstance(image, int):
        if not -len(train) <= image < len(train):
            raise StudyError(
                f"there is no training image {image}", f"give a number from 0 to {len(train) - 1:,}"
            )
        return image
    found = np.flatnonzero(train["path"].str.contains(image, regex=False))
    exact = np.flatnonzero(train["path"] == image)
    if len(exact) or len(found) == 1:
        return int((exact if len(exact) else found)[0])
    if len(found):
        first = ", ".join(train["path"].iloc[found[:3]])
        raise StudyError(f"'{image}' is part of {len(found):,} paths", f"give more of one: {first}")
    kept = split.rows.loc[split.rows["path"].str.contains(image, regex=False), "split"]
    if len(kept):
        raise StudyError(
            f"'{image}' is kept for validation or the test",
            "look at training images: others would be used up",
        )
    close = near_match(image, train["path"])
    raise StudyError(f"no training image's path holds '{image}'{close}", "give its number, from 0")


def _nearest(row: pd.Series, train: pd.DataFrame) -> pd.DataFrame:
    """The training images with the fewest differing bits; none where this one is too flat for a hash."""
    others = train[(train["phash"] != "") & (train["path"] != row["path"])]
    if not row["phash"] or others.empty:
        return others.iloc[:0].assign(bits=0)
    apart = np.bitwise_count(hash_bits(others["phash"]) ^ hash_bits([row["phash"]])).sum(axis=1)
    return others.assign(bits=apart).nsmallest(NEIGHBOURS, "bits", keep="first")


def _draw(row: pd.Series, near: pd.DataFrame, split: Split) -> Figure:
    titles = ["this image"]
    for other in near.itertuples():
        alike = ", same group" if other.group == row["group"] else ""
        titles.append(f"{CLASS_NAMES[other.label]}: {other.bits} bits{alike}")
    paths = [row["path"], *near["path"]]
    columns = 1 + NEIGHBOURS
    figure, axes = plt.subplots(1, columns, figsize=(WIDTH, WIDTH / columns + 0.3), squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, path, title in zip(axes.flat, paths, titles, strict=False):
        axis.imshow(make_tile(read_picture(split.root / path), SIDE))
        axis.set_title(title, fontsize=7, fontweight="normal", pad=2)
    return figure
