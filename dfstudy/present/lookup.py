"""Numbers by what they are about: the one place that takes their ids apart.

Takes ids of numbers, such as `policy.self_blend.at_25.auc.difference`; gives their fields, or the ids whose
fields are those that were asked for. What a chapter asks for by a fixed id needs none of this.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

# Families whose ids name a run variant, a flaw or a folder second: `policy.<run>.<quantity>`.
OF_RUNS = frozenset(
    ("policy", "leave_out", "add_one", "strength", "defect", "elsewhere", "cross", "subgroup")
)
OF_CELLS = frozenset(("auc", "balanced", "found", "specificity"))  # `cross.<quantity>.<run>.on.<method>`
SIDES = frozenset(("reported", "true"))  # `defect.<run>.<side>.<quantity>`
BUDGET, METHOD = "at_", "method"


@dataclass(frozen=True)
class Fields:
    """What the id of a number says; empty where it says nothing of it.

    Attributes:
        kind: the family, such as `policy` or `test`.
        run: policy, transform, flaw, network or folder that it is about.
        quantity: metric or other thing measured, such as `auc` or `learned`.
        aspect: what of it: empty for the value itself, else `difference`, `p`, `change`, `trend.p` ...; for
            `cross` the methods that it is a mean over.
        method: forgery method.
        budget: per cent of the epochs; None at the full budget.
    """

    kind: str
    run: str = ""
    quantity: str = ""
    aspect: str = ""
    method: str = ""
    budget: float | None = None


def read_id(name: str) -> Fields:
    """The fields of an id.

    >>> read_id("policy.self_blend.at_12_5.auc.difference").budget
    12.5
    >>> read_id("test.auc.method.swap")
    Fields(kind='test', run='', quantity='auc', aspect='', method='swap', budget=None)
    """
    kind, *rest = name.split(".")
    if kind == "cross" and len(rest) > 1 and rest[0] in OF_CELLS:
        quantity, run, *on = rest
        return Fields(kind, run, quantity, method=on[-1] if on else "")
    run = rest.pop(0) if kind in OF_RUNS and rest else ""
    budget = None
    if run and rest and rest[0].startswith(BUDGET):
        budget = float(rest.pop(0).removeprefix(BUDGET).replace("_", "."))
    if kind == "defect" and len(rest) == 2 and rest[0] in SIDES:
        rest.reverse()
    quantity = rest.pop(0) if rest else ""
    if rest[:1] == [METHOD]:
        return Fields(kind, run, quantity, method=".".join(rest[1:]), budget=budget)
    return Fields(kind, run, quantity, ".".join(rest), budget=budget)


def find(names: Iterable[str], **asked: Any) -> dict[str, Fields]:
    """The ids with these values of fields, in their order; fields that are not named may have any.

    Args:
        asked: values by the names of `Fields`.

    >>> list(find(["policy.none.auc", "policy.self_blend.auc.p"], kind="policy", quantity="auc", aspect=""))
    ['policy.none.auc']
    """
    read = {name: read_id(name) for name in names}
    return {
        name: fields
        for name, fields in read.items()
        if all(getattr(fields, field) == value for field, value in asked.items())
    }
