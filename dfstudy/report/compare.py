"""How the numbers of a report compare with the published exhibit of the same study.

Takes numbers files as they lie on disk; gives which numbers are identical, which lie inside the exhibit's
interval, which lie outside it or differ where there is no interval, and which only one side has. Nothing is
rounded: identical means the same value, the same ends and the same n. Machines with another processor or
another number of cores sum in another order, so inside the interval is what a faithful run on another
machine should give. Cost: milliseconds, as nothing is imported for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dfstudy.provenance import project_root
from dfstudy.study import STUDIES, Study

Fields = Mapping[str, Any]  # of one number, as `save_numbers` writes them
NAMED = 12  # numbers that differ; all of them stand in the files that were compared


@dataclass(frozen=True)
class Comparison:
    """Ids of numbers by how they compare, each sorted."""

    identical: list[str]
    inside: list[str]
    outside: list[str]
    only_here: list[str]
    only_there: list[str]

    def __str__(self) -> str:
        both = len(self.identical) + len(self.inside) + len(self.outside)
        text = (
            f"{len(self.identical)} of {both} numbers are identical to the published exhibit, "
            f"{len(self.inside)} lie inside its interval, {len(self.outside)} do not"
        )
        lists = [("outside", self.outside), ("only here", self.only_here), ("only there", self.only_there)]
        return text + "".join(f"\n  {name}: {_some(ids)}" for name, ids in lists if ids)


def compare_numbers(here: Mapping[str, Fields], there: Mapping[str, Fields]) -> Comparison:
    """Compare the numbers of this report with those of the exhibit."""
    groups: dict[str, list[str]] = {"identical": [], "inside": [], "outside": []}
    for name in sorted(set(here) & set(there)):
        groups[_compare(here[name], there[name])].append(name)
    return Comparison(
        **groups, only_here=sorted(set(here) - set(there)), only_there=sorted(set(there) - set(here))
    )


def _some(ids: list[str]) -> str:
    more = f" and {len(ids) - NAMED:,} more" if len(ids) > NAMED else ""
    return ", ".join(ids[:NAMED]) + more


def _compare(here: Fields, there: Fields) -> str:
    if all(here[key] == there[key] for key in ("value", "low", "high", "n")):
        return "identical"
    if here["value"] is None or there["low"] is None:
        return "outside"
    return "inside" if there["low"] <= here["value"] <= there["high"] else "outside"


def exhibit_folder() -> Path:
    """The tracked exhibit of the sample study."""
    return project_root() / "reports" / "published" / "sample"


def compare_with_exhibit(study: Study) -> Comparison | None:
    """Compare a finished report of the built-in sample study; None for any other, or without exhibit."""
    there = _read_folder(exhibit_folder())
    if study.file != STUDIES / "sample.yaml" or not study.is_sample or not there:
        return None
    return compare_numbers(_read_folder(study.out), there)


def _read_folder(folder: Path) -> dict[str, Fields]:
    files = sorted((folder / "numbers").glob("*.json"))
    return {fields["id"]: fields for file in files for fields in json.loads(file.read_text("utf-8"))}
