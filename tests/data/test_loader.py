"""Batches are the same for any number of workers, from any starting point, in any order of epochs."""

from __future__ import annotations

import multiprocessing
import shutil
import subprocess
import sys
import textwrap
import time

import cv2
import numpy as np
import pytest
import torch
from fixtures.patience import PATIENCE
from hypothesis import given
from hypothesis import strategies as st

from dfstudy.data.images import read_picture
from dfstudy.data.loader import count_workers, make_loader
from dfstudy.data.order import Pairing, epoch_order, sample_key
from dfstudy.data.samples import Batch
from dfstudy.errors import StudyError

COUNT, BATCH = 23, 5  # a last batch of three


def stamp(picture, key):
    """Transform whose result names its image and key: red is the image's mark, the rest the key."""
    result = np.empty((8, 8, 3), np.uint8)
    result[..., 0] = picture[0, 0, 0]
    result[..., 1:] = np.random.default_rng(key).integers(0, 256, (8, 8, 2))
    return result


def threads(picture, key):
    result = np.full((8, 8, 3), cv2.getNumThreads(), np.uint8)
    result[0] = torch.get_num_threads()
    return result


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """Images of unequal sizes whose first red value is their row number times ten."""
    folder = tmp_path_factory.mktemp("pictures")
    for row in range(COUNT):
        picture = np.full((10 + row, 37, 3), (1, 2, 10 * row), np.uint8)  # BGR
        cv2.imwrite(str(folder / f"{row:02}.png"), picture)
    return [folder / f"{row:02}.png" for row in range(COUNT)]


LABELS = [row % 2 for row in range(COUNT)]
SIZES = np.array([(37, 10 + row) for row in range(COUNT)], np.int32)  # width, height


def loader(paths, transform=stamp, workers=0, **settings):
    return make_loader(
        paths,
        LABELS,
        transform,
        batch_size=BATCH,
        workers=workers,
        **{"seed": 3, "shuffle": True, **settings},
    )


def collect(paths, workers, epochs=(0, 1, 2), **settings):
    with loader(paths, workers=workers, **settings) as batches:
        return [batch for epoch in epochs for batch in batches.epoch(epoch)]


def same(first: list[Batch], second: list[Batch]) -> bool:
    return len(first) == len(second) and all(
        torch.equal(a, b)
        for left, right in zip(first, second, strict=True)
        for a, b in zip(left, right, strict=True)
    )


def test_a_batch_says_what_it_holds(paths):
    batches = collect(paths, 0, epochs=[1])
    assert [len(batch.rows) for batch in batches] == [5, 5, 5, 5, 3]
    rows = torch.cat([batch.rows for batch in batches])
    assert sorted(rows.tolist()) == list(range(COUNT))
    for batch in batches:
        assert batch.images_NHWC.dtype == torch.uint8
        assert batch.images_NHWC.is_contiguous()
        assert batch.images_NHWC.shape[1:] == (8, 8, 3)
        assert (batch.labels.dtype, batch.rows.dtype) == (torch.float32, torch.int64)
        assert torch.equal(batch.labels, batch.rows.float() % 2)
        assert torch.equal(batch.images_NHWC[:, 0, 0, 0].long(), batch.rows * 10)
        for picture, row in zip(batch.images_NHWC, batch.rows.tolist(), strict=True):
            assert np.array_equal(picture, stamp(read_picture(paths[row]), sample_key(3, 1, row)))


def test_workers_change_nothing(paths):
    alone = collect(paths, 0)
    assert same(alone, collect(paths, 1))
    assert same(alone, collect(paths, 2))


def test_spawned_workers_change_nothing(paths, tmp_path):
    """Where processes begin afresh, as on macOS and Windows, everything travels by pickling."""
    script = tmp_path / "spawned.py"
    script.write_text(
        textwrap.dedent(
            """
            import multiprocessing, sys
            import torch
            from dfstudy.augment.policies import build_policy
            from dfstudy.data.loader import make_loader

            SIZES = [(37, 10 + row) for row in range(len(sys.argv) - 1)]

            def collect(workers):
                paths = sys.argv[1:]
                policy = build_policy("original", 16)
                settings = {"batch_size": 3, "workers": workers, "sizes": SIZES}
                with make_loader(paths, [0] * len(paths), policy, **settings) as batches:
                    print(batches.cache_note)
                    return [batch.images_NHWC for batch in batches.epoch(1)]

            if __name__ == "__main__":
                multiprocessing.set_start_method("spawn")
                print(all(torch.equal(a, b) for a, b in zip(collect(0), collect(1), strict=True)))
            """
        )
    )
    done = subprocess.run(
        [sys.executable, script, *map(str, paths[:7])],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    alone, spawned, same = done.stdout.splitlines()
    assert "are kept in memory" in alone and "start afresh and share no memory" in spawned
    assert same == "True"


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_pictures_kept_in_memory_change_nothing(paths, workers, tmp_path):
    """Once every image was read no file is needed, whichever worker reads which row."""
    plan = [(0, 0), (1, 3), (1, 0), (2, 0), (2, 4)]  # epoch, first batch: also goes on half-way
    with loader(paths) as batches:
        plain = [list(batches.epoch(*at)) for at in plan]
        assert "sizes are not known" in batches.cache_note
    copies = [shutil.copy(path, tmp_path) for path in paths]
    with loader(copies, workers=workers, sizes=SIZES) as batches:
        assert "are kept in memory" in batches.cache_note
        left = batches.epoch(7)
        next(left)  # an epoch that is left at once: some images are stored, others on their way
        assert same(list(batches.epoch(*plan[0])), plain[0])
        for copy in tmp_path.iterdir():
            copy.unlink()
        for at, batch in zip(plan[1:], plain[1:], strict=True):
            assert same(list(batches.epoch(*at)), batch)
    with pytest.raises(StudyError, match="missing"):
        next(batches.epoch(0))  # closing gave the memory back


@pytest.mark.parametrize("workers", [0, 2])
def test_a_picture_of_another_size_than_indexed_leaves_its_neighbours_alone(paths, workers):
    wrong = SIZES.copy()
    wrong[7], wrong[8] = (37, 99), (1, 1)  # the files hold less and more than the index said
    plain = collect(paths, 0)
    assert same(plain, collect(paths, workers, sizes=wrong))


def test_keeping_can_be_switched_off(paths):
    with loader(paths, sizes=SIZES, cache="off") as batches:
        assert "training.cache is off" in batches.cache_note
    with pytest.raises(ValueError, match="width and height"):
        loader(paths, sizes=SIZES[:3])


@given(st.integers(1, 40), st.integers(1, 12), st.integers(1, 6), st.integers(0, 3))
def test_the_shares_of_all_processes_are_the_batches(paths, count, batch_size, processes, start):
    def collect(share):
        batches = make_loader(
            [paths[1]] * count,
            [0] * count,
            stamp,
            batch_size=batch_size,
            workers=0,
            seed=3,
            shuffle=True,
            share=share,
        )
        assert len(batches) == -(-count // batch_size)
        return list(batches.epoch(2, min(start, len(batches))))

    whole = collect((0, 1))
    shares = [collect((rank, processes)) for rank in range(processes)]
    assert all(len(share) == len(whole) for share in shares)
    for batch, pieces in zip(whole, zip(*shares, strict=True), strict=True):
        assert same([batch], [Batch(*(torch.cat(parts) for parts in zip(*pieces, strict=True)))])
        sizes = [len(piece.rows) for piece in pieces]
        assert sizes == sorted(sizes, reverse=True) and sizes[0] - sizes[-1] <= 1
        assert all(piece.images_NHWC.shape[1:] == (8, 8, 3) for piece in pieces)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_process_may_get_no_picture_of_the_last_batch(paths, workers):
    *_, last = collect(paths, workers, epochs=[0], share=(3, 4))
    assert [tuple(part.shape) for part in last] == [(0, 8, 8, 3), (0,), (0,)]
    assert [part.dtype for part in last] == [torch.uint8, torch.float32, torch.int64]
    for share in [(1, 1), (-1, 2)]:
        with pytest.raises(ValueError, match="rank from 0"):
            loader(paths, share=share)


@pytest.mark.parametrize("workers", [0, 2])
def test_an_epoch_goes_on_from_any_batch(paths, workers):
    whole = collect(paths, 0, epochs=[4])
    with loader(paths, workers=workers) as batches:
        for start in (2, 0, 5, 4):  # also backwards, in one loader
            assert same(list(batches.epoch(4, start_batch=start)), whole[start:])
        with pytest.raises(ValueError, match="start_batch"):
            batches.epoch(4, start_batch=6)


@pytest.mark.parametrize("workers", [0, 2])
def test_an_epoch_left_half_way_does_not_disturb_the_next(paths, workers):
    whole = collect(paths, 0, epochs=[1])
    with loader(paths, workers=workers) as batches:
        left = batches.epoch(0)
        next(left)
        assert same(list(batches.epoch(1)), whole)
        with pytest.raises(RuntimeError, match="ended"):
            next(left)


def test_order_is_by_row_without_shuffling_and_new_each_epoch_with_it(paths):
    by_row = [torch.cat([b.rows for b in collect(paths, 0, epochs=[e], shuffle=False)]) for e in (0, 1)]
    assert torch.equal(by_row[0], torch.arange(COUNT))
    assert torch.equal(by_row[0], by_row[1])
    shuffled = {tuple(epoch_order(seed, epoch, 50).tolist()) for seed in range(3) for epoch in range(3)}
    assert len(shuffled) == 9
    assert all(sorted(order) == list(range(50)) for order in shuffled)


def test_the_transform_changes_with_the_epoch_without_shuffling(paths):
    first, second = (collect(paths, 0, epochs=[epoch], shuffle=False) for epoch in (0, 1))
    assert not torch.equal(first[0].images_NHWC, second[0].images_NHWC)
    assert same(first, collect(paths, 0, epochs=[0], shuffle=False))


@pytest.mark.parametrize("workers", [0, 2])
def test_the_streams_of_torch_and_numpy_stay_untouched(paths, workers):
    torch.manual_seed(0)
    before = torch.get_rng_state()
    collect(paths, workers)
    assert torch.equal(torch.get_rng_state(), before)


@given(st.integers(0, 2**32), st.integers(0, 10**4), st.integers(0, 10**7))
def test_a_key_is_64_bits_and_its_own(seed, epoch, index):
    key = sample_key(seed, epoch, index)
    assert 0 <= key < 2**64
    others = {
        sample_key(seed, epoch, index + 1),
        sample_key(seed, epoch + 1, index),
        sample_key(seed + 1, epoch, index),
    }
    assert len(others | {key}) == 4
    # half of the 64 bits change, with standard deviation 4
    assert all(8 <= (key ^ other).bit_count() <= 56 for other in others)


def test_keys_do_not_collide():
    keys = {sample_key(seed, epoch, row) for seed in range(5) for epoch in range(20) for row in range(500)}
    assert len(keys) == 50_000


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("damage", ["empty", "gone"])
def test_a_picture_that_broke_is_named_and_not_replaced(paths, tmp_path, workers, damage):
    broken = tmp_path / "broken.png"
    if damage == "empty":
        broken.write_bytes(b"")
    mixed = [*paths[:7], broken, *paths[8:]]
    with loader(mixed, workers=workers, shuffle=False) as batches:
        epoch = batches.epoch(0)
        next(epoch)
        with pytest.raises(StudyError, match=r"broken\.png") as error:
            next(epoch)
        assert "dfstudy index" in error.value.hint


def test_a_defect_of_a_transform_keeps_its_traceback(paths):
    with (
        loader(paths, transform=_fail, workers=2) as batches,
        pytest.raises(ZeroDivisionError, match="_fail"),
    ):
        next(batches.epoch(0))


def _fail(picture, key):
    return 1 / 0


def test_workers_use_one_thread_each(paths):
    batches = collect(paths, 1, epochs=[0], transform=threads)
    assert all((batch.images_NHWC == 1).all() for batch in batches)


def test_workers_stay_between_epochs_and_end_with_the_loader(paths):
    with loader(paths, workers=2) as batches:
        list(batches.epoch(0))
        first = {child.pid for child in multiprocessing.active_children()}
        next(batches.epoch(1))
        assert {child.pid for child in multiprocessing.active_children()} == first
        assert len(first) == 2
    assert not multiprocessing.active_children()
    again = loader(paths, workers=2)
    list(again.epoch(0))
    again.close()
    assert not multiprocessing.active_children()
    assert len(list(again.epoch(1))) == len(again)  # a closed loader can begin again
    again.close()
    again.close()


def test_workers_end_after_a_failure_and_quickly(paths):
    with pytest.raises(KeyError), loader(paths, workers=2) as batches:
        next(batches.epoch(0))
        started = time.monotonic()
        raise KeyError
    assert time.monotonic() - started < 5
    assert not multiprocessing.active_children()


def test_a_program_that_forgets_to_close_ends_in_silence(paths):
    script = """
import sys
from dfstudy.data.loader import make_loader
def same(picture, key): return picture[:8, :8].copy()
loader = make_loader(sys.argv[1:], [0] * (len(sys.argv) - 1), same, batch_size=2, workers=2)
next(loader.epoch(0))
print("done")
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, *map(str, paths)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["done"], "")


def test_paths_and_labels_must_match(paths):
    with pytest.raises(ValueError, match="one label a path"):
        make_loader(paths, [0], stamp, batch_size=2, workers=0)
    with pytest.raises(ValueError, match="at least one"):
        make_loader([], [], stamp, batch_size=2, workers=0)


def test_automatic_workers_leave_cores_to_the_network(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert count_workers("auto") == 4
    assert [count_workers("auto", processes=count) for count in (2, 4, 8, 9)] == [2, 1, 0, 0]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert count_workers("auto") == 7
    assert count_workers(0) == 0
    assert (count_workers("auto", processes=4), count_workers("auto", processes=9)) == (1, 1)
    assert count_workers(5, processes=4) == 5
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0}, raising=False)
    assert count_workers("auto") == 1


def test_pairs_are_the_same_for_any_workers_start_and_share(paths):
    pairing = Pairing(np.array(LABELS), np.arange(COUNT) // 3, BATCH)
    alone = collect(paths, 0, pairing=pairing)
    assert same(alone, collect(paths, 2, pairing=pairing))
    assert not same(alone, collect(paths, 0))
    with loader(paths, pairing=pairing) as batches:
        assert same(list(batches.epoch(1, start_batch=2)), alone[5:10][2:])
    shares = [collect(paths, 0, epochs=[0], pairing=pairing, share=(rank, 2)) for rank in (0, 1)]
    joined = [torch.cat([one.rows, other.rows]) for one, other in zip(*shares, strict=True)]
    assert all(torch.equal(rows, batch.rows) for rows, batch in zip(joined, alone, strict=False))
