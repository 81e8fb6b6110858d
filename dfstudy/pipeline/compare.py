"""How a report compares with the published exhibit of the same study: verdicts first, then numbers.

Takes numbers files as they lie on disk; gives which verdicts agree, which numbers are identical, which lie
inside the exhibit's interval, which do not, and which only one side has. Nothing is rounded: identical means
the same value, the same ends and the same n. Machines with another processor or another number of cores sum
in another order, so inside the interval is what a faithful run on another machine should give; what has no
interval and is no count, such as a p or a detectable difference, then moves as well and is counted apart.
Cost: milliseconds, as nothing is imported for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dfstudy.study.study import SAMPLE, STUDIES, Study
from dfstudy.system.provenance import project_root

Fields = Mapping[str, Any]  # of one number, as `save_numbers` writes them
VERDICT = "answer."  # beginning of the ids of verdicts
NAMED = 12  # numbers that differ; all of them stand in the files that were compared


@dataclass(frozen=True)
class Agreement:
    """Ids of numbers by how they compare, each sorted.

    Attributes:
        agreeing, differing: verdicts.
        identical, inside, outside: counts and numbers with an interval; a count is identical or outside.
        moved: numbers without an interval that are not the same.
        only_here, only_there: what one side alone has.
    """

    agreeing: list[str]
    differing: list[str]
    identical: list[str]
    inside: list[str]
    outside: list[str]
    moved: list[str]
    only_here: list[str]
    only_there: list[str]

    def __str__(self) -> str:
        verdicts = len(self.agreeing) + len(self.differing)
        both = len(self.identical) + len(self.inside) + len(self.outside)
        text = (
            f"{len(self.agreeing)} of {verdicts} verdicts agree with the published report; of {both} counts "
            f"and numbers with an interval {len(self.identical)} are identical, {len(self.inside)} lie in "
            f"its interval, {len(self.outside)} do not; {len(self.moved)} numbers without an interval differ"
        )
        lists = [
            ("other verdicts", self.differing),
            ("outside", self.outside),
            ("only here", self.only_here),
            ("only there", self.only_there),
        ]
        return text + "".join(f"\n  {name}: {_some(ids)}" for name, ids in lists if ids)


def compare_numbers(here: Mapping[str, Fields], there: Mapping[str, Fields]) -> Agreement:
    """Compare the numbers of this report with those of the exhibit."""
    kinds = ("agreeing", "differing", "identical", "inside", "outside", "moved")
    groups: dict[str, list[str]] = {kind: [] for kind in kinds}
    for name in sorted(set(here) & set(there)):
        compare = _compare_verdicts if name.startswith(VERDICT) else _compare
        groups[compare(here[name], there[name])].append(name)
    return Agreement(
        **groups, only_here=sorted(set(here) - set(there)), only_there=sorted(set(there) - set(here))
    )


def _some(ids: list[str]) -> str:
    more = f" and {len(ids) - NAMED:,} more" if len(ids) > NAMED else ""
    return ", ".join(ids[:NAMED]) + more


def _compare_verdicts(here: Fields, there: Fields) -> str:
    """The word stands first in the note: undecided verdicts share the value None."""
    same = here["value"] == there["value"] and _word(here) == _word(there)
    return "agreeing" if same else "differing"


def _word(answer: Fields) -> str:
    return str(answer["note"]).partition(":")[0]


def _compare(here: Fields, there: Fields) -> str:
    if all(here[key] == there[key] for key in ("value", "low", "high", "n")):
        return "identical"
    if here["value"] is None or there["value"] is None:
        return "outside"
    if there["low"] is None:
        return "outside" if isinstance(there["value"], int) else "moved"
    return "inside" if there["low"] <= here["value"] <= there["high"] else "outside"


def exhibit_folder(name: str = SAMPLE) -> Path:
    """The tracked report of a built-in study."""
    return project_root() / "reports" / "published" / name


def is_built_in(study: Study) -> bool:
    """Whether it is a built-in study as it stands, on its own images: one whose report may be tracked."""
    return study.file == STUDIES / f"{study.name}.yaml" and not study.overrides


def command_of(name: str) -> str:
    """What makes the report of a built-in study as it stands."""
    return "make report" if name == SAMPLE else f"make report STUDY={name}"


def compare_with_exhibit(study: Study) -> Agreement | None:
    """Compare the finished report of a built-in study as it stands; None for others, or without exhibit."""
    if not is_built_in(study):
        return None
    there = _read_folder(exhibit_folder(study.name))
    return compare_numbers(_read_folder(study.out), there) if there else None


def _read_folder(folder: Path) -> dict[str, Fields]:
    files = sorted((folder / "numbers").glob("*.json"))
    return {fields["id"]: fields for file in files for fields in json.loads(file.read_text("utf-8"))}
