"""The recipe's formulas against torch's own and against the definitions."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest
import torch

from dfstudy.errors import StudyError
from dfstudy.study.recipe import Training
from dfstudy.train.protocol import build_optimiser, fake_weight, learning_rate, loss_of_each


def rates(settings: Training, batches: int) -> list[float]:
    return [learning_rate(settings, step, batches) for step in range(settings.epochs * batches)]


def torch_rates(make_schedule, top: float, steps: int, each: int = 1) -> list[float]:
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=top)
    schedule, found = make_schedule(optimiser), []
    for step in range(steps):
        found.append(optimiser.param_groups[0]["lr"])
        if (step + 1) % each == 0:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torch would like optimiser.step() first
                schedule.step()
    return found


def test_one_cycle_is_torchs():
    settings = Training(schedule="one_cycle", learning_rate=0.02, epochs=5)
    want = torch_rates(lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.02, total_steps=35), 0.02, 35)
    np.testing.assert_allclose(rates(settings, 7), want, rtol=1e-9)


def test_step_is_torchs():
    settings = Training(schedule="step", learning_rate=0.01, epochs=7, step_epochs=3, step_factor=0.1)
    want = torch_rates(lambda o: torch.optim.lr_scheduler.StepLR(o, 3, 0.1), 0.01, 28, each=4)
    np.testing.assert_allclose(rates(settings, 4), want, rtol=1e-9)


def test_cosine_is_torchs():
    settings = Training(schedule="cosine", learning_rate=0.1, epochs=4)
    want = torch_rates(lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 20), 0.1, 20)
    np.testing.assert_allclose(rates(settings, 5), want, atol=1e-12)


def test_warm_up_rises_evenly_to_the_top_and_then_falls_to_nothing():
    settings = Training(schedule="cosine", learning_rate=0.1, epochs=10, warmup_epochs=1.5)
    found = rates(settings, 8)
    np.testing.assert_allclose(np.diff(found[:13]), 0.1 / 13)
    assert np.argmax(found) == 12
    assert found[12] == 0.1
    assert all(later < earlier for earlier, later in itertools.pairwise(found[12:]))
    assert found[-1] < 0.001


@pytest.mark.parametrize("schedule", ["constant", "step", "cosine", "one_cycle"])
@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_a_training_of_few_steps_has_a_rate(schedule, steps):
    settings = Training(schedule=schedule, learning_rate=0.1, epochs=steps, warmup_epochs=1)
    assert all(0 <= rate <= 0.1 for rate in rates(settings, 1))


def test_weight_of_a_fake_is_real_over_fake():
    labels = np.array([1, 0, 0, 0, 1, 0, 0])
    assert fake_weight(labels, "balanced") == 5 / 2
    assert fake_weight(labels, "none") == 1.0


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_cannot_be_trained_on(label):
    with pytest.raises(StudyError, match="training part holds"):
        fake_weight(np.full(4, label), "balanced")


def test_loss_is_cross_entropy_with_fakes_weighted():
    logits, labels = torch.tensor([2.0, -1.0, 0.5]).double(), torch.tensor([1.0, 1.0, 0.0]).double()
    p = 1 / (1 + np.exp(-logits.numpy()))
    want = [-3 * np.log(p[0]), -3 * np.log(p[1]), -np.log(1 - p[2])]
    np.testing.assert_allclose(loss_of_each(logits, labels, 3.0).numpy(), want)


def test_optimisers_are_the_named_ones():
    network = torch.nn.Linear(2, 1)
    network.bias.requires_grad_(False)
    plain = build_optimiser(network, Training(optimiser="sgd", weight_decay=1e-7))
    assert plain.defaults["momentum"] == 0.0
    assert plain.defaults["weight_decay"] == 1e-7
    nesterov = build_optimiser(network, Training(optimiser="nesterov"))
    assert (nesterov.defaults["momentum"], nesterov.defaults["nesterov"]) == (0.9, True)
    adamw = build_optimiser(network, Training(optimiser="adamw"))
    assert isinstance(adamw, torch.optim.AdamW)
    assert adamw.param_groups[0]["params"] == [network.weight]
