"""Fixtures shared by all rooms: real pictures and weights where this machine has them."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import pytest

import dfstudy  # noqa: F401 -- before torch: it sets how idle threads wait

# how long an example takes says something about the machine that tests, and nothing about the code
hypothesis.settings.register_profile("dfstudy", deadline=None)
hypothesis.settings.load_profile("dfstudy")

SHARED = Path(__file__).resolve().parents[2] / "shared"


def _shared(kind: str) -> Path:
    folder = SHARED / kind
    if not folder.is_dir():
        pytest.skip(f"no real {kind} beside this checkout (../shared/{kind})")
    return folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real picture sets; skips where absent."""
    return _shared("data")


@pytest.fixture(scope="session")
def shared_models() -> Path:
    """Folder of real weights; skips where absent."""
    return _shared("models")
