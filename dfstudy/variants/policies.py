"""The variants of chapter 05: the study's network under other policies, budgets and strengths.

Takes a study and its split; gives the comparisons that the chapter makes and a variant for each training that
they need: `policy_original`, `policy_original-at_25` (a quarter of the epochs), `leave_out_grey`, `add_grey`,
`strength_0_5`. Network, recipe, seeds and steps are alike in all variants of one budget; none stops early,
and a shorter one goes through the whole schedule in its own time. Methods in `policies.unseen` are left out
of training and validation in every variant. Refused: a method that the images do not have, and leaving out
all. Cost: none; no policy is built.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from dfstudy.errors import StudyError, near_match
from dfstudy.number import name_methods
from dfstudy.study.recipe import ORIGINAL_TRANSFORMS
from dfstudy.variants.variant import Variant, methods_of, with_recipe, with_rows

if TYPE_CHECKING:
    from dfstudy.data.split import Split
    from dfstudy.study.study import Study

BARE, ORIGINAL = "none", "original"  # policies without any, and with all of the transforms taken apart

Kind = Literal["policy", "leave_out", "add_one", "strength"]


class Trained(NamedTuple):
    """What a variant's networks learned with: a policy, for so many epochs."""

    policy: str
    epochs: int


@dataclass(frozen=True)
class Comparison:
    """Two trainings of one length that differ in their policy.

    Attributes:
        stem: beginning of its numbers' ids, such as `policy.original.at_25` or `leave_out.grey`.
        kind: `policy` compares with the first policy of the list, `leave_out` what a transform brings beside
            the others, `add_one` what it brings alone, `strength` a strength with no augmentation.
        subject: the policy, the transform, or the factor of the strength.
        share: of the epochs, 1 for all.
        first, second: differences are second minus first.
    """

    stem: str
    kind: Kind
    subject: str
    share: float
    first: Trained
    second: Trained

    @property
    def budget(self) -> str:
        """What every verdict has to say: `100 % of the epochs (16)`."""
        return f"{100 * self.share:.3g} % of the epochs ({self.second.epochs})"


def list_comparisons(study: Study) -> list[Comparison]:
    """What chapter 05 compares, the named policies first; nothing where no policy is named."""
    if not study.policies.names:
        return []
    return [*_named(study), *_taken_apart(study), *_strengths(study)]


def list_policy_variants(study: Study, split: Split) -> list[Variant]:
    """A variant for each policy and length that a comparison needs; no two with the same content.

    Raises:
        StudyError: `policies.unseen` names a method that is not there, or leaves nothing to learn.
    """
    names = name_variants(study)
    if not names:
        return []
    own = without_unseen(study, split)
    learned = methods_of(own)
    return [Variant(name, learned, shortened(study, trained), own) for trained, name in names.items()]


def name_variants(study: Study) -> dict[Trained, str]:
    """The variant of every training that a comparison needs, in the order in which they are trained."""
    names: dict[Trained, str] = {}
    slugs = slugs_of(study)
    if study.policies.names:  # alone it is compared with nothing, and still shown
        first = study.policies.names[0]
        names[Trained(first, study.training.epochs)] = f"policy_{slugs[first]}"
    for one in list_comparisons(study):
        ending = "" if one.first.epochs == study.training.epochs else f"-{name_share(one.share)}"
        # one side is a policy with a name of its own, the other may be made for this comparison alone
        other = one.stem.replace("add_one", "add").replace(".", "_")
        for trained in (one.first, one.second):
            slug = slugs.get(trained.policy)
            names.setdefault(trained, f"policy_{slug}{ending}" if slug else other)
    return names


def name_share(share: float) -> str:
    """Part of an id for a share of the epochs, such as `at_25`."""
    return f"at_{100 * share:g}".replace(".", "_")


def slugs_of(study: Study) -> dict[str, str]:
    """Part of an id for each policy that has a variant of its own name."""
    named = name_methods({*study.policies.names, BARE, ORIGINAL})
    return {policy: slug for slug, policy in named.items()}


def _epochs(study: Study, share: float) -> int:
    return max(1, round(share * study.training.epochs))


def _named(study: Study) -> list[Comparison]:
    slugs, (first, *others) = slugs_of(study), dict.fromkeys(study.policies.names)
    made = []
    for share in sorted({1.0, *study.policies.budgets}, reverse=True):
        epochs = _epochs(study, share)
        for policy in others:
            stem = f"policy.{slugs[policy]}" + ("" if share == 1 else f".{name_share(share)}")
            pair = (Trained(first, epochs), Trained(policy, epochs))
            made.append(Comparison(stem, "policy", policy, share, *pair))
    return made


def _taken_apart(study: Study) -> list[Comparison]:
    """What each transform of `original` brings: beside the others, and alone."""
    wanted, made = study.policies, []
    share, epochs = wanted.parts_budget, _epochs(study, wanted.parts_budget)
    for name in ORIGINAL_TRANSFORMS if wanted.leave_one_out else ():
        pair = (Trained(f"{ORIGINAL}-{name}", epochs), Trained(ORIGINAL, epochs))
        made.append(Comparison(f"leave_out.{name}", "leave_out", name, share, *pair))
    for name in ORIGINAL_TRANSFORMS if wanted.add_one else ():
        pair = (Trained(BARE, epochs), Trained(f"{BARE}+{name}", epochs))
        made.append(Comparison(f"add_one.{name}", "add_one", name, share, *pair))
    return made


def _strengths(study: Study) -> list[Comparison]:
    """`original` as it is and with its ranges multiplied, each against no augmentation."""
    share, made = study.policies.parts_budget, []
    epochs = _epochs(study, share)
    for factor in sorted({1.0, *study.policies.strengths}) if study.policies.strengths else ():
        policy = ORIGINAL if factor == 1 else f"{ORIGINAL}*{factor:g}"
        stem = f"strength.{f'{factor:g}'.replace('.', '_')}"
        pair = (Trained(BARE, epochs), Trained(policy, epochs))
        made.append(Comparison(stem, "strength", f"{factor:g}", share, *pair))
    return made


def shortened(study: Study, trained: Trained) -> Study:
    """The study under that policy, its schedule drawn together to so many epochs."""
    recipe = study.training
    short = trained.epochs / recipe.epochs
    # whoever stops early has taken fewer steps than those that he is compared with
    changed = {"epochs": trained.epochs, "patience": max(recipe.patience, trained.epochs)}
    if recipe.schedule == "cosine":
        changed["warmup_epochs"] = short * recipe.warmup_epochs
    if recipe.schedule == "step":
        changed["step_epochs"] = max(1, round(short * recipe.step_epochs))
    augment = study.augment.model_copy(update={"policy": trained.policy})
    shortened = with_recipe(study, study.policies.seeds, **changed)
    return shortened.model_copy(update={"augment": augment})


def without_unseen(study: Study, split: Split) -> Split:
    """The split without training and validation images of the methods that are held out; itself without."""
    unseen = study.policies.unseen
    if not unseen:
        return split
    rows = split.rows
    fake = rows["label"] == 1
    known = sorted(rows.loc[fake, "method"].unique())
    for method in unseen:
        if method not in known:
            raise StudyError(
                f"policies.unseen: the fakes have no method '{method}'{near_match(method, known)}",
                f"give some of: {', '.join(known)}",
            )
    own = with_rows(split, ~(fake & rows["method"].isin(unseen) & (rows["split"] != "test")))
    if not methods_of(own):
        raise StudyError(
            f"policies.unseen: without {', '.join(unseen)} no fake is left to learn from",
            f"hold out fewer of: {', '.join(known)}",
        )
    return own
