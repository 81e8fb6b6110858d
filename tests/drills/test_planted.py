"""The drill of planted faults, cut short: textures in place of portraits, one fault of each kind."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))
import planted as drill
from faults.plant import FAULTS, plant, without_trace

from dfstudy.chapters.c01_data import shortcuts
from dfstudy.study.comparisons import Evaluate

GROUPS, FRAMES = 24, 4
QUICK = Evaluate(replicates=100)


def texture(seed: int) -> np.ndarray:
    """uint8 [72, 60, 3]: coarse and fine colours with some noise, nothing in common from seed to seed."""
    random = np.random.default_rng(seed)
    layers = [
        cv2.resize(random.normal(size=(side, side, 3)), (60, 72), interpolation=cv2.INTER_CUBIC)
        for side in (6, 24)
    ]
    noise = random.normal(0, random.uniform(2, 5), (72, 60, 3))
    return np.clip(128 + 40 * sum(layers) + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def clean(tmp_path_factory) -> Path:
    """24 groups of four images, half of each called fake by chance, with given splits."""
    source = tmp_path_factory.mktemp("drill") / "source"
    source.mkdir()
    lines = ["path,label,method,group"]
    for at in range(GROUPS * FRAMES):
        buffer = io.BytesIO()
        Image.fromarray(texture(at)).save(buffer, "JPEG", quality=80 + at % 16)
        (source / f"{at:03d}.jpg").write_bytes(buffer.getvalue())
        lines.append(f"{at:03d}.jpg,0,real,g{at // FRAMES:02d}")
    (source / "index.csv").write_text("\n".join(lines))
    without_trace(source, source.parent / "clean", seed=1, given=True)
    return source.parent / "clean"


@pytest.fixture(autouse=True)
def few_shuffles(monkeypatch):
    monkeypatch.setattr(shortcuts, "SHUFFLES", 60)


def test_a_clean_set_raises_no_alarm(clean, tmp_path):
    alarms, rows = drill.audit(clean, tmp_path / "out", QUICK, by_method=True)
    assert alarms == {} and len(rows) == GROUPS * FRAMES and (rows["error"] == "").all()


STRENGTHS = {"lost_groups": 1.0, "both_labels": 0.1, "copies": 0.1, "torn_groups": 0.3}


@pytest.mark.parametrize(
    "fault", ["format", "metadata", "blur", *(fault for fault in drill.EXPECTED if fault != drill.WRONG)]
)
def test_a_planted_fault_is_found_and_nothing_else(clean, tmp_path, fault):
    truth = plant(clean, tmp_path / "set", fault, STRENGTHS.get(fault, 0.6), seed=2)
    audited = drill.audit(tmp_path / "set", tmp_path / "out", QUICK, shortcuts=fault not in drill.EXPECTED)
    result = drill.judge(truth, *audited)
    assert result.found and not result.false, result.alarms
    # one pixel of 60 off each edge moves fine textures by much: some of these escape
    sure = {way: pairs for way, pairs in result.pairs.items() if "cropped" not in way}
    assert all(done == planted for done, planted in sure.values()), result.pairs
    count = {"copies": "copies", "both_labels": "both labels", "torn_groups": "torn groups"}.get(fault)
    if count:
        assert int(result.alarms[count]) == result.touched


def test_wrong_labels_are_found_where_labels_say_something(clean, tmp_path):
    plant(clean, tmp_path / "blurred", "blur", 1.0, seed=2)  # what is called fake can be seen
    truth = plant(tmp_path / "blurred", tmp_path / "set", drill.WRONG, 0.1, seed=2)
    alarms = drill.suspect(tmp_path / "set", tmp_path / "out", truth)
    none = drill.pd.DataFrame({"path": [], "group": [], "error": []})
    assert truth.touched and drill.judge(truth, alarms, none).found


def test_every_fault_is_drilled_and_the_table_counts(clean):
    assert set(drill.LISTED) == set(FAULTS)
    must = [(f, s) for f in FAULTS for s, _ in drill.planned(f, drill.SEEDS) if s >= drill.LISTED.get(f, 2)]
    assert len(must) >= 30
    results = [
        drill.Result("blur", 0.4, seed, 120, seed > 0, {"light": "0.7 hints"}, ["light"], {"way": (1, 2)})
        for seed in range(3)
    ]
    (row,) = drill.summarise(results).to_dict("records")
    assert row["found"] == "2 of 3" and row["must be"] == "yes" and row["false alarms"] == 3
    assert row["pairs found"] == "way: 3 of 6" and row["images touched"] == "120"
    assert drill.to_markdown(drill.summarise(results)).count("\n") == 2


def test_an_alarm_beside_the_fault_is_false(clean):
    truth = plant(clean, clean.parent / "touched", "metadata", 0.5)
    rows = drill.pd.DataFrame({"path": [], "group": [], "error": []})
    alarms = {"container": "0.9 tells", "light": "0.7 hints", "together": "0.8 tells", "copies": "2"}
    result = drill.judge(truth, alarms, rows)
    assert result.found and result.false == ["light", "copies"]
    assert not drill.judge(truth, {"light of a": "0.7"}, rows).found
