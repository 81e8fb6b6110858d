"""Weights as others save them, brought to the names of a network.

Takes tensors by name and what the network holds; gives those that belong to it, the classifier's keys that
they do not fill, and what was done in words. Understood by rule: a wrapper's name before every key
(`module.`, `model.`, `state_dict.module.`), keys of other things beside it, a classifier for other classes,
one under another name, and none at all. Refused with `StudyError`: anything else that does not fit, and a
file that holds the network twice. Cost: milliseconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import NamedTuple

from torch import Tensor

from dfstudy.errors import StudyError

MOST_LISTED = 10  # keys in one message
COUNTER = "num_batches_tracked"  # of BatchNorm; old files lack it, and nothing is computed from it


class FittedWeights(NamedTuple):
    """Tensors under the network's names, the classifier's keys that are new, and what was done."""

    tensors: dict[str, Tensor]
    new: tuple[str, ...]
    note: str


def fit_weights(
    given: Mapping[str, Tensor], own: Mapping[str, Tensor], classifier: Collection[str], source: str
) -> FittedWeights:
    """The tensors of a file that belong to a network.

    Args:
        given: of the file.
        own: the network's state dict.
        classifier: keys of its last layer, which may be new.
        source: the file, for messages.

    Raises:
        StudyError: what is left does not fit, at most ten keys named.
    """
    prefix, notes = _find_prefix(given, own, source), []
    inside = {key.removeprefix(prefix): value for key, value in given.items() if key.startswith(prefix)}
    if prefix:
        outside = len(given) - len(inside)
        rest = f", keys of other things left out: {outside:,}" if outside else ""
        notes.append(f"'{prefix}' taken off its {len(inside):,} keys{rest}")
    if other := _other_classifier(inside, own, classifier):
        inside = {key: value for key, value in inside.items() if key not in other}
        notes.append(f"its classifier {', '.join(other)} left out")
    lacks = not any(key in inside for key in classifier)
    new = tuple(key for key in classifier if lacks or (key in inside and inside[key].shape != own[key].shape))
    if new:
        why = "the file has none" if lacks else "the file's were for other classes"
        notes.append(f"new {', '.join(new)}: {why}")
    problems = _compare(inside, own, new)
    if problems:
        raise _refusal(problems, given, own, prefix, source)
    return FittedWeights(
        {key: value for key, value in inside.items() if key not in new}, new, "; ".join(notes)
    )


def _find_prefix(given: Mapping[str, Tensor], own: Mapping[str, Tensor], source: str) -> str:
    """What stands before the network's own names in most keys; empty where they are as they should be.

    Raises:
        StudyError: two lead to the same number of keys, as where a file holds a moving average as well.
    """
    found: Counter[str] = Counter()
    for key, value in given.items():
        parts = key.split(".")
        for end in range(len(parts)):
            rest = ".".join(parts[end:])
            if rest in own and (value.shape == own[rest].shape):
                found[key.removesuffix(rest)] += 1
    if not found:
        return ""
    most = max(found.values())
    best = sorted(prefix for prefix, count in found.items() if count == most)
    if "" in best:
        return ""
    if len(best) > 1:
        named = ", ".join(map(repr, best[:MOST_LISTED]))
        raise StudyError(
            f"{source}: holds the network {len(best)} times, under {named}",
            "save those of one of them alone: {key: tensor for key, tensor in ... if key.startswith(...)}",
        )
    return best[0]


def _other_classifier(
    inside: Mapping[str, Tensor], own: Mapping[str, Tensor], classifier: Collection[str]
) -> list[str]:
    """Keys of a last layer under another name: the only ones too many, of as many features as ours takes."""
    if any(key in inside for key in classifier):
        return []
    surplus = sorted(key for key in inside if key not in own and not key.endswith(COUNTER))
    weights = [key for key in surplus if key.endswith("weight")]
    ours = [own[key] for key in classifier if own[key].ndim > 1]
    if len(weights) != 1 or len(ours) != 1 or inside[weights[0]].ndim < 2:
        return []
    layer = weights[0].removesuffix("weight")
    same = inside[weights[0]].shape[1] == ours[0].shape[1]
    return surplus if same and set(surplus) <= {f"{layer}weight", f"{layer}bias"} else []


def _compare(inside: Mapping[str, Tensor], own: Mapping[str, Tensor], new: Collection[str]) -> list[str]:
    needed = [key for key in own if key not in new and not key.endswith(COUNTER)]
    problems = [f"{key}: missing in the file" for key in needed if key not in inside]
    problems += [f"{key}: not in the network" for key in inside if key not in own]
    problems += [
        f"{key}: {tuple(inside[key].shape)} in the file, {tuple(own[key].shape)} in the network"
        for key in own
        if key in inside and key not in new and inside[key].shape != own[key].shape
    ]
    return sorted(problems)


def _refusal(
    problems: list[str], given: Mapping[str, Tensor], own: Mapping[str, Tensor], prefix: str, source: str
) -> StudyError:
    listed = problems[:MOST_LISTED]
    if len(problems) > MOST_LISTED:
        listed.append(f"and {len(problems) - MOST_LISTED:,} more")
    fits = sum(prefix + key in given and given[prefix + key].shape == own[key].shape for key in own)
    hint = "name the backbone these weights were made for (model.backbone, model.options, model.size)"
    if 10 * fits < len(own):
        hint = (
            "these are weights of another network, or under other names: its first key is "
            f"'{next(iter(given), 'none')}', the network's '{next(iter(own))}'. Name the backbone that they "
            "were made for (model.backbone), or rename the keys"
        )
    return StudyError(
        f"{source}: does not fit the network ({len(problems):,} keys); {fits:,} of {len(own):,} fit:\n  "
        + "\n  ".join(listed),
        hint,
    )
