"""Trainings of another part of a network: resumed exactly, and kept as ordinary networks."""

from __future__ import annotations

import torch
from safetensors.torch import load_file

from dfstudy.model.build import build_model
from dfstudy.model.checkpoint import load_checkpoint
from dfstudy.model.freeze import freeze
from dfstudy.system.provenance import digest
from dfstudy.train import learner, loop
from dfstudy.train.key import describe_run
from dfstudy.train.run import train
from dfstudy.train.step_memory import FLOAT32, step_bytes

LORA = {"tuning": "lora", "rank": 2}


def weights(run, name="best") -> dict[str, torch.Tensor]:
    return load_file(run.folder / f"{name}.safetensors")


def test_a_study_without_tuning_trains_the_same_bytes_as_before_there_was_any(parts, make_study, monkeypatch):
    recipe = {"epochs": 2, "model": {"trainable_stages": 1}}
    now = train(make_study("now", **recipe), parts, 0, False)
    monkeypatch.setattr(
        learner, "choose_trained", lambda network, model: freeze(network, model.trainable_stages)
    )
    monkeypatch.setattr(loop, "plain_weights", lambda network: network.state_dict())
    before = train(make_study("before", **recipe), parts, 0, False)
    for name in ("best", "last"):
        one, other = weights(now, name), weights(before, name)
        assert one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def test_low_rank_updates_resume_exactly_and_end_in_an_ordinary_network(parts, make_study, train_with_a_stop):
    recipe = {"epochs": 2, "model": LORA, "ema": 0.5}
    whole = train(make_study("whole", **recipe), parts, 1, False)
    resumed = train_with_a_stop(make_study("stopped", **recipe), parts, 1, 4)
    for file in ("best.safetensors", "last.safetensors", "clean.csv", "history.csv"):
        assert (whole.folder / file).read_bytes() == (resumed.folder / file).read_bytes(), file
    model = make_study(model=LORA).model
    assert weights(whole).keys() == build_model(model).state_dict().keys()
    network, told = load_checkpoint(whole.folder)
    assert not any("lora" in name for name, _ in network.named_modules())
    assert 0 < told["trainable"] < 0.1 * told["parameters"] and told["tuned_by"].keys() == {"peft"}


def test_the_way_of_tuning_and_what_makes_it_are_part_of_the_key(make_study):
    from dfstudy.model.device import choose_place

    place = choose_place("float32")
    models = [{}, {"tuning": "norm"}, LORA, {"tuning": "lora", "rank": 3}]
    told = [describe_run(make_study(model=model), "f", 0, place) for model in models]
    assert len({digest(each) for each in told}) == 4
    assert ["tuned_by" in each for each in told] == [False, False, True, True]


def test_memory_of_a_step_is_what_is_kept_for_the_backward_pass(make_study):
    """Of a classifier alone: its input, a value a feature and image; then gradient and two moments."""
    study = make_study(model={"tuning": "head", "options": {}})
    features = build_model(study.model).num_features
    pictures, trained = study.training.batch_size, features + 1
    assert step_bytes(study) == FLOAT32 * (pictures * features + trained * 3)
    random = torch.get_rng_state()
    by_way = [step_bytes(make_study(model={"tuning": way})) for way in ("head", "norm", "stages")]
    assert by_way == sorted(by_way) and torch.equal(random, torch.get_rng_state())
    assert by_way[1] > 20 * by_way[0]  # norms are everywhere: what lies between them is kept
