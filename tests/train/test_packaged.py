"""A run from packaged weights: its head starts at zero, and its key and model card name the weights."""

from __future__ import annotations

from dfstudy.model import ALONE, choose_place
from dfstudy.model.packaged import PACKAGED
from dfstudy.report.model_card import _source
from dfstudy.train.learner import Learner
from dfstudy.train.run import describe_run

LITE = "tf_efficientnet_lite0"


def packaged(study):
    model = study.model.model_copy(update={"backbone": LITE, "weights": "package", "options": {}})
    return study.model_copy(update={"model": model})


def test_only_a_pretrained_network_starts_with_a_head_at_zero(make_study):
    place, study = choose_place("float32"), make_study()
    pretrained = Learner(packaged(study), 7, 1.0, place, ALONE).network
    fresh = Learner(study, 7, 1.0, place, ALONE).network
    assert not any(value.any() for value in pretrained.get_classifier().parameters())
    assert fresh.get_classifier().weight.any()


def test_key_and_model_card_name_the_weights(make_study):
    told = describe_run(packaged(make_study()), "f", 0, choose_place("float32"))
    assert told["pretrained"] == {"source": "package", "sha256": PACKAGED[LITE].sha256}
    words = _source(LITE, "package")
    assert PACKAGED[LITE].sha256 in words and "Apache-2.0" in words
    assert _source(LITE, "none") == "random weights"
