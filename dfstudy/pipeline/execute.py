"""Runs one chapter so that it either is good as a whole or changes nothing.

Takes a chapter and the invocation; gives the published files with their sha256. papermill runs the
notebook in a staging folder; the results replace the published ones only when every code cell has run,
in order and without error, and every declared figure and number is there and finite. papermill by itself
leaves a notebook that looks finished when a kernel dies or a cell times out, and returns normally after
`sys.exit(0)`. Refuses parameters that the notebook does not take. Cost: the notebook's own, and a second.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import papermill
from nbformat import NotebookNode
from PIL import Image
from traitlets.config import Config

from dfstudy.errors import StudyError
from dfstudy.pipeline.check_parameters import check_parameters
from dfstudy.pipeline.environment import kernel_environment
from dfstudy.pipeline.failure import INJECTED, Incomplete, code_cells, explain_failure
from dfstudy.pipeline.kernel import KERNEL_CONFIG, OwnKernelManager
from dfstudy.present.numbers import read_numbers
from dfstudy.present.place import STAGING
from dfstudy.system.kept import FULL, no_room, room_in
from dfstudy.system.provenance import file_digest

if TYPE_CHECKING:
    from dfstudy.chapters.base import Chapter
    from dfstudy.pipeline.invocation import Invocation

KINDS = ("notebooks", "figures", "numbers")  # folders that a chapter publishes into
WIDGET = "application/vnd.jupyter.widget-view+json"
BANNER = "papermill-error-cell-tag"  # cells that papermill adds to a failed notebook


def run_chapter(
    chapter: Chapter,
    invocation: Invocation,
    notebook: Path | None = None,
    confirm: Callable[[], None] = lambda: None,
) -> dict[str, str]:
    """Run a chapter and publish its notebook, figures and numbers into the study's folder.

    Args:
        chapter: what to run, and what it must have made afterwards.
        invocation: the study, and the parameters of the notebook.
        notebook: a notebook to run instead of the chapter's own.
        confirm: called before anything is published; what it raises leaves everything as before.
    Returns:
        sha256 by path, relative to the study's folder, of everything that was published.
    Raises:
        StudyError: it failed. The failed notebook lies in `failed/`; the published files are as before.
    """
    source = notebook or chapter.notebook
    out = invocation.settings.out
    try:
        original = nbformat.read(source, as_version=4)
    except (OSError, nbformat.reader.NotJSONError, nbformat.ValidationError) as error:
        raise StudyError(
            f"{source.name}: not readable as a notebook: {error}", f"restore it: git checkout {source}"
        ) from None
    check_parameters(original, invocation.parameters(), source.name)
    (out / ".staging").mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f"{chapter.id}-", dir=out / ".staging"))
    try:
        for kind in KINDS:
            (staging / kind).mkdir()
        executed = staging / "notebooks" / f"{chapter.id}.ipynb"
        try:
            _execute(source, executed, staging, chapter, invocation)
            _check_cells(nbformat.read(executed, as_version=4))
            _check_declared(chapter, staging)
        except KeyboardInterrupt:
            # nbclient leaves a task that saw the kernel die with us, and asyncio would print its traceback
            logging.getLogger("asyncio").disabled = True
            raise
        except Exception as error:
            raise _keep_failed(source.name, executed, staging, out, error) from error
        confirm()
        _clear_failed(chapter, out)
        return _publish(chapter, staging, out)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _execute(source: Path, executed: Path, staging: Path, chapter: Chapter, invocation: Invocation) -> None:
    work = staging / "work"  # a file that a cell writes by a bare name is thrown away with it
    work.mkdir()
    config: Config = KERNEL_CONFIG.copy()
    config.OwnKernelManager.log_file = str(staging / "kernel.log")
    environment = kernel_environment(invocation.settings.out / ".cache") | {STAGING: str(staging)}
    with _environment(environment), _quiet("traitlets", "papermill"):
        papermill.execute_notebook(
            _as_it_is(source),
            _as_it_is(executed),
            parameters=invocation.parameters(),
            kernel_name="python3",
            kernel_manager_class=OwnKernelManager,
            config=config,
            progress_bar=False,
            execution_timeout=chapter.timeout,
            record_timing=False,
            cwd=work,
        )


def _as_it_is(path: Path) -> str:
    """A path for papermill, which takes braces in one for names of parameters."""
    return str(path).replace("{", "{{").replace("}", "}}")


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """The kernel inherits this process's environment; give it back afterwards."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _quiet(*loggers: str) -> Iterator[None]:
    """What these would say of a failure is in our own message."""
    levels = {name: logging.getLogger(name).level for name in loggers}
    for name in loggers:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def _check_cells(notebook: NotebookNode) -> None:
    """Every code cell has run, in order, and none ended in an exception."""
    cells = code_cells(notebook)
    last = 0
    for position, cell in enumerate(cells, 1):
        place = f"code cell {position} of {len(cells)} (`{cell.source.strip().splitlines()[0]}`)"
        errors = [output for output in cell.outputs if output.output_type == "error"]
        if errors:
            raise Incomplete(f"{place} ended the notebook early: {errors[0].ename} {errors[0].evalue}")
        if cell.execution_count is None:
            raise Incomplete(f"{place} was not run: a cell before it ended the kernel")
        if cell.execution_count <= last:
            raise Incomplete(f"{place} ran out of order")
        last = cell.execution_count


def _check_declared(chapter: Chapter, staging: Path) -> None:
    """Every figure and number of its chapter.py is there; `Number` itself refuses what is not finite."""
    for name in chapter.figures:
        files = sorted((staging / "figures").glob(f"{name}.*"))
        if not files:
            raise Incomplete(f"figure '{name}' is declared in its chapter.py, and no cell saved it")
        with Image.open(files[0]) as picture:
            picture.verify()
    file = staging / "numbers" / f"{chapter.id}.json"
    others = sorted(path.stem for path in (staging / "numbers").glob("*.json") if path != file)
    if others:
        raise Incomplete(f"it saved numbers as chapter '{others[0]}': name '{chapter.id}' in save_numbers")
    try:
        made = {number.id for number in read_numbers(file)} if file.is_file() else set()
    except (ValueError, TypeError) as error:
        raise Incomplete(f"its numbers cannot be read back: {error}") from None
    missing = [name for name in chapter.numbers if name not in made]
    if missing:
        raise Incomplete(f"declared in its chapter.py, and not saved: number {', '.join(missing)}")


def _keep_failed(name: str, executed: Path, staging: Path, out: Path, error: Exception) -> StudyError:
    """Keep the notebook as far as it came, and say what happened."""
    if _found_no_room(error):
        return no_room(out)
    kept = out / "failed" / executed.name
    kept.parent.mkdir(exist_ok=True)
    notebook = nbformat.read(executed, as_version=4) if executed.is_file() else nbformat.v4.new_notebook()
    notebook.cells = [cell for cell in notebook.cells if BANNER not in cell.metadata.get("tags", [])]
    log = staging / "kernel.log"
    said = log.read_text("utf-8", "replace") if log.is_file() else ""
    message = explain_failure(name, notebook, error, said, kept)
    with room_in(kept):
        nbformat.write(_without_run_records(notebook), kept)
    return message


def _found_no_room(error: BaseException | None) -> bool:
    """What failed, or what it was an answer to, is a full disk; papermill's own notebook is cut off then."""
    while error is not None:
        is_full = isinstance(error, OSError) and error.errno in FULL
        if is_full or isinstance(error, nbformat.reader.NotJSONError):
            return True
        error = error.__context__
    return False


def _clear_failed(chapter: Chapter, out: Path) -> None:
    (out / "failed" / f"{chapter.id}.ipynb").unlink(missing_ok=True)


def _publish(chapter: Chapter, staging: Path, out: Path) -> dict[str, str]:
    """Move the staged files over the published ones, and remove figures that the chapter no longer makes."""
    file = staging / "notebooks" / f"{chapter.id}.ipynb"
    notebook = _without_run_records(nbformat.read(file, as_version=4))
    made = sorted(str(path.relative_to(staging)) for kind in KINDS for path in (staging / kind).iterdir())
    notebook.metadata["dfstudy"] = {"published": made}
    nbformat.write(notebook, file)
    before = _published_before(out / "notebooks" / f"{chapter.id}.ipynb")
    digests = {name: file_digest(staging / name) for name in made}
    for name in made:
        (out / name).parent.mkdir(exist_ok=True)
        (staging / name).replace(out / name)
    for name in set(before) - set(made):
        (out / name).unlink(missing_ok=True)
    return digests


def _published_before(file: Path) -> list[str]:
    if not file.is_file():
        return []
    try:
        names = nbformat.read(file, as_version=4).metadata.get("dfstudy", {}).get("published", [])
    except (nbformat.reader.NotJSONError, nbformat.ValidationError):
        return []  # a damaged one is written over
    return [name for name in names if Path(name).parts[0] in KINDS and ".." not in Path(name).parts]


def _without_run_records(notebook: NotebookNode) -> NotebookNode:
    """The notebook without times, random ids and progress bars, which differ from run to run.

    Controls go as well: their ids are random, and nothing moves them where no kernel runs.
    """
    notebook.metadata.pop("papermill", None)
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if INJECTED in cell.metadata.get("tags", []):
            cell.id = INJECTED
        if cell.cell_type == "code":
            cell.outputs = [
                output
                for output in cell.outputs
                if output.get("name") != "stderr" and WIDGET not in output.get("data", {})
            ]
    return notebook
