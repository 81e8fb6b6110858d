"""Memory is used again when nobody holds what lies there, and never before."""

from __future__ import annotations

import gc
import multiprocessing
import multiprocessing.synchronize
import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch
from fixtures.patience import PATIENCE
from hypothesis import given
from hypothesis import strategies as st

from dfstudy.data.loader import make_loader
from dfstudy.data.samples import Batch
from dfstudy.data.shared_memory import KEPT, Inbox, Outbox

SHAPE = (4, 3, 3)


def send(inbox, outbox, value, count=2, room=2):
    """One batch filled with a value, on its way: what is written, packed, and not yet opened."""
    slot = outbox.take(room, SHAPE, inbox.returned())
    slot.pictures[:count] = value
    return outbox.seal(slot, count, Batch, np.full(count, value, np.float32), np.full(count, value, np.int64))


def arrive(sealed):
    """What unpickling does."""
    function, arguments = sealed.__reduce__()
    return function(*arguments)


@given(st.lists(st.tuples(st.sampled_from(["send", "open", "drop"]), st.integers(0, 9)), max_size=60))
def test_what_is_held_or_under_way_is_never_written_over(acts):
    """Two workers, any order of sending, opening and letting go; a part of a batch holds all of it."""
    inbox = Inbox()
    boxes = [Outbox(inbox.number), Outbox(inbox.number)]
    under_way, held = [], []
    for value, (act, which) in enumerate(acts):
        if act == "send":
            under_way.append((value, send(inbox, boxes[which % 2], value)))
        elif act == "open" and under_way:
            value, sealed = under_way.pop(which % len(under_way))
            batch = arrive(sealed)
            held.append((value, batch.images_NHWC if which % 2 else batch.images_NHWC[1:, ::2]))
            del batch
        elif act == "drop" and held:
            held.pop(which % len(held))
        assert all((pictures == value).all() for value, pictures in held)
    assert all((arrive(sealed).images_NHWC == value).all() for value, sealed in under_way)


def test_memory_let_go_is_used_again_and_sent_by_name():
    inbox = Inbox()
    outbox = Outbox(inbox.number)
    places = []
    for value in range(5):
        sealed = send(inbox, outbox, value)
        assert (sealed.tensor is None) == (value > 0)
        batch = arrive(sealed)
        places.append(batch.images_NHWC.data_ptr())
        assert batch.images_NHWC.shape == (2, *SHAPE) and batch.labels.tolist() == [value, value]
        del batch
    assert len(set(places)) == 1


def test_what_is_kept_for_good_is_bounded():
    inbox = Inbox()
    outbox = Outbox(inbox.number)
    held = [arrive(send(inbox, outbox, value)) for value in range(3 * KEPT)]
    assert len({batch.images_NHWC.data_ptr() for batch in held}) == 3 * KEPT
    assert len(outbox._slots) == KEPT
    assert all((batch.images_NHWC == value).all() for value, batch in enumerate(held))


def test_a_smaller_batch_uses_a_part_and_a_larger_one_takes_more():
    inbox = Inbox()
    outbox = Outbox(inbox.number)
    places = [
        arrive(send(inbox, outbox, 1, count, room)).images_NHWC.data_ptr()
        for count, room in ((2, 2), (1, 1), (3, 3), (1, 2), (3, 3))
    ]
    assert places[0] == places[1] == places[3] and places[2] == places[4] != places[0]


def test_what_is_held_outlives_the_loaders_memory():
    inbox = Inbox()
    outbox = Outbox(inbox.number)
    batch = arrive(send(inbox, outbox, 7))
    inbox.clear()
    assert (batch.images_NHWC == 7).all()
    del batch
    assert inbox.returned() == {}


# -- through a loader


COUNT, BATCH = 48, 4


def mark(picture, key):
    """An image of one's own shape and key."""
    return np.random.default_rng(key).integers(0, 256, (16, 16, 3), np.uint8)


def uneven(picture, key):
    return np.zeros((8 + key % 2, 8, 3), np.uint8)


def floats(picture, key):
    return np.zeros((8, 8, 3), np.float32)


def writes(picture, key):
    picture[0] = 0
    return picture


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    file = tmp_path_factory.mktemp("pictures") / "one.png"
    cv2.imwrite(str(file), np.full((8, 8, 3), 9, np.uint8))
    return [file] * COUNT


def loader(paths, workers, transform=mark, **settings):
    return make_loader(paths, [0] * COUNT, transform, batch_size=BATCH, workers=workers, **settings)


def test_a_loader_uses_few_places_again_and_again(paths):
    with loader(paths, 2) as batches:
        places = set()
        for epoch in range(4):
            for batch in batches.epoch(epoch):
                places.add(batch.images_NHWC.data_ptr())
            left = batches.epoch(epoch + 50)
            next(left)  # what an epoch left half-way had under way comes back as well
        del batch, left
        assert len(places) <= 2 * KEPT
        assert len(batches._inbox._tensors) <= 2 * KEPT


def test_held_batches_stay_as_they_are(paths):
    with loader(paths, 0) as plain:
        expected = [batch.images_NHWC for epoch in range(3) for batch in plain.epoch(epoch)]
    with loader(paths, 2) as batches:
        held = {}
        for epoch in range(3):
            for number, batch in enumerate(batches.epoch(epoch)):
                if (number + epoch) % 3:  # some are held for good, some as a part, the others let go
                    held[epoch * len(batches) + number] = batch.images_NHWC[number % 2 :]
    gc.collect()
    assert len(held) == 24
    assert all(torch.equal(pictures, expected[at][at % len(batches) % 2 :]) for at, pictures in held.items())


def test_without_shared_memory_batches_are_the_same_and_it_is_said(paths, monkeypatch, capfd):
    """A /dev/shm of 64 MB, the default of containers, is full after a few batches."""
    with loader(paths, 0) as plain:
        expected = [batch.images_NHWC for epoch in range(2) for batch in plain.epoch(epoch)]
    given, whole = multiprocessing.Value("i", 0), torch.Tensor.share_memory_

    def share(tensor):
        with given:
            given.value += 1
            if given.value > 3:
                raise RuntimeError("unable to write to file </torch_1>: No space left on device (28)")
        return whole(tensor)

    monkeypatch.setattr(torch.Tensor, "share_memory_", share)
    with loader(paths, 2) as batches:
        held = [batch.images_NHWC for epoch in range(2) for batch in batches.epoch(epoch)]
    assert given.value > 3 and len(held) == 2 * COUNT // BATCH
    assert all(torch.equal(one, other) for one, other in zip(held, expected, strict=True))
    said = capfd.readouterr().err
    assert said.count("no shared memory") == 1 and "No space left on device" in said and "--shm-size" in said


def test_without_semaphores_this_process_reads(paths, monkeypatch, capfd):
    def refuse(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(multiprocessing.synchronize.SemLock, "__init__", refuse)
    with loader(paths, 2) as batches:
        assert batches.workers == 0 and len(list(batches.epoch(0))) == COUNT // BATCH
    assert "no worker processes" in capfd.readouterr().err


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(("transform", "says"), [(uneven, "8, 8, 3"), (floats, "float32")])
def test_a_transform_that_gives_what_fits_no_batch_is_told(paths, workers, transform, says):
    with loader(paths, workers, transform) as batches, pytest.raises(ValueError, match=says):
        list(batches.epoch(0))


@pytest.mark.parametrize("cache", ["off", "auto"])
def test_a_transform_cannot_change_the_picture(paths, cache):
    with loader(paths, 0, writes, sizes=np.full((COUNT, 2), 8), cache=cache) as batches:
        for _ in range(2):
            with pytest.raises(ValueError, match="read-only"):
                next(batches.epoch(0))


def test_a_killed_worker_ends_the_program_with_an_error(paths):
    """In a program of its own: torch raises wherever the program happens to be when the process ends."""
    script = """
import multiprocessing, os, signal, sys
from dfstudy.data.loader import make_loader
def same(picture, key): return picture[:8, :8]
loader = make_loader(sys.argv[1:], [0] * (len(sys.argv) - 1), same, batch_size=4, workers=2)
next(loader.epoch(0))
print("began")
os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)
for epoch in range(1000):
    list(loader.epoch(epoch))
print("went on")
"""
    command = [sys.executable, "-c", script, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode != 0 and done.stdout.split() == ["began"]
    assert "Error" in done.stderr
