"""The numbers of an audit.

Takes an `Audit`; gives `Number`s: for every switch whether it applies, and for those that do the changes and
inflations with intervals over images and seeds, p and the smallest difference that would have been found.
"""

from __future__ import annotations

from collections.abc import Iterator

from dfstudy.chapters.c08_protocol.effect import QUANTITIES, Audit, FlawEffect
from dfstudy.number import Number

REPORTS_TEST = "what it reports is the honest test: nothing is inflated"
SAME_NETWORK = "it changes no weight where the AUC selects: the network is the correct one"
# what a protocol's own account is compared in
REPORTED = tuple(name for name in QUANTITIES if name != "ece")
NO_TEST = "its network has learned images of the honest test, so what it costs cannot be asked there"

NO_NETWORK = "not compared, as a training diverged"


def defect_numbers(audit: Audit) -> list[Number]:
    """Numbers of every switch and of `all`.

    `defect.<switch>.applies`, `.diverged` (where a training did), `.<quantity>.change` and
    `.<quantity>.inflation`, of the switch's question also `.<question>.p`, `.detectable`, `.inflation.p`,
    `.inflation.detectable` (p by Holm), and whether its networks have `.learned`;
    `defect.correct.<quantity>`, and where a protocol reports something else than the honest test
    `defect.<switch>.reported.<quantity>` and `.true.<quantity>`.
    """
    numbers = [
        found.number(
            f"defect.correct.{name}",
            unit=QUANTITIES[name].unit,
            n=audit.pictures,
            note=f"{QUANTITIES[name].spoken} of the correct protocol, mean over "
            f"{audit.seeds} seed{'s' * (audit.seeds > 1)}",
        )
        for name, found in audit.correct.items()
    ]
    if audit.learning:
        numbers += audit.learning.numbers("defect.correct")
    for effect in audit.effects.values():
        numbers += _of_effect(effect, audit)
    return numbers


def _of_effect(effect: FlawEffect, audit: Audit) -> Iterator[Number]:
    name, n = f"defect.{effect.switch}", effect.pictures
    yield Number(f"{name}.applies", int(not effect.reason), "1", n, note=effect.reason)
    if effect.reason:
        return
    if effect.diverged:
        yield Number(f"{name}.diverged", 1, "1", n, note=effect.diverged)
        for kind in ("change", "inflation"):
            yield Number(f"{name}.auc.{kind}", None, "AUC", n, note=f"{NO_NETWORK}: {effect.diverged}")
        return
    if effect.learning:
        yield from effect.learning.numbers(name)
    for quantity, found in effect.changes.items():
        told = QUANTITIES[quantity]
        note = f"{told.spoken} on the honest test, with the flaw minus without"
        yield found.number(f"{name}.{quantity}.change", unit=told.unit, n=n, note=note)
    if not effect.changes:
        torn = effect.switch == "random_split"
        value, note = (None, NO_TEST) if torn else (0.0, SAME_NETWORK)
        yield Number(f"{name}.auc.change", value, "AUC", n, note=note)
    for quantity in REPORTED if effect.inflation else ():
        told = QUANTITIES[quantity]
        found, note = effect.inflation[quantity], f"{told.spoken}, reported minus true"
        yield found.number(f"{name}.{quantity}.inflation", unit=told.unit, n=effect.compared, note=note)
        for side in ("reported", "true"):
            level, pictures = getattr(effect, side)[quantity], getattr(effect, f"{side}_on")
            note = f"{told.spoken}, mean over {audit.seeds} seed{'s' * (audit.seeds > 1)}"
            yield level.number(f"{name}.{side}.{quantity}", unit=told.unit, n=pictures, note=note)
    if not effect.inflation:
        yield Number(f"{name}.auc.inflation", 0.0, "AUC", n, note=REPORTS_TEST)
    yield from _of_question(effect, name)


def _of_question(effect: FlawEffect, name: str) -> Iterator[Number]:
    """How sure the differences are that decide the verdict."""
    unit = QUANTITIES[effect.question].unit
    for kind, found in effect.asked().items():
        where, n = (
            (f"{name}.{effect.question}", effect.pictures)
            if kind == "change"
            else (f"{name}.{effect.question}.inflation", effect.compared)
        )
        yield Number(
            f"{where}.p",
            effect.adjusted[kind],
            "probability",
            n,
            note="Holm's, over the questions asked with it",
        )
        found_at = f"found with a probability of 0.8, Holm's correction over {effect.family}"
        note = f"true {kind} that would be {found_at}"
        yield Number(f"{where}.detectable", found.detectable_among(effect.family), unit, n, note=note)
