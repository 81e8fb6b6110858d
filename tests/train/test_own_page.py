"""The examples of docs/own.md are trained as they stand there."""

from __future__ import annotations

import re

import pytest

from dfstudy.study.study import load_study
from dfstudy.system.provenance import project_root
from dfstudy.train.run import train
from dfstudy.variants.policies import list_comparisons

FILES = ("network.py", "augmentation.py", "mine.yaml")


@pytest.fixture
def study(tmp_path):
    """The page's study, with its files written beside each other."""
    text = (project_root() / "docs" / "own.md").read_text("utf-8")
    blocks = re.findall(r"```\w+\n# (\S+)\n(.*?)```", text, re.DOTALL)
    assert [name for name, _ in blocks] == list(FILES)
    for name, block in blocks:
        (tmp_path / name).write_text(block, "utf-8")
    assert len(dict(blocks)["network.py"].strip().splitlines()) <= 10
    return load_study(str(tmp_path / "mine.yaml"), out=str(tmp_path / "out"))


@pytest.mark.parametrize("policy", ["colour_and_holes", "cropped"])
def test_the_examples_train(study, parts, policy):
    subjects = {one.subject for one in list_comparisons(study) if one.kind == "policy"}
    assert {"colour_and_holes", "cropped", "trivial_augment"} <= subjects
    training = study.training.model_copy(update={"epochs": 1, "workers": 0, "batch_size": 8})
    augment = study.augment.model_copy(update={"policy": policy})
    run = train(study.model_copy(update={"training": training, "augment": augment}), parts, 0, False)
    assert run.checkpoint["backbone"] == "network.py:build"
    assert run.checkpoint["own_policy"]["transforms"]
    assert (run.folder / "network.py").read_text("utf-8").startswith("from torch import nn")
