"""The dataset card at the end of chapter 01: what the images are, whose, under which terms, and how sound.

Takes the study, its split, the numbers of the chapter and the audits' verdicts; gives a table of plain words.
What only a person knows comes from `data.card` of the study file, and says `not stated` where it is empty.
Pure.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from dfstudy.data.layouts.names import CLASS_NAMES
from dfstudy.data.split import Split, set_aside
from dfstudy.present.numbers import say

if TYPE_CHECKING:
    from dfstudy.present.answer import Numbers
    from dfstudy.study.study import Study

MOST_METHODS = 16  # that are named; the others are counted
MOST_REASONS = 6
MISUSE = (
    "Faces are personal data: keep and share them only with the right to do so. A score of this study is no "
    "evidence about a particular image of a particular person, and must not be used to accuse, identify or "
    "watch anyone."
)


def card_table(study: Study, split: Split, numbers: Numbers, verdicts: Sequence[str]) -> pd.DataFrame:
    """The card: what is asked, and the answer.

    Args:
        numbers: of chapter 01, by id.
        verdicts: lines of `trust.trust_lines`, each `**Name: verdict.** why`.
    """
    counts = "{data.pictures}: {data.real} real and {data.fake} fake"
    parts = "{split.train} train, {split.val} select, {split.test} test, whole groups each"
    missing = split.why_groups_unknown
    known = f"{missing}; near-duplicates are joined" if missing else "named by the set"
    rows = [
        ("What it is", _kind(study)),
        *((name, _stated(study, name)) for name in ("origin", "licence", "consent", "notes")),
        ("Pictures", say(counts, numbers.values()).data),
        ("Forgery methods", _methods(split)),
        ("Groups", say(f"{{data.groups}}; {known}", numbers.values()).data),
        ("Split", say(parts, numbers.values()).data),
        ("Set aside", _set_aside(split)),
        *(_verdict(say(line, numbers.values()).data) for line in verdicts),
        ("Use", MISUSE),
    ]
    return pd.DataFrame([(name.capitalize(), words) for name, words in rows], columns=["card", "answer"])


def _kind(study: Study) -> str:
    if study.is_sample:
        return f"{study.title}: portraits rendered by a program; they show no person"
    return f"{study.title}: images of the folder {study.pictures.name}"


def _stated(study: Study, name: str) -> str:
    return getattr(study.data.card, name).strip() or f"not stated (data.card.{name})"


def _methods(split: Split) -> str:
    sizes = split.rows.loc[split.rows["label"] == 1, "method"].value_counts()
    sizes = sizes.sort_index(kind="stable").sort_values(ascending=False, kind="stable")
    named = [f"{method} ({count:,})" for method, count in sizes.head(MOST_METHODS).items()]
    more = f" and {len(sizes) - MOST_METHODS} more" if len(sizes) > MOST_METHODS else ""
    nameless = len(sizes) == 1 and sizes.index[0] == CLASS_NAMES[1]
    return "not named" if nameless else ", ".join(named) + more


def _set_aside(split: Split) -> str:
    reasons = set_aside(split.set_aside)
    told = [f"{row.images:,}: {row.reason}" for row in reasons.head(MOST_REASONS).itertuples()]
    more = [f"{len(reasons) - MOST_REASONS} more reasons"] if len(reasons) > MOST_REASONS else []
    return "; ".join([*told, *more]) or "none"


def _verdict(line: str) -> tuple[str, str]:
    """A line of Markdown as name and plain words."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", line.replace("**", ""))
    plain = html.unescape(re.sub(r"\\([^a-zA-Z0-9\s])", r"\1", plain))
    name, _, words = plain.partition(": ")
    return name, words[:1].upper() + words[1:]
