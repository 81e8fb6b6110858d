"""A training under self_blend reads none of the set's fakes; validation and scoring still do."""

from __future__ import annotations

import numpy as np
import torch

from dfstudy.data.images import read_picture
from dfstudy.model.device import DeviceSetup
from dfstudy.train import loop
from dfstudy.train.loop import Trainer
from dfstudy.train.run import train


def trainer(parts, study, folder):
    """A trainer whose training part has no file behind a fake row."""
    tables = [parts.part("train"), parts.part("val")]
    training, validation = (
        loop.Part([parts.root / p for p in t["path"]], t["label"].to_numpy("int64")) for t in tables
    )
    named = zip(training.paths, training.labels, strict=True)
    hidden = [path.with_name("gone.png") if label else path for path, label in named]
    training = loop.Part(hidden, training.labels)
    return Trainer(study, 0, training, validation, DeviceSetup(torch.device("cpu"), torch.float32), folder)


def test_the_trainers_loader_blends_its_fakes(parts, make_study, tmp_path):
    begun = trainer(parts, make_study(policy="self_blend"), tmp_path)
    with begun.loader(begun.training, train=True) as batches:
        epochs = [list(batches.epoch(epoch)) for epoch in (1, 2)]
    for epoch in epochs:
        labels = torch.cat([batch.labels[batch.rows.argsort()] for batch in epoch])
        assert labels.sum() == begun.training.labels.sum()
    with begun.loader(begun.validation) as batches:  # in order, and only resized
        plain = np.concatenate([batch.images_NHWC.numpy() for batch in batches.epoch(0)])
    policy = loop.build_policy("none", 48)
    expected = [policy(read_picture(path), 0) for path in begun.validation.paths]
    assert np.array_equal(plain, np.stack(expected))


def test_it_trains_to_the_end(parts, make_study):
    run = train(make_study(policy="self_blend", epochs=1), parts, 0, False)
    assert run.checkpoint["policy"] == "self_blend"
    assert np.isfinite(run.history["val_auc"]).all()
