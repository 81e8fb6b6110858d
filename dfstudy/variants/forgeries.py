"""The variants of chapter 06: networks that learn some forgery methods and meet the others in the test.

Takes a study and its split; gives a variant for each method and network, `only_face_swap` or
`without_face_swap`, those of the second network ending in `-second` (for fewer methods, where
`forgeries.second_methods` names them); none where there is one method only. Refuses a method that the
training images lack.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dfstudy.errors import StudyError, near_match
from dfstudy.number import name_methods
from dfstudy.variants.variant import Variant, methods_of, with_methods, with_recipe

if TYPE_CHECKING:
    from dfstudy.data.split import Split
    from dfstudy.study.study import Study


def list_forgeries(study: Study, split: Split) -> list[Variant]:
    """Trained on one method, or on all but one; nothing to compare where there is one method only."""
    wanted = study.forgeries
    named = name_methods(methods_of(split))
    if wanted.train_on == "off" or len(named) < 2:
        return []
    networks = {"": (study.model, list(named.values()))}
    if wanted.second:
        networks["-second"] = (wanted.second, _methods_of_second(study, list(named.values())))
    short = with_recipe(study, wanted.seeds, epochs=wanted.epochs or study.training.epochs)
    variants = []
    for ending, (model, asked) in networks.items():
        own = short.model_copy(update={"model": model})
        for slug, method in named.items():
            if method not in asked:
                continue
            if wanted.train_on == "one":
                name, methods = f"only_{slug}{ending}", (method,)
            else:
                others = tuple(other for other in named.values() if other != method)
                name, methods = f"without_{slug}{ending}", others
            variants.append(Variant(name, methods, own, with_methods(split, methods)))
    return variants


def _methods_of_second(study: Study, methods: list[str]) -> list[str]:
    asked = study.forgeries.second_methods
    for name in asked:
        if name not in methods:
            raise StudyError(
                f"forgeries.second_methods: no method '{name}' to learn{near_match(name, methods)}",
                f"name some of {', '.join(methods)}, or leave the list empty for all",
            )
    return asked or methods
