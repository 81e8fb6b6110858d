"""The cache gives back what was stored, to every process, and takes no memory that others need."""

from __future__ import annotations

import multiprocessing
import os
import shutil
from pathlib import Path

import numpy as np
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfstudy.data import cache as caching
from dfstudy.data.cache import CHECK_BYTES, PictureCache, build_cache, free_memory
from dfstudy.data.images import read_picture

SIZES = np.array([(5, 3), (37, 53), (8, 8), (1, 1)], np.int32)  # width, height
GB = 10**9


def picture(row, width, height):
    return np.random.default_rng(row).integers(0, 256, (height, width, 3), np.uint8)


@pytest.fixture
def cache():
    return PictureCache(SIZES, keep_free=0)


@pytest.fixture
def free(monkeypatch):
    """`free(n)`: the machine has n bytes free from now on."""
    return lambda size: monkeypatch.setattr(caching, "free_memory", lambda: size)


@given(st.data())
def test_pictures_come_back_whatever_is_stored_around_them(data):
    sides = st.tuples(st.integers(1, 9), st.integers(1, 9))
    sizes = data.draw(st.lists(sides, min_size=1, max_size=12))
    stored = data.draw(st.lists(st.integers(0, len(sizes) - 1), max_size=20))
    other = data.draw(st.lists(st.tuples(st.integers(0, len(sizes) - 1), sides), max_size=5))
    cache = PictureCache(np.array(sizes), keep_free=0)
    for row, (width, height) in other:
        if width * height != np.prod(sizes[row]):
            cache.store(row, picture(99, width, height))  # not the size that the index said
    for row in stored:
        cache.store(row, picture(row, *sizes[row]))
    assert cache.stored.tolist() == [row in stored for row in range(len(sizes))]
    assert cache.nbytes == sum(width * height * 3 for width, height in sizes)
    for row in range(len(sizes)):
        found = cache.find(row)
        assert (found is not None) == (row in stored)
        assert found is None or np.array_equal(found, picture(row, *sizes[row]))


def test_a_picture_turned_by_its_exif_keeps_its_shape(cache):
    cache.store(1, picture(1, 53, 37))
    assert np.array_equal(cache.find(1), picture(1, 53, 37))


def test_what_is_found_cannot_be_written_into_and_outlives_the_cache(cache):
    cache.store(0, picture(0, 5, 3))
    found = cache.find(0)
    with pytest.raises(ValueError, match="read-only"):
        found[:] = 0
    cache.clear()
    assert np.array_equal(found, picture(0, 5, 3))


def test_processes_that_are_forked_see_each_others_pictures(cache):
    fork = multiprocessing.get_context("fork")
    for row in (1, 3):
        child = fork.Process(target=cache.store, args=(row, picture(row, *SIZES[row])))
        child.start()
        child.join()
        assert child.exitcode == 0
    assert cache.stored.tolist() == [False, True, False, True]
    assert np.array_equal(cache.find(1), picture(1, 37, 53))


def test_half_a_picture_is_none(cache):
    """What a process leaves that is killed while it copies: pixels, and no height."""
    cache._slot(1)[:100] = 7
    assert cache.find(1) is None
    cache.store(1, picture(1, 37, 53))
    assert np.array_equal(cache.find(1), picture(1, 37, 53))


def test_memory_is_taken_when_pictures_come_and_given_back():
    process = psutil.Process()
    before = process.memory_info().rss
    cache = PictureCache(np.full((50, 2), 1000), keep_free=0)  # 150 MB
    assert process.memory_info().rss - before < 20e6
    for row in range(50):
        cache.store(row, np.full((1000, 1000, 3), row, np.uint8))
    assert process.memory_info().rss - before > 140e6
    cache.clear()
    assert process.memory_info().rss - before < 20e6
    assert cache.find(7) is None and not cache.stored.any()


def test_storing_pauses_while_others_need_the_memory(free):
    side = 1000
    each = CHECK_BYTES // (3 * side * side) + 1  # stored between two looks
    cache = PictureCache(np.full((4 * each, 2), side), keep_free=2 * GB)
    blank = np.zeros((side, side, 3), np.uint8)
    for part, size in enumerate((3 * GB, 1 * GB, 3 * GB)):
        free(size)
        for row in range(part * each, (part + 1) * each):
            cache.store(row, blank)
    assert cache.stored.reshape(4, each).mean(axis=1) == pytest.approx([1, 0, 1, 0], abs=1.5 / each)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "are kept in memory: 1.2 GB of 2.5 GB that is free"),
        ({"free": 2.3}, "not kept in memory: they need 1.2 GB, over 50% of the 2.3 GB that is free"),
        ({"free": 40, "processes": 4}, "are kept in memory: 1.2 GB in each of 4 processes of 40 GB that is"),
        (
            {"processes": 2},
            "not kept in memory: they need 1.2 GB in each of 2 processes, over 50% of the 2.5",
        ),
        ({"wanted": "off"}, "not kept in memory: training.cache is off"),
        ({"shared": False}, "not kept in memory: loader workers here start afresh and share no memory"),
        ({"sizes": None}, "not kept in memory: their sizes are not known"),
    ],
)
def test_the_note_says_what_becomes_of_it(free, settings, said):
    free(int(settings.pop("free", 2.5) * GB))
    sizes = np.full((6, 2), (8000, 8333), np.int32)  # 1.2 GB, and the sum does not fit into 32 bits
    cache, note = build_cache(**{"sizes": sizes, "wanted": "auto", "shared": True, **settings})
    assert note.startswith("decoded images are ") and said in note
    assert (cache is None) == ("not kept" in note)
    assert cache is None or cache.nbytes == 6 * 3 * 8000 * 8333


def test_what_is_promised_to_one_cache_is_not_free_for_another(free):
    free(4 * GB)
    sizes = np.full((6, 2), (8000, 8333))
    first, _ = build_cache(sizes, "auto", shared=True)
    assert first.missing_bytes == first.nbytes
    assert build_cache(sizes[:5], "auto", shared=True)[1].endswith("1000 MB of 2.8 GB that is free")
    assert build_cache(sizes[:5], "auto", shared=True)[0] is not None  # the one before is gone
    second, _ = build_cache(sizes[:5], "auto", shared=True)
    assert build_cache(sizes[:5], "auto", shared=True)[0] is None
    del first
    assert build_cache(sizes[:5], "auto", shared=True)[0] is not None
    assert second is not None


def test_a_system_that_gives_no_memory_is_no_failure(free, monkeypatch):
    def refuse(*_):
        raise OSError(12, "Cannot allocate memory")

    free(4 * GB)
    monkeypatch.setattr(caching.mmap, "mmap", refuse)
    cache, note = build_cache(SIZES, "auto", shared=True)
    assert cache is None and "the system gives no 0.0061 MB (Cannot allocate memory)" in note


def make_group(folder, version, most, used, files):
    folder.mkdir(parents=True, exist_ok=True)
    limit, usage, reclaimable = caching._GROUP_FILES[version]
    (folder / limit).write_text(f"{most}\n")
    (folder / usage).write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 5\n{reclaimable} {files}\nslab 7\n")


@pytest.mark.parametrize(
    ("listed", "groups", "left"),
    [
        ("0::/slurm/job\n", {("", "slurm/job"): (900, 500, 50), ("", "slurm"): (2000, 100, 0)}, [450, 1900]),
        ("0::/job\n", {("", "job"): ("max", 500, 50), ("", ""): (800, 100, 0)}, [700]),
        ("4:cpu,memory:/a/b\n3:cpu:/\n0::/\n", {("memory", "a"): (600, 100, 10)}, [510]),
        # inside a container the path is that outside it, and the mount is the container's own group
        ("4:memory:/docker/1234\n", {("memory", ""): (700, 100, 0)}, [600]),
        ("3:cpu:/\n", {("memory", ""): (700, 100, 0)}, []),
    ],
)
def test_containers_and_batch_jobs_have_less(tmp_path, listed, groups, left):
    (tmp_path / "listed").write_text(listed)
    for (version, path), facts in groups.items():
        make_group(tmp_path / version / path, version, *facts)
    assert list(caching._left_in_groups(tmp_path / "listed", tmp_path)) == left


def test_free_memory_is_the_least_that_anyone_allows(monkeypatch, tmp_path):
    assert list(caching._left_in_groups(tmp_path / "none", tmp_path)) == []
    assert 0 < free_memory() <= psutil.virtual_memory().total
    monkeypatch.setattr(caching, "_left_in_groups", lambda: iter([12 * GB * 10**6, 1234]))
    assert free_memory() == 1234
    monkeypatch.setattr(caching, "_left_in_groups", lambda: iter([-5]))
    assert free_memory() == 0


def test_recent_pictures_are_read_once_and_a_changed_file_again(tmp_path, write_noise, monkeypatch):
    one, other = map(str, write_noise(tmp_path / "noise", 2))
    calls = []
    monkeypatch.setattr(caching, "read_picture", lambda path: calls.append(path) or read_picture(path))
    size = read_picture(Path(one)).nbytes
    recent = caching.Recent(most=size)
    first = recent.read(one)
    assert recent.read(one) is first and len(calls) == 1 and not first.flags.writeable
    # no room for a second: it is read each time
    assert np.array_equal(recent.read(other), recent.read(other)) and len(calls) == 3
    shutil.copy(other, one)
    os.utime(one, ns=(1, 1))
    assert np.array_equal(recent.read(one), recent.read(other)) and recent.left == 0
