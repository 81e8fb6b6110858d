"""The runs of one flaw beside the correct ones that it is compared with.

Takes what `run_defects` gives; gives what `compare_runs` needs. Refused: a flaw that was not trained, or
whose training diverged. Cost: milliseconds for runs that are there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dfstudy.errors import StudyError, near_match
from dfstudy.variants.defects import ALL, CORRECT, IMBALANCED
from dfstudy.variants.variant import MAIN

if TYPE_CHECKING:
    from dfstudy.chapters.c08_protocol.measure import AuditedVariant
    from dfstudy.train.run import Run

PREFIX = "defect_"


def trained_flaws(tested: Mapping[str, AuditedVariant]) -> list[str]:
    """Flaws that have runs, `all` last; none where nothing was trained for the audit."""
    found = [
        name.removeprefix(PREFIX) for name, one in tested.items() if name.startswith(PREFIX) and one.test
    ]
    return sorted(found, key=lambda name: name == ALL)


def flaw_runs(tested: Mapping[str, AuditedVariant], flaw: str) -> tuple[list[Run], list[Run]]:
    """Runs of the correct protocol and of one with the flaw, of the same seeds in one order.

    Args:
        flaw: such as `raw_pixels`, or `all`.

    Raises:
        StudyError: no network was trained with it.
    """
    known = trained_flaws(tested)
    if flaw not in known:
        raise StudyError(
            f"no network was trained with the flaw '{flaw}'{near_match(flaw, known)}",
            f"give one of {', '.join(known)}" if known else "set defects.measured in the study file",
        )
    base = IMBALANCED if flaw == "inverted_class_weight" else CORRECT if CORRECT in tested else MAIN
    correct, flawed = (tested[name].variant.train(progress=False) for name in (base, f"{PREFIX}{flaw}"))
    return correct, flawed
