"""What the study's own detector can do: above chance, on new people, overfitting, every method, of use.

Takes numbers of the chapters on images, training, test, other folders and robustness; gives answers, none
where the numbers are missing. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from dfstudy.present.answer import Answer, Numbers, above, if_known, is_small, opposite
from dfstudy.present.lookup import find, read_id
from dfstudy.present.numbers import literal
from dfstudy.stats.verdicts import CANNOT_TELL, NO, UNTRAINED, YES, Verdict

if TYPE_CHECKING:
    from dfstudy.chapters.base import Gathered
    from dfstudy.number import Number

CHANCE = 0.5  # AUC of a coin
PROBE = "shortcut.together.auc"  # what all properties of file and image reach together, from chapter 01
FROZEN = "probe.test.auc"  # what a linear probe reads off the network before it trained
GAP = 0.02  # AUC between training and validation images that is that matters
CAUGHT = 0.5  # share of fakes found with few false alarms that makes a detector of use
ALARMS = 0.05  # share of reals that may be called fake
LOSS = 0.05  # AUC, mean over corruptions and severities, that a network which stands them may lose
AWAY = 0.05  # AUC that a network may lose on images of another folder
BIN_ERROR = 0.05  # root mean square, up to which a score may be read as a probability
MAJORITY = 0.55  # share of the commoner class from which accuracy flatters whoever always says it


def headline_auc(numbers: Numbers) -> str:
    """Id of the test AUC whose interval covers other seeds too, where several were trained."""
    recipe = numbers.get("test.auc.recipe")
    return "test.auc" if recipe is None or recipe.low is None else recipe.id


def answer_questions(gathered: Gathered) -> list[Answer]:
    """Whether it works at all, and what the score is worth: overfitting, training, methods, false alarms,
    accuracy, probabilities, corruptions, and other folders; nothing more is said of networks that have not
    learned.
    """
    numbers = gathered.numbers
    answers = [
        _overfits(numbers),
        *_training_needed(numbers),
        *_every_method(numbers),
        *_useful(numbers),
        *_probabilities(numbers),
        *_stands(numbers),
        *_elsewhere(numbers),
        *_subgroups(numbers),
    ]
    told = numbers.get("train.learned")
    if told is not None and not told.value:
        why = (
            f"{literal(told.note)}; training AUC {{train.auc}}"
            if "train.auc" in numbers
            else literal(told.note)
        )
        answers = [replace(each, verdict=UNTRAINED, because=why) for each in answers]
    works = _above_chance(numbers, gathered.study.groups if gathered.groups_known else "")
    return [works, *_beats_probe(numbers), *answers, *_accuracy(numbers)]


def _above_chance(numbers: Numbers, groups: str) -> Answer:
    """Whether it works, on what: the groups that the images name, or on images where they name none."""
    name = headline_auc(numbers)
    auc = numbers[name]
    doubt = "" if groups else " The images name no groups, so it may have seen these people before."
    return Answer(
        "answer.above_chance",
        f"Does the detector work on {groups or 'images'} it never saw?",
        f"test AUC above {CHANCE}",
        above(auc, CHANCE),
        f"test AUC {{{name}}}",
        auc.n,
        "04_test.ipynb#test_roc",
        told=_told(numbers, name) + doubt,
    )


def _told(numbers: Numbers, name: str) -> str:
    """The AUC beside guessing and, where it is known, the shortcut probe."""
    probe = f"a linear model of file and image properties reaches {{{PROBE}}}, guessing {CHANCE}."
    return if_known(numbers, f"Test AUC {{{name}}}; {probe}") or if_known(
        numbers, f"Test AUC {{{name}}}; guessing reaches {CHANCE}."
    )


def _beats_probe(numbers: Numbers) -> list[Answer]:
    """The detector beside a probe that sees no face: what is left when shortcuts are taken off."""
    probe = numbers.get(PROBE)
    if probe is None or probe.value is None or probe.low is None or probe.high is None:
        return []
    name = headline_auc(numbers)
    return [
        Answer(
            "answer.beats_probe",
            "Is it better than a model of file and image properties?",
            "the whole interval of its test AUC lies above that of a linear probe on file and image "
            "properties, cross-validated over all images",
            _apart(numbers[name], probe.low, probe.high),
            f"test AUC {{{name}}}, probe {{{PROBE}}}",
            numbers[name].n,
            "04_test.ipynb#test_roc",
            told=if_known(
                numbers,
                f"AUC {{{name}}}; a linear model of file and image properties reaches {{{PROBE}}}.",
            ),
        )
    ]


def _training_needed(numbers: Numbers) -> list[Answer]:
    """The detector beside a linear probe on features of the same network before it trained."""
    change, probe = numbers.get(FROZEN + ".difference"), numbers.get(FROZEN)
    if change is None or probe is None or change.value is None:
        return []
    name = headline_auc(numbers)
    return [
        Answer(
            "answer.training_needed",
            "Was training needed?",
            "the whole interval of detector minus linear probe lies above 0 (test AUC, same images; it "
            "reads features of the network before training)",
            above(change, 0.0),
            f"test AUC {{{name}}}, probe {{{FROZEN}}}, difference {{{change.id}}}",
            change.n,
            "04_test.ipynb#test_roc",
            told=if_known(
                numbers,
                f"AUC {{{name}}}; a linear probe on features of the network before training reaches "
                f"{{{FROZEN}}}; difference {{{change.id}}}.",
            ),
        )
    ]


def _apart(number: Number, low: float, high: float) -> Verdict:
    """Yes where the whole interval lies above the other, no where it lies below."""
    if above(number, high) == YES:
        return YES
    return NO if above(number, low) == NO else CANNOT_TELL


def _overfits(numbers: Numbers) -> Answer:
    gap = numbers["train.auc_gap"]
    return Answer(
        "answer.overfits",
        "Does it overfit?",
        f"AUC on training images more than {GAP} above validation",
        above(gap, GAP),
        "the gap is {train.auc_gap}",
        gap.n,
        "03_train.ipynb#train_curves",
        told=if_known(
            numbers,
            "AUC {train.auc} on training images, {train.val_auc} on validation images; "
            "difference {train.auc_gap}.",
        ),
        good=NO,
    )


def _every_method(numbers: Numbers) -> list[Answer]:
    methods = [numbers[name] for name, of in find(numbers, kind="test", quantity="auc").items() if of.method]
    if len(methods) < 2:
        return []
    verdict = _of_all(above(number, CHANCE) for number in methods)
    hardest = min(methods, key=lambda number: -1.0 if number.value is None else number.value)
    return [
        Answer(
            "answer.every_method",
            "Does it find every forgery method?",
            f"AUC above {CHANCE} for each method",
            verdict,
            f"hardest of {len(methods)}: {read_id(hardest.id).method} with {{{hardest.id}}}",
            hardest.n,
            "04_test.ipynb#test_scores",
        )
    ]


def _useful(numbers: Numbers) -> list[Answer]:
    if "test.sensitivity.at_5" not in numbers:
        return []
    found, alarmed = numbers["test.sensitivity.at_5"], numbers["test.false_alarms.at_5"]
    broken = alarmed.low is not None and alarmed.low > ALARMS
    because = (
        "it finds {test.sensitivity.at_5} of the fakes and calls {test.false_alarms.at_5} of the reals fake"
        f"{', more than promised' if broken else ''}"
    )
    return [
        Answer(
            "answer.useful",
            "Would it be of use with few false alarms?",
            f"validation's threshold for at most {ALARMS:.0%} false alarms finds more than {CAUGHT:.0%} of "
            "fakes, and the test does not contradict it",
            NO if broken else above(found, CAUGHT),
            because if found.value is not None else literal(found.note),
            found.n,
            "04_test.ipynb#test_risk",
        )
    ]


def _accuracy(numbers: Numbers) -> list[Answer]:
    if not {"test.fakes", "test.pictures"} <= set(numbers):
        return []
    fakes, pictures = numbers["test.fakes"], numbers["test.pictures"]
    share = max(fakes.value, pictures.value - fakes.value) / pictures.value
    return [
        Answer(
            "answer.accuracy_misleads",
            "Would plain accuracy mislead?",
            f"one class is more than {MAJORITY:.0%} of the test",
            YES if share > MAJORITY else NO,
            "{test.fakes} of {test.pictures} test images are fake; accuracy {test.accuracy}, balanced "
            "accuracy {test.balanced_accuracy}",
            pictures.n,
            "04_test.ipynb#test_confusion",
            good=NO,
        )
    ]


def _probabilities(numbers: Numbers) -> list[Answer]:
    if "test.ece" not in numbers:
        return []
    # what a score is shown with: after the slope and intercept that validation set
    calibrated = "test.calibration.platt.ece.after"
    name = calibrated if calibrated in numbers else "test.ece"
    when = ", calibrated on validation" if name == calibrated else ""
    error = numbers[name]
    return [
        Answer(
            "answer.probabilities",
            f"Can its score{when} be read as a probability?",
            f"calibration error (root mean square) below {BIN_ERROR}",
            opposite(above(error, BIN_ERROR)),
            f"calibration error {{{name}}}, where fakes are as frequent as in validation",
            error.n,
            "04_test.ipynb#test_reliability",
        )
    ]


def _stands(numbers: Numbers) -> list[Answer]:
    if "robust.drop" not in numbers:
        return []
    loss = numbers["robust.drop"]
    return [
        Answer(
            "answer.stands_corruptions",
            "Is it robust to compression, resizing, blur and noise?",
            f"AUC lost to corruptions, mean over all severities, below {LOSS}",
            opposite(above(loss, LOSS)),
            "AUC {robust.clean.auc} on clean images, {robust.drop} lower on corrupted ones; "
            "{robust.flipped} of the verdicts turn",
            loss.n,
            "07_robustness.ipynb#robust_auc",
            told=if_known(
                numbers,
                "AUC {robust.clean.auc} on clean images, {robust.auc} as a mean over corruptions; "
                "difference {robust.drop}.",
            ),
        )
    ]


def _elsewhere(numbers: Numbers) -> list[Answer]:
    drops = [numbers[name] for name in find(numbers, kind="elsewhere", quantity="drop")]
    if not drops:
        return []
    verdict = _of_all(opposite(above(number, AWAY)) for number in drops)
    worst = max(drops, key=lambda number: -1.0 if number.value is None else number.value)
    folder = read_id(worst.id).run
    return [
        Answer(
            "answer.elsewhere",
            "Does its result hold on images of other folders?",
            f"AUC lost on each other folder below {AWAY}",
            verdict,
            f"worst of {len(drops)}: {folder} with an AUC of {{elsewhere.{folder}.auc}}, "
            f"{{{worst.id}}} lower than on the study's own test",
            worst.n,
            "06_cross_forgery.ipynb#forgeries_elsewhere",
        )
    ]


def _subgroups(numbers: Numbers) -> list[Answer]:
    asked = [numbers[name] for name in find(numbers, kind="subgroup", aspect="p")]
    known = [number for number in asked if number.value is not None]
    if not known:
        return []
    first = min(known, key=lambda number: float(number.value or 0))
    name = first.id.removesuffix(".p")
    return [
        Answer(
            "answer.subgroups",
            "Is it as good on every kind of image?",
            f"no subgroup of index.csv differs from the rest of its column (p after Holm's correction, "
            f"{len(known)} "
            "comparisons); that they are equal is never claimed",
            NO if is_small(first.value) else CANNOT_TELL,
            f"most unlike: {literal(numbers[name].note.partition(';')[0])} with {{{name}}}, the rest "
            f"{{{name}.rest}}, "
            f"difference {{{name}.difference}} ({'AUC' if name.endswith('.auc') else 'false alarms'})",
            first.n,
            "04_test.ipynb#test_scores",
        )
    ]


def _of_all(verdicts: Iterable[Verdict]) -> Verdict:
    """Of a claim about each of several: yes where it is yes for all, no where it is no for any."""
    found = set(verdicts)
    if found == {YES}:
        return YES
    return NO if NO in found else CANNOT_TELL
