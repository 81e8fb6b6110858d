"""The study's questions, each answered by a rule from the numbers of the chapters.

Takes numbers by id; gives `Answer`s with the verdict `supported`, `refuted` or `inconclusive`, never a bare
yes; the rules stand in `verdicts`, the limits beside the questions: `augmentation` and `transforms`,
`protocol` (what the recorded defects did), `networks`, `detector`, `controls`, and `trust` for the pictures.
Which of them were declared before training, an answer's tier says. A question whose chapter gave no number
is left out; one that it could not measure is inconclusive and says why.
Refuses to answer without the numbers of training and test. Pure: no file is read.
"""

from __future__ import annotations

import html
from collections.abc import Iterable

from IPython.display import HTML

from dfstudy.chapters.c01_data.questions import decide_data_answers
from dfstudy.chapters.c04_test.questions import decide_on_new_pictures, decide_on_use
from dfstudy.chapters.c05_policies.questions import decide_on_augmentation
from dfstudy.chapters.c05_policies.questions_controls import decide_on_controls
from dfstudy.chapters.c05_policies.questions_transforms import decide_on_transforms
from dfstudy.chapters.c06_transfer.questions import decide_on_networks
from dfstudy.chapters.c08_protocol.questions import decide_on_protocol
from dfstudy.chapters.c09_conclusions.abstract import write_abstract
from dfstudy.errors import StudyError
from dfstudy.number import Number
from dfstudy.present.numbers import plain, say
from dfstudy.present.verdicts import Answer, Numbers, Tier
from dfstudy.study.study import Study

__all__ = ["answer_numbers", "answer_table", "decide_answers", "write_abstract"]

NEEDED = ("data.pictures", "train.auc_gap", "test.auc")
# headings of the table, in order; verdicts on what was not declared stand in brackets
TIERS: dict[Tier, str] = {
    "primary": "Primary question, declared before training",
    "secondary": "Secondary questions, declared before training; corrected as one family",
    "exploratory": "Exploratory: not declared before training; ideas for another study, no findings",
    "check": "Checks of images and method",
}
HEADINGS = ("question", "claim", "answer", "because", "n", "shown in")


def decide_answers(numbers: Numbers, groups_known: bool, study: Study) -> list[Answer]:
    """Answer every question for which the chapters gave numbers, the study's own questions first.

    Args:
        numbers: of all chapters, by id.
        groups_known: whether the pictures name who or what must not be torn apart.
        study: whose budget the verdicts name.
    Raises:
        StudyError: the chapters on training and test have not run.
    """
    missing = [name for name in NEEDED if name not in numbers]
    if missing:
        raise StudyError(
            f"the conclusions need numbers of earlier chapters: {', '.join(missing)}",
            "run the notebooks 01 to 04 first, or all of them: make report",
        )
    return [
        *decide_on_augmentation(numbers, study),
        *decide_on_transforms(numbers, study),
        *decide_on_protocol(numbers, study),
        *decide_on_networks(numbers, study),
        *decide_on_new_pictures(numbers, groups_known),
        *decide_on_use(numbers),
        *decide_data_answers(numbers),
        *decide_on_controls(numbers),
    ]


def answer_table(answers: Iterable[Answer], numbers: Numbers) -> HTML:
    """Question, claim, verdict, the numbers that decided, pictures, and a link to the figure, tier by tier.

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
    """Each verdict as a number: 1 supported, 0 refuted, not defined where inconclusive."""
    values = {"supported": 1, "refuted": 0}
    return [
        Number(x.id, values.get(x.verdict), "1 = supported", x.n, note=f"{x.verdict}: {x.claim}")
        for x in answers
    ]
