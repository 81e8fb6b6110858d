"""Running out of memory is answered with what would fit: found by trying, and said with the next step."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
import torch
from fixtures.patience import PATIENCE
from hypothesis import given
from hypothesis import strategies as st
from timm.models.efficientnet import EfficientNet

from dfstudy.errors import StudyError
from dfstudy.model.device import choose_place
from dfstudy.study.recipe import Training
from dfstudy.train.loop import Part, Trainer
from dfstudy.train.memory import explain_out_of_memory, fits, is_out_of_memory, out_of_memory

GPU = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
CPU = RuntimeError("[enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: can't allocate memory")


@pytest.fixture
def trainer(parts, make_study):
    def make(**recipe) -> Trainer:
        tables = [parts.part(name) for name in ("train", "val")]
        sides = [Part([parts.root / p for p in t["path"]], t["label"].to_numpy("int64")) for t in tables]
        study = make_study(**recipe)
        study.out.mkdir(parents=True, exist_ok=True)
        return Trainer(study, 0, *sides, choose_place("float32"), study.out)

    return make


@pytest.fixture
def small_memory(monkeypatch):
    """`small_memory(most)`: the network takes no more images at a time; gives the numbers it was asked."""
    forward = EfficientNet.forward

    def limit(most: int, error: Exception = GPU) -> list[int]:
        asked = []

        def limited(self, x):
            if torch.is_grad_enabled():
                asked.append(len(x))
                if len(x) > most:
                    raise error
            return forward(self, x)

        monkeypatch.setattr(EfficientNet, "forward", limited)
        return asked

    return limit


@pytest.mark.parametrize("error", [GPU, CPU], ids=["gpu", "cpu"])
def test_a_training_that_does_not_fit_is_told_what_would(trainer, small_memory, error):
    asked = small_memory(3, error)
    one = trainer(batch_size=8)
    with (
        pytest.raises(StudyError, match="8 images at a time do not fit into this machine's memory") as told,
        explain_out_of_memory(one),
    ):
        one.run("tiny", progress=False)
    assert told.value.message.endswith("; 2 do")
    assert (
        "training.accumulate: 4 (a step stays 8 images; BatchNorm, if any, sees 2 at a time)"
        in told.value.hint
    )
    assert "bfloat16" in told.value.hint and "model.size" in told.value.hint
    assert asked == [8, 8, 4, 2, 2, 2, 2]  # the failure, three tries, and two whole steps of two parts


def test_what_is_advised_then_trains(trainer, small_memory):
    small_memory(3)
    one = trainer(batch_size=8, accumulate=4, epochs=1)
    with explain_out_of_memory(one):
        one.run("tiny", progress=False)
    assert len(one.progress.history) == 1


def test_not_even_one(trainer, small_memory):
    small_memory(0)
    one = trainer()
    with pytest.raises(StudyError, match="not even one image") as told, explain_out_of_memory(one):
        one.run("tiny", progress=False)
    assert "model.backbone" in told.value.hint


def test_memory_that_was_short_for_a_moment_is_not_blamed_on_the_batch(trainer):
    one = trainer()
    with (
        pytest.raises(StudyError, match="8 images at a time fitted when tried once more") as told,
        explain_out_of_memory(one),
    ):
        raise CPU
    assert "training.accumulate: 2" in told.value.hint


def test_the_failed_network_is_freed_before_another_is_tried(trainer, monkeypatch):
    one = trainer()
    alive = [torch.utils.weak.WeakIdRef(p) for p in one.network.parameters()]
    found = []

    def look(study, place, pictures):
        found.append(sum(ref() is not None for ref in alive))
        return pictures < 8

    monkeypatch.setattr("dfstudy.train.memory.fits", look)

    def fail():
        held = one.network.state_dict(), one.optimiser  # as a real step's frames hold it
        raise GPU if held else CPU

    with pytest.raises(StudyError), explain_out_of_memory(one):
        fail()
    assert found == [0, 0] and len(alive) > 10


def test_other_errors_go_through(trainer):
    one = trainer()
    for error in (RuntimeError("shapes differ"), KeyboardInterrupt(), StudyError("a", "b")):
        with pytest.raises(type(error)) as same, explain_out_of_memory(one):
            raise error
        assert same.value is error and one.network is not None


def test_what_counts_as_running_out_of_memory():
    onednn = RuntimeError("could not create a primitive")
    assert all(map(is_out_of_memory, (GPU, CPU, onednn, MemoryError("std::bad_alloc"))))
    unknown = RuntimeError("could not create a primitive descriptor for a convolution"), ValueError(str(CPU))
    assert not any(map(is_out_of_memory, unknown))


@given(
    batch=st.integers(1, 600),
    devices=st.integers(1, 8),
    accumulate=st.integers(1, 9),
    room=st.integers(1, 600),
)
def test_the_advised_parts_fit_and_the_batch_stays(batch, devices, accumulate, room):
    recipe = Training(batch_size=batch, devices=devices, accumulate=accumulate)
    told = out_of_memory(recipe, "a memory", lambda pictures: pictures <= room)
    now = math.ceil(math.ceil(batch / devices) / accumulate)
    advised = int(told.hint.split("training.accumulate: ")[1].split()[0])
    assert advised > accumulate
    assert math.ceil(math.ceil(batch / devices) / advised) <= room
    assert ("when tried once more" in told.message) == (now <= room)
    if now > room:
        assert told.message.startswith(f"{now} image")
        assert ("each of" in told.message) == (devices > 1)


def test_a_single_picture_that_batch_norm_refuses_is_no_way_out(make_study):
    study = make_study(model={"backbone": "test_resnet", "size": 32, "options": {}})
    place = choose_place("float32")
    assert fits(study, place, 2)
    assert not fits(study, place, 1)


REAL = """
import resource, sys, torch, dfstudy
from dfstudy.model.device import choose_place
from dfstudy.study.study import Study
from dfstudy.train.memory import fits
place = choose_place("float32")
model = {"backbone": "test_efficientnet", "size": 64}
study = Study.model_validate({"name": "x", "title": "x", "model": model})
assert fits(study, place, 2)
now = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + 200 * 2**20,) * 2)
print([fits(study, place, images) for images in (1024, 100_000, 8)])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits its own memory as Linux does")
def test_real_allocations_that_fail_are_recognised():
    done = subprocess.run([sys.executable, "-c", REAL], capture_output=True, text=True, timeout=PATIENCE)
    assert done.stdout.strip() == "[False, False, True]", done.stdout + done.stderr
