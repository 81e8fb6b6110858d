"""STUDY=original: the original protocol logs what the original notebook logged, here on a tiny network."""

from __future__ import annotations

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from dfstudy.study.recipe import Protocol
from dfstudy.study.study import load_study
from dfstudy.train.run import train

RECORDED = {
    "bgr_channels": True,
    "raw_pixels": True,
    "inverted_class_weight": True,
    "drifting_batch_norm": True,
    "selection_is_result": True,
    "batch_means": True,
    "timm_head": True,
}


@pytest.mark.parametrize("defects", [{}, RECORDED], ids=["mended", "as recorded"])
def test_two_epochs_log_loss_and_accuracy_of_training_and_validation(parts, tmp_path, defects):
    study = load_study("original", out=str(tmp_path))
    small = {"backbone": "test_efficientnet", "weights": "none", "size": 32}
    short = {"epochs": 2, "batch_size": 8, "workers": 0}
    study = study.model_copy(
        update={
            "model": study.model.model_copy(update=small),
            "training": study.training.model_copy(update=short),
            "protocol": Protocol(**defects),
        }
    )
    run = train(study, parts, 0, False)
    assert run.history["epoch"].tolist() == [1, 2] and (run.history["learning_rate"] == 0.01).all()
    events = EventAccumulator(str(run.folder / "tensorboard"))
    events.Reload()
    for part, short in (("training", "train"), ("validation", "val")):
        for quantity in ("loss", "accuracy"):
            logged = [event.value for event in events.Scalars(f"{quantity}/{part}")]
            assert logged == pytest.approx(run.history[f"{short}_{quantity}"].tolist())
    assert len(events.Scalars("learning rate")) == 2 * 3 and events.Tags()["images"]
    told = run.checkpoint
    assert told["protocol"] == defects and 0 < told["trainable"] < told["parameters"]
    assert (told["training"]["optimiser"], told["training"]["schedule"]) == ("sgd", "step")
    assert (run.timings["pictures_per_second"] > 0).all()
    if defects:  # best by loss rounded to two digits, the earlier of two that round alike
        rounded = run.history["val_loss"].round(2).tolist()
        assert told["best_epoch"] == rounded.index(min(rounded)) + 1
