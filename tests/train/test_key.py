"""A run's key follows what shapes its weights: an edit elsewhere trains nothing again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dfstudy.system import provenance
from dfstudy.train.key import CODE, WORDS

PACKAGE = provenance.PACKAGE


@pytest.fixture
def digest_after(tmp_path, monkeypatch):
    """Digest of the key's code in a copy of the package after a line was added to one file."""
    copy = tmp_path / "dfstudy"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(provenance, "PACKAGE", copy)

    def edited(name: str = "", *, without: tuple[str, ...] = WORDS) -> str:
        for cache in (provenance.code_digest, provenance._data_beside):
            cache.cache_clear()
        whole = (copy / name).read_text("utf-8") if name else ""
        if name:
            (copy / name).write_text(f"{whole}\nEDITED = 1\n", "utf-8")
        try:
            return provenance.code_digest(*CODE, without=without)
        finally:
            if name:
                (copy / name).write_text(whole, "utf-8")

    yield edited
    for cache in (provenance.code_digest, provenance._data_beside):
        cache.cache_clear()


@pytest.mark.parametrize(
    "name",
    [
        "portraits/hair.py",
        "data/layouts/celebdf.py",
        "faces/track.py",
        "train/log.py",  # every message of a training
        "train/threshold.py",
        "study/comparisons.py",
        "stats/metrics.py",
        "present/style.py",
        "chapters/c05_policies/figures.py",
        "chapters/c07_robustness/measure.py",
        "pipeline/plan.py",
        "cli/main.py",
    ],
)
def test_what_shapes_no_weight_is_no_part_of_the_key(digest_after, name):
    assert digest_after(name) == digest_after()


@pytest.mark.parametrize(
    "name",
    [
        "train/protocol.py",  # the loss
        "train/loop.py",
        "train/selection.py",
        "augment/transforms.py",
        "augment/recipes.py",
        "data/images.py",
        "data/order.py",
        "model/build.py",
        "model/freeze.py",
    ],
)
def test_what_shapes_a_weight_changes_the_key(digest_after, name):
    assert digest_after(name) != digest_after()


def test_messages_are_left_out_by_name_and_else_would_count(digest_after):
    assert digest_after("train/log.py", without=()) != digest_after(without=())


def test_the_key_covers_less_than_the_house():
    """Doors without code and types apart keep it so: it was 88 files when doors re-exported their rooms."""
    covered = provenance.import_closure(*CODE)
    rooms = {file.relative_to(PACKAGE).parts[0] for file in covered if file.parent != PACKAGE}
    assert rooms == {"augment", "data", "model", "study", "system", "train"} and len(covered) <= 56
    assert (PACKAGE / "study" / "study.py") not in covered
    assert Path(PACKAGE / "train" / "log.py") in covered
