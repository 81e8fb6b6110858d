"""The runs of a flaw, and the correct ones that it is compared with."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from dfstudy.chapters.c08_protocol.try_it import flaw_runs, trained_flaws
from dfstudy.errors import StudyError


def audited(*names: str, diverged: tuple[str, ...] = ()) -> dict:
    """As `run_defects` gives it; a run is its variant's name."""
    return {
        name: SimpleNamespace(
            test=[] if name in diverged else ["table"],
            variant=SimpleNamespace(train=lambda progress, name=name: [name]),
        )
        for name in names
    }


def test_each_flaw_stands_beside_what_it_is_compared_with():
    tested = audited("main", "defect_all", "imbalanced", "defect_inverted_class_weight", "defect_raw_pixels")
    assert trained_flaws(tested) == ["inverted_class_weight", "raw_pixels", "all"]
    assert flaw_runs(tested, "raw_pixels") == (["main"], ["defect_raw_pixels"])
    assert flaw_runs(tested, "all") == (["main"], ["defect_all"])
    assert flaw_runs(tested, "inverted_class_weight") == (["imbalanced"], ["defect_inverted_class_weight"])
    assert flaw_runs(audited("correct", "defect_all"), "all")[0] == ["correct"]


def test_a_flaw_without_runs_is_refused():
    tested = audited("main", "defect_plain_sgd", "defect_raw_pixels", diverged=("defect_plain_sgd",))
    with pytest.raises(StudyError, match="no network was trained with the flaw 'plain_sgd'") as told:
        flaw_runs(tested, "plain_sgd")
    assert told.value.hint == "give one of raw_pixels"
    assert trained_flaws({}) == []
    with pytest.raises(StudyError) as told:
        flaw_runs({}, "all")
    assert "defects.measured" in told.value.hint
