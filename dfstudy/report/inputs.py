"""Files of the code as inputs of the map, named as Snakemake can take them.

Takes paths; gives names, sorted. Snakemake reads `{word}` in any input as a wildcard and knows no escape, so
code whose own path holds a brace is reached through a link in the study's folder. Refuses a folder that takes
no links. Cost: none.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from dfstudy.errors import StudyError
from dfstudy.provenance import PACKAGE, project_root


def name_inputs(files: Iterable[Path]) -> list[str]:
    """Each file once: absolute, or below a link where a brace stands in the path of its folder."""
    return sorted({_name(file) for file in files})


def link_code(out: Path) -> None:
    """Make the links that `name_inputs` relies on; none where no path holds a brace.

    Raises:
        StudyError: the folder of the results takes no links.
    """
    for name, root in _linked().items():
        link = out / name
        if link.is_symlink() and link.readlink() == root:
            continue
        try:
            link.parent.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(root, target_is_directory=True)
        except OSError as error:
            raise StudyError(
                f"{root} holds a brace, which Snakemake needs a link for, and {link} cannot be made: "
                f"{error.strerror}",
                "move this checkout to a folder without braces, or give OUT= on a file system with links",
            ) from None


def _linked() -> dict[str, Path]:
    roots = {"study/package": PACKAGE.parent, "study/project": project_root()}
    return {name: root for name, root in roots.items() if "{" in str(root)}


def _name(file: Path) -> str:
    for name, root in _linked().items():
        if file.is_relative_to(root):
            return f"{name}/{file.relative_to(root)}"
    return str(file)
