"""What makes the page readable by everyone and everywhere, checked on every page that is written.

Takes HTML; gives the list of what is wrong: language, title, headings in order, alt texts, captions, scripts
that the content-security policy does not name, addresses outside the file, ids that repeat, links that lead
nowhere. An empty list is a good page.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter

from bs4 import BeautifulSoup, Tag

ACTIVE = ["iframe", "object", "embed", "link", "base", "form"]


def page_problems(html: str) -> list[str]:
    """Everything that is wrong with a page, in words."""
    soup = BeautifulSoup(html, "html.parser")
    return [
        *_document(soup),
        *_headings(soup),
        *_pictures(soup),
        *_addresses(soup),
        *_anchors(soup),
    ]


def _document(soup: BeautifulSoup) -> list[str]:
    problems = [f"active element <{tag.name}>" for tag in soup.find_all(ACTIVE)]
    problems += [
        "a script that the page's policy does not name"
        for tag in soup.find_all("script")
        if not _is_own(tag, soup)
    ]
    if soup.html is None or not soup.html.get("lang"):
        problems.append("no language on <html>")
    if soup.title is None or not soup.title.get_text(strip=True):
        problems.append("no title")
    for tag in soup.find_all(True):
        problems += [f"<{tag.name}> has {name}" for name in tag.attrs if name.startswith("on")]
    return problems


def _is_own(script: Tag, soup: BeautifulSoup) -> bool:
    """Inline, and named by its digest in the policy, so that a browser runs this script and no other."""
    policy = soup.find("meta", attrs={"http-equiv": "Content-Security-Policy"})
    digest = base64.b64encode(hashlib.sha256(script.get_text().encode()).digest()).decode()
    return not script.get("src") and f"'sha256-{digest}'" in str(policy.get("content") if policy else "")


def _headings(soup: BeautifulSoup) -> list[str]:
    headings = soup.find_all(re.compile("^h[1-6]$"))
    levels = [int(heading.name[1]) for heading in headings]
    problems = [] if levels.count(1) == 1 else [f"{levels.count(1)} headings of level 1"]
    for before, level, heading in zip([0, *levels], levels, headings, strict=False):
        if level > before + 1:
            problems.append(f"heading '{heading.get_text()}' skips from level {before} to {level}")
    problems += ["empty heading" for heading in headings if not heading.get_text(strip=True)]
    return problems


def _pictures(soup: BeautifulSoup) -> list[str]:
    problems = []
    for picture in soup.find_all("img"):
        figure = picture.find_parent("figure")
        name = (figure.get("id") if figure else None) or str(picture.get("src", ""))[:30]
        if not str(picture.get("alt", "")).strip():
            problems.append(f"image {name} has no alt text")
        if "formula" not in picture.get("class", []) and (
            figure is None or figure.find("figcaption") is None
        ):
            problems.append(f"image {name} has no caption")
    return problems


def _addresses(soup: BeautifulSoup) -> list[str]:
    problems = []
    for tag in soup.find_all(True):
        for name in ("src", "href", "srcset", "data", "poster", "action"):
            value = str(tag.get(name, "#"))
            if not value.startswith(("#", "data:image/")) and not _is_download(tag, value):
                problems.append(f"<{tag.name}> points outside the file: {value[:60]}")
    for sheet in soup.find_all("style"):
        problems += [f"style sheet uses {word}" for word in re.findall(r"url\(|@import", sheet.get_text())]
    return problems


def _is_download(tag: Tag, value: str) -> bool:
    return (
        tag.name == "a"
        and tag.has_attr("download")
        and value.startswith(("data:text/csv", "data:application/json"))
    )


def _anchors(soup: BeautifulSoup) -> list[str]:
    ids = Counter(str(tag["id"]) for tag in soup.find_all(id=True))
    problems = [f"id '{name}' occurs {n} times" for name, n in ids.items() if n > 1]
    targets = {str(link["href"]) for link in soup.find_all("a", href=True)}
    missing = sorted(target for target in targets if target.startswith("#") and target[1:] not in ids)
    return problems + [f"link {target} leads nowhere" for target in missing]
