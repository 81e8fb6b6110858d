"""The numbers of cross-forgery, from a `Cross`.

Gives `cross.<network>.<auc, balanced or found>.<seen, unseen or gap>`, `cross.<network>.specificity` and,
with two networks, `cross.difference.<auc, balanced, found, gap or specificity>`, the second minus the first
over the variants that both have; and for each cell `cross.<auc or balanced>.<variant>.on.<method>`. The n of
a share of one class are the test images of that class. Cost: none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dfstudy.number import Number, name_methods
from dfstudy.stats.intervals import sentences
from dfstudy.stats.measures import OWN_REALS

if TYPE_CHECKING:
    from dfstudy.chapters.c06_transfer.matrix import Cross

SPOKEN = {"auc": "AUC", "balanced": "balanced accuracy", "found": "share of fakes found"}
SAID = {
    "seen": "on methods that it learned",
    "unseen": "on methods that it did not learn",
    "gap": "methods that it learned minus those that it did not",
}
COMPARED = {
    "auc": "AUC on unseen methods",
    "balanced": "balanced accuracy on unseen methods",
    "found": "share of fakes found on unseen methods",
    "gap": "AUC lost from methods learned to others",
    "specificity": "reals called real",
}


def cross_numbers(cross: Cross) -> list[Number]:
    """Means by network, differences of networks, and every cell."""
    numbers = [
        number
        for slug, name in name_methods(cross.networks).items()
        for number in _network(cross, slug, name)
    ]
    return numbers + _differences(cross) + _cells(cross)


def _network(cross: Cross, slug: str, network: str) -> list[Number]:
    own = cross.arms_of(network)
    told = f"mean over {len(own)} training{'s' * (len(own) > 1)}"
    numbers = []
    for quantity, parts in cross.summaries[network].items():
        for name, found in parts.items():
            note = f"{SPOKEN[quantity]}, {told}, {SAID[name]}"
            numbers.append(
                found.number(
                    f"cross.{slug}.{quantity}.{name}",
                    unit=_unit(quantity),
                    n=_pictures(cross, quantity),
                    note=note,
                )
            )
    note = f"reals called real, {told}"
    found = cross.spared[network]
    numbers.append(found.number(f"cross.{slug}.specificity", unit="1", n=cross.reals, note=note))
    if all(cross.variants[at].learning for at in own):
        lacking = cross.unlearned(network)
        note = f"not learned: {', '.join(lacking)}" if lacking else f"all of its {len(own)} trainings"
        numbers.append(
            Number(f"cross.{slug}.learned", int(not lacking), "1 = learned", cross.reals, note=note)
        )
    for at in own:
        name = f"cross.specificity.{cross.variants[at].name}"
        found = cross.specificity[at]
        numbers.append(found.number(name, unit="1", n=cross.reals, note="reals called real"))
    return numbers


def _differences(cross: Cross) -> list[Number]:
    numbers = []
    for name, found in cross.differences.items():
        first, second = cross.networks[:2]
        over = f"paired over the same images and {cross.paired} training{'s' * (cross.paired > 1)} of each"
        note = f"{COMPARED[name]}, {second} minus {first}, {over}"
        unit, n = "AUC" if name in ("auc", "gap") else "1", _pictures(cross, name)
        numbers.append(found.number(f"cross.difference.{name}", unit=unit, n=n, note=note))
    return numbers


def _cells(cross: Cross) -> list[Number]:
    slugs = {method: slug for slug, method in name_methods(cross.methods).items()}
    numbers = []
    for quantity in ("auc", "balanced"):
        for method, found in cross.cells[quantity].items():
            own = OWN_REALS if cross.against[method] < cross.reals else ""
            for at, variant in enumerate(cross.variants):
                numbers.append(
                    found[at].number(
                        f"cross.{quantity}.{variant.name}.on.{slugs[method]}",
                        unit=_unit(quantity),
                        n=cross.against[method] + cross.fakes[method],
                        note=sentences("seen in training" if method in variant.trained_on else "unseen", own),
                    )
                )
    return numbers


def _unit(quantity: str) -> str:
    return "AUC" if quantity == "auc" else "1"


def _pictures(cross: Cross, quantity: str) -> int:
    """Test images behind a quantity."""
    fakes = sum(cross.fakes.values())
    return {"found": fakes, "specificity": cross.reals}.get(quantity, cross.reals + fakes)
