"""Levels of independence: which column speaks, and what is refused."""

from __future__ import annotations

from typing import get_args

import pandas as pd
import pytest

from dfstudy.cli.evaluate import evaluate
from dfstudy.errors import StudyError
from dfstudy.stats import measures as testing
from dfstudy.stats.units import UNITS, refuse_unnamed, units_of
from dfstudy.study.comparisons import Evaluate

ROWS = pd.DataFrame(
    {"path": ["a", "b", "c"], "group": ["g", "g", "h"], "video": ["v", "w", "w"], "identity": ["i", "", "j"]}
)


@pytest.mark.parametrize(("level", "column"), [("group", "group"), ("video", "video"), ("picture", "path")])
def test_each_level_has_its_column(level, column):
    assert units_of(ROWS, level).tolist() == ROWS[column].tolist()


def test_a_missing_column_and_an_empty_cell_are_refused():
    with pytest.raises(StudyError, match="need a column 'identity'"):
        units_of(ROWS[["path", "group"]], "identity")
    with pytest.raises(StudyError, match="1 of 3 images name no identity, the first b"):
        units_of(ROWS, "identity")


def test_a_level_that_some_pictures_do_not_name_is_refused_by_the_name_of_the_set():
    refuse_unnamed({"the test": ROWS}, "video")
    unnamed = {"the test": ROWS, "test_on, Faces": ROWS.assign(video=["", "w", ""])}
    with pytest.raises(StudyError, match=r"test_on, Faces: .* 2 of 3 images name no video") as error:
        refuse_unnamed(unnamed, "video")
    assert "evaluate.level to group" in error.value.hint
    refuse_unnamed(unnamed, "group")


def test_the_settings_know_every_level():
    for level in UNITS:
        assert Evaluate(level=level).level == level


def test_the_test_draws_and_names_the_level(predictions):
    tables = [table.assign(video=table["path"].str[:5]) for table in predictions]
    found = {}
    for level in ("group", "video", "picture"):
        settings = Evaluate(replicates=100, level=level)
        found[level] = {n.id: n for n in testing.test_numbers(tables, [0.5, 0.4], settings)}
    assert found["video"]["test.auc"].groups == tables[0]["video"].nunique()
    assert found["picture"]["test.auc"].groups == len(tables[0]) > found["video"]["test.auc"].groups
    assert "resamples of videos" in found["video"]["test.auc"].note
    assert found["video"]["test.groups"].unit == "videos"
    with pytest.raises(StudyError, match="need a column 'video'"):
        testing.test_numbers(predictions, [0.5, 0.4], Evaluate(replicates=100, level="video"))


def test_levels_are_those_of_the_study_file_and_of_the_command():
    [choice] = [option.type for option in evaluate.params if option.name == "level"]
    assert list(UNITS) == list(choice.choices) == list(get_args(Evaluate.model_fields["level"].annotation))
