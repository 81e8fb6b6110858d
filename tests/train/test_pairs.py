"""Training on pairs: exact after an interruption, and nothing moves where no image has a partner."""

from __future__ import annotations

from dataclasses import replace

import torch
from safetensors.torch import load_file

from dfstudy.data.columns import PAIR
from dfstudy.train.run import train


def paired(parts, column):
    return replace(
        parts, rows=parts.rows.assign(**{PAIR: parts.rows[column]}), fingerprint=column.ljust(64, "f")
    )


def weights(run):
    return load_file(run.folder / "last.safetensors")


def test_pairs_move_weights_single_images_do_not_and_a_stop_changes_nothing(
    parts, make_study, train_with_a_stop
):
    plain = train(make_study("plain", epochs=2), parts, 0, False)
    alone = train(make_study("alone", epochs=2), paired(parts, "path"), 0, False)
    assert all(torch.equal(value, weights(alone)[name]) for name, value in weights(plain).items())
    whole = train(make_study("whole", epochs=2), paired(parts, "group"), 0, False)
    assert len({plain.key, alone.key, whole.key}) == 3
    assert any(not torch.equal(value, weights(whole)[name]) for name, value in weights(plain).items())

    resumed = train_with_a_stop(make_study("stopped", epochs=2), paired(parts, "group"), 0, 4)
    for name in ("best.safetensors", "last.safetensors", "history.csv", "clean.csv"):
        assert (resumed.folder / name).read_bytes() == (whole.folder / name).read_bytes(), name
