"""A loader with a forge shows real images in place of fakes, and says which file it could not read."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from dfstudy.data.loader import make_loader
from dfstudy.errors import StudyError

COUNT = 12
LABELS = [row % 2 for row in range(COUNT)]
SIZES = np.array([(9, 7)] * COUNT)


def real(picture, key):
    return np.full((4, 4, 3), picture[0, 0, 0], np.uint8)


def forged(picture, key):
    return np.full((4, 4, 3), picture[0, 0, 0] + 1, np.uint8)


@pytest.fixture
def paths(tmp_path):
    """Images whose values are their row number times ten; fakes are missing."""
    for row in range(0, COUNT, 2):
        cv2.imwrite(str(tmp_path / f"{row}.png"), np.full((7, 9, 3), 10 * row, np.uint8))
    return [tmp_path / f"{row}.png" for row in range(COUNT)]


def collect(paths, epochs=(0,), **settings):
    settings = {"batch_size": 5, "workers": 0, "forge": forged, **settings}
    with make_loader(paths, LABELS, real, **settings) as loader:
        batches = [batch for epoch in epochs for batch in loader.epoch(epoch)]
        return [
            (row, values[0, 0, 0].item())
            for batch in batches
            for row, values in zip(batch.rows.tolist(), batch.images_NHWC, strict=True)
        ]


def test_a_fake_row_is_a_forged_real_one_and_another_each_epoch(paths):
    shown = collect(paths, epochs=range(6))
    for row, value in shown:
        if row % 2 == 0:
            assert value == 10 * row
        else:
            assert value % 20 == 1
    drawn = {row: [value for r, value in shown if r == row] for row in range(1, COUNT, 2)}
    assert all(len(set(values)) > 1 for values in drawn.values())
    every = [value for values in drawn.values() for value in values]
    assert len(set(every)) == 6  # each real one served


def test_kept_pictures_change_nothing_and_fakes_take_no_memory(paths):
    plain = collect(paths, epochs=range(3))
    assert collect(paths, epochs=range(3), sizes=SIZES) == plain
    assert collect(paths, epochs=range(3), sizes=SIZES, workers=2) == plain
    needs = make_loader(paths, LABELS, real, batch_size=5, workers=0, sizes=SIZES, forge=forged)
    assert needs._samples.cache.nbytes == COUNT // 2 * 9 * 7 * 3
    needs.close()


def test_the_unreadable_picture_is_named_and_not_the_fake_that_it_stood_for(paths):
    for row in range(0, COUNT, 2):
        if row != 4:
            paths[row].unlink()
    with pytest.raises(StudyError) as error:
        collect(paths)
    named = str(error.value).split(":")[0]
    assert named in {str(paths[row]) for row in range(0, COUNT, 2)} - {str(paths[4])}
