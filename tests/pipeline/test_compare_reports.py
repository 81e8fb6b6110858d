"""Finished reports side by side: what differs, what chance alone explains, and what a stranger may send."""

from __future__ import annotations

import dataclasses
import json
import os
from random import Random

import pytest
from bs4 import BeautifulSoup
from click.testing import CliRunner

from dfstudy.cli.main import main
from dfstudy.number import Number
from dfstudy.pipeline import finished_report
from dfstudy.pipeline.compare_page import as_json, as_page, as_text
from dfstudy.pipeline.compare_reports import compare_reports
from dfstudy.pipeline.finished_report import FinishedReport, NotComparable, read_report
from dfstudy.pipeline.page.page_check import page_problems
from dfstudy.system.provenance import project_root

PUBLISHED = project_root() / "reports" / "published" / "sample"


def auc(name, value, half=0.02, **more):
    return Number(name, value, "AUC", 100, value - half, value + half, **more)


def verdict(name, word, claim="a claim"):
    return Number(name, {"yes": 1, "no": 0}.get(word), "1 = yes", 9, note=f"{word}: {claim}")


def report(*numbers, name="r", **more):
    return FinishedReport(name, {number.id: number for number in numbers}, **more)


def states(*reports):
    found = compare_reports(reports)
    return {row.name: row.state for row in (*found.verdicts, *found.numbers)}, found.agree


def write(folder, numbers, page=""):
    (folder / "numbers").mkdir(parents=True)
    text = json.dumps([dataclasses.asdict(number) for number in numbers])
    (folder / "numbers" / "04_test.json").write_text(text)
    if page:
        (folder / "index.html").write_text(page)
    return str(folder)


def run(*arguments):
    done = CliRunner().invoke(main, ["compare", *arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def test_a_number_differs_where_both_intervals_and_holm_say_so():
    one = report(auc("a", 0.7), auc("b", 0.7), auc("c", 0.70), auc("d", 0.7), Number("p", 0.1, "1", 9))
    two = report(auc("a", 0.9), auc("b", 0.7), auc("c", 0.725), auc("e", 0.7), Number("p", 0.2, "1", 9))
    found, agree = states(one, two)
    # c is apart by 0.025 where the difference has an interval of 0.028: chance
    expected = {"a": "differs", "b": "same", "c": "apart", "d": "in one only", "e": "in one only"}
    assert found == expected | {"p": "no interval"} and not agree
    assert states(report(auc("c", 0.70)), report(auc("c", 0.725)))[1]
    # the other value lies in one of the two intervals
    assert states(report(auc("a", 0.7, 0.001)), report(auc("a", 0.75, 0.06)))[0] == {"a": "agrees"}


def test_an_interval_counts_at_its_own_confidence():
    """An interval of 50 % is 2.9 times narrower than one of 95 %, and proves as much less."""
    narrow = {"settings": {"evaluate.confidence": "0.5"}}
    assert states(report(auc("a", 0.7)), report(auc("a", 0.74)))[0] == {"a": "differs"}
    assert states(report(auc("a", 0.7), **narrow), report(auc("a", 0.74), **narrow))[0] == {"a": "apart"}


def test_verdicts_are_compared_on_the_same_claim_alone():
    words = {"a": ("yes", "yes"), "b": ("yes", "no"), "c": ("yes", "cannot tell")}
    one, two = (report(*(verdict(f"answer.{k}", v[side]) for k, v in words.items())) for side in (0, 1))
    found, agree = states(one, two)
    assert found == {"answer.a": "agrees", "answer.b": "contradicts", "answer.c": "differs"} and not agree
    other = report(verdict("answer.a", "no", "another claim"))
    assert states(one, other)[0]["answer.a"] == "other claim" and states(one, other)[1]


def test_of_independent_reports_chance_alone_names_hardly_any():
    """One number in six is apart, and after Holm one comparison in twenty names any."""
    random, apart, named = Random(3), 0, 0
    for _ in range(40):
        both = [report(*(auc(f"x{i}", random.gauss(0, 1), 1.96) for i in range(100))) for _ in range(2)]
        found = [row.state for row in compare_reports(both).numbers]
        apart += sum(state in ("apart", "differs") for state in found)
        named += "differs" in found
    assert 0.15 < apart / 4000 < 0.18 and named <= 5


def test_three_reports_are_one_family():
    found, _ = states(report(auc("a", 0.7)), report(auc("a", 0.7)), report(auc("a", 0.9)))
    assert found == {"a": "differs"}


def test_settings_and_sources_are_read_from_the_page_and_decide_nothing(tmp_path):
    numbers = [auc("test.auc", 0.8)]
    page = (PUBLISHED / "index.html").read_text("utf-8")
    one = write(tmp_path / "one", numbers, page)
    commit = read_report(one).record["Code"].rpartition(" ")[2]
    other = page.replace(commit, "0123456789ab").replace("one_cycle", "constant")
    two = write(tmp_path / "archive" / "report", numbers, other)
    found = compare_reports([read_report(one), read_report(str(tmp_path / "archive"))])
    assert read_report(two).versions["torch"] and found.agree
    changed = {row.name: row.values for row in (*found.sources, *found.settings) if row.state == "differs"}
    assert changed["training.schedule"] == ("one_cycle", "constant") and len(changed) == 2
    assert changed["Code"][1].endswith("0123456789ab")


def test_the_page_of_a_new_report_can_be_read_back(tmp_path):
    """The templates and the reader hold together."""
    from jinja2 import Environment, FileSystemLoader

    from dfstudy.pipeline.page.fragments import TEMPLATES

    page = (TEMPLATES / "page.html.j2").read_text("utf-8")
    section = page[page.index('<section id="provenance"') : page.index("{%- if durations or")]
    macros = page[: page.index("<!DOCTYPE")]
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    made = environment.from_string(f"{macros}{section}</section>").render(
        record=[("Images", "9 <b>, fingerprint f")], versions=[("torch", "2.15.0")]
    )
    told = read_report(write(tmp_path / "r", [auc("a", 0.5)], made))
    assert told.record == {"Images": "9 <b>, fingerprint f"} and told.versions == {"torch": "2.15.0"}


def test_the_command_ends_as_it_says_and_writes_a_page_without_what_a_stranger_put_in(tmp_path):
    evil = "<script>alert(1)</script>\x1b[2J"
    bad = [auc(f"a{evil}", 0.9), auc("b", 0.9), verdict("answer.x", "no", evil)]
    settings = (
        f'<section id="settings"><table><tr><th>setting</th><th>value</th></tr><tr><td>k</td><td>{evil}'
    )
    one = write(tmp_path / "one", [auc(f"a{evil}", 0.5), auc("b", 0.9), verdict("answer.x", "yes", evil)])
    two = write(
        tmp_path / "two", bad, f"{settings}&lt;img src=x onerror=alert(1)&gt;</td></tr></table></section>"
    )
    page = tmp_path / "page.html"
    done = run(one, two, "--page", str(page))
    assert done.exit_code == 1 and "\x1b" not in done.output and "contradicts" in done.output
    assert "0.500 [0.480, 0.520]" in done.output and "0.900 [0.880, 0.920]" in done.output
    text = page.read_text("utf-8")
    assert page_problems(text) == [] and not BeautifulSoup(text, "html.parser").find_all(["script", "img"])
    assert "default-src 'none'" in text and "a&lt;script&gt;" in text and "img src=x" in text
    assert run(one, one).exit_code == 0
    data = json.loads(run(one, two, "--json").output)
    assert not data["agree"] and data["numbers"][0]["exact"][1]["low"] == 0.88
    assert run(one, two, "--page", f"{one}/index.html").exit_code == 2
    assert run(one, two, "--page", str(tmp_path / "no" / "page.html")).exit_code == 2


def test_what_cannot_be_compared_ends_with_2_and_the_next_step(tmp_path):
    one, empty = write(tmp_path / "one", [auc("a", 0.5)]), tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "archive.zip").write_bytes(b"PK")
    other = write(tmp_path / "other", [auc("z", 0.5)])
    for given in (
        [one],
        [one, str(empty)],
        [one, str(tmp_path / "archive.zip")],
        [one, "gone"],
        [one, other],
    ):
        done = run(*given)
        assert done.exit_code == 2 and "next step:" in done.output and "Traceback" not in done.output


GOOD = dataclasses.asdict(auc("a", 0.5))


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[" * 100_000,
        "{}",
        "[1]",
        json.dumps([GOOD | {"value": "0.5"}]),
        json.dumps([GOOD | {"value": True}]),
        json.dumps([GOOD | {"id": ["a"]}]),
        json.dumps([GOOD | {"value": 10**400, "low": None, "high": None}]),
        json.dumps([GOOD | {"digits": 10**9}]),
        json.dumps([GOOD | {"note": "n" * 10**6}]),
        json.dumps([GOOD | {"low": float("nan")}]),
        json.dumps([GOOD | {"high": None}]),
        b"\xff\xfe",
    ],
    ids=range(13),
)
def test_odd_numbers_are_refused_in_words(content, tmp_path):
    folder = write(tmp_path / "r", [])
    data = content if isinstance(content, bytes) else content.encode()
    (tmp_path / "r" / "numbers" / "04_test.json").write_bytes(data)
    with pytest.raises(NotComparable) as error:
        read_report(folder)
    assert "04_test.json" in str(error.value) and len(str(error.value)) < 500


def test_files_that_are_too_large_or_no_files_are_not_opened(tmp_path, monkeypatch):
    folder = write(tmp_path / "r", [auc("a", 0.5)])
    os.mkfifo(tmp_path / "r" / "index.html")
    with pytest.raises(NotComparable, match="is no file"):
        read_report(folder)
    monkeypatch.setattr(finished_report, "MOST_BYTES", {"numbers": 10})
    with pytest.raises(NotComparable, match="bytes, 10 are read"):
        read_report(folder)


def test_values_beyond_measure_and_pages_made_to_be_slow_end():
    huge = [report(auc("a", value, 1.0)) for value in (-1.7e308, 1.7e308)]
    assert states(*huge)[0] == {"a": "differs"} and "a" in as_text(compare_reports(huge))
    assert page_problems(as_page(compare_reports(huge))) == [] and json.loads(as_json(compare_reports(huge)))
    for part in ("<!--", "<table", "<tr><td>", "</td>", "<", "&#"):  # a parser takes minutes over these
        finished_report._tables('<section id="settings"><table><tr><td>' + part * 200_000)
