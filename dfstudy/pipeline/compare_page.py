"""What reports say of each other, for a terminal, as one HTML file, and as JSON.

Takes a `ReportsCompared`; gives text. All of it may come from a stranger's report: the terminal gets
printable signs, the page escapes everything, holds no script and names no address, and its policy allows
neither.
"""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dfstudy.errors import printable
from dfstudy.pipeline.compare_reports import (
    APART,
    DECIDING,
    DIFFERS,
    LETTERS,
    NO_INTERVAL,
    ONE_ONLY,
    OTHER_CLAIM,
    OTHER_UNIT,
    SAME,
    UNDEFINED,
    WITHIN,
    ComparedRow,
    ReportsCompared,
)
from dfstudy.pipeline.finished_report import NotComparable
from dfstudy.system.kept import write_atomic

SHOWN_ROWS, SHOWN_LETTERS = 12, 60  # of a list and of a text on the terminal; the page shows all
TEMPLATES = Path(__file__).parent / "page" / "templates"
KEY = ("Images", "Code", "Sealed plan")  # sources that are named even where they are the same
RULES = (
    "A verdict is compared where its claim is word for word the same.",
    "A number is apart where each interval excludes the other's value. Between independent reports with "
    "intervals of equal width, one number in six is apart by chance alone.",
    "A number differs where it is apart and its p is at most 0.05 after Holm's correction over all numbers "
    "compared. The p takes the reports for independent: on shared images it finds too few differences.",
    "A number without an interval is not judged. Settings, sources and what one report alone has decide "
    "nothing.",
)
LISTS = (  # of numbers, in the order in which they are shown
    (DIFFERS, "differ beyond both intervals, after Holm's correction"),
    (APART, "apart: each interval excludes the other's value; may be chance"),
    (UNDEFINED, "without a value in one report"),
    (OTHER_UNIT, "in other units: not compared"),
    (NO_INTERVAL, "other values without an interval: not judged"),
    (ONE_ONLY, "in one report only"),
)


def lead(found: ReportsCompared) -> list[str]:
    """What was found, in sentences."""
    verdicts, numbers = (Counter(row.state for row in rows) for rows in (found.verdicts, found.numbers))
    asked = sum(verdicts[state] for state in (WITHIN, *DECIDING))
    apart = numbers[APART] + numbers[DIFFERS]
    return [
        f"{verdicts[WITHIN]:,} of {asked:,} verdicts on the same claim agree; {verdicts[OTHER_CLAIM]:,} are "
        f"on another claim, {verdicts[ONE_ONLY]:,} in one report only",
        f"of {found.judged:,} numbers with intervals {apart:,} are apart, and {numbers[DIFFERS]:,} differ "
        f"after Holm's correction; of all numbers {numbers[SAME]:,} are identical, {numbers[ONE_ONLY]:,} in "
        "one report only",
        "the reports agree: no verdict and no number differs"
        if found.agree
        else "the reports differ in a verdict or a number",
    ]


def as_text(found: ReportsCompared) -> str:
    """For a terminal: what differs, and the most telling of each list."""
    lines = [f"{letter}  {_cut(name)}" for letter, name in zip(LETTERS, found.names, strict=False)]
    lines += _section("where they come from", key_sources(found))
    lines += _section("settings that differ", [row for row in found.settings if row.state != SAME])
    lines += _section("verdicts that are not the same", [x for x in found.verdicts if x.state != WITHIN])
    for state, title in LISTS:
        lines += _section(f"numbers {title}", by_p(found.numbers, state))
    return "\n".join([*lines, "", *lead(found)])


def key_sources(found: ReportsCompared) -> list[ComparedRow]:
    """Sources that differ, and those that a reader asks for in any case."""
    return [row for row in found.sources if row.state != SAME or row.name in KEY]


def by_p(rows: Sequence[ComparedRow], state: str) -> list[ComparedRow]:
    """Rows of one state, the surest difference first."""
    return sorted((row for row in rows if row.state == state), key=lambda row: (row.p or 0.0, row.name))


def _section(title: str, rows: Sequence[ComparedRow]) -> list[str]:
    if not rows:
        return []
    lines = ["", f"{title}: {len(rows):,}"]
    for row in rows[:SHOWN_ROWS]:
        lines.append(f"  {_cut(row.name)}  ({row.state})")
        lines += [f"    {letter} {_cut(value)}" for letter, value in zip(LETTERS, row.values, strict=False)]
    more = len(rows) - SHOWN_ROWS
    return lines + ([f"  and {more:,} more: see --page or --json"] if more > 0 else [])


def _cut(text: str) -> str:
    return printable(text if len(text) <= SHOWN_LETTERS else f"{text[: SHOWN_LETTERS - 1]}…")


def as_json(found: ReportsCompared) -> str:
    """Everything, with whether the reports agree."""
    return json.dumps(dataclasses.asdict(found) | {"agree": found.agree, "rules": RULES}, indent=1)


def as_page(found: ReportsCompared) -> str:
    """One HTML file with every list whole."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    numbers = [(title, by_p(found.numbers, state)) for state, title in LISTS]
    tables = [
        ("Where they come from", key_sources(found)),
        ("Settings that differ", [row for row in found.settings if row.state != SAME]),
        ("Verdicts", found.verdicts),
        *((f"Numbers {title}", rows) for title, rows in numbers),
    ]
    return environment.get_template("compare.html.j2").render(
        css=(TEMPLATES / "page.css").read_text("utf-8"),
        reports=list(zip(LETTERS, found.names, strict=False)),
        lead=lead(found),
        rules=RULES,
        tables=[(title, rows) for title, rows in tables if rows],
    )


def write_page(found: ReportsCompared, file: Path) -> None:
    """Write the page.

    Raises:
        NotComparable: there is no such folder, or the page would lie inside of a compared report.
    """
    place = file.expanduser().resolve()
    reports = [Path(name).expanduser().resolve() for name in found.names]
    if any(place.is_relative_to(report) for report in reports) or place.is_dir():
        raise NotComparable(f"--page {file} is a folder, or inside of a report", "name a file elsewhere")
    try:
        write_atomic(place, as_page(found).encode())
    except OSError as error:
        raise NotComparable(f"--page {file}: {error.strerror}", "name a file that can be written") from None
