"""The steps of a report as Snakemake runs them: a training, the leakage estimate, a chapter, the page.

Each takes an invocation, does its work and leaves a small note in the study's folder: what it made, with
sha256, how long it took, and what it read (see `bookings`). The note is the step's output in the map; without
it the step runs again.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dfstudy.chapters.find import find_chapter
from dfstudy.data.frozen import changed_pictures
from dfstudy.errors import Diverged, StudyError
from dfstudy.pipeline.bookings import Booking, refuse_mixed
from dfstudy.pipeline.environment import steady_environment
from dfstudy.pipeline.plan import LEAKAGE, PAGE, TRAINING
from dfstudy.system.finished import FILE
from dfstudy.system.kept import write_if_changed
from dfstudy.system.lock import file_lock
from dfstudy.system.provenance import file_digest
from dfstudy.variants.variant import MAIN

if TYPE_CHECKING:
    from dfstudy.data.split import Split
    from dfstudy.pipeline.invocation import Invocation
    from dfstudy.study.study import Study
    from dfstudy.train.run import Run
    from dfstudy.variants.variant import Variant


def run_training(
    invocation: Invocation, variants: Sequence[str] = (MAIN,), seed: int | None = None, step: str = ""
) -> list[str]:
    """Find, resume or do trainings, see `dfstudy.variants.registry`; returns the runs' keys.

    A comparison's run also scores the test images, which choose nothing: so its chapter finds the scores,
    and they are made where several steps share the cores.

    Args:
        variants: names, each with `:seed` behind it or else for every seed that the variant has.
        seed: for names without one.
        step: name of the report's step that this is; empty is none.
    Raises:
        StudyError: the study has no such training, or not with that seed, or it failed. One with a recorded
            defect that left the finite numbers is noted and said: chapter 08 tells of it.
    """
    os.environ.update(steady_environment())
    # Imported here: the threads of torch are settled by the environment above.
    from dfstudy.predict.predict import predict
    from dfstudy.train.log import tell
    from dfstudy.variants.registry import find_variants

    study, started = invocation.settings, time.perf_counter()
    booking = Booking(study, TRAINING.format(step)) if step else None
    split = _split(study)
    keys, notes, diverged = [], {}, {}
    asked = [wanted.partition(":") for wanted in variants]
    found = find_variants(study, split, [name for name, _, _ in asked])
    runs = [
        (variant, each)
        for variant, (_, _, own) in zip(found, asked, strict=True)
        for each in _seeds(variant, own, seed)
    ]
    for variant, each in runs:
        try:
            run = variant.train_seed(each)
        except Diverged as error:
            if not variant.is_defective:
                raise
            diverged[variant.note(each)] = error.message
            tell(f"{variant.note(each)}: {error.message}; chapter 08 tells of it", True)
            continue
        if variant.name != MAIN:
            predict(run, variant.split, "test")
        keys.append(run.key)
        notes[variant.note(each)] = _describe(run, variant)
    if booking:
        _confirm(booking, study, keys)
    if os.environ.get("RANK", "0") == "0":
        for name, note in notes.items():
            write_if_changed(study.out / "runs" / f"{name}.json", note)
    if booking:
        seconds = round(time.perf_counter() - started, 1)
        booking.book({"runs": notes, "diverged": diverged, "seconds": seconds})
    return keys


def run_leakage(invocation: Invocation) -> bool:
    """Train and test what the leakage estimate compares, so that chapter 01 finds it; whether it applies.

    Raises:
        StudyError: a training failed.
    """
    os.environ.update(steady_environment())
    # Imported here: the threads of torch are settled by the environment above.
    from dfstudy.chapters.c01_data.leakage import run_meter

    study = invocation.settings
    booking = Booking(study, LEAKAGE)
    split = _split(study)
    started = time.perf_counter()
    found = run_meter(study, split)
    booking.confirm()
    booking.book({"applies": found is not None, "seconds": round(time.perf_counter() - started, 1)})
    return found is not None


def run_chapter_step(invocation: Invocation, name: str) -> dict[str, str]:
    """Run a chapter and publish what it made; see `run_chapter`."""
    _leave_out_grammar()
    # Imported here: what runs notebooks takes a second to load, and trainings are many.
    from dfstudy.pipeline.execute import run_chapter

    chapter = find_chapter(name)
    booking = Booking(invocation.settings, f"steps/{name}.json")
    started = time.perf_counter()
    files = run_chapter(chapter, invocation, confirm=booking.confirm)
    booking.book({"files": files, "seconds": round(time.perf_counter() - started, 1)})
    return files


def run_page(invocation: Invocation) -> Path:
    """Render the page of a study whose chapters have run."""
    _leave_out_grammar()
    # Imported here: nbconvert takes a second that no other step needs.
    from dfstudy.pipeline.page.render import render

    study = invocation.settings
    booking = Booking(study, PAGE)
    refuse_mixed(study.out)
    page = render(study, confirm=booking.confirm)
    booking.book({"files": {page.name: file_digest(page)}})
    return page


def _leave_out_grammar() -> None:
    """Keep jsonschema, which nbformat loads, from building its grammar of web addresses.

    That takes a second of a core, half of a step's start. The schema of notebooks asks for no address, and
    jsonschema goes on without the grammar.
    """
    sys.modules.setdefault("rfc3987_syntax", None)


def _seeds(variant: Variant, own: str, seed: int | None) -> list[int]:
    """Seeds to train: the one behind the variant's name, else the one asked for, else all it has."""
    known = {str(each): each for each in variant.study.training.seeds}
    if own and own not in known:
        raise StudyError(
            f"this study trains '{variant.name}' with no seed '{own}'",
            f"give one of {', '.join(f'{variant.name}:{each}' for each in known)}",
        )
    return [known[own]] if own else list(known.values()) if seed is None else [seed]


def _confirm(booking: Booking, study: Study, keys: Sequence[str]) -> None:
    """Runs that may have learned from images which are others now are finished no more: their key names the
    images of the index, which may come back.
    """
    try:
        booking.confirm()
    except StudyError:
        for key in keys if changed_pictures(study) else ():
            (study.out / "runs" / key / FILE).unlink(missing_ok=True)
        raise


def _describe(run: Run, variant: Variant) -> dict[str, Any]:
    return {
        "key": run.key,
        "identity": variant.identity(run.seed),  # tells a plan, which knows no device, whether it is this run
        "seed": run.seed,
        "device": run.checkpoint["device"],
        "seconds": float(run.timings["seconds"].sum()),
    }


def _split(study: Study) -> Split:
    from dfstudy.data.index import index_study
    from dfstudy.data.split import split_study

    study.out.mkdir(parents=True, exist_ok=True)
    with file_lock(study.out / ".index.lock"):  # processes launched together: one indexes, the others read
        return split_study(study, index_study(study))
