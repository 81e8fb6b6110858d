"""The answers of all published reports as one Markdown table, for the README.

Takes the numbers of `reports/published`; gives a question a row and a report a column, with what other splits
of the same images say below it. Decides nothing: verdicts are the chapters'.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dfstudy.pipeline.compare import exhibit_folder
from dfstudy.pipeline.other_splits import tell_splits
from dfstudy.pipeline.page.front import LISTED, decide, list_answers
from dfstudy.present.numbers import load_numbers
from dfstudy.study.study import SAMPLE, built_in_studies, load_study

if TYPE_CHECKING:
    from dfstudy.pipeline.page.front import ShownAnswer
    from dfstudy.study.study import Study

NOTHING = "not measured"


def published_studies() -> list[str]:
    """Built-in studies whose report is tracked: those of real photographs first."""
    found = [name for name in built_in_studies() if (exhibit_folder(name) / "numbers").is_dir()]
    return sorted(found, key=lambda name: (name == SAMPLE, name))


def results_table() -> str:
    """A question that a report words otherwise, as where nobody named who is shown, stands in its cell."""
    studies = [_published(name) for name in published_studies()]
    found = [_shown_answers(study) for study in studies]
    questions: dict[str, str] = {}  # the longest list has nearly all, in the page's order
    for answers in sorted(found, key=len, reverse=True):
        for key, one in answers.items():
            questions.setdefault(key, one.question)
    rows = [f"| | {' | '.join(map(_head, studies))} |", "|---" * (len(studies) + 1) + "|"]
    for key, question in questions.items():
        cells = [_cell(answers.get(key), question) for answers in found]
        rows.append(f"| {question} | {' | '.join(cells)} |")
    splits = [told for study in studies if (told := _tell_splits(study))]
    return "\n".join(["", *rows, *splits, "", ""])


def _published(name: str) -> Study:
    return load_study(name).model_copy(update={"out": exhibit_folder(name)})


def _shown_answers(study: Study) -> dict[str, ShownAnswer]:
    numbers = load_numbers(study)
    shown = list_answers(decide(numbers, study), numbers, study, most=len(LISTED))
    return {one.id: one for one in shown}


def _head(study: Study) -> str:
    kind = "rendered faces" if study.is_sample else "photographs"
    return f"[{study.title}](reports/published/{study.name}/index.html) ({kind})"


def _cell(answer: ShownAnswer | None, question: str) -> str:
    if answer is None:
        return NOTHING
    asked = f"*{answer.question}* " if answer.question != question else ""
    return f"{asked}**{answer.word}**. {answer.told}"


def _tell_splits(study: Study) -> str:
    link = f"[{{splits}}](reports/published/{study.name}/{{page}})"
    return tell_splits(study.out, f"\n*{study.title}*, on {link}: {{found}}.")
