"""An executed notebook as a fragment of the report's page.

Takes the notebook; gives HTML in which headings sit two levels lower, ids carry the chapter's name, tables
are plain and can scroll, outside links are words, and no script or style is left. Measured durations come
back apart, because only the provenance block may differ between two runs; so do the results of cells whose
tags stand in `LIFTED`, which the page shows elsewhere. Cost: a second a notebook.
"""

from __future__ import annotations

import base64
import io
import re
from dataclasses import dataclass, field
from pathlib import Path

from bs4 import BeautifulSoup, Tag
from nbformat import NotebookNode
from PIL import Image
from traitlets.config import Config

from dfstudy.pipeline.check_parameters import TAG
from dfstudy.pipeline.failure import INJECTED
from dfstudy.pipeline.page.formulas import FormulaExporter
from dfstudy.pipeline.page.tables import keep_together, tidy_table

TEMPLATES = Path(__file__).parent / "templates"
# Tags of cells whose results the page shows elsewhere, and what they are called there.
LIFTED = {"answers": "All answers"}
TRY = "try-it"  # tag of cells that invite a change: they are run, and nothing on a page can be changed
FIGURE_OF = "data-figure-of"  # on a link to a figure: the chapter that should hold it
CSS_DPI, FIGURE_DPI = 96, 144  # of the page, and of the files that `figures.style` saves
SHOWN = ["text/html", "text/markdown", "text/latex", "image/png", "image/jpeg", "text/plain"]


@dataclass(frozen=True)
class Fragment:
    """One chapter of the page.

    Attributes:
        id: chapter's id, and the anchor of its section.
        title: its heading.
        body: HTML of everything but what is listed below.
        timing: HTML of its figures and tables of measured durations.
        lifted: HTML by tag of the results that the page shows elsewhere.
    """

    id: str
    title: str
    body: str
    timing: str
    lifted: dict[str, str] = field(default_factory=dict)


def make_fragment(notebook: NotebookNode, name: str) -> Fragment:
    """Convert one executed notebook."""
    soup = BeautifulSoup(_to_html(notebook), "html.parser")
    for tag in soup.find_all(["script", "style"]):
        tag.decompose()
    for table in soup.find_all("table"):
        tidy_table(table)
    _name_outside_links(soup)
    _lower_headings(soup, name)
    for picture in soup.find_all("img"):
        _set_size(picture)
    keep_together(soup)
    timing = "".join(_move_to_provenance(tag, name) for tag in soup.find_all(attrs={"data-timing": "true"}))
    lifted = {tag: _lift(soup, tag) for tag in LIFTED}
    _point_to_numbers(soup, name)
    for empty in soup.find_all("div", class_="result"):
        del empty["data-tags"]
        if not empty.get_text(strip=True) and not empty.find("img"):
            empty.decompose()
    heading = soup.find("h3")
    title = heading.get_text() if heading else name
    if heading:
        heading.decompose()
    return Fragment(name, title, str(soup).strip(), timing, {k: v for k, v in lifted.items() if v})


def _to_html(notebook: NotebookNode) -> str:
    config = Config()
    config.TagRemovePreprocessor.enabled = True
    config.TagRemovePreprocessor.remove_cell_tags = {TAG, INJECTED, TRY}
    config.NbConvertBase.display_data_priority = SHOWN
    exporter = FormulaExporter(
        config=config,
        template_name="chapter",
        extra_template_basedirs=[str(TEMPLATES)],
        exclude_anchor_links=True,
    )
    return exporter.from_notebook_node(notebook)[0]


def _name_outside_links(soup: BeautifulSoup) -> None:
    """A link that leaves the file becomes its words and its address without a scheme."""
    for link in soup.find_all("a"):
        target = str(link.get("href", ""))
        chapter = re.fullmatch(r"(\d\d_\w+)\.ipynb(#\w+)?", target)
        if chapter:
            link["href"] = chapter[2] or "#" + chapter[1]
        if chapter and chapter[2]:  # a figure there, if this page has it: see `links`
            link[FIGURE_OF] = chapter[1]
        if chapter or target.startswith("#"):
            continue
        address = re.sub(r"^\w+:/*", "", target)
        words = link.get_text()
        link.replace_with(words if not address or address in words else f"{words} ({address})")
    for text in soup.find_all(string=re.compile(r"https?://")):
        text.replace_with(re.sub(r"https?://", "", text))


def _lower_headings(soup: BeautifulSoup, name: str) -> None:
    """The notebook's h1 becomes the chapter's h3, and so on."""
    renamed: dict[str, str] = {}
    for heading in soup.find_all(re.compile("^h[1-6]$")):
        heading.name = f"h{min(int(heading.name[1]) + 2, 6)}"
        words = heading.get_text()
        anchor = name + "-" + re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")
        while anchor in renamed.values():
            anchor += "-again"
        renamed[words.replace(" ", "-")] = anchor  # as JupyterLab names it
        heading["id"] = anchor
    for link in soup.find_all("a"):
        target = str(link["href"])[1:]
        link["href"] = "#" + renamed.get(target, target)


def _move_to_provenance(measured: Tag, name: str) -> str:
    """A figure or table of durations leaves a note that leads to it."""
    what = "The table shows"
    if measured.name == "figure":
        what = f'<a href="#{measured.get("id")}" {FIGURE_OF}="{name}">The figure</a> shows'
    note = BeautifulSoup(
        f'<p class="moved">{what} measured durations, which differ from run to run: '
        'see <a href="#provenance">Provenance</a>.</p>',
        "html.parser",
    )
    measured.replace_with(note)
    return str(measured)


def _set_size(picture: Tag) -> None:
    """Show a figure in its own inches, so that its letters are as large as those of the others."""
    data = str(picture.get("src", "")).partition("base64,")[2]
    try:
        with Image.open(io.BytesIO(base64.b64decode(data))) as image:
            width, height = image.size
    except (ValueError, OSError):  # not an image that can be measured: it is shown as it is
        return
    picture["width"] = str(round(width * CSS_DPI / FIGURE_DPI))
    picture["height"] = str(round(height * CSS_DPI / FIGURE_DPI))


def _point_to_numbers(soup: BeautifulSoup, name: str) -> None:
    """The table that `save_numbers` returns stands once, among all numbers."""
    for result in soup.find_all("div", class_="result"):
        if "numbers" in str(result["data-tags"]).split():
            where = f'They are under <a href="#numbers-{name}">All numbers</a>.'
            # a chapter whose parts are all switched off has none, and nothing is listed there
            has_numbers = [cell.get_text() for cell in result.select("tr:last-child td")] != ["none"]
            note = f'<p class="moved">{where if has_numbers else "This chapter gave no numbers."}</p>'
            result.clear()
            result.append(BeautifulSoup(note, "html.parser"))


def _lift(soup: BeautifulSoup, tag: str) -> str:
    results = [div for div in soup.find_all("div", class_="result") if tag in str(div["data-tags"]).split()]
    html = "".join(div.decode_contents() for div in results)
    for div in results:
        note = f'<p class="moved">Shown in the main part: see <a href="#{tag}">{LIFTED[tag]}</a>.</p>'
        div.clear()
        div.append(BeautifulSoup(note, "html.parser"))
    return html
