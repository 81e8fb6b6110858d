"""The same images under each named policy, to be looked at beside each other.

Takes images, their labels and the names of policies; gives rows of uint8 images of one size. A policy
that blends fakes shows three rows: the masks, the blended images, and the fakes that the network meets.
Cost: that of the samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from dfstudy.augment.policies import Policy, build_policy
from dfstudy.data.order import sample_key, step_key


@dataclass(frozen=True)
class Row:
    """Samples of one policy.

    Attributes:
        title: the policy's name, and what is shown where that is not the sample itself.
        pictures: uint8 [size, size, 3] each.
        faces_from: what said where the parts of the faces are; empty where nothing asked.
    """

    title: str
    pictures: tuple[np.ndarray, ...]
    faces_from: str = ""


def show_policies(
    names: Sequence[str],
    pictures: Sequence[np.ndarray],
    size: int,
    draws: int,
    seed: int = 0,
    own: Mapping[str, Any] | None = None,
) -> list[Row]:
    """One row a policy, three more where it blends fakes; one that mixes samples mixes those shown.

    Args:
        names: of the policies.
        pictures: real ones, uint8 [H, W, 3].
        size: side of the network's input, pixels.
        draws: samples of each image, of its first epochs.
        seed: of the training whose samples these would be.
        own: the section `augment.policies` of a study.
    """
    cells = [
        (picture, sample_key(seed, epoch, row))
        for row, picture in enumerate(pictures)
        for epoch in range(draws)
    ]
    rows = []
    for name in names:
        policy = build_policy(name, size, own=own)
        shown = tuple(policy(picture, key) for picture, key in cells)
        if policy.mixer:
            shown = tuple(
                policy.mixer.draw(len(shown), step_key(seed, 0, at)).blend(each, shown[at - draws])
                for at, each in enumerate(shown)
            )
        rows.append(Row(name, shown, policy.faces_from))
        if policy.fakes:
            rows += _blended(policy.fakes, cells)
    return rows


def _blended(fakes: Policy, cells: Sequence[tuple[np.ndarray, int]]) -> list[Row]:
    resize = build_policy("none", fakes.size)
    masks, blended, samples = [], [], []
    for picture, key in cells:
        first, *_, last = fakes.steps(picture, key)
        weight = np.rint(255 * first.parameters["mask"]).astype(np.uint8)
        mask = cv2.resize(weight, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        masks.append(resize(cv2.merge([mask] * 3), key))
        blended.append(resize(first.after, key))
        samples.append(last.after)
    kinds = {"mask": masks, "blended": blended, "fake": samples}
    return [Row(f"{fakes.name}: {kind}", tuple(shown), fakes.faces_from) for kind, shown in kinds.items()]
