"""What the user typed, made independent of the folder it was typed in.

Takes study, data, out and overrides as given on the command line; gives the study that they name, the
parameters of a notebook, and the options of a command that runs one step of the same report.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dfstudy.errors import StudyError
from dfstudy.study.overrides import as_options
from dfstudy.study.pictures import SAMPLE
from dfstudy.study.renamed import current_study
from dfstudy.study.study import Study, built_in_studies, read_study

TYPED_IN = "DFSTUDY_TYPED_IN"  # the user's folder, for steps that Snakemake starts in another


@dataclass(frozen=True)
class Invocation:
    """One report: which study, on which images, into which folder.

    Attributes:
        study: name of a built-in study or absolute path of a YAML file.
        data: absolute path of a folder of images, or empty for the study's own.
        out: absolute path of the results.
        settings: the study that these name.
    """

    study: str
    data: str
    out: str
    settings: Study = field(compare=False)

    @property
    def overrides(self) -> dict[str, Any]:
        """What a notebook or command has to be given beside the study; a frozen study holds it already."""
        return {} if self.settings.frozen else self.settings.overrides

    def parameters(self) -> dict[str, Any]:
        """Values for the notebooks' parameters cell."""
        given = {"study": self.study, "data": self.data, "out": self.out}
        return given | ({"overrides": self.overrides} if self.overrides else {})

    def options(self) -> list[str]:
        """Options that give a `dfstudy` command the same study."""
        given = [("--study", self.study), ("--data", self.data), ("--out", self.out)]
        words = [word for name, value in given if value for word in (name, value)]
        return words + as_options(self.overrides)


def resolve(
    study: str = "", data: str = "", out: str = "", overrides: Mapping[str, Any] | None = None
) -> Invocation:
    """Read the study and make every path absolute.

    An empty study is `sample` for the rendered portraits, and `small` for a folder of images.

    Args:
        study, data, out, overrides: see `load_study`.

    Raises:
        StudyError: see `read_study`; or a name that no notebook can hold.
    """
    for name, value in (("STUDY", study), ("DATA", data), ("OUT", out)):
        if (shown := os.fsencode(value).decode("utf-8", "backslashreplace")) != value:
            raise StudyError(
                f"{name}={shown}: the name is not UTF-8, which notebooks and tables are",
                "rename that file or folder, as by convmv -f latin1 -t utf8 --notest FOLDER",
            )
    study = current_study(study or ("small" if data else SAMPLE))
    settings = read_study(study, data, out, overrides)
    return Invocation(
        study=study if study in built_in_studies() else str(Path(study).expanduser().resolve()),
        data=str(Path(data).expanduser().resolve()) if data else "",
        out=str(settings.out),
        settings=settings,
    )


def shown_path(path: Path) -> str:
    """The path as the user would type it: relative where it lies below the folder they are in."""
    here = Path(os.environ.get(TYPED_IN) or Path.cwd())
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
