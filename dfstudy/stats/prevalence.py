"""What a verdict is worth where fakes are as rare as in use, and not as common as among the test images.

Takes the shares of reals and of fakes that are called fake, with their intervals; gives, for images of which
a stated share is fake, the precision of the verdict fake, and the false alarms and missed fakes among 1,000
images (Bayes' rule). Precision joins the ends of both intervals, the worst with the worst, so its own
interval errs to the wide side; a bootstrap of the ratio would be sure of itself where no real of a few was
called fake. It holds for reals and fakes like those that were tested, whatever their mixture. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dfstudy.number import Number
from dfstudy.stats.intervals import sentences

if TYPE_CHECKING:
    from dfstudy.stats.intervals import Interval

PREVALENCES = (0.01, 0.1)  # shares of fakes among the images that a detector meets
OF = 1000  # images among which errors are counted


def prevalence_numbers(
    alarmed: Interval, caught: Interval, reals: int, fakes: int, prefix: str
) -> list[Number]:
    """Numbers `<prefix>.false_alarms`, and `.precision.at_<rate>`, `.alarms.at_<rate>`, `.missed.at_<rate>`.

    Args:
        alarmed: share of the reals that are called fake, 0..1.
        caught: share of the fakes that are called fake.
        reals, fakes: images behind them.
    """
    sure = f"{100 * alarmed.settings.confidence:g} %"
    numbers = [alarmed.number(f"{prefix}.false_alarms", unit="1", n=reals, note="reals called fake")]
    for rate in PREVALENCES:
        percent = f"{100 * rate:g}"
        at, where = f"at_{percent.replace('.', '_')}", f"where {percent} % of the images are fake"
        ends = [
            _precision(rate, float(found), float(false))
            for found, false in (
                (caught.value, alarmed.value),
                (caught.low, alarmed.high),
                (caught.high, alarmed.low),
            )
        ]
        what = "share of fakes among the images called fake, from sensitivity and false alarms"
        note = sentences(where, what, f"joins the ends of {sure} intervals of both")
        numbers.append(_number(f"{prefix}.precision.{at}", ends, "1", reals + fakes, note, 3))
        for name, share, scale, n in (
            ("alarms", (alarmed.value, alarmed.low, alarmed.high), OF * (1 - rate), reals),
            ("missed", (1 - caught.value, 1 - caught.high, 1 - caught.low), OF * rate, fakes),
        ):
            said = f"{where}; of {OF:,} images; {sure} interval of the share"
            numbers.append(
                _number(f"{prefix}.{name}.{at}", [scale * float(end) for end in share], "images", n, said, 1)
            )
    return numbers


def _precision(rate: float, caught: float, alarmed: float) -> float:
    """NaN where nothing is called fake."""
    found, false = rate * caught, (1 - rate) * alarmed
    return found / (found + false) if found + false > 0 else float("nan")


def _number(name: str, ends: list[float], unit: str, n: int, note: str, digits: int) -> Number:
    value, low, high = (None if end != end else end for end in ends)
    if value is None:
        return Number(name, None, unit, n, note="nothing is called fake")
    if low is None or high is None:
        low = high = None
    return Number(name, value, unit, n, low=low, high=high, note=note, digits=digits)
