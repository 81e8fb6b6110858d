"""Names in prose: whatever signs they hold, they are shown as they are."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from nbconvert.filters import markdown2html

from dfstudy.number import Number
from dfstudy.present.numbers import as_code, describe_interval, literal, plain, say
from dfstudy.study.comparisons import Evaluate

AUC = Number("test.auc", 0.75, "AUC", 9, low=0.7, high=0.8)
ODD = [
    "{test.auc}",
    "{v2}",
    "{{x}}",
    "{",
    "}",
    "$a$",
    "$$b$$",
    "a*b*_c_",
    "<b>",
    "|",
    "`x`",
    "[a](b)",
    "#",
    "&#123;",
]


@pytest.mark.parametrize("name", ODD)
def test_a_name_is_shown_as_it_is(name):
    told = say(f"Of {literal(name)} the AUC is {{test.auc}}.", [AUC]).data
    shown = BeautifulSoup(markdown2html(told), "html.parser").get_text().strip()
    assert shown == f"Of {name} the AUC is {AUC}."
    assert plain(literal(name)) == name


@pytest.mark.parametrize("name", ODD)
def test_a_command_is_shown_as_it_is_typed(name):
    told = say(f"Type:\n\n{as_code(f'    make report DATA={name}')}\n\nand see {{test.auc}}.", [AUC]).data
    page = BeautifulSoup(markdown2html(told), "html.parser")
    assert page.find("code").get_text().strip() == f"make report DATA={name}"
    assert str(AUC) in page.get_text()


@given(st.text(alphabet="{}abc.", max_size=12))
def test_braces_come_back(text):
    assert say(as_code(f"of {text}"), [AUC]).data == f"of {text}"


def test_a_number_that_does_not_exist_is_an_error():
    with pytest.raises(KeyError, match=r"test\.acu"):
        say("{test.acu}", [AUC])


def test_a_caption_says_what_its_interval_was_drawn_over():
    settings = Evaluate(replicates=1_000)
    assert describe_interval(settings) == "Interval: 95 % over 1,000 resamples of groups."
