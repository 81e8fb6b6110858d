"""The page on own augmentations and networks: its table follows the recipes."""

from __future__ import annotations

from dfstudy.augment.recipes import RECIPES
from dfstudy.study.recipe import COMPARED
from dfstudy.system.provenance import project_root


def test_the_table_of_policies_is_that_of_the_recipes():
    lines = (project_root() / "docs" / "own.md").read_text("utf-8").splitlines()
    start = lines.index("| name | source | compared by default |") + 2
    rows = lines[start : start + len(RECIPES)]
    assert rows == [
        f"| `{name}` | {recipe.source} | {'yes' if name in COMPARED else ''} |"
        for name, recipe in RECIPES.items()
    ]
    assert not lines[start + len(RECIPES)].startswith("|")
