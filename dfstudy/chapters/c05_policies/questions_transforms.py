"""Which single transforms of the original augmentation bring anything? Verdicts from chapter 05.

Takes numbers `leave_out.*` and `add_one.*`; gives an answer for each kind that was measured, corrected over
the transforms. Of networks that have not learned nothing is said. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dfstudy.chapters.c05_policies.per_metric import QUANTITIES
from dfstudy.chapters.c05_policies.questions_policies import CHAPTER, NO_GAIN, seeds_of
from dfstudy.present.answer import ALPHA, Answer, Numbers, best_of, gains_any
from dfstudy.present.lookup import find, read_id
from dfstudy.stats.verdicts import UNTRAINED

if TYPE_CHECKING:
    from dfstudy.study.study import Study

LEAST = QUANTITIES["auc"].least or 0.0  # smallest gain worth having
PARTS = {
    "leave_out": (
        "Which of its transforms carry it?",
        "leaving at least one of them out lowers the test AUC",
    ),
    "add_one": (
        "Which transforms help by themselves?",
        "at least one of them alone raises the test AUC",
    ),
}


def decide_on_transforms(numbers: Numbers, study: Study) -> list[Answer]:
    """Beside the others, and alone."""
    return [answer for kind in PARTS for answer in _of_kind(numbers, study, kind)]


def _of_kind(numbers: Numbers, study: Study, kind: str) -> list[Answer]:
    names = find(numbers, kind=kind, quantity="auc", aspect="difference", budget=None)
    measured = [name for name in names if numbers[name].value is not None]
    if not measured:
        return []
    question, claim = PARTS[kind]
    # the chapter's note says of which nothing can be said
    known = [
        name for name in measured if not any(word in numbers[name].note for word in (*NO_GAIN, UNTRAINED))
    ]
    if not known:
        why, n = "the networks of all of them have learned too little", numbers[measured[0]].n
        return [Answer(f"answer.transforms.{kind}", question, claim, UNTRAINED, why, n)]
    verdict, found = gains_any(numbers, known, LEAST, seeds_of(study))
    shown = found or [best_of(numbers, known)]
    listed = ", ".join(f"{read_id(name).run} {{{name}}}" for name in shown)
    share = f"at {study.policies.parts_budget:.0%} of the epochs".replace("%", " %")
    return [
        Answer(
            f"answer.transforms.{kind}",
            question,
            f"{claim} (Holm over {len(known)}, {ALPHA})",
            verdict,
            f"{'those that do' if found else 'none is shown to; the largest'}, {share}: {listed}",
            numbers[shown[0]].n,
            f"{CHAPTER}#policies_parts",
        )
    ]
