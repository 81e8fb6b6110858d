from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from families import DIFFICULTIES, draw_families

from dfstudy.portraits.forgery import METHODS


@pytest.fixture(scope="module")
def figure():
    drawn = draw_families(3)
    yield drawn
    plt.close(drawn)


def test_a_row_a_family_from_crude_to_subtle_with_its_mask(figure):
    columns = len(DIFFICULTIES) + 2
    assert len(figure.axes) == columns * len(METHODS)
    for row, method in enumerate(METHODS.values()):
        axes = figure.axes[row * columns : (row + 1) * columns]
        photograph, *fakes, mask = (np.asarray(axis.get_images()[0].get_array()) for axis in axes)
        assert axes[0].get_title(loc="left") == method.name.replace("_", " ")
        assert mask.ndim == 2
        steps = [np.abs(fake - fakes[-1]).mean() for fake in fakes]
        assert steps[0] > steps[1] > steps[2] == 0
        assert method.has_source or (photograph == 1).all()
