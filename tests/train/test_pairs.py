"""Training on pairs: exact after an interruption, and nothing moves where no image has a partner."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from dfstudy.data.columns import PAIR
from dfstudy.train import loop
from dfstudy.train.loop import Trainer
from dfstudy.train.run import train


def paired(parts, column):
    return replace(
        parts, rows=parts.rows.assign(**{PAIR: parts.rows[column]}), fingerprint=column.ljust(64, "f")
    )


def weights(run):
    return load_file(run.folder / "last.safetensors")


def test_pairs_move_weights_single_images_do_not_and_a_stop_changes_nothing(parts, make_study, monkeypatch):
    plain = train(make_study("plain", epochs=2), parts, 0, False)
    alone = train(make_study("alone", epochs=2), paired(parts, "path"), 0, False)
    assert all(torch.equal(value, weights(alone)[name]) for name, value in weights(plain).items())
    whole = train(make_study("whole", epochs=2), paired(parts, "group"), 0, False)
    assert len({plain.key, alone.key, whole.key}) == 3
    assert any(not torch.equal(value, weights(whole)[name]) for name, value in weights(plain).items())

    monkeypatch.setattr(loop, "SAVE_SECONDS", 0.0)
    step, steps = Trainer.step, []

    def interrupted(trainer, batch, rate):
        if len(steps) == 4:
            raise KeyboardInterrupt
        steps.append(None)
        return step(trainer, batch, rate)

    monkeypatch.setattr(Trainer, "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(make_study("stopped", epochs=2), paired(parts, "group"), 0, False)
    monkeypatch.setattr(Trainer, "step", step)
    resumed = train(make_study("stopped", epochs=2), paired(parts, "group"), 0, False)
    for name in ("best.safetensors", "last.safetensors", "history.csv", "clean.csv"):
        assert (resumed.folder / name).read_bytes() == (whole.folder / name).read_bytes(), name
