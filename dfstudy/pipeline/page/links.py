"""Links from one part of the page to a figure of another.

Takes the parsed page, in which such a link names a figure and the chapter that should hold it; changes it so
that the link reads `Figure 12`, as the caption does, and leads there. Where this report has no such figure it
leads to the chapter, and where that did not run it is words. Cost: milliseconds.
"""

from __future__ import annotations

from bs4 import BeautifulSoup

from dfstudy.pipeline.page.fragments import FIGURE_OF


def settle_links(soup: BeautifulSoup) -> None:
    """Every link to a figure, settled; nothing else changes. Figures are numbered before."""
    labels = {
        str(figure.get("id")): figure.figcaption.b.get_text().rstrip(". ")
        for figure in soup.find_all("figure")
        if figure.figcaption and figure.figcaption.b
    }
    chapters = {
        str(part.get("id")): part.summary.get_text(strip=True)
        for part in soup.find_all("details", class_="chapter")
    }
    for link in soup.find_all("a", attrs={FIGURE_OF: True}):
        name, chapter = str(link.get("href", "")).removeprefix("#"), str(link[FIGURE_OF])
        del link[FIGURE_OF]
        if name in labels:
            link.string = labels[name]
        elif chapter in chapters:
            link["href"], link.string = f"#{chapter}", chapters[chapter]
        else:
            link.replace_with(link.get_text())
