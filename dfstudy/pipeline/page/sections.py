"""The main part of the page: a short section of each chapter that has one.

Takes the templates of `Chapter.section`, which are Markdown with Jinja and hold no number of their own; gives
HTML. A template knows `n["id"]` (a number with its interval), `value("id")` (without), `note("id")` (the
first part of its note, which says what it is of), `known("id", ...)` (whether all of them have a value),
`below("id", limit)` and `over` (whether its whole interval is), `find(kind=..., ...)` (ids by their fields),
`verdict("answer.id")`, `figure("id")`, `asked` and `first` (parts of ids: the policy asked about, and the one
it is compared with), `limit` (what the rules ask for), `seal`, `study` and `literal` for names that a user
chose. A number that does not exist is an error, and so is anything misspelt.
Cost: milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from dfstudy.chapters.c01_data.questions import LEAK, PREDICTS
from dfstudy.chapters.c04_test.questions import BIN_ERROR, GAP, LOSS
from dfstudy.chapters.c08_protocol.questions import TRUTH
from dfstudy.chapters.c10_conclusions.seal import sealed_on, tell_seal
from dfstudy.errors import near_match
from dfstudy.pipeline.page.figures import SHOWN_HERE
from dfstudy.present.answer import above
from dfstudy.present.lookup import find
from dfstudy.present.numbers import literal
from dfstudy.stats.learning import FLOOR
from dfstudy.stats.paired import LEAST_SEEDS
from dfstudy.stats.verdicts import NO, YES
from dfstudy.variants.leakage import MOST, SMALL
from dfstudy.variants.policies import slugs_of

if TYPE_CHECKING:
    from dfstudy.chapters.base import Chapter, PageSection
    from dfstudy.number import Number
    from dfstudy.present.answer import Answer, Numbers
    from dfstudy.study.study import Study


LIMITS = {
    "trust": PREDICTS,
    "leak": LEAK,
    "gap": GAP,
    "loss": LOSS,
    "calibration": BIN_ERROR,
    "truth": TRUTH,
    "learned": FLOOR,
    "seeds": LEAST_SEEDS,
    "leak_size": SMALL.size,
    "leak_images": MOST,
}


@dataclass(frozen=True)
class Written:
    """A section of the main part.

    Attributes:
        id: its anchor.
        title: its heading.
        body: HTML.
        chapter: (id, title) of the chapter that says more.
    """

    id: str
    title: str
    body: str
    chapter: tuple[str, str]


class Printed(Mapping[str, str]):
    """Numbers as they are printed; a name that does not exist is an error that names a near one."""

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers

    def __getitem__(self, name: str) -> str:
        if name not in self._numbers:
            raise KeyError(
                f"the page names number '{name}', which does not exist{near_match(name, self._numbers)}"
            )
        number = self._numbers[name]
        # why one is not defined may hold names that a user chose
        return str(number) if number.value is not None else literal(str(number))

    def __iter__(self) -> Iterable[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)


def write_sections(
    chapters: Iterable[Chapter], numbers: Numbers, answers: Iterable[Answer], study: Study
) -> list[Written]:
    """The sections of the chapters whose numbers are there, in reading order."""
    words = vocabulary(numbers, answers, study)
    return [
        Written(
            chapter.section.id,
            chapter.section.title,
            fill(chapter.section, words),
            (chapter.id, chapter.title),
        )
        for chapter in chapters
        if chapter.section is not None and (not chapter.numbers or set(chapter.numbers) & set(numbers))
    ]


def vocabulary(numbers: Numbers, answers: Iterable[Answer], study: Study) -> dict[str, object]:
    """What a template of the page may use."""
    verdicts = {answer.id: answer.verdict for answer in answers}
    slugs = slugs_of(study)

    def known(*names: str) -> bool:
        return all(name in numbers and numbers[name].value is not None for name in names)

    def below(name: str, limit: float) -> bool:
        return above(numbers[name], limit) == NO

    def over(name: str, limit: float) -> bool:
        return above(numbers[name], limit) == YES

    def value(name: str) -> str:
        return _bare(numbers[name])

    return {
        "n": Printed(numbers),
        "value": value,
        "note": lambda name: numbers[name].note.partition(";")[0],
        "says": lambda name, words: words in numbers[name].note,
        "known": known,
        "below": below,
        "over": over,
        "verdict": lambda name: verdicts.get(name, ""),
        "figure": lambda name: f'\n\n<div {SHOWN_HERE}="{name}"></div>\n\n',
        "find": lambda **fields: find(numbers, **fields),
        "asked": slugs.get(study.policies.asked, study.policies.asked),
        "first": slugs.get(study.policies.names[0], study.policies.names[0]) if study.policies.names else "",
        "seal": f'{tell_seal(study)} <span data-run="">Sealed: {sealed_on(study)}.</span>',
        "limit": LIMITS,
        "study": study,
    }


def fill(section: PageSection, words: Mapping[str, object]) -> str:
    """HTML of one template."""
    environment = Environment(
        loader=FileSystemLoader(section.template.parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # Markdown; names that a user chose pass `literal`
    )
    environment.filters["literal"] = literal
    text = environment.get_template(section.template.name).render(**words)
    return MarkdownWithMath(renderer=IPythonRenderer(escape=False, exclude_anchor_links=True)).render(text)


def _bare(number: Number) -> str:
    """A number without its interval, for a sentence in which the interval stands elsewhere."""
    return str(number).partition(" [")[0]
