"""The one exception that a user meets: what was wrong, where, and the next step.

Takes a message and a hint; `dfstudy.cli.main` prints both and exits 1, notebooks show them as the
exception's text. Anything else that escapes is a defect of dfstudy and keeps its traceback.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable


class StudyError(Exception):
    """A failure that the user can mend.

    Args:
        message: what was wrong and where (file, key, value).
        hint: the next step, as a sentence or a command to type.
    """

    def __init__(self, message: str, hint: str) -> None:
        if not hint:
            raise ValueError("a StudyError needs a hint: what should the user do next?")
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  next step: {self.hint}"


class Diverged(StudyError):
    """A training whose loss left the finite numbers; from the same inputs it does so every time."""


# ends of lines, a terminal's commands, and turns of the direction of writing
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    r"""A name as one line of a terminal, which it commands nothing: a file's name may hold `\n` or `\x1b`."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def near_match(word: str, allowed: Iterable[str]) -> str:
    """` (did you mean 'x'?)` where one of `allowed` resembles `word`, else an empty string."""
    close = difflib.get_close_matches(word, list(allowed), n=1, cutoff=0.6)
    return f" (did you mean '{close[0]}'?)" if close else ""
