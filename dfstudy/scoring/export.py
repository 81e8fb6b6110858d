"""A detector as one ONNX file, for programs without dfstudy, PyTorch or Python.

Takes what `Detector.load` takes, and a file's name; writes a graph from uint8 RGB images [N, size, size, 3]
to `probability` float32 [N] (of fake, calibrated) and `logit` float32 [N], with normalisation and calibration
inside, and threshold, band, labels, size, preparation of images and sha256 of the weights as metadata. Before
the file has its name, onnxruntime computes made-up images with it beside PyTorch. Refused with `StudyError`:
logits that disagree by more than `TOLERANCE`, a network that cannot be exported, a name that does not end in
.onnx. Equal inputs give equal bytes, on one version of PyTorch. Cost: about ten seconds.

Why ONNX alone: TorchScript is deprecated, and a program of `torch.export`, from which this file is made as
well, needs PyTorch of the same version to be read.
"""

from __future__ import annotations

import json
import logging
import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from dfstudy import __version__
from dfstudy.errors import StudyError
from dfstudy.scoring.operating_point import USE, Operating, read_operating
from dfstudy.system.kept import room_in, write_atomic
from dfstudy.train.find import find_run

if TYPE_CHECKING:
    from pathlib import Path

    import onnx
    from numpy.typing import NDArray
    from torch import nn

    from dfstudy.model.device import Normalisation

TOLERANCE = 1e-3  # largest difference of a logit, absolute where it is below 1 and relative above
OPSET = 18
CHECKED = 67  # made-up images, in batches of other sizes than the one that was traced
PREPARATION = (
    "after EXIF rotation scale the image so that its longer side is size (area when smaller, else cubic), "
    "and centre it on black; dfstudy.augment.policies.build_policy('none', size, train=False) is exact"
)


def export_onnx(run: str | Path, file: Path, own_code: bool = False) -> str:
    """Write a run's detector; returns what was written and how well it agrees, for a reader.

    Args:
        run: as `Detector.load` takes it.
        own_code: run the code of a network of its maker's own.
    """
    from dfstudy.model.checkpoint import load_checkpoint
    from dfstudy.model.device import Normalisation

    if file.suffix != ".onnx":
        raise StudyError(f"{file} does not end in .onnx", "choose another name")
    folder = find_run(run)
    network, told = load_checkpoint(folder, own_code=own_code)
    operating = read_operating(folder, told)
    deployed = _deploy(network, Normalisation.of(told["normalisation"]), operating)
    model = _trace(deployed, told["size"])
    furthest = _compare(deployed, model, told["size"])
    metadata = _describe(folder.name, told, operating) | {"largest_logit_difference": f"{furthest:.2g}"}
    for name, value in metadata.items():
        model.metadata_props.add(key=name, value=value)
    content = model.SerializeToString(deterministic=True)
    with room_in(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(file, content)
    return (
        f"{file} ({len(content) / 1e6:.1f} MB): uint8 RGB [N, {told['size']}, {told['size']}, 3] to "
        f"probability of fake; on {CHECKED} made-up images its logits differ from PyTorch's by at most "
        f"{furthest:.1g} (allowed {TOLERANCE:g})"
    )


def _deploy(network: nn.Module, normalisation: Normalisation, operating: Operating) -> nn.Module:
    """The network between pixels and probability, on the CPU in float32."""
    import torch
    from torch import Tensor, nn

    class Deployed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network.eval()
            levels = np.array([normalisation.mean, normalisation.std], np.float32) * 255
            self.register_buffer("levels", torch.from_numpy(levels).view(2, 1, 3, 1, 1))

        def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
            x_NCHW = (images.permute(0, 3, 1, 2).float() - self.levels[0]) / self.levels[1]
            if normalisation.channels == "BGR":  # each channel is normalised as what it is, then turned
                x_NCHW = x_NCHW.flip(1)
            logit = self.network(x_NCHW).flatten()
            fitted = operating.calibration  # slope and intercept, or a temperature
            return torch.sigmoid(fitted.slope * logit + fitted.intercept), logit

    return Deployed().eval()


def _trace(deployed: nn.Module, size: int) -> onnx.ModelProto:
    """The graph, of any number of images, without the paths of this machine that the exporter notes in it."""
    import torch

    # two images: a dimension of one would be taken for a constant
    images = torch.zeros(2, size, size, 3, dtype=torch.uint8)
    exporters = logging.getLogger("torch.onnx")
    level = exporters.level
    try:
        exporters.setLevel(logging.ERROR)
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # of the exporter about itself
            program: Any = torch.onnx.export(
                deployed,
                (images,),
                input_names=["images"],
                output_names=["probability", "logit"],
                dynamic_shapes=({0: torch.export.Dim("images")},),
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
    except Exception as error:  # whatever a network does that the exporter does not know
        raise StudyError(
            f"the network cannot be written as ONNX: {str(error).splitlines()[0]}",
            "score with dfstudy itself, or choose another backbone",
        ) from error
    finally:
        exporters.setLevel(level)
    model: onnx.ModelProto = program.model_proto
    for part in (model.graph, *model.functions):
        for noted in (part, *part.node, *part.value_info):
            del noted.metadata_props[:]
            noted.doc_string = ""
    return model


def _compare(deployed: nn.Module, model: onnx.ModelProto, size: int) -> float:
    """Largest difference of logits between onnxruntime and PyTorch, as `TOLERANCE` counts it.

    Raises:
        StudyError: it is too large, or onnxruntime cannot run the graph.
    """
    import onnxruntime
    import torch

    images = _made_up(size)
    with torch.inference_mode():
        expected = deployed(torch.from_numpy(images))[1].numpy()
    quiet = onnxruntime.SessionOptions()
    quiet.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), quiet, providers=["CPUExecutionProvider"]
        )
        parts = [session.run(["logit"], {"images": part})[0] for part in (images[:1], images[1:])]
    except Exception as error:  # onnxruntime has no common class of its errors
        raise StudyError(
            f"onnxruntime cannot run what was exported: {error}", "choose another backbone"
        ) from None
    found = np.concatenate(parts)
    furthest = float(np.max(np.abs(found - expected) / np.maximum(np.abs(expected), 1)))
    if not furthest <= TOLERANCE:  # a NaN is no agreement
        raise StudyError(
            f"onnxruntime's logits differ from PyTorch's by {furthest:.2g}, and {TOLERANCE:g} is allowed",
            "score with dfstudy itself: what was exported is not this detector, and was not written",
        )
    return furthest


def _made_up(size: int) -> NDArray[np.uint8]:
    """uint8 [CHECKED, size, size, 3]: waves of every length under noise of every strength."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:size, :size] / size
    waves = random.uniform(0, size / 4, (2, CHECKED, 1, 1, 3))
    images = 128 + 90 * np.sin(2 * np.pi * (waves[0] * x[..., None] + waves[1] * y[..., None]))
    noise = np.geomspace(1, 60, CHECKED)[:, None, None, None] * random.normal(size=images.shape)
    return (images + noise).clip(0, 255).astype(np.uint8)


def _describe(run: str, told: dict[str, Any], operating: Operating) -> dict[str, str]:
    """What a program needs beside the graph; an end of the band that no score reaches is `null`."""
    band, fitted = operating.band, operating.calibration
    ends = {name: end if math.isfinite(end) and band.reached else None for name, end in vars(band).items()}
    return {
        "dfstudy": __version__,
        "run": run,
        "weights_sha256": told["weights"]["best"],
        "labels": json.dumps(told["label_map"]),
        "size": str(told["size"]),
        "input": "images uint8 [N, size, size, 3] RGB",
        "preparation": PREPARATION,
        "normalisation": json.dumps({**told["normalisation"], "inside": True}),
        "calibration": json.dumps(
            {"kind": fitted.kind, "slope": fitted.slope, "intercept": fitted.intercept, "inside": True}
        ),
        "threshold": repr(operating.threshold),
        "fake_from": json.dumps(ends["high"]),
        "real_below": json.dumps(ends["low"]),
        "verdict": "fake from fake_from on, real below real_below, else unsure; null: never that verdict",
        "tolerance": f"{TOLERANCE:g} of a logit against PyTorch, relative above 1",
        "use": USE,
    }
