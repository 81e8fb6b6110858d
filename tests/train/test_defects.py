"""Each original flaw changes what it says and nothing else: batch, loss, BatchNorm, selection, recipe."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from dfstudy.model.device import Normalisation, choose_place
from dfstudy.predict.predict import predict
from dfstudy.study.recipe import Protocol
from dfstudy.train import loop
from dfstudy.train.key import describe_run
from dfstudy.train.loop import Part, Trainer
from dfstudy.train.protocol import learning_rate
from dfstudy.train.run import train
from dfstudy.train.selection import mean_of_means, score

FROZEN = {"backbone": "test_efficientnet", "trainable_stages": 1, "size": 32}


@pytest.fixture
def make_trainer(parts, make_study, tmp_path):
    """A trainer of the tiny study with some defects on."""

    def make(model: dict | None = None, recipe: dict | None = None, **defects) -> Trainer:
        study = make_study(model=model or {}, **(recipe or {}))
        study = study.model_copy(update={"protocol": Protocol(**defects)})
        made = [
            Part([parts.root / path for path in rows["path"]], rows["label"].to_numpy())
            for rows in (parts.part("train"), parts.part("val"))
        ]
        return Trainer(study, 0, *made, choose_place("float32"), tmp_path)

    return make


def first_step(trainer: Trainer) -> SimpleNamespace:
    """What the first step gives the network, and what it leaves behind."""
    seen = []
    handle = trainer.network.register_forward_pre_hook(lambda _, given: seen.append(given[0].clone()))
    loop.train_mode(trainer.network, trainer.study.model.batch_norm, trainer.defects.drifting_batch_norm)
    with trainer.loader(trainer.training, train=True) as loader:
        batch = next(iter(loader.epoch(1)))
    rate = learning_rate(trainer.recipe, 0, trainer.batches)
    loss = float(trainer.step(batch, rate))
    handle.remove()
    state = {name: value.clone() for name, value in trainer.network.state_dict().items()}
    return SimpleNamespace(
        x=seen[0], rows=batch.rows, loss=loss, rate=rate, weight=trainer.weight, state=state,
        logits=trainer.seen.logits[batch.rows].clone(),
    )  # fmt: skip


def test_bgr_turns_the_channels_and_nothing_else(make_trainer):
    honest, defect = first_step(make_trainer()), first_step(make_trainer(bgr_channels=True))
    assert torch.equal(defect.x, honest.x.flip(1)) and not torch.equal(defect.x, honest.x)
    assert defect.x.stride() == honest.x.stride()
    assert (defect.weight, defect.rate) == (honest.weight, honest.rate)
    assert torch.equal(defect.rows, honest.rows)


def test_raw_pixels_are_grey_levels(make_trainer):
    honest, defect = make_trainer(), make_trainer(raw_pixels=True)
    mean, std = (torch.tensor(part).view(1, 3, 1, 1) for part in (honest.normalisation.mean,
                                                                  honest.normalisation.std))  # fmt: skip
    honest, defect = first_step(honest), first_step(defect)
    torch.testing.assert_close(defect.x, (honest.x * std + mean) * 255, atol=1e-3, rtol=0)
    assert torch.equal(defect.x, defect.x.round()) and defect.x.max() > 100
    assert (defect.weight, defect.rate) == (honest.weight, honest.rate)


def test_the_inverted_weight_changes_the_loss_alone(make_trainer, parts):
    honest, defect = first_step(make_trainer()), first_step(make_trainer(inverted_class_weight=True))
    labels = parts.part("train")["label"].to_numpy()
    assert defect.weight == pytest.approx(labels.sum() / (labels == 0).sum())
    assert honest.weight == pytest.approx(1 / defect.weight)
    assert torch.equal(defect.x, honest.x) and torch.equal(defect.logits, honest.logits)
    of_batch = labels[defect.rows.numpy()]
    for found in (honest, defect):
        assert found.loss == pytest.approx(score(found.logits, of_batch, found.weight).loss, rel=1e-5)
    assert honest.loss != pytest.approx(defect.loss, rel=1e-3)


def test_drifting_moves_the_statistics_of_frozen_stages_alone(make_trainer):
    trainers = [make_trainer(FROZEN), make_trainer(FROZEN, drifting_batch_norm=True)]
    frozen = {
        f"{name}.{part}"
        for name, module in trainers[0].network.named_modules()
        if isinstance(module, nn.BatchNorm2d) and not module.weight.requires_grad
        for part in ("running_mean", "running_var", "num_batches_tracked")
    }
    held = {name for name, each in trainers[0].network.named_parameters() if not each.requires_grad}
    before = {name: value.clone() for name, value in trainers[0].network.state_dict().items()}
    honest, defect = map(first_step, trainers)
    assert torch.equal(defect.x, honest.x) and len(frozen) > 10
    assert all(torch.equal(honest.state[name], before[name]) for name in frozen | held)
    assert all(torch.equal(defect.state[name], before[name]) for name in held)
    assert not any(torch.equal(defect.state[name], before[name]) for name in frozen)


def test_timms_head_changes_the_start_of_the_head_alone(make_trainer):
    trainers = [make_trainer(FROZEN), make_trainer(FROZEN, timm_head=True)]
    honest, defect = (trainer.network.state_dict() for trainer in trainers)
    assert [key for key in honest if not torch.equal(honest[key], defect[key])] == ["classifier.weight"]
    assert not honest["classifier.weight"].any() and defect["classifier.weight"].std() > 0.4
    first, second = map(first_step, trainers)
    assert torch.equal(first.x, second.x)
    assert not first.logits.any() and second.logits.all()


def test_nothing_drifts_where_nothing_is_frozen(make_trainer):
    honest, defect = first_step(make_trainer()), first_step(make_trainer(drifting_batch_norm=True))
    assert all(torch.equal(defect.state[name], value) for name, value in honest.state.items())


def test_plain_sgd_replaces_optimiser_and_schedule_alone(make_trainer):
    recipe = {"epochs": 40, "optimiser": "adamw", "schedule": "one_cycle"}
    trainer = make_trainer(recipe=recipe, plain_sgd=True)
    honest = first_step(make_trainer(recipe=recipe))
    (group,) = trainer.optimiser.param_groups
    assert type(trainer.optimiser) is torch.optim.SGD
    assert (group["momentum"], group["weight_decay"], group["nesterov"]) == (0, 1e-7, False)
    rates = [learning_rate(trainer.recipe, step, 3) for step in (0, 44, 45, 89, 90)]
    assert rates == pytest.approx([0.01, 0.01, 0.001, 0.001, 0.0001])
    before = {name: value.detach().clone() for name, value in trainer.network.named_parameters()}
    defect = first_step(trainer)
    assert torch.equal(defect.x, honest.x) and defect.loss == honest.loss
    replaced = {"optimiser", "learning_rate", "weight_decay", "schedule"}
    told, kept = (each.model_dump(exclude=replaced) for each in (trainer.recipe, trainer.study.training))
    assert told == kept and make_trainer().recipe == make_trainer().study.training
    moved = [
        torch.allclose(before[name] - each.detach(), 0.01 * (each.grad + 1e-7 * before[name]), atol=2e-7)
        for name, each in trainer.network.named_parameters()
    ]
    assert all(moved)


def test_rounded_losses_choose_the_earlier_of_two_that_round_alike(parts, make_study, monkeypatch):
    losses = {1: 0.504, 2: 0.496, 3: 0.505}
    plain = loop.score

    def scripted(logits, labels, *rest, **more):
        found = plain(logits, labels, *rest, **more)
        if len(labels) != len(parts.part("val")):
            return found
        epoch = len(calls) % 3 + 1
        calls.append(epoch)
        return type(found)(losses[epoch], found.accuracy, found.auc)

    best = {}
    for rounded in (False, True):
        calls: list[int] = []
        monkeypatch.setattr(loop, "score", scripted)
        study = make_study(f"{rounded}", epochs=3, patience=9, select_by="loss", policy="none")
        study = study.model_copy(update={"protocol": Protocol(selection_is_result=rounded)})
        run = train(study, parts, 0, False)
        best[rounded] = run.checkpoint["best_epoch"]
    assert best == {False: 2, True: 1}  # 0.50 is reached in epoch 1, and 0.496 is no less


def test_means_of_batch_means_count_the_last_batch_whole(make_trainer):
    honest, defect = make_trainer(), make_trainer(batch_means=True)
    random = np.random.default_rng(0)
    labels, logits = random.integers(0, 2, 22), torch.from_numpy(random.normal(0, 1, 22)).float()
    order = random.permutation(22)
    exact, meant = (trainer.score(logits, labels, order) for trainer in (honest, defect))
    hits = ((logits.numpy() >= 0) == labels)[order]
    assert exact.accuracy == pytest.approx(hits.mean())
    assert meant.accuracy == pytest.approx(np.mean([hits[:8].mean(), hits[8:16].mean(), hits[16:].mean()]))
    assert meant.auc == exact.auc and meant.loss != exact.loss
    assert mean_of_means(hits[:16], 8) == pytest.approx(hits[:16].mean())
    steps = [first_step(trainer) for trainer in (honest, defect)]
    assert all(torch.equal(steps[1].state[name], value) for name, value in steps[0].state.items())


def test_a_defect_is_part_of_the_key_and_an_honest_run_does_not_name_any(make_study):
    place = choose_place("float32")
    study = make_study()
    told = [
        describe_run(study.model_copy(update={"protocol": Protocol(**on)}), "f", 0, place)
        for on in ({}, {"bgr_channels": True}, {"plain_sgd": True})
    ]
    assert [one["protocol"] for one in told] == [{}, {"bgr_channels": True}, {"plain_sgd": True}]
    assert told[1] == {**told[0], "protocol": {"bgr_channels": True}}
    assert told[2]["training"]["optimiser"] == "sgd"


def test_a_run_is_tested_as_it_was_trained(parts, make_study, monkeypatch):
    """A network that got B, G, R and grey levels gets them in the test as well."""
    study = make_study(epochs=1)
    study = study.model_copy(update={"protocol": Protocol(bgr_channels=True, raw_pixels=True)})
    run = train(study, parts, 0, False)
    told = run.checkpoint["normalisation"]
    assert told == {"mean": [0, 0, 0], "std": [1 / 255] * 3, "channels": "BGR"}
    assert Normalisation.of({"mean": [0.5] * 3, "std": [0.5] * 3}).channels == "RGB"
    pictures = torch.randint(0, 256, (4, 48, 48, 3), dtype=torch.uint8)
    given = Normalisation.of(told)(pictures, torch.device("cpu"))
    assert torch.equal(given, pictures.flip(-1).permute(0, 3, 1, 2).float())
    rows = parts.rows.assign(method="any", sha256=parts.rows["path"])
    table = predict(run, replace(parts, rows=rows), "val", False)
    clean = run.clean[run.clean["part"] == "val"].sort_values("path")
    assert table["logit"].to_numpy() == pytest.approx(clean["logit"].to_numpy(), abs=1e-4)
