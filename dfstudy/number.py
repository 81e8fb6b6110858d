"""One reported number: identifier, value, interval, sample size and unit.

Everything that the report prints as a result is a `Number`. Undefined is said, never faked: a value
that cannot be computed is None with a note that says why.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

LONGEST = 100  # letters of a method's part of an id


@dataclass(frozen=True)
class Number:
    """A result with its uncertainty.

    Attributes:
        id: dotted name, unique in the report, such as `test.auc` or `test.auc.method.swap`.
        value: the estimate, or None where it is not defined.
        unit: `pictures`, `groups`, `probability`, `AUC` ...; `1` for a bare ratio.
        n: images behind the value.
        low, high: interval's ends, or both None for an exact count or setting.
        groups: independent groups behind the value, where an interval resampled them.
        note: how the interval was made, or why the value is not defined.
        digits: decimals shown; the stored value keeps full precision.
    """

    id: str
    value: float | int | None
    unit: str
    n: int
    low: float | None = None
    high: float | None = None
    groups: int | None = None
    note: str = ""
    digits: int = 3

    def __post_init__(self) -> None:
        for name in ("value", "low", "high"):
            number = getattr(self, name)
            if number is not None and not math.isfinite(number):
                raise ValueError(
                    f"number '{self.id}': {name} is {number}; give None and a note that says why"
                )
        if self.value is None and not self.note:
            raise ValueError(f"number '{self.id}' has no value and no note that says why")
        if (self.low is None) != (self.high is None):
            raise ValueError(f"number '{self.id}' has one end of an interval only")

    def __str__(self) -> str:
        """Value and interval, such as `0.912 [0.880, 0.940]`, or why there is none."""
        if self.value is None:
            return f"not defined ({self.note})"
        text = f"{self.value:,}" if isinstance(self.value, int) else f"{self.value:.{self.digits}f}"
        if self.low is None or self.high is None:
            return text
        return f"{text} [{self.low:.{self.digits}f}, {self.high:.{self.digits}f}]"


def name_methods(methods: Iterable[str]) -> dict[str, str]:
    """Part of a number's id for each method; two methods that come out alike are counted apart.

    It becomes part of files' names as well, so a long one is cut.
    """
    named: dict[str, str] = {}
    for method in sorted(methods):
        slug = re.sub(r"[^a-z0-9]+", "_", method.lower()).strip("_")[:LONGEST].strip("_") or "unnamed"
        alike = sum(name == slug or re.fullmatch(rf"{slug}-\d+", name) is not None for name in named)
        named[f"{slug}-{alike + 1}" if alike else slug] = method
    return named
