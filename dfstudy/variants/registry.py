"""Training runs by name: the study's own, and those that a comparison sets beside it.

Takes a study and its split; gives `Variant`s, each a study and a split of its own. What a chapter `needs`
names a group here. Variants are trained by `train`, which finds a run by its content, so one that two
chapters ask for is trained once. Refused: a name that the study does not have. Cost: none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from dfstudy.errors import StudyError, near_match
from dfstudy.variants.controls import list_controls
from dfstudy.variants.curve import list_curve
from dfstudy.variants.defects import list_defects
from dfstudy.variants.forgeries import list_forgeries
from dfstudy.variants.pairs import list_pairs
from dfstudy.variants.policies import list_policy_variants
from dfstudy.variants.tuning import list_tuning
from dfstudy.variants.variant import MAIN, Variant, methods_of

if TYPE_CHECKING:
    from dfstudy.data.split import Split
    from dfstudy.study.study import Study

__all__ = [
    "COMPARISONS",
    "CONTROLS",
    "CURVE",
    "DEFECTS",
    "FORGERIES",
    "GROUPS",
    "MAIN",
    "PAIRS",
    "POLICIES",
    "RUNS",
    "TUNING",
    "Variant",
    "find_variants",
    "list_variants",
]

RUNS, POLICIES, CONTROLS, FORGERIES, DEFECTS = "runs", "policies", "controls", "forgeries", "defects"
TUNING = "tuning"
PAIRS = "pairs"
CURVE = "curve"


def _main(study: Study, split: Split) -> list[Variant]:
    return [Variant(MAIN, methods_of(split), study, split)]


# by the word under which a chapter needs them, in the order in which they are trained
GROUPS: dict[str, Callable[[Study, Split], list[Variant]]] = {
    RUNS: _main,
    POLICIES: list_policy_variants,
    CONTROLS: list_controls,
    FORGERIES: list_forgeries,
    DEFECTS: list_defects,
    TUNING: list_tuning,
    PAIRS: list_pairs,
    CURVE: list_curve,
}


# groups that a section of the study shapes, by its name
COMPARISONS = {
    POLICIES: "policies",
    CONTROLS: "policies",
    FORGERIES: "forgeries",
    DEFECTS: "defects",
    TUNING: "tuning",
    PAIRS: "pairs",
    CURVE: "learning_curve",
}


def list_variants(study: Study, split: Split, group: str) -> list[Variant]:
    """The variants of a group.

    `runs` is the study's own, `policies` one for each policy and budget, `controls` those between which there
    is nothing to find, `forgeries` one for each method and
    network, `defects` one for each original flaw that needs a training, `tuning` one for each way of tuning
    and policy, `pairs` the study's with each fake beside its source, `curve` one for each share and draw of
    the learning curve.

    Args:
        split: the study's own.
    """
    return GROUPS[group](study, split)


def find_variants(study: Study, split: Split, names: Sequence[str]) -> list[Variant]:
    """The variants of these names, in their order.

    Raises:
        StudyError: the study has none of a name.
    """
    variants = {variant.name: variant for group in GROUPS for variant in list_variants(study, split, group)}
    for name in names:
        if name not in variants:
            raise StudyError(
                f"this study has no training called '{name}'{near_match(name, variants)}",
                f"give one of {', '.join(variants)}",
            )
    return [variants[name] for name in names]
