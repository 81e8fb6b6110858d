"""What each step of a report reads, listed by content for the plan.

Takes a study, its split and the site; gives a `ListedStep` for a training, the leakage estimate, a chapter
and the page. Code counts as far as a step imports it, data files of the package where that code names them
(see `dfstudy.system.provenance`); the machinery that runs steps shapes no result and is not listed. Refuses a
notebook that cannot be read. Cost: the code is read and parsed once, half a second.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dfstudy.chapters.c10_conclusions.seal import tell_seal
from dfstudy.data.external import fingerprint_files
from dfstudy.errors import StudyError
from dfstudy.pipeline.cells import plain_python
from dfstudy.pipeline.compare import is_built_in
from dfstudy.pipeline.environment import steady_environment
from dfstudy.pipeline.invocation import shown_path
from dfstudy.pipeline.reads import (
    FURTHER,
    LAYOUT,
    MASKS,
    OTHERS,
    PICTURES,
    PUBLISHED,
    SETTING,
    SHAPING,
    SHORT,
    VERSION,
    WEIGHTS,
    Present,
    Reads,
    name_code,
)
from dfstudy.pipeline.resources import NETWORKS, Site, gpu_names
from dfstudy.study.study import OWN, Study
from dfstudy.system.kept import read_json
from dfstudy.system.provenance import (
    PACKAGE,
    REPORT_PACKAGES,
    SHAPING_PACKAGES,
    digest,
    import_closure,
    imported_modules,
    read_beside,
)
from dfstudy.variants.registry import COMPARISONS, PAIRS

if TYPE_CHECKING:
    from dfstudy.chapters.base import Chapter
    from dfstudy.data.split import Split

TRAINING_PARTS = ("data", "model", "augment", "training", "protocol")
BUDGET = "study/budget.json"  # what the page says of it
# Code whose results are listed by content (images, split), and code that says what is done and does nothing.
APART = ("portraits/", "faces/", "data/layouts/", "train/log.py")
NO_SETTINGS = (*OWN, "budget", "report")  # nor what a chapter shows


class ListedStep(NamedTuple):
    """What decides whether a step runs: what it reads, and the notes of the steps whose results it reads."""

    title: str
    reads: Reads
    after: list[str]


class Reader:
    """What the steps of one report read."""

    def __init__(self, study: Study, split: Split, site: Site) -> None:
        self._study, self._present = study, Present(study)
        self._codes: dict[tuple[str, ...], list[str]] = {}
        self._cores = steady_environment()["OMP_NUM_THREADS"]
        self._split, self._device = split.fingerprint[:SHORT], _name_device(study, site, self._cores)

    def _of(self, names: Iterable[str], **given: str) -> Reads:
        """The names' digests, those of all versions and the images, and what only the plan knows."""
        packages = [VERSION + name for name in (*SHAPING_PACKAGES, *REPORT_PACKAGES)]
        reads = self._present.of([*names, *packages, PICTURES])
        return reads | given | {"python": platform.python_version(), "split": self._split}

    def _code(self, *modules: str) -> list[str]:
        """Names of what the modules import and of data files that they name, read once."""
        if modules not in self._codes:
            self._codes[modules] = name_code(_with_data(_shaping(import_closure(*modules))))
        return self._codes[modules]

    def training(self, step: dict[str, Any]) -> ListedStep:
        """A step of trainings; another choice of a comparison's runs is for its own group alone."""
        names = [*self._code("dfstudy.train.run", "dfstudy.predict.predict", "dfstudy.variants.registry")]
        names += [SHAPING + part for part in TRAINING_PARTS] + [WEIGHTS + "model"]
        if step["group"] in COMPARISONS:
            names.append(SETTING + COMPARISONS[step["group"]])
        if step["group"] == PAIRS:
            names.append(FURTHER)  # which image a fake was made from
        if COMPARISONS.get(step["group"]) == "forgeries":
            names.append(WEIGHTS + "forgeries")
        return ListedStep(step["title"], self._of(names, runs=step["which"], device=self._device), [])

    def leakage(self) -> ListedStep:
        """The leakage estimate, which has a network of its own."""
        names = [*self._code("dfstudy.chapters.c01_data.leakage"), SHAPING + "data"]
        return ListedStep("Leakage estimate", self._of(names, device=self._device), [])

    def chapter(self, chapter: Chapter, inputs: list[str]) -> ListedStep:
        """A chapter: its notebook, the code that this imports, and all of the study that it may show."""
        code = _with_data(_shaping(notebook_sources(chapter.notebook)))
        names = [
            *name_code([chapter.notebook, *code]),
            LAYOUT,
            MASKS,
            FURTHER,
            WEIGHTS + "model",
            WEIGHTS + "forgeries",
        ]
        names += [SETTING + part for part in Study.model_fields if part not in NO_SETTINGS]
        if "card" in chapter.needs:
            names.append(SETTING + "card")
        if "elsewhere" in chapter.needs:
            names += [OTHERS + slug for slug in fingerprint_files(self._study)]
        declared = digest([chapter.figures, chapter.numbers])[:SHORT]
        given = {"device": self._device} if NETWORKS & set(chapter.needs) else {}
        if "numbers" in chapter.needs:
            given["seal"] = digest(tell_seal(self._study))[:SHORT]
        reads = self._of(names, cores=self._cores, **{"declared in its chapter.py": declared}, **given)
        return ListedStep(chapter.title, reads, inputs)

    def page(self, inputs: list[str]) -> ListedStep:
        """The page: what renders it, all words on the study, and what it is compared with."""
        names = [*self._code("dfstudy.pipeline.page.render")]
        names += [
            LAYOUT,
            SETTING + "card",
            *(SETTING + part for part in Study.model_fields if part not in OWN),
        ]
        if is_built_in(self._study):
            names.append(PUBLISHED)
        budget = digest(read_json(self._study.out / BUDGET))[:SHORT]
        return ListedStep("The page", self._of(names, budget=budget), inputs)


def _shaping(modules: list[Path]) -> list[Path]:
    return [path for path in modules if not str(path.relative_to(PACKAGE)).startswith(APART)]


def _with_data(modules: list[Path]) -> list[Path]:
    return [*modules, *read_beside(modules)]


def _name_device(study: Study, site: Site, cores: str) -> str:
    """What trained weights depend on beside the study, as far as it is known without torch."""
    if site.cluster:
        return "a cluster's"
    if site.gpus:
        return ", ".join(sorted(set(gpu_names())))
    threads = cores if study.training.threads == "auto" else study.training.threads
    return f"processor, threads {threads}"


def notebook_sources(notebook: Path) -> list[Path]:
    """Modules of dfstudy that the notebook's code imports, directly or not.

    Raises:
        StudyError: the notebook is missing, or its code is not Python.
    """
    try:
        cells = json.loads(notebook.read_text("utf-8"))["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        return import_closure(*imported_modules("\n".join(map(plain_python, code))))
    except SyntaxError as error:
        line = (error.text or "").strip()
        raise StudyError(
            f"{notebook.name}: a code cell is not Python: {error.msg}: {line}",
            f"mend that cell: {shown_path(notebook)}",
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StudyError(
            f"{notebook.name}: cannot be read as a notebook: {error}",
            f"restore it from your own copy, or from git: git checkout {shown_path(notebook)}",
        ) from None
