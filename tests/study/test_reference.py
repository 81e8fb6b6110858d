"""The reference of settings: complete, the same in docs and on the command line, near keys for wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from dfstudy.cli.main import main
from dfstudy.errors import StudyError
from dfstudy.study.reference import COMMAND, as_markdown, list_settings
from dfstudy.study.section import list_keys
from dfstudy.study.study import Study

DOCS = Path(__file__).resolve().parents[2] / "docs"


def said(*words: str) -> str:
    return CliRunner().invoke(main, ["settings", *words]).output


def test_the_page_is_what_the_code_gives():
    assert (DOCS / "settings.md").read_text("utf-8") == as_markdown(), f"write it again: {COMMAND}"
    assert said("--markdown") == as_markdown() and f"`{COMMAND}`" in as_markdown()


def test_every_key_has_its_values_and_its_meaning():
    listed = list_settings()
    assert [one.key for one in listed] == [key for key, _, _ in list_keys(Study)] and len(listed) > 80
    assert all(one.values and one.meaning for one in listed if not one.key.startswith("test_on[]."))


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("training.epochs", "whole number at least 1"),
        ("training.optimiser", "sgd, nesterov or adamw"),
        ("training.ema", "number at least 0 and below 1"),
        ("training.seeds", "list of at least 1: whole number at least 0"),
        ("training.clip_norm", "null, or number above 0"),
        ("model.trainable_stages", "all, or whole number at least 0"),
        ("model.std", "null, or list of 3: number above 0"),
        ("forgeries.second.size", "whole number at least 32 and at most 1024"),
        ("data.aliases", "mapping from real or fake to list: text"),
        ("test_on[].root", "text"),
        ("defects.measured", "true or false"),
    ],
)
def test_values_are_said_in_words(key, values):
    [one] = list_settings(key)
    assert one.values == values


def test_a_policy_names_its_choices():
    [one] = list_settings("augment.policy")
    assert "self_blend" in one.values and one.default == "original"


def test_one_key_a_section_or_all():
    assert said("training.epochs") == (
        "training.epochs: 8\n    values: whole number at least 1\n    epochs at most\n"
    )
    assert all(one.key.startswith("data.sample.") for one in list_settings("data.sample"))
    assert [one.key for one in list_settings("test_on")][:2] == ["test_on", "test_on[].root"]
    assert len(list_settings("training")) < len(list_settings())


@pytest.mark.parametrize(
    ("key", "near"),
    [("training.epoch", "training.epochs"), ("epochs", "training.epochs"), ("trainig", "training")],
)
def test_a_wrong_key_gets_the_near_one(key, near):
    with pytest.raises(StudyError, match=f"no setting '{key}' .did you mean '{near}'") as error:
        list_settings(key)
    assert "dfstudy settings" in error.value.hint
