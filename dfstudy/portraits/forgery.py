"""Forgery methods by name: each makes a fake of a photograph and says where it changed it.

A method takes the `Likeness` of the person shown, the `Photograph` to forge, a numpy generator and a
difficulty in 0..1 (0 is carelessly made, 1 is hard to tell); it gives a `Forgery`: the image, the mask and
the variant taken. Methods work before the camera: blur, noise and compression come after.

The families follow the taxonomy of ForgeryNet (He et al., CVPR 2021): identity-replaced (face swap, stacked
manipulation, entire face synthesis) and identity-remained approaches (reenactment, face editing).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dfstudy.portraits.editing import face_editing
from dfstudy.portraits.reenactment import reenactment
from dfstudy.portraits.stacked import stacked
from dfstudy.portraits.swap import face_swap
from dfstudy.portraits.synthesis import entire_synthesis

if TYPE_CHECKING:
    from dfstudy.portraits.blending import Forgery
    from dfstudy.portraits.photograph import Likeness, Photograph


@dataclass(frozen=True)
class Method:
    """A way of forging.

    Attributes:
        name: in tables and folders.
        family: in ForgeryNet's taxonomy.
        forge: the function.
        has_source: whether the fake is made of the photograph; else it has no source.
    """

    name: str
    family: str
    forge: Callable[[Likeness, Photograph, np.random.Generator, float], Forgery]
    has_source: bool = True


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("face_swap", "identity replaced: face swap", face_swap),
        Method("reenactment", "identity remained: face reenactment", reenactment),
        Method("face_editing", "identity remained: face editing", face_editing),
        Method("entire_synthesis", "identity replaced: entire face synthesis", entire_synthesis, False),
        Method("stacked", "identity replaced: stacked manipulation", stacked),
    )
}
