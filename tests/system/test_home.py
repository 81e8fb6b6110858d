"""A home that is missing or cannot be written stops nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dfstudy.system.home import settle_home


def test_a_good_home_stays(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert settle_home() == "" and os.environ["HOME"] == str(tmp_path)


@pytest.mark.parametrize("home", [os.devnull, "/nowhere/at/all", "relative"])
def test_another_is_given_and_said(home, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("HOME", home)
    said = settle_home()
    assert home in said and os.environ["HOME"] in said
    own = Path(os.environ["HOME"])
    assert own.parent == tmp_path and own.is_dir() and own.stat().st_mode & 0o77 == 0
    monkeypatch.setenv("HOME", home)
    settle_home()
    assert os.environ["HOME"] == str(own)  # the same at every call
