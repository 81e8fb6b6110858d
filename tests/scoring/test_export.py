"""`dfstudy export --onnx`: one file that says the same as the detector, or none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from click.testing import CliRunner

from dfstudy.augment.policies import build_policy
from dfstudy.cli.main import main
from dfstudy.data.images import read_picture
from dfstudy.errors import StudyError
from dfstudy.model.build import build_model
from dfstudy.model.device import Normalisation
from dfstudy.scoring import export
from dfstudy.scoring.detector import Detector
from dfstudy.scoring.operating_point import Operating
from dfstudy.stats.calibration import Calibration
from dfstudy.stats.decisions import Band
from dfstudy.study.recipe import Model


def test_one_file_says_what_the_detector_says(tmp_path, make_run, write_noise):
    run, file = make_run(tmp_path / "runs" / "seed0-key"), tmp_path / "new" / "detector.onnx"
    done = CliRunner().invoke(
        main, ["export", "--run", str(run), "--onnx", str(file)], catch_exceptions=False
    )
    assert done.exit_code == 0 and "differ from PyTorch's by at most" in done.output
    pictures, resize = write_noise(tmp_path / "pictures", 5), build_policy("none", 32, train=False)
    squares = np.stack([resize(read_picture(path), 0) for path in pictures])
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    detector = Detector.load(run)
    scores = list(detector.stream(pictures))
    for part in (slice(0, 5), slice(2, 3)):  # any number of images
        probability, logit = session.run(["probability", "logit"], {"images": squares[part]})
        np.testing.assert_allclose(logit, [score.logit for score in scores[part]], rtol=1e-4, atol=1e-4)
        expected = [score.probability for score in scores[part]]
        np.testing.assert_allclose(probability, expected, atol=1e-5)
    told = {entry.key: entry.value for entry in onnx.load(file).metadata_props}
    assert json.loads(told["labels"]) == {"real": 0, "fake": 1} and told["size"] == "32"
    assert float(told["threshold"]) == detector.operating.threshold
    band = detector.operating.band
    assert json.loads(told["real_below"]) == band.low > 0
    assert json.loads(told["fake_from"]) is None and band.high == np.inf  # never that verdict
    assert told["weights_sha256"] == json.loads((run / "checkpoint.json").read_text())["weights"]["best"]
    # the exporter notes where each line of code lies on this machine
    assert str(Path(export.__file__).parents[2]).encode() not in file.read_bytes()
    assert b"site-packages" not in file.read_bytes()


ANOTHER = """<ir_version: 8, opset_import: ["" : 18]>
mean (uint8[N, 32, 32, 3] images) => (float[N] logit) {
    levels = Cast<to = 1>(images)
    axes = Constant<value_ints = [1, 2, 3]>()
    logit = ReduceMean<keepdims = 0>(levels, axes)
}"""


def test_what_disagrees_is_not_written(tmp_path, make_run, monkeypatch):
    run = make_run(tmp_path / "runs" / "seed0-key")
    with pytest.raises(StudyError, match=r"does not end in \.onnx"):
        export.export_onnx(run, tmp_path / "detector.pt")
    monkeypatch.setattr(export, "_trace", lambda deployed, size: onnx.parser.parse_model(ANOTHER))
    with pytest.raises(StudyError, match="differ from PyTorch's"):
        export.export_onnx(run, tmp_path / "detector.onnx")
    assert not list(tmp_path.glob("detector*"))


def test_a_transformer_with_turned_channels_and_a_temperature_goes_too():
    operating = Operating(Calibration("temperature", 0.5), 0.5, Band(0.5, 0.5, 0.05))
    network = build_model(Model(backbone="test_vit", size=32))
    normalisation = Normalisation((0.1, 0.5, 0.9), (0.2, 0.3, 0.4), "BGR")
    deployed = export._deploy(network, normalisation, operating)
    assert export._compare(deployed, export._trace(deployed, 32), 32) < export.TOLERANCE
    # in PyTorch it is what a detector computes
    import torch

    images = torch.from_numpy(export._made_up(32))
    with torch.inference_mode():
        expected = network(normalisation(images, torch.device("cpu"))).flatten()
        torch.testing.assert_close(deployed(images)[1], expected, rtol=1e-4, atol=1e-4)
