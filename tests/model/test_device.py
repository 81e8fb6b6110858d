"""Normalisation, place and prediction."""

from __future__ import annotations

import subprocess
import sys
from typing import NamedTuple

import numpy as np
import pytest
import torch

from dfstudy.model.build import build_model
from dfstudy.model.device import (
    Normalisation,
    choose_place,
    find_place,
    predict_logits,
    resolve_normalisation,
)
from dfstudy.model.freeze import train_mode
from dfstudy.study.recipe import Model

CPU = torch.device("cpu")


class Sent(NamedTuple):
    images_NHWC: torch.Tensor
    rows: torch.Tensor


@pytest.fixture
def pictures() -> torch.Tensor:
    """Five images of 53 x 37 whose colours differ in level."""
    random = np.random.default_rng(0)
    levels = random.integers(0, 86, (5, 53, 37, 3)) + np.array([0, 80, 160])
    return torch.from_numpy(levels.astype(np.uint8))


@pytest.mark.skipif(sys.platform != "linux", reason="glibc alone can be told")
def test_freed_memory_is_kept_for_the_next_step():
    """Large blocks, taken and freed again and again, cost no new pages after the first time."""
    code = (
        "import resource, dfstudy, numpy as np\n"
        "from dfstudy.model.device import choose_place\n"
        "choose_place('float32')\n"
        "def faults():\n"
        "    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "    [np.ones(2**18) for _ in range(50)]\n"  # 2 MB each, 25,600 pages together
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before\n"
        "print(*[faults() for _ in range(4)])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    _, *later = map(int, done.stdout.split())
    assert max(later) < 1000, done.stdout


def test_normalisation_is_the_textbook_formula_channel_by_channel(pictures):
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    x = Normalisation(mean, std)(pictures, CPU)
    assert x.shape == (5, 3, 53, 37)
    assert x.dtype == torch.float32
    assert x.is_contiguous(memory_format=torch.channels_last)
    for channel in range(3):
        want = (pictures[..., channel].numpy() / 255.0 - mean[channel]) / std[channel]
        np.testing.assert_allclose(x[:, channel].numpy(), want, atol=1e-6)


def test_normalisation_leaves_the_batch_as_it_was(pictures):
    before = pictures.clone()
    Normalisation((0.5,) * 3, (0.5,) * 3)(pictures, CPU)
    assert torch.equal(pictures, before)


def test_normalisation_is_timms_unless_the_study_says_otherwise():
    network = build_model(Model(backbone="mobilenetv2_100", size=64))
    assert resolve_normalisation(network, Model()).mean == (0.485, 0.456, 0.406)
    stated = resolve_normalisation(network, Model(mean=[0.5, 0.5, 0.5], std=[0.25, 0.5, 0.5]))
    assert stated == Normalisation((0.5, 0.5, 0.5), (0.25, 0.5, 0.5))


def test_place_is_deterministic_and_says_what_rounding_depends_on():
    place = choose_place("auto")
    assert torch.are_deterministic_algorithms_enabled()
    if place.device.type == "cpu":
        assert place.dtype == torch.float32
        threads = torch.get_num_threads()
        assert place.name == f"cpu with {threads} thread{'s' * (threads > 1)}, float32"
    assert choose_place("bfloat16").name.endswith("bfloat16")


def test_threads_do_not_follow_the_environment(monkeypatch):
    before = choose_place().name
    torch.set_num_threads(1)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert choose_place().name == before


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA GPU comes first")
def test_apples_gpu_is_a_device_and_says_that_its_bytes_differ(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    place = choose_place()
    assert place.device.type == "mps" and place.dtype == torch.float32 and place.threads == 0
    assert "MPS" in place.name and "not byte-exact" in place.name
    monkeypatch.undo()
    assert "not byte-exact" not in choose_place().name


@pytest.mark.skipif(torch.cuda.is_available(), reason="on a GPU no sum is shared among threads")
def test_a_place_keeps_its_threads_whatever_was_settled_after_it(pictures):
    one = choose_place("float32", threads=1)
    other = choose_place("float32", threads=3)
    assert one.name == "cpu with 1 thread, float32" and other.name == "cpu with 3 threads, float32"
    assert find_place({"precision": "float32", "threads": 1}) == one
    assert find_place({"precision": "float32"}) == choose_place("float32")
    network, normalisation = build_model(Model(size=48)), Normalisation((0.5,) * 3, (0.5,) * 3)
    choose_place(threads=3)
    predict_logits(network, [Sent(pictures[:2], torch.tensor([0, 1]))], 2, normalisation, one)
    assert torch.get_num_threads() == 1


def test_logits_come_by_row_whatever_the_order(pictures):
    place = choose_place("float32")
    torch.manual_seed(0)
    network = build_model(Model(backbone="test_efficientnet", size=48)).to(place.device)
    train_mode(network)
    square = pictures[:, :36, :36].contiguous()
    normalisation = Normalisation((0.5,) * 3, (0.5,) * 3)
    rows = torch.tensor([3, 0, 4, 2, 1])
    batches = [Sent(square[rows[:2]], rows[:2]), Sent(square[rows[2:]], rows[2:])]
    logits = predict_logits(network, batches, 5, normalisation, place)
    alone = [
        predict_logits(network, [Sent(square[i : i + 1], torch.tensor([0]))], 1, normalisation, place)
        for i in range(5)
    ]
    torch.testing.assert_close(logits, torch.cat(alone))
    assert not network.training


def test_a_row_that_never_came_is_an_error(pictures):
    network = build_model(Model(backbone="test_efficientnet", size=48))
    normalisation = Normalisation((0.5,) * 3, (0.5,) * 3)
    with pytest.raises(ValueError, match="2 of 3 rows"):
        batch = Sent(pictures[:2, :36, :36], torch.tensor([1, 1]))
        predict_logits(network.to(choose_place().device), [batch], 3, normalisation, choose_place())
