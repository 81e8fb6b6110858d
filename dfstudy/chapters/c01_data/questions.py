"""Can these images be trusted? The audits' verdicts, by rule, from the numbers of chapter 01.

Takes numbers by id; gives `Answer`s, and the few lines that the page shows before any result. An audit whose
numbers are missing gets no answer. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from dfstudy.present.answer import Answer, Numbers, above, if_known
from dfstudy.present.numbers import literal
from dfstudy.stats.verdicts import CANNOT_TELL, NO, YES, Verdict

if TYPE_CHECKING:
    from dfstudy.chapters.base import Gathered

PREDICTS = 0.7  # AUC of a probe that sees no face from which a good result may be the set's own
LEAK = 0.02  # AUC: what a leak may add before it matters
CHANCE = 0.5  # AUC of a coin
NOT_APPLICABLE = "not applicable"


def answer_questions(gathered: Gathered) -> list[Answer]:
    """Whether the images give the label away, whether groups are known, and what a leak would pay."""
    numbers = gathered.numbers
    known = gathered.groups_known
    new = _new_groups(numbers, known, gathered.study.groups)
    return [*_trust(numbers, known), *new, *_shortcut(numbers), *_leak(numbers)]


def leak_verdict(numbers: Numbers) -> Verdict | Literal["not applicable"]:
    """Whether a split by single images would have flattered.

    `yes`: the whole interval of the gain lies above 0. `no`: it ends below `LEAK`. Both need three seeds of
    each kind of training, and one kind to have learned: what learned nothing has nothing to leak.
    `not applicable`: nothing was measured. `cannot tell`: everything else.
    """
    gain = numbers["leakage.inflation"]
    if gain.value is None:
        return NOT_APPLICABLE
    if gain.low is None or gain.high is None or few_seeds(numbers) or not meter_learned(numbers):
        return CANNOT_TELL
    if gain.low > 0:
        return YES
    return NO if gain.high < LEAK else CANNOT_TELL


def meter_learned(numbers: Numbers) -> bool:
    """One of the estimate's two kinds of training has learned."""
    told = numbers.get("leakage.learned")
    return told is not None and bool(told.value)


def few_seeds(numbers: Numbers) -> str:
    """That the meter's trainings are too few for a verdict, in words; empty where they are not."""
    found = re.search(r"\d of at least \d seeds of each", numbers["leakage.inflation"].note)
    return f"{found[0]} split, too few for a verdict" if found else ""


def trust_lines(shortcuts: str, numbers: Numbers) -> list[str]:
    """Verdicts on shortcuts, duplicates and leakage, each `**Name: verdict.** why`: Markdown for `say`.

    Args:
        shortcuts: the verdict of `figures.shortcuts.shortcut_verdict`.
    """
    return [shortcuts, _duplicates_line(numbers), _leak_line(numbers)]


def write_trust(lines: Iterable[str], layout: str) -> str:
    """What the page shows before any result: the verdicts, and how the folder was read.

    Args:
        lines: of `trust_lines`.
        layout: as `layout_line` gives it.
    """
    read = f"**Read as** {literal(layout.removeprefix('layout: '))}."
    return "\n".join(f"- {line}" for line in (*lines, read))


def _trust(numbers: Numbers, groups_known: bool) -> list[Answer]:
    """One verdict on the data: what a probe that sees no face reaches, mixed labels, and named groups."""
    probe, mixed = numbers.get("shortcut.together.auc"), numbers.get("duplicates.both_labels")
    if probe is None or mixed is None:
        return []
    reach = above(probe, PREDICTS)
    verdict: Verdict = CANNOT_TELL
    if reach == YES or mixed.value:
        verdict = NO
    elif reach == NO and groups_known:
        verdict = YES
    groups = "Groups are named and stay in one part." if groups_known else "Groups are not named."
    told = (
        "A linear model of file and image properties predicts the label with an AUC of "
        f"{{shortcut.together.auc}}, where {PREDICTS} is the limit. {{duplicates.both_labels}} "
        f"images have both labels. {groups}"
    )
    return [
        Answer(
            "answer.trust",
            "Can the data be trusted?",
            f"a linear model of file and image properties stays below an AUC of {PREDICTS}, no image "
            "has both labels, and groups are named and kept in one part",
            verdict,
            f"{told[0].lower()}{told[1:-1]}",
            probe.n,
            "01_explore_data.ipynb#data_shortcuts",
            "check",
            told=if_known(numbers, told),
        )
    ]


def _new_groups(numbers: Numbers, groups_known: bool, groups: str) -> list[Answer]:
    if "data.pictures" not in numbers:
        return []
    known = "each named group is in one split: {data.groups} groups of {data.pictures} images"
    unknown = "few of the images have a named group, or none, so a person may be on both sides"
    return [
        Answer(
            "answer.new_people",
            f"Are the test images of other {groups} than the training images?",
            "no group is in two splits, and the images name their groups",
            YES if groups_known else CANNOT_TELL,
            known if groups_known else unknown,
            numbers["data.pictures"].n,
            "01_explore_data.ipynb#data_counts",
            "check",
        )
    ]


def _shortcut(numbers: Numbers) -> list[Answer]:
    counts = [numbers.get(f"shortcut.{name}") for name in ("telling", "hinting", "clean", "inconclusive")]
    if None in counts:
        return []
    telling, hinting, clean, unclear = (int(count.value or 0) for count in counts if count)
    verdict: Verdict = CANNOT_TELL
    if telling + hinting:
        verdict = YES
    elif not unclear:
        verdict = NO
    return [
        Answer(
            "answer.shortcut",
            "Can the label be predicted without looking at the face?",
            "some family of traits of file or image predicts it better than every shuffle of the labels",
            verdict,
            f"of {telling + hinting + clean + unclear} families {{shortcut.telling}} predict the label well "
            "and {shortcut.hinting} better than shuffled labels, though weakly; all together AUC "
            "{shortcut.together.auc}",
            numbers["shortcut.telling"].n,
            "01_explore_data.ipynb#data_shortcuts",
            "check",
            good=NO,
        )
    ]


def _leak(numbers: Numbers) -> list[Answer]:
    if "leakage.inflation" not in numbers:
        return []
    gain, verdict = numbers["leakage.inflation"], leak_verdict(numbers)
    measured = "a random per-image split changes the AUC of a small network by {leakage.inflation}"
    nothing = "; neither kind of its trainings has learned"
    because = measured if meter_learned(numbers) else measured + nothing
    because += f"; {few_seeds(numbers)}" if few_seeds(numbers) else ""
    return [
        Answer(
            "answer.leak",
            "Would a random per-image split have inflated the result?",
            "a random per-image split raises the AUC of a small network",
            CANNOT_TELL if verdict == NOT_APPLICABLE else verdict,
            f"not applicable: {literal(gain.note)}" if verdict == NOT_APPLICABLE else because,
            gain.n,
            "01_explore_data.ipynb#data_leakage",
            "check",
            good=NO,
        )
    ]


def _duplicates_line(numbers: Numbers) -> str:
    both, near = (numbers[f"duplicates.{name}"].value for name in ("both_labels", "near"))
    parts = ["{duplicates.copies} exact copies within a class"]
    parts.append("{duplicates.both_labels} pairs of one image under both labels")
    joined = ", joined to {duplicates.joined_groups} groups by the split" if near else ""
    parts.append("{duplicates.near} near-duplicates" + joined)
    verdict = "the same image is real and fake" if both else "found, none on both sides of the split"
    if not both and not near and not numbers["duplicates.copies"].value:
        verdict = "none found"
    return f"**Duplicates: {verdict}.** {'; '.join(parts)}."


def _leak_line(numbers: Numbers) -> str:
    verdict = leak_verdict(numbers)
    if verdict == NOT_APPLICABLE:
        return f"**Leakage: not applicable.** {literal(numbers['leakage.inflation'].note).capitalize()}."
    heading = {
        YES: "a random per-image split would have inflated the result",
        NO: "a random per-image split did not inflate the result",
        CANNOT_TELL: CANNOT_TELL,
    }[verdict]
    idle = "" if meter_learned(numbers) else " Neither kind of training has learned."
    idle += f" {few_seeds(numbers).capitalize()}." if few_seeds(numbers) else ""
    return (
        f"**Leakage: {heading}.** Test AUC of a small network {{leakage.auc.grouped}} with a grouped split, "
        f"{{leakage.auc.random}} with a random one, difference {{leakage.inflation}}; this report uses a "
        f"grouped split.{idle}"
    )
