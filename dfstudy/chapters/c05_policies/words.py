"""Chapter 05 in words: the verdict on each policy at each budget, and the trend over budgets.

Takes a `Compared` (or None where no policy is named); gives text for `say`, a table, and what captions must
say. Verdicts come by rule from the evaluation; nothing is judged here. Cost: none.
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from dfstudy.chapters.c05_policies.compare import VERDICTS, Compared, Course, PolicyEffect
from dfstudy.chapters.c05_policies.per_metric import QUANTITIES
from dfstudy.present.numbers import literal
from dfstudy.stats.units import UNITS
from dfstudy.stats.verdicts import INCONCLUSIVE
from dfstudy.variants.policies import Trained, slugs_of

NOTHING = "**Nothing is compared here:** `policies.names` in the study file is empty."
ALONE = "One policy is named, and there is nothing to compare it with."
SPOKEN = {"leave_out": "beside the others", "add_one": "alone"}
NOT_APPLICABLE = "not applicable"


def tell_comparison(compared: Compared | None) -> str:
    """What was trained, for `say`."""
    if compared is None:
        return NOTHING
    held = (
        f"No network learned {_listed(map(literal, compared.unseen))}."
        if compared.unseen
        else "Every forgery method of the test was learned, so nothing is said about unseen ones."
    )
    return (
        "{policies.runs} networks under {policies.compared} named policies, {policies.seeds} seeds each, "
        f"{{policies.epochs}} epochs at the full budget. {held} {tell_learning(compared)}"
    )


def tell_learning(compared: Compared) -> str:
    """Which named policies' networks have learned at the full budget, for `say`: before any verdict."""
    slugs, epochs = slugs_of(compared.study), compared.study.training.epochs
    state = {policy: compared.learning[Trained(policy, epochs)] for policy in compared.policies}
    told = []
    for words, chosen in (
        ("Learned", [policy for policy, one in state.items() if one.learned]),
        ("**Not learned**, so that nothing is said of", [p for p, one in state.items() if not one.learned]),
    ):
        if chosen:
            named = [
                f"{literal(policy)} (training AUC {{policy.{slugs[policy]}.train_auc}})" for policy in chosen
            ]
            told.append(f"{words}: {_listed(named)}.")
    moving = [literal(policy) for policy, one in state.items() if one.learned and one.improving]
    if moving:
        told.append(
            f"Still improving when training ended: {_listed(moving)}; more epochs may change what is said of "
            f"{'it' if len(moving) == 1 else 'them'}."
        )
    return " ".join(told)


def tell_policies(compared: Compared | None) -> str:
    """A paragraph a policy, for `say`: its verdict at each budget, with n and what could have been found."""
    if compared is None:
        return NOTHING
    told = [_tell(compared, policy) for policy in compared.policies[1:]]
    return "\n\n".join(told) or ALONE


def answer_policies(compared: Compared | None) -> str:
    """The chapter's answer, for `say`."""
    if compared is None:
        return f"**Answer.** {NOTHING}"
    whole = compared.of("policy", "auc", 1.0)
    if not whole:
        return f"**Answer.** {ALONE}"
    first, epochs = literal(compared.policies[0]), compared.study.training.epochs
    sides = {
        word: [literal(one.comparison.subject) for one in whole if one.verdict == word] for word in VERDICTS
    }
    parts = [f"{word}: {_listed(names)}" for word, names in sides.items() if names]
    moving = [_course(one) for one in compared.courses if one.heads]
    trend = (
        f"Over the budgets, {'; '.join(moving)}."
        if moving
        else "A larger budget is not shown to change this."
        if compared.courses
        else "Other budgets were not tried."
    )
    return (
        f"**Answer.** By test AUC, compared with {first} at 100 % of the epochs ({epochs}) over "
        f"{{policies.seeds}} seeds: {'; '.join(parts)}. {trend}"
    )


def verdict_table(compared: Compared | None) -> pd.DataFrame:
    """A row a policy and budget, a column a quantity: verdict and difference to the first policy."""
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for one in compared.effects if compared else ():
        if one.comparison.kind == "policy":
            key = (one.comparison.subject, one.comparison.budget)
            rows.setdefault(key, {})[QUANTITIES[one.quantity].spoken] = _shown(one)
    table = pd.DataFrame(list(rows.values())).fillna("")
    table.insert(0, "policy", [policy for policy, _ in rows])
    table.insert(1, "budget", [budget for _, budget in rows])
    return table


def describe_effects(effects: Iterable[PolicyEffect]) -> str:
    """What a caption must say of differences: images, groups, seeds, interval and the verdicts' rule."""
    every = list(effects)
    pictures = sorted({one.n for one in every})
    first = every[0].difference
    seeds = (
        f"{first.seeds} training seeds" if first.seeds > 1 else "one training seed, so no other is covered"
    )
    groups = sorted({one.difference.groups for one in every})
    return (
        f"n = {_span(pictures)} images in {_span(groups)} {UNITS[first.settings.level]}; {seeds}. "
        f"Interval: {100 * first.settings.confidence:g} % over images and seeds, "
        f"{first.settings.replicates:,} resamples. Filled: the interval excludes 0, and Holm's p agrees. "
        "Arrow: it continues beyond the axis."
    )


def describe_values(compared: Compared, quantities: Iterable[str]) -> str:
    """What a caption must say of values: images, seeds and interval."""
    settings, study = compared.study.evaluate, compared.study
    n = _span(sorted({compared.pictures[name] for name in quantities}))
    seeds = len(study.training.seeds[: study.policies.seeds])
    return (
        f"n = {n} images; means over {seeds} training seed{'s' * (seeds > 1)}. Interval: "
        f"{100 * settings.confidence:g} % over {settings.replicates:,} resamples of {UNITS[settings.level]}"
        f"{' and over seeds' * (seeds > 1)}."
    )


def describe_other_n(compared: Compared) -> str:
    """Quantities of the named policies that count other images than the test AUC, for a caption."""
    counted = {one.quantity: one.n for one in compared.effects if one.comparison.kind == "policy"}
    gap = " (training and validation images)"
    told = [
        f"{QUANTITIES[name].spoken}: n = {n:,}{gap if name == 'gap' else ''}"
        for name, n in counted.items()
        if n not in (0, counted.get("auc"))
    ]
    return f"{'; '.join(told)[:1].upper()}{'; '.join(told)[1:]}." if told else ""


def describe_verdicts(compared: Compared, *kinds: str, share: float | None = None) -> str:
    """For an alt text: the verdict of each comparison by test AUC, with its difference."""
    own = [one for kind in kinds for one in compared.of(kind, "auc", share)]
    spoken = {"leave_out": "{} beside the others", "add_one": "{} alone", "strength": "strength {}"}
    told = []
    for one in own:
        subject = spoken.get(one.comparison.kind, "{}").format(one.comparison.subject)
        told.append(f"{subject}: {_shown(one)}")
    return f"By test AUC {'; '.join(told)}."


def describe_courses(compared: Compared) -> str:
    """For an alt text: where each policy's curve heads."""
    return "; ".join(f"{one.policy} {course_words(one)}" for one in compared.courses) + "."


def parts_budget(compared: Compared) -> str:
    """The budget at which `original` is taken apart and scaled."""
    return next(one.comparison.budget for one in compared.effects if one.comparison.kind != "policy")


def having(compared: Compared | None, *kinds: str) -> Compared | None:
    """The comparison where it has effects of any of these kinds to show, else None.

    Args:
        kinds: of comparisons, or `course`, or `value` for the test AUC of each policy.
    """
    if compared is None:
        return None
    apart = {"course": compared.courses, "value": compared.values.get("auc")}
    found = [apart[kind] if kind in apart else compared.of(kind, "auc") for kind in kinds]
    return compared if any(found) else None


def course_words(course: Course) -> str:
    """Where a difference goes with the budget, such as `heads up, crosses 0 between 25 and 50 %`."""
    if not course.heads:
        return "no trend found"
    heads = "up" if course.heads > 0 else "down"
    if course.crossing:
        before, after = (f"{100 * share:g}" for share in course.crossing)
        return f"heads {heads}, crosses 0 between {before} and {after} %"
    return f"heads {heads}"


def tell_parts(compared: Compared | None) -> str:
    """Which transforms improve or worsen the result, for `say`; names the budget."""
    if compared is None:
        return NOTHING
    told = []
    for kind, spoken in SPOKEN.items():
        own = compared.of(kind, "auc")
        if not own:
            continue
        found = [
            f"{literal(one.comparison.subject)}: {_told(one)}" for one in own if one.verdict != INCONCLUSIVE
        ]
        rest = f"the other {len(own) - len(found)} are" if found else f"all {len(own)} transforms are"
        told.append(
            f"By test AUC at {own[0].comparison.budget}, {spoken}: {'; '.join(found)}{'; ' * bool(found)}"
            f"{f'{rest} {INCONCLUSIVE}' if len(found) < len(own) else f'none is {INCONCLUSIVE}'} "
            f"(n = {own[0].n:,})."
        )
    return " ".join(told) or "`original` is not taken apart here: the study file turns that off."


def tell_strengths(compared: Compared | None) -> str:
    """What each strength of `original` does, compared with no augmentation, for `say`."""
    if compared is None:
        return NOTHING
    own = compared.of("strength", "auc")
    if not own:
        return "No other strength of `original` is tried here."
    told = [f"strength {one.comparison.subject}: {_told(one)}" for one in own]
    budget = own[0].comparison.budget
    return f"By test AUC, compared with no augmentation at {budget}: {'; '.join(told)} (n = {own[0].n:,})."


def _tell(compared: Compared, policy: str) -> str:
    slug, first = slugs_of(compared.study)[policy], literal(compared.policies[0])
    own = [one for one in compared.effects if one.comparison.stem == f"policy.{slug}"]
    by_name = {one.quantity: one for one in own}
    parts = []
    if "auc" in by_name:
        one = by_name["auc"]
        stem = f"policy.{slug}.auc"
        parts.append(
            f"**{literal(policy)}: {one.verdict}.** Test AUC at {one.comparison.budget}: "
            f"{{{stem}.difference}} compared with {first}, Holm's p {{{stem}.p}}, n = {one.n:,} images"
            f"{_detectable(one, stem)}."
        )
    else:
        parts.append(f"**{literal(policy)}**: the test images lack a class, so there is no AUC.")
    rest = [one for one in own if one.quantity != "auc"]
    for word in VERDICTS:
        named = [
            f"{QUANTITIES[one.quantity].spoken} {{policy.{slug}.{one.quantity}.difference}}"
            for one in rest
            if one.verdict == word
        ]
        if named:
            parts.append(f"{word.capitalize()}: {_listed(named)}.")
    parts += [_tell_course(one, slug) for one in compared.courses if one.policy == policy]
    return " ".join(parts)


def _tell_course(course: Course, slug: str) -> str:
    shorter = [one for one in course.points if one.comparison.share < 1]
    told = [
        f"{one.verdict} at {one.comparison.budget}, {{{one.comparison.stem}.auc.difference}}"
        for one in shorter
    ]
    return f"With fewer epochs: {'; '.join(told)}; {course_words(course)} ({{policy.{slug}.auc.trend}})."


def _course(course: Course) -> str:
    return f"the difference of {literal(course.policy)} {course_words(course)}"


def _detectable(effect: PolicyEffect, stem: str) -> str:
    if not effect.difference.detectable:
        return ""
    return f"; a difference of {{{stem}.detectable}} would have been found four times in five"


def _told(effect: PolicyEffect) -> str:
    """Likewise for `say`, with the id of the difference."""
    if effect.verdict == NOT_APPLICABLE:
        return effect.verdict
    return f"{effect.verdict} ({{{effect.comparison.stem}.auc.difference}})"


def _shown(effect: PolicyEffect) -> str:
    """Verdict and difference; of a comparison that does not apply the word alone, as 0 is no result of it."""
    return effect.verdict if effect.verdict == NOT_APPLICABLE else f"{effect.verdict} {_value(effect)}"


def _value(effect: PolicyEffect) -> str:
    number = effect.difference.number("a.b", unit="1", n=effect.n)
    return str(number) if number.value is not None else "(not defined)"


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    return every[0] if len(every) == 1 else f"{', '.join(every[:-1])} and {every[-1]}"


def _span(numbers: list[int]) -> str:
    return f"{numbers[0]:,}" if len(numbers) == 1 else f"{numbers[0]:,} to {numbers[-1]:,}"
