"""A run from packaged weights: its head starts at zero, and its key and model card name the weights."""

from __future__ import annotations

import pytest

from dfstudy.chapters.c04_test.model_card import _source
from dfstudy.model.device import choose_place
from dfstudy.model.packaged import PACKAGED
from dfstudy.model.process_group import ALONE
from dfstudy.train.key import describe_run
from dfstudy.train.learner import Learner

LITE = "tf_efficientnet_lite0"


def packaged(study):
    model = study.model.model_copy(update={"backbone": LITE, "weights": "package", "options": {}})
    return study.model_copy(update={"model": model})


@pytest.mark.parametrize("backbone", [LITE, "test_efficientnet", "test_resnet", "test_vit"])
def test_every_new_head_starts_at_zero(make_study, backbone):
    study = make_study()
    model = {"backbone": backbone, "options": {}, "weights": "package" if backbone == LITE else "none"}
    study = study.model_copy(update={"model": study.model.model_copy(update=model)})
    network = Learner(study, 7, 1.0, choose_place("float32"), ALONE).network
    assert not any(value.any() for value in network.get_classifier().parameters())
    assert any(value.any() for value in network.parameters())


def test_key_and_model_card_name_the_weights(make_study):
    told = describe_run(packaged(make_study()), "f", 0, choose_place("float32"))
    assert told["pretrained"] == {"source": "package", "sha256": PACKAGED[LITE].sha256}
    words = _source(LITE, "package")
    assert PACKAGED[LITE].sha256 in words and "Apache-2.0" in words
    assert _source(LITE, "none") == "random weights"
