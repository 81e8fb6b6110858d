"""The study's questions, each answered by a rule from the numbers of the chapters.

Takes what the chapters gave; gives `Answer`s with the verdict `yes`, `no`, `cannot tell` or `not trained
enough to tell`. Each chapter's `questions` holds its rules and their limits; an answer's tier says whether it
was declared before training. A question whose chapter gave no number is left out; one that it could not
measure is `cannot tell` and says why. Refuses to answer without the numbers of training and test. Pure: no
file is read.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import TYPE_CHECKING

from IPython.display import HTML

from dfstudy.chapters.registry import CHAPTERS
from dfstudy.errors import StudyError
from dfstudy.number import Number
from dfstudy.present.numbers import plain, say
from dfstudy.stats.verdicts import NO, YES

if TYPE_CHECKING:
    from dfstudy.chapters.base import Gathered
    from dfstudy.present.answer import Answer, Numbers, Tier

NEEDED = ("data.pictures", "train.auc_gap", "test.auc")
# headings of the table, in order; verdicts on what was not declared stand in brackets
TIERS: dict[Tier, str] = {
    "primary": "Primary question, declared before training",
    "secondary": "Secondary questions, declared before training; corrected as one family",
    "exploratory": "Exploratory: not declared before training; ideas for another study, no findings",
    "check": "Checks of images and method",
}
HEADINGS = ("question", "claim", "answer", "because", "n", "shown in")


def decide_answers(gathered: Gathered) -> list[Answer]:
    """Answer every question for which the chapters gave numbers, chapter by chapter.

    Raises:
        StudyError: the chapters on training and test have not run.
    """
    missing = [name for name in NEEDED if name not in gathered.numbers]
    if missing:
        raise StudyError(
            f"the conclusions need numbers of earlier chapters: {', '.join(missing)}",
            "run the notebooks 01 to 04 first, or all of them: make report",
        )
    asking = [chapter.questions for chapter in CHAPTERS if chapter.questions is not None]
    return [answer for ask in asking for answer in ask(gathered)]


def answer_table(answers: Iterable[Answer], numbers: Numbers) -> HTML:
    """Question, claim, verdict, the numbers that decided, images, and a link to the figure, tier by tier.

    The link names a notebook and a figure in it, `04_test.ipynb#test_roc`: JupyterLab opens the notebook, and
    the report's page makes it a link to the figure (`links`).
    """
    head = "".join(f"<th>{name}</th>" for name in HEADINGS)
    rows = []
    every = list(answers)
    ordered = [(tier, each) for tier in TIERS for each in every if each.tier == tier]
    for at, (tier, each) in enumerate(ordered):
        if not at or ordered[at - 1][0] != tier:
            rows.append(f'<tr><th colspan="{len(HEADINGS)}" scope="rowgroup">{TIERS[tier]}</th></tr>')
        because = plain(say(each.because, numbers).data)
        said = f"({each.verdict})" if tier == "exploratory" else each.verdict
        words = (each.question, each.claim, said, because, f"{each.n:,}")
        figure = each.figure.rpartition("#")[2]
        link = f'<a href="{each.figure}">{figure}</a>' if figure else ""
        cells = [*(html.escape(word, quote=False) for word in words), link]
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    body = "".join(rows)
    return HTML(f"<div><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>")


def answer_numbers(answers: Iterable[Answer]) -> list[Number]:
    """Each verdict as a number: 1 yes, 0 no, not defined otherwise."""
    values = {YES: 1, NO: 0}
    return [
        Number(x.id, values.get(x.verdict), "1 = yes", x.n, note=f"{x.verdict}: {x.claim}") for x in answers
    ]
