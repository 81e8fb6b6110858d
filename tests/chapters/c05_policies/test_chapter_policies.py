"""Chapter 05 as it runs: on real small networks, and where the study compares nothing."""

from __future__ import annotations

import json
import re

import nbformat
import pytest
import yaml

from dfstudy.chapters.find import find_chapter
from dfstudy.pipeline.execute import run_chapter
from dfstudy.pipeline.invocation import resolve

CHAPTER = find_chapter("05_compare_augmentation")
TINY = {
    "name": "tiny",
    "title": "A tiny study",
    "data": {"root": "sample", "sample": {"identities": 12, "frames": 2, "size": 48}},
    "model": {"size": 48},
    "training": {"epochs": 2, "seeds": [0], "workers": 0},
    "evaluate": {"replicates": 100, "robustness_pictures": 6},
}


@pytest.fixture
def invoke(tmp_path):
    def invoke(**policies):
        file = tmp_path / "tiny.yaml"
        file.write_text(yaml.safe_dump({**TINY, "policies": policies}))
        return resolve(study=str(file), out=str(tmp_path / "out"))

    return invoke


def read_numbers(folder) -> dict[str, dict]:
    text = (folder / "numbers" / f"{CHAPTER.id}.json").read_text()
    return {number["id"]: number for number in json.loads(text)}


def test_the_notebook_trains_and_compares(invoke, tmp_path):
    few = {"leave_one_out": False, "add_one": False, "strengths": [], "budgets": [0.5]}
    made = run_chapter(CHAPTER, invoke(names=["none", "original"], unseen=["face_swap"], **few))
    assert {"figures/policies_forest.png", "figures/policies_budget.png"} <= set(made)
    assert not any("parts" in name or "strength" in name for name in made)
    numbers = read_numbers(tmp_path / "out")
    assert numbers["policies.runs"]["value"] == 4 and numbers["policies.held_out"]["note"] == "face_swap"
    for quantity in ("auc", "unseen", "gap", "log_loss", "ece", "robust"):
        first, second = (numbers[f"policy.{name}.{quantity}"]["value"] for name in ("none", "original"))
        assert numbers[f"policy.original.{quantity}.difference"]["value"] == pytest.approx(second - first)
    assert "50 % of the epochs (1)" in numbers["policy.original.at_50.auc.difference"]["note"]
    stored = nbformat.read(tmp_path / "out" / "notebooks" / f"{CHAPTER.id}.ipynb", 4)
    cells = {cell.id: cell for cell in stored.cells}
    answer = cells["answer"].outputs[0].data["text/markdown"]
    assert "second minus first" in cells["try"].outputs[-1].data["text/html"]
    assert re.match(r"\*\*Answer\.\*\* By test AUC, compared with none at 100 % of the epochs \(2\)", answer)


def test_where_nothing_is_named_the_chapter_says_so_and_trains_nothing(invoke, tmp_path):
    invocation = invoke(names=[])
    cells = {cell.id: cell for cell in nbformat.read(CHAPTER.notebook, 4).cells if cell.cell_type == "code"}
    known: dict = {}
    for cell in cells.values():
        exec(cell.source, known)
        if "parameters" in cell.metadata.get("tags", []):
            known |= invocation.parameters()
    assert list(read_numbers(tmp_path / "out")) == ["policies.compared"]
    assert not (tmp_path / "out" / "runs").exists() and not list((tmp_path / "out").glob("figures/*"))
    answer = eval(cells["answer"].source, known).data
    assert answer.startswith("**Answer.**") and "`policies.names`" in answer
