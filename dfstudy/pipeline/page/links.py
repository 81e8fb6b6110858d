"""Links from one chapter of the page to a figure of another.

Takes the whole page, in which such a link names a figure and the chapter that should hold it; gives the page
in which it reads `Figure 12`, as the caption does, and leads there. Where this report has no such figure it
leads to the chapter, and where that did not run it is words. Cost: milliseconds.
"""

from __future__ import annotations

import re

from dfstudy.pipeline.page.fragments import FIGURE_OF

_LINK = re.compile(rf'<a (?P<attributes>[^>]*\b{FIGURE_OF}="(?P<chapter>\w+)"[^>]*)>(?P<words>[^<]*)</a>')
_LABEL = re.compile(r'<figure\b[^>]*\bid="(\w+)".*?<figcaption>\s*<b>([^<]*?)[.\s]*</b>', re.DOTALL)
_CHAPTER = re.compile(r'<section id="(\w+)" class="chapter">\s*<h2>([^<]*)</h2>')


def settle_links(page: str) -> str:
    """Every link to a figure, settled; nothing else changes."""
    labels, chapters = dict(_LABEL.findall(page)), dict(_CHAPTER.findall(page))

    def settle(match: re.Match[str]) -> str:
        target = re.search(r'href="#(\w+)"', match["attributes"])
        name = target[1] if target else ""
        if name in labels:
            return f'<a href="#{name}">{labels[name]}</a>'
        if match["chapter"] in chapters:
            return f'<a href="#{match["chapter"]}">{chapters[match["chapter"]]}</a>'
        return match["words"]

    return _LINK.sub(settle, page)
