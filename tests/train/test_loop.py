"""The loop: recorded losses, exactness over workers and interruptions, stopping, refusals."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch

from dfstudy.errors import StudyError
from dfstudy.model.checkpoint import load_checkpoint
from dfstudy.study.recipe import Protocol, Training
from dfstudy.train import loop
from dfstudy.train.learner import Learner, pictures_at_once
from dfstudy.train.loop import Trainer
from dfstudy.train.run import train
from dfstudy.train.selection import score

# Losses of the first four steps with a head as timm draws it, seed 0, CPU: a refactoring of model/, train/,
# augment/ or data/loader.py must not move them; a change of the recipe's meaning must, and records them anew.
RECORDED = {
    "adamw": [1.23747, 1.17173, 1.45509, 0.49662],
    "sgd": [1.23747, 1.76977, 2.15486, 0.67718],
}


def bytes_of(run) -> dict[str, bytes]:
    names = ("best.safetensors", "last.safetensors", "history.csv", "clean.csv", "checkpoint.json")
    return {name: (run.folder / name).read_bytes() for name in names}


@pytest.mark.parametrize("optimiser", RECORDED)
def test_four_recorded_steps(parts, make_study, optimiser, monkeypatch):
    study = make_study(epochs=2, optimiser=optimiser, schedule="cosine", warmup_epochs=0.5)
    study = study.model_copy(update={"protocol": Protocol(timm_head=True)})
    losses = []
    check = Trainer._check_losses

    def remember(trainer):
        losses.append(trainer.seen.losses[: trainer.progress.batch].tolist())
        check(trainer)

    monkeypatch.setattr(Trainer, "_check_losses", remember)
    train(study, parts, 0, progress=False)
    epochs = [found for found in losses if len(found) == 3]
    assert [*epochs[0], epochs[-1][0]] == pytest.approx(RECORDED[optimiser], abs=5e-4)


def test_workers_change_nothing(parts, make_study):
    runs = [train(make_study(f"workers{n}", workers=n, epochs=2), parts, 0, False) for n in (0, 1, 2)]
    assert len({run.key for run in runs}) == 1
    assert bytes_of(runs[0]) == bytes_of(runs[1]) == bytes_of(runs[2])


AVERAGED = {"ema": 0.9, "accumulate": 3, "clip_norm": 0.5}


@pytest.mark.parametrize(
    ("recipe", "stop_at"),
    [
        ({"optimiser": "adamw"}, 1),
        ({"optimiser": "adamw"}, 6),
        ({"optimiser": "adamw"}, 8),
        ({"optimiser": "nesterov"}, 4),
        ({"optimiser": "sgd"}, 4),
        (AVERAGED, 4),
        (AVERAGED, 6),
    ],
)
def test_interrupted_and_resumed_ends_with_the_same_bytes(
    parts, make_study, recipe, stop_at, train_with_a_stop
):
    recipe = {"epochs": 3, "model": {"batch_norm": "train"}, **recipe}
    whole = train(make_study("whole", **recipe), parts, 1, False)
    resumed = train_with_a_stop(make_study("stopped", **recipe), parts, 1, stop_at)
    assert bytes_of(resumed) == bytes_of(whole)
    assert not (resumed.folder / loop.STATE).exists()


def test_interrupted_between_the_best_weights_and_the_state(parts, make_study, monkeypatch):
    whole = train(make_study("whole"), parts, 0, False)
    save = loop.save_state

    def torn(file, learner, seen, progress):
        if progress.epoch == 3:
            raise KeyboardInterrupt
        save(file, learner, seen, progress)

    monkeypatch.setattr(loop, "save_state", torn)
    with pytest.raises(KeyboardInterrupt):
        train(make_study("torn"), parts, 0, False)
    monkeypatch.setattr(loop, "save_state", save)
    assert bytes_of(train(make_study("torn"), parts, 0, False)) == bytes_of(whole)


def test_training_scores_are_over_pictures_and_not_over_batches(parts, make_study, monkeypatch):
    seen = []

    def remember(logits, labels, weight, soft):
        seen.append((logits.clone(), labels))
        assert soft is labels  # no sample was mixed
        return score(logits, labels, weight, soft=soft)

    monkeypatch.setattr(loop, "score", remember)
    run = train(make_study(epochs=1), parts, 0, False)
    logits, labels = seen[0]
    assert len(logits) == len(parts.part("train")) == 22  # 8 + 8 + 6: the last batch is smaller
    assert not logits.isnan().any()
    weight = run.checkpoint["fake_weight"]
    losses = torch.nn.functional.softplus(torch.where(torch.tensor(labels) == 1, -logits, logits))
    weighted = losses.double().numpy() * np.where(labels == 1, weight, 1.0)
    assert run.history["train_loss"][0] == pytest.approx(weighted.mean(), rel=1e-6)


def test_the_best_weights_are_those_of_the_best_epoch(parts, make_study):
    run = train(make_study(epochs=4, patience=4, learning_rate=0.01), parts, 0, False)
    best = run.history["val_auc"].idxmax()  # the first of equals
    assert run.checkpoint["best_epoch"] == run.history["epoch"][best]
    told = run.checkpoint["clean"]["val"]
    assert told["auc"] == run.history["val_auc"][best]
    assert told["loss"] == run.history["val_loss"][best]
    network, _ = load_checkpoint(run.folder)
    last, _ = load_checkpoint(run.folder, "last")
    same = [torch.equal(a, b) for a, b in zip(network.parameters(), last.parameters(), strict=True)]
    assert all(same) == (best == len(run.history) - 1)


def test_patience_ends_a_training_that_gets_no_better(parts, make_study):
    run = train(make_study(epochs=30, patience=2, schedule="constant", select_by="loss"), parts, 0, False)
    best = run.checkpoint["best_epoch"]
    assert len(run.history) == best + 2 < 30
    assert run.history["val_loss"].idxmin() == best - 1


def test_a_loss_that_is_not_finite_names_epoch_and_step(parts, make_study, monkeypatch):
    step, count = Trainer.step, []

    def broken(trainer, batch, rate):
        count.append(None)
        if len(count) == 5:
            with torch.no_grad():
                next(trainer.network.parameters()).fill_(float("nan"))
        return step(trainer, batch, rate)

    monkeypatch.setattr(Trainer, "step", broken)
    with pytest.raises(StudyError, match="epoch 2, step 2 of 3") as refusal:
        train(make_study(), parts, 0, False)
    assert "learning_rate" in refusal.value.hint


def test_frozen_weights_and_statistics_are_those_of_the_start(parts, make_study):
    study = make_study(epochs=2, model={"trainable_stages": 1})
    begun = Trainer(
        study,
        0,
        *[
            loop.Part([parts.root / p for p in t["path"]], t["label"].to_numpy())
            for t in (parts.part("train"), parts.part("val"))
        ],
        loop.DeviceSetup(torch.device("cpu"), torch.float32),
        study.out,
    )
    start = {name: tensor.clone() for name, tensor in begun.network.state_dict().items()}
    run = train(study, parts, 0, False)
    ended = load_checkpoint(run.folder, "last")[0].state_dict()
    frozen = [name for name, p in begun.network.named_parameters() if not p.requires_grad]
    assert run.checkpoint["parameters"] - run.checkpoint["trainable"] == sum(start[n].numel() for n in frozen)
    assert "conv_stem.weight" in frozen
    for name in [*frozen, "bn1.running_mean", "bn1.num_batches_tracked"]:
        assert torch.equal(start[name], ended[name]), name
    assert not torch.equal(start["classifier.weight"], ended["classifier.weight"])


def test_bfloat16_trains_close_to_float32_and_to_its_own_key(parts, make_study):
    exact = train(make_study(epochs=2, precision="float32"), parts, 0, False)
    fast = train(make_study(epochs=2, precision="bfloat16"), parts, 0, False)
    assert exact.key != fast.key
    difference = (exact.clean["logit"] - fast.clean["logit"]).abs()
    assert 0 < difference.max() < 0.5


def test_a_separable_task_is_learned(parts, make_study):
    run = train(make_study(epochs=12, patience=12, learning_rate=0.01), parts, 0, False)
    assert run.checkpoint["clean"]["train"]["auc"] > 0.95
    assert isinstance(run.timings, pd.DataFrame)
    assert (run.timings["pictures_per_second"] > 0).all()


STILL = {"batch_norm": "eval", "options": {"drop_rate": 0.0}}  # a step's parts then do not know of each other


@pytest.mark.parametrize("accumulate", [2, 3, 8, 20])
def test_a_step_in_parts_is_the_same_step(parts, make_study, accumulate):
    whole = train(make_study("whole", model=STILL, epochs=2), parts, 0, False)
    cut = train(make_study("cut", model=STILL, epochs=2, accumulate=accumulate), parts, 0, False)
    assert whole.key != cut.key
    np.testing.assert_allclose(cut.clean["logit"], whole.clean["logit"], rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(cut.history["train_loss"], whole.history["train_loss"], rtol=1e-4)


def small(**recipe) -> dict:
    """22 images at 32 px, where this network's last layers see 1 x 1."""
    return {"model": {"backbone": "test_resnet", "size": 32, "options": {}}, "epochs": 1, **recipe}


@pytest.mark.parametrize(
    ("recipe", "better"),
    [({"batch_size": 7}, 8), ({"batch_size": 1}, 2), ({"batch_size": 19, "accumulate": 10}, 20)],
)
def test_a_picture_alone_is_refused_before_the_first_step(parts, make_study, monkeypatch, recipe, better):
    step = Learner.step
    monkeypatch.setattr(Learner, "step", lambda *_: pytest.fail("it began"))
    with pytest.raises(StudyError, match=r"22 training images in steps of .* leave one image") as told:
        train(make_study(**small(**recipe)), parts, 0, False)
    assert f"set training.batch_size: {better}, or a larger model.size" in told.value.hint
    monkeypatch.setattr(Learner, "step", step)
    train(make_study(**small(**{**recipe, "batch_size": better})), parts, 0, False)


@pytest.mark.parametrize(
    "model",
    [{"size": 64}, {"batch_norm": "eval"}, {"trainable_stages": 0}, {"backbone": "test_vit"}],
    ids=str,
)
def test_a_picture_alone_trains_where_the_network_can(parts, make_study, monkeypatch, model):
    settings = small(batch_size=7)
    settings["model"] |= model
    first = train(make_study("first", **settings), parts, 0, False)
    # the try before the first step leaves no trace
    monkeypatch.setattr("dfstudy.train.loop.refuse_lone_picture", lambda *_: None)
    other = train(make_study("other", **settings), parts, 0, False)
    for name in ("best.safetensors", "last.safetensors", "history.csv", "clean.csv"):
        assert (first.folder / name).read_bytes() == (other.folder / name).read_bytes()


def test_clipping_bounds_the_step(parts, make_study):
    """Without momentum a step moves the weights by rate times gradient, so by at most rate * clip_norm."""
    study = make_study(optimiser="sgd", weight_decay=0.0, clip_norm=0.01, class_weight="none")
    trainer, batch = trainer_with_batch(study, parts)
    before = [parameter.detach().clone() for parameter in trainer.network.parameters()]
    trainer.step(batch, 0.5)
    moved = [after.detach() - old for after, old in zip(trainer.network.parameters(), before, strict=True)]
    norm = torch.cat([part.flatten() for part in moved]).norm().item()
    assert norm == pytest.approx(0.5 * 0.01, rel=1e-3)


def test_the_average_follows_its_formula(parts, make_study):
    """After the first step it is the network; then it moves a tenth of the way (Polyak and Juditsky 1992)."""
    trainer, batch = trainer_with_batch(make_study(ema=0.9), parts)
    weights, want = next(trainer.network.parameters()), None
    for _ in range(4):
        trainer.step(batch, 0.01)
        now = weights.detach().double()
        want = now.clone() if want is None else 0.9 * want + 0.1 * now
    tested = next(trainer.learner.tested.parameters())
    torch.testing.assert_close(tested.double(), want, rtol=1e-5, atol=1e-7)
    assert not torch.equal(tested, weights)


def test_the_average_is_what_is_validated_and_kept(parts, make_study):
    run = train(make_study(ema=0.9, epochs=2), parts, 0, False)
    plain = train(make_study(epochs=2), parts, 0, False)
    assert run.key != plain.key
    assert list(run.history["train_loss"]) == list(plain.history["train_loss"])  # the network learns the same
    kept, other = (load_checkpoint(each.folder, "last")[0] for each in (run, plain))
    assert not torch.equal(next(kept.parameters()), next(other.parameters()))
    best = run.checkpoint["best_epoch"] - 1
    assert run.checkpoint["clean"]["val"]["loss"] == run.history["val_loss"][best]


def test_a_compiled_training_compiles_whole_steps_alone_and_resumes(parts, make_study, monkeypatch):
    """Dynamo traces, and its own `eager` backend runs what it traced: the same numbers without the wait."""
    shapes = []

    def backend(graph, inputs):
        shapes.append([tuple(each.shape) for each in inputs if each.dim() == 4 and each.shape[1] == 3])
        return graph.forward

    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=backend))
    model = {"options": {"drop_rate": 0.0}}
    plain = train(make_study("plain", model=model, epochs=2), parts, 0, False)
    compiled = train(make_study("compiled", model=model, epochs=2, compile=True), parts, 0, False)
    assert compiled.key != plain.key
    assert list(compiled.clean["logit"]) == list(plain.clean["logit"])
    assert {shape[0] for found in shapes for shape in found if shape[2:] == (48, 48)} == {8}  # not the last 6


def test_compiling_without_a_compiler_says_what_to_do(parts, make_study, monkeypatch):
    monkeypatch.setattr("dfstudy.train.learner.shutil.which", lambda name: None)
    with pytest.raises(StudyError, match=r"training\.compile needs a C\+\+ compiler") as refusal:
        train(make_study(compile=True), parts, 0, False)
    assert "compile: false" in refusal.value.hint


@pytest.mark.parametrize(
    ("batch_size", "devices", "accumulate", "at_once"),
    [(64, 1, 1, 64), (64, 2, 4, 8), (7, 2, 1, 4), (7, 2, 3, 2), (1, 4, 4, 1)],
)
def test_pictures_at_once(batch_size, devices, accumulate, at_once):
    recipe = Training(batch_size=batch_size, devices=devices, accumulate=accumulate)
    assert pictures_at_once(recipe) == at_once


def trainer_with_batch(study, parts):
    """A trainer at its start, and its first batch."""
    both = [
        loop.Part([parts.root / path for path in table["path"]], table["label"].to_numpy())
        for table in (parts.part("train"), parts.part("val"))
    ]
    trainer = Trainer(study, 0, *both, loop.DeviceSetup(torch.device("cpu"), torch.float32), study.out)
    with trainer.loader(trainer.training, train=True) as loader:
        return trainer, next(loader.epoch(1))
