"""The numbers of chapter 05: values by policy, paired differences, Holm's p and what could have been found.

Takes a `Compared`; gives `Number`s `policy.<slug>.<quantity>` with `.difference`, `.p` and `.detectable`,
at parts of the budget `policy.<slug>.at_25.<quantity>`, what transforms bring `leave_out.<transform>...`
and `add_one.<transform>...`, strengths `strength.0_5...`, and `policies.*` about the comparison. What could
not be measured is None and says why. Every note names the budget. Cost: none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dfstudy.chapters.c05_policies.compare import COURSE, UNTOLD, Compared, PolicyEffect
from dfstudy.chapters.c05_policies.per_metric import QUANTITIES
from dfstudy.number import Number
from dfstudy.stats.intervals import sentences
from dfstudy.stats.paired import POWER
from dfstudy.stats.verdicts import IMPROVES, INCONCLUSIVE, WORSENS
from dfstudy.variants.policies import Trained, name_share, slugs_of

if TYPE_CHECKING:
    from dfstudy.study.study import Study

SAID = {
    "policy": "{second} minus {first}",
    "leave_out": "what {subject} brings beside the others: {second} minus {first}",
    "add_one": "what {subject} brings alone: {second} minus {first}",
    "strength": "{second} minus {first}",
}
NOT_HELD_OUT = "no forgery method is held out"


def policy_numbers(study: Study, compared: Compared | None) -> list[Number]:
    """Every number of the chapter; where nothing was compared, that."""
    if compared is None:
        return [Number("policies.compared", 0, "policies", 0, note="policies.names is empty")]
    return [
        *_about(compared),
        *_values(compared),
        *_learning(compared),
        *(number for effect in compared.effects for number in effect_numbers(effect)),
        *_courses(compared),
        *_missing(study, compared),
    ]


def effect_numbers(effect: PolicyEffect) -> Iterable[Number]:
    """Difference, Holm's p and detectable difference of one comparison in one quantity."""
    comparison, kind, found = effect.comparison, QUANTITIES[effect.quantity], effect.difference
    stem = f"{comparison.stem}.{effect.quantity}"
    told = SAID[comparison.kind].format(
        subject=comparison.subject, first=comparison.first.policy, second=comparison.second.policy
    )
    note = sentences(f"{kind.spoken}, {told}", f"at {comparison.budget}", effect.untold or effect.verdict)
    yield found.number(f"{stem}.difference", unit=kind.unit, n=effect.n, note=note)
    none = f"at {comparison.budget}; {effect.untold or 'too few groups or a class is missing'}"
    corrected = f"{_corrected(effect)}; at {comparison.budget}"
    yield Number(
        f"{stem}.p",
        effect.p,
        "1",
        effect.n,
        groups=found.groups,
        note=none if effect.p is None else corrected,
        digits=4,
    )
    found_at = f"found with a probability of {POWER:g}, {_corrected(effect)}; at {comparison.budget}"
    detectable = found.detectable_among(effect.family) if effect.family else None
    yield Number(
        f"{stem}.detectable",
        detectable,
        kind.unit,
        effect.n,
        groups=found.groups,
        note=none if detectable is None else found_at,
    )


def _corrected(effect: PolicyEffect) -> str:
    """What its p and its detectable difference were corrected for."""
    if effect.tier == "primary":
        return "the primary question, which needs no correction"
    return f"Holm's correction over {effect.family}, {effect.tier}"


def _about(compared: Compared) -> list[Number]:
    study, n = compared.study, max(compared.pictures.values(), default=0)
    verdicts = [one.verdict for one in compared.of("policy", COURSE, 1.0)]
    test = compared.pictures.get(COURSE, 0)
    return [
        Number("policies.compared", len(compared.policies), "policies", n),
        Number("policies.runs", compared.runs, "runs", n),
        Number("policies.seeds", len(study.training.seeds[: study.policies.seeds]), "runs", n),
        Number("policies.epochs", study.training.epochs, "epochs", n, note="the full budget"),
        Number(
            "policies.held_out", len(compared.unseen), "forgery methods", n, note=_listed(compared.unseen)
        ),
        *(
            Number(
                f"policies.{word}", verdicts.count(word), "policies", test, note="by test AUC, full budget"
            )
            for word in (IMPROVES, WORSENS, INCONCLUSIVE)
        ),
        Number(
            "policies.untold",
            sum(word in UNTOLD for word in verdicts),
            "policies",
            test,
            note="by test AUC, full budget: networks that have not learned, or no room",
        ),
    ]


def _values(compared: Compared) -> list[Number]:
    """Of the named policies at every budget, and of the strengths."""
    study, slugs = compared.study, slugs_of(compared.study)
    stems: dict[str, tuple[Trained, float]] = {}
    for policy in compared.policies:
        stems[f"policy.{slugs[policy]}"] = Trained(policy, study.training.epochs), 1.0
    for one in compared.effects:
        comparison, share = one.comparison, one.comparison.share
        if comparison.kind == "policy" and share < 1:
            for trained in (comparison.first, comparison.second):
                stems[f"policy.{slugs[trained.policy]}.{name_share(share)}"] = trained, share
        if comparison.kind == "strength":
            stems["strength.0"] = comparison.first, share
            stems[comparison.stem] = comparison.second, share
    asked = {(one.comparison.share, one.comparison.kind, one.quantity) for one in compared.effects}
    numbers = []
    for stem, (trained, share) in stems.items():
        kind = stem.split(".")[0]
        for name, by_training in compared.values.items():
            alone = kind == "policy" and share == 1
            if trained in by_training and (alone or (share, kind, name) in asked):
                numbers.append(_value(compared, f"{stem}.{name}", name, trained, share))
    return numbers


def _learning(compared: Compared) -> list[Number]:
    """Of the named policies at the full budget: their training AUC, and whether they have learned."""
    study, slugs = compared.study, slugs_of(compared.study)
    numbers = []
    for policy in compared.policies:
        found = compared.learning.get(Trained(policy, study.training.epochs))
        numbers += found.numbers(f"policy.{slugs[policy]}") if found else []
    return numbers


def _value(compared: Compared, name: str, quantity: str, trained: Trained, share: float) -> Number:
    kind, found = QUANTITIES[quantity], compared.values[quantity][trained]
    seeds = len(compared.study.training.seeds[: compared.study.policies.seeds])
    over = f"mean over {seeds} seeds; covers other images and other seeds" if seeds > 1 else "one seed"
    budget = f"{100 * share:.3g} % of the epochs ({trained.epochs})"
    note = sentences(f"policy {trained.policy}", kind.note, f"at {budget}", over)
    return found.number(name, unit=kind.unit, n=compared.pictures[quantity], note=note)


def _courses(compared: Compared) -> list[Number]:
    slugs, numbers = slugs_of(compared.study), []
    for course in compared.courses:
        stem, n = f"policy.{slugs[course.policy]}.{COURSE}.trend", course.points[0].n
        ends = [one.comparison.share for one in course.points]
        told = f"the difference at {100 * ends[-1]:.3g} % of the epochs minus that at {100 * ends[0]:.3g} %"
        numbers.append(course.change.number(stem, unit="AUC", n=n, note=told))
        note = "too few groups" if course.p is None else f"Holm's correction over {course.family}"
        numbers.append(
            Number(f"{stem}.p", course.p, "1", n, groups=course.change.groups, note=note, digits=4)
        )
    return numbers


def _missing(study: Study, compared: Compared) -> list[Number]:
    """What was asked of the policies and has no value."""
    slugs, numbers = slugs_of(study), []
    for name, kind in QUANTITIES.items():
        why = NOT_HELD_OUT if name == "unseen" else "the test images lack a class that it needs"
        for policy in compared.policies if name not in compared.values else ():
            for end in ("", *([".difference"] if policy != compared.policies[0] else [])):
                numbers.append(Number(f"policy.{slugs[policy]}.{name}{end}", None, kind.unit, 0, note=why))
    return numbers


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or NOT_HELD_OUT
