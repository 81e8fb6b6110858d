"""Figures of the whole page: each stands once, is numbered in reading order, and may be left out.

Takes the parsed page, in which the main part names figures of the chapters (`SHOWN_HERE`); moves them there
and leaves a link in the chapter; leaves out images of people where the study says so; numbers what is left.
Cost: milliseconds.
"""

from __future__ import annotations

from bs4 import BeautifulSoup, Tag

from dfstudy.pipeline.page.fragments import FIGURE_OF

SHOWN_HERE = "data-shows"  # on an empty div of the main part: the id of a figure
PHOTOGRAPHS = "data:image/jpeg"  # charts are PNG: `present.style.save_figure`


def place_figures(soup: BeautifulSoup) -> None:
    """Move figures to the places of the main part that ask for them; a place without its figure goes."""
    for place in soup.find_all("div", attrs={SHOWN_HERE: True}):
        name = str(place[SHOWN_HERE])
        figure = soup.find("figure", id=name)
        if figure is None:
            place.decompose()
            continue
        note = BeautifulSoup(
            f'<p class="moved">In the main part: <a href="#{name}" {FIGURE_OF}="">figure</a>.</p>',
            "html.parser",
        )
        figure.replace_with(note)
        place.replace_with(figure)


def leave_out_faces(soup: BeautifulSoup) -> int:
    """Replace every image of people by a line that says so; returns how many there were."""
    shown = [image for image in soup.find_all("img") if str(image.get("src", "")).startswith(PHOTOGRAPHS)]
    for image in shown:
        whole: Tag = image.find_parent("figure") or image
        note = soup.new_tag("p", attrs={"class": "moved"})
        if whole.get("id"):
            note["id"] = whole["id"]  # links still lead to the place
        note.string = "A figure with images of people is left out (report.faces)."
        whole.replace_with(note)
    return len(shown)


def number_figures(soup: BeautifulSoup) -> list[tuple[str, str]]:
    """Label captions in reading order, measured durations apart; returns (id, label with caption's start)."""
    listed, count, measured = [], 0, 0
    for figure in soup.find_all("figure"):
        caption = figure.find("figcaption")
        if caption is None:
            continue
        if figure.img is not None:  # on a narrow screen it scrolls in its own box, with letters of full size
            figure.img.wrap(soup.new_tag("div", attrs={"class": "scroll"}))
        if figure.get("data-timing") == "true":
            measured += 1
            label = f"Figure P{measured}"
        else:
            count += 1
            label = f"Figure {count}"
        words = caption.get_text(" ", strip=True)
        listed.append((str(figure.get("id", "")), f"{label}. {_first_clause(words)}"))
        bold = soup.new_tag("b")
        bold.string = f"{label}. "
        caption.insert(0, bold)
    return [entry for entry in listed if entry[0]]


def _first_clause(words: str) -> str:
    """The caption's beginning, up to its first full stop, colon or semicolon that ends a word."""
    for at, sign in enumerate(words):
        if sign in ".:;" and (at + 1 == len(words) or words[at + 1] == " "):
            return words[:at]
    return words
