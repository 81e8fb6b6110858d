"""A slider's result is an output of its own: it follows the slider, and is there without one."""

from __future__ import annotations

import pytest
from IPython.display import Markdown

from dfstudy.errors import StudyError
from dfstudy.present import slide
from dfstudy.present.place import STAGING
from dfstudy.present.slide import Slide


class Handle:
    """What `display` gives for an output that can be changed."""

    def __init__(self) -> None:
        self.shown = []

    def update(self, value) -> None:
        self.shown.append(value)


@pytest.fixture
def displayed(monkeypatch):
    """Everything that is displayed, and the handle of the last."""
    shown, handle = [], Handle()

    def display(value, display_id=False):
        shown.append(value)
        return handle if display_id else None

    monkeypatch.setattr(slide, "display", display)
    return shown, handle


def double(value: int) -> str:
    if value > 2:
        raise StudyError("3 is too many", "take less")
    return f"{2 * value}"


VALUES = {"one": 1, "two": 2, "three": 3}


def test_the_result_follows_the_slider(displayed, monkeypatch):
    monkeypatch.delenv(STAGING, raising=False)
    shown, handle = displayed
    Slide("how many", VALUES, "two", double)._ipython_display_()
    control, result = shown
    assert result == "4" and control.options == ("one", "two", "three") and control.value == "two"
    assert control.description == "how many"
    control.value = "one"
    assert handle.shown == ["2"]
    control.value = "three"
    assert isinstance(handle.shown[-1], Markdown)
    assert handle.shown[-1].data == "**3 is too many.** Next step: take less."


def test_a_chapter_of_a_report_holds_the_result_alone(displayed, monkeypatch, tmp_path):
    monkeypatch.setenv(STAGING, str(tmp_path))
    shown, handle = displayed
    Slide("how many", VALUES, "one", double)._ipython_display_()
    assert shown == ["2"] and handle.shown == []


def test_a_slider_begins_at_a_value_that_it_has():
    with pytest.raises(ValueError, match="has no value 'four'"):
        Slide("how many", VALUES, "four", double)
