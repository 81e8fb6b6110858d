"""The licence of every package of the lock, from what its installed files say.

    python tests/licences.py > docs/licences.md

Takes `requirements.lock` and this environment; gives a row a package: version, licence, class. A package that
is not installed here is for another platform, and keeps the row that the page has of it. `test_licences.py`
holds the page to the lock and refuses classes that a user of dfstudy would have to know of.
"""

from __future__ import annotations

import importlib.metadata
import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "licences.md"
# the first that matches decides; a package under a choice of licences is taken under the one in STATED
CLASSES = {
    "network copyleft": r"AGPL|Affero",
    "proprietary": r"Proprietary",
    "weak copyleft": r"LGPL|Lesser|MPL|Mozilla|EPL",
    "strong copyleft": r"GPL|GNU General",
    "permissive": r"Apache|BSD|MIT|ISC|PSF|Python Software|Public Domain|Zlib|CNRI",
}
NVIDIA = "NVIDIA Proprietary"
STATED = {  # where the installed files say nothing, or more than one thing
    "cuda-toolkit": (NVIDIA, "an empty package that names the nvidia packages"),
    "docutils": ("Public Domain AND BSD", "its one GPL file is a mode for an editor, which the wheel lacks"),
    "mlcroissant": ("Apache-2.0", "as its repository states"),
}
ACCEPTED = {  # classes beside permissive, and why they may stand
    "weak copyleft": "its files may be used and passed on unchanged by programs under any licence",
    "proprietary": "CUDA libraries that torch asks for on Linux; installed for use, not passed on by dfstudy",
}
HEAD = """# Licences of the locked packages

dfstudy itself is under the MIT licence and passes none of these on: `make` installs them from their registry.
Written by `python tests/licences.py > docs/licences.md` from the installed packages; `make test` holds it to
`requirements.lock`. No package is under the GPL or AGPL alone. cleanlab and the successor of albumentations,
which are, are not used.

| class | why it may stand |
|---|---|
| permissive | use, change and pass on, with the notice |
"""


class Licence(NamedTuple):
    """What a package says of itself."""

    words: str
    kind: str


def locked() -> list[str]:
    """Names of the packages in the lock, each once."""
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return sorted({line.partition("==")[0].strip() for line in lines if "==" in line})


def read_licence(name: str) -> Licence | None:
    """Of an installed package; None where it is not installed, class `unknown` where nothing says it."""
    try:
        package = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return None
    said, told = package.metadata, STATED.get(name, ("",))[0]
    named = [
        line.rpartition("::")[2].strip() for line in said.get_all("Classifier") or [] if "License ::" in line
    ]
    first = (said.get("License") or "").strip().partition("\n")[0]
    if len(first) > 60 or first.upper() == "UNKNOWN" or first.startswith(("Copyright", "=")):
        first = ""
    for words in (told, said.get("License-Expression") or "", " AND ".join(named), first, _file(package)):
        for kind, pattern in CLASSES.items():
            if re.search(pattern, words):
                return Licence(words.replace("|", "/"), kind)
    return Licence("", "unknown")


def _file(package: importlib.metadata.Distribution) -> str:
    """First line of the licence that lies among its files."""
    for file in package.files or []:
        if re.match(r"(licen[cs]e|copying)", file.name, re.IGNORECASE) and ".dist-info" in str(file):
            return file.read_text().strip().partition("\n")[0][:60]
    return ""


def rows_of(page: str) -> dict[str, Licence]:
    """The table of the page: package -> what it says."""
    found = re.findall(r"^\| ([a-z0-9.-]+) \| (.*?) \| (.*?) \|$", page, re.MULTILINE)
    return {name: Licence(words, kind) for name, words, kind in found if kind != "class"}


def write_page() -> str:
    """The page."""
    kept = rows_of(PAGE.read_text()) if PAGE.is_file() else {}
    lines = [HEAD + "\n".join(f"| {kind} | {why} |" for kind, why in ACCEPTED.items())]
    lines += ["\n| stated here, not by its files | why |\n|---|---|"]
    lines += [f"| `{name}`: {words} | {why} |" for name, (words, why) in STATED.items()]
    lines += ["\n| package | licence | class |\n|---|---|---|"]
    elsewhere = Licence("not installed where this was written", "other platform")
    lines += [f"| {n} | {' | '.join(read_licence(n) or kept.get(n, elsewhere))} |" for n in locked()]
    return "\n".join(lines)


if __name__ == "__main__":
    print(write_page())
