"""One image as each network scores it."""

from __future__ import annotations

import pandas as pd
import pytest

from dfstudy.chapters.c06_transfer.outcome import Outcome
from dfstudy.chapters.c06_transfer.try_it import NOTHING, score_by_network
from dfstudy.errors import StudyError


def outcome(name: str, trained_on: tuple[str, ...], *seeds: float, threshold: float = 0.5) -> Outcome:
    tables = [
        pd.DataFrame(
            {
                "path": ["b.png", "a.png", "r.png"],
                "label": [1, 1, 0],
                "method": ["warp", "swap", "real"],
                "probability": [0.9, score, 0.1],
            }
        )
        for score in seeds
    ]
    return Outcome(name, "cnn", trained_on, tables, [threshold] * len(seeds))


@pytest.fixture
def outcomes() -> list[Outcome]:
    return [outcome("only_warp", ("warp",), 0.2, 0.4), outcome("only_swap", ("swap",), 0.8, 0.6)]


def test_each_network_gives_its_mean_and_its_verdict(outcomes):
    table = score_by_network(outcomes, 0)  # fakes by path: a.png first
    assert table["image"].tolist() == ["a.png"] * 2 and set(table["method"]) == {"swap"}
    assert table["network"].tolist() == ["cnn: only_swap", "cnn: only_warp"]
    assert table["learned"].tolist() == ["yes", "no"] and table["verdict"].tolist() == ["fake", "real"]
    assert table["probability"].tolist() == pytest.approx([0.7, 0.3])
    assert score_by_network(outcomes, -1)["method"].iloc[0] == "warp"
    assert score_by_network(outcomes, "r.png")["method"].iloc[0] == "real"


def test_seeds_that_disagree_are_said():
    table = score_by_network([outcome("only_swap", ("swap",), 0.4, 0.6)], "a.png")
    assert table["verdict"].tolist() == ["seeds disagree"]


def test_what_is_not_there_is_said(outcomes):
    assert score_by_network([], 0)["network"].tolist() == [NOTHING]
    with pytest.raises(StudyError, match="no fake 2 in the test"):
        score_by_network(outcomes, 2)
    with pytest.raises(StudyError, match=r"no test image is called a\.jpg"):
        score_by_network(outcomes, "a.jpg")
