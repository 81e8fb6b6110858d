"""The runs of one policy, for a comparison of any two."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from dfstudy.chapters.c05_policies import try_it
from dfstudy.chapters.c05_policies.try_it import policy_runs
from dfstudy.errors import StudyError
from dfstudy.study.study import load_study


@pytest.fixture
def study(monkeypatch, tmp_path):
    """The sample, whose variants are made up: a run is its policy and its epochs."""
    study = load_study("sample", out=str(tmp_path))

    def variant(policy: str, epochs: int):
        augment, training = SimpleNamespace(policy=policy), SimpleNamespace(epochs=epochs)
        own = SimpleNamespace(augment=augment, training=training)
        return SimpleNamespace(study=own, train=lambda progress: [(policy, epochs)])

    full = study.training.epochs
    made = [variant("none", full), variant("original", full), variant("original", 1), variant("none+grey", 1)]
    monkeypatch.setattr(try_it, "list_variants", lambda *_: made)
    return study


def test_the_runs_with_all_epochs_are_found(study):
    assert policy_runs(study, None, "original") == [("original", study.training.epochs)]


@pytest.mark.parametrize("policy", ["none+grey", "orginal"])
def test_a_policy_that_was_not_trained_to_the_end_is_refused(study, policy):
    with pytest.raises(StudyError, match="no training with the policy") as told:
        policy_runs(study, None, policy)
    assert told.value.hint == "give one of none, original"


def test_where_nothing_is_compared_the_key_is_named(study, monkeypatch):
    monkeypatch.setattr(try_it, "list_variants", lambda *_: [])
    with pytest.raises(StudyError) as told:
        policy_runs(study, None, "none")
    assert "policies.names" in told.value.hint
