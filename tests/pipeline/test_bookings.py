"""When a step's result counts, and when it is made again: content decides, no time of any file does."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dfstudy.data.index import index_study
from dfstudy.errors import StudyError
from dfstudy.pipeline import bookings, reads
from dfstudy.pipeline.bookings import NEW, Booking, refuse_mixed, say_stale, stale_steps
from dfstudy.pipeline.frozen import freeze
from dfstudy.pipeline.invocation import Invocation, resolve
from dfstudy.pipeline.plan import PAGE
from dfstudy.pipeline.reads import Present, differences
from dfstudy.system.provenance import PACKAGE

TRAINING, CHAPTER = "steps/training_seed_0.json", "steps/04_test.json"
CODE = "dfstudy/data/index.py"
BUILDS_ON = "what it builds on is made again"


@pytest.fixture
def code(tmp_path, monkeypatch) -> Path:
    """A checkout of one module."""
    file = tmp_path / "checkout" / CODE
    file.parent.mkdir(parents=True)
    file.write_text("x = 1\n")
    monkeypatch.setattr(reads, "PACKAGE", tmp_path / "checkout" / "dfstudy")
    return file


@pytest.fixture
def report(tmp_path) -> Invocation:
    """A frozen study of eight images, one with a mask, and its index."""
    noise = np.random.default_rng(0)
    lines = ["path,label,mask"]
    for label, name in enumerate(("real", "fake")):
        (tmp_path / "faces" / name).mkdir(parents=True)
        for at in range(4):
            pixels = noise.integers(0, 256, (37, 53, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "faces" / name / f"{at}.png")
            lines.append(f"{name}/{at}.png,{label},{'masks/0.png' if (label, at) == (1, 0) else ''}")
    (tmp_path / "faces" / "masks").mkdir()
    Image.new("L", (53, 37), 255).save(tmp_path / "faces" / "masks" / "0.png")
    (tmp_path / "faces" / "index.csv").write_text("\n".join(lines))
    live = resolve(data=str(tmp_path / "faces"), out=str(tmp_path / "out"))
    index_study(live.settings, progress=False)
    return freeze(live)


def plan(invocation: Invocation) -> None:
    """A training, a chapter that needs it and the page, each reading the module and the images."""
    study = invocation.settings
    read = Present(study).of([CODE, "pictures", "masks", "setting data"]) | {"cores": "2"}
    after = {TRAINING: [], CHAPTER: [TRAINING], PAGE: [TRAINING, CHAPTER]}
    steps = [
        {"note": note, "title": Path(note).stem, "reads": read, "after": before}
        for note, before in after.items()
    ]
    (study.out / "study" / "reads.json").write_text(json.dumps({"code": str(PACKAGE), "steps": steps}))


def run(invocation: Invocation, *notes: str) -> None:
    for note in notes or (TRAINING, CHAPTER, PAGE):
        booking = Booking(invocation.settings, note)
        booking.confirm()
        booking.book({"made": note})


@pytest.mark.parametrize("age", [-(10**13), 0, 10**13])
def test_content_decides_whatever_the_times_say(report, code, age):
    out, before = report.settings.out, code.stat().st_mtime_ns
    plan(report)
    assert list(stale_steps(out)) == [TRAINING, CHAPTER, PAGE] and set(stale_steps(out).values()) == {NEW}
    run(report)
    for file in [code, *(out / "steps").iterdir()]:  # touched, or copied with other times
        os.utime(file, ns=(before + age, before + age))
    plan(report)
    assert stale_steps(out) == {}
    code.write_text("x = 2\n")
    os.utime(code, ns=(before + age, before + age))
    plan(report)
    assert stale_steps(out) == dict.fromkeys((TRAINING, CHAPTER, PAGE), f"{CODE} changed")
    assert say_stale(out, stale_steps(out), False) == [
        f"again: training_seed_0, 04_test, page ({CODE} changed)"
    ]
    run(report)
    assert stale_steps(out) == {}


def test_what_is_edited_while_a_step_runs_is_not_booked(report, code):
    plan(report)
    booking = Booking(report.settings, TRAINING)
    times = code.stat().st_mtime_ns
    code.write_text("x = 2\n")
    os.utime(code, ns=(times, times))
    with pytest.raises(
        StudyError, match=f"{CODE} changed while this step ran: its result is not kept"
    ) as told:
        booking.confirm()
    assert "give the same command again" in told.value.hint
    with pytest.raises(StudyError, match="changed before this step began"):
        Booking(report.settings, CHAPTER)
    assert not (report.settings.out / "steps").exists()
    plan(report)
    run(report)
    assert stale_steps(report.settings.out) == {}


def test_pictures_and_masks_that_change_while_a_step_runs_are_seen(report, code):
    plan(report)
    booking, faces = Booking(report.settings, CHAPTER), report.settings.pictures
    for name in ("real/0.png", "masks/0.png"):
        file, good = faces / name, (faces / name).read_bytes()
        file.touch()
        booking.confirm()  # the same content
        facts = file.stat()
        file.write_bytes(good[:-1] + b"?")
        os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))
        with pytest.raises(StudyError, match=f"{name} while this step ran"):
            booking.confirm()
        file.write_bytes(good)
    shutil.copy(faces / "real/0.png", faces / "real/9.png")  # the report is of the others
    (faces / "index.csv").unlink()
    booking.confirm()
    assert len(index_study(report.settings, progress=False)) == 8
    index_study(resolve(data=str(faces), out=report.out).settings, progress=False)  # by a notebook beside it
    with pytest.raises(StudyError, match="masks changed, pictures changed"):
        booking.confirm()


def test_a_report_that_was_planned_anew_is_not_given_the_result_of_an_earlier_one(report, code):
    plan(report)
    left = Booking(report.settings, TRAINING)
    code.write_text("x = 2\n")
    plan(report)
    with pytest.raises(StudyError, match="the plan of the report"):
        left.confirm()


def test_what_builds_on_a_step_that_is_made_again_is_made_again(report, code):
    out = report.settings.out
    plan(report)
    run(report)
    (out / TRAINING).unlink()
    assert stale_steps(out) == {TRAINING: NEW, CHAPTER: BUILDS_ON, PAGE: BUILDS_ON}
    booking = Booking(report.settings, TRAINING)
    booking.confirm()
    booking.book({"made": "other bytes"})  # and the report was interrupted here
    assert stale_steps(out) == {CHAPTER: BUILDS_ON, PAGE: BUILDS_ON}
    assert list(stale_steps(out, force=True)) == [TRAINING, CHAPTER, PAGE]


def test_a_page_of_steps_of_two_states_is_refused_with_what_differs(report, code):
    plan(report)
    run(report, TRAINING, CHAPTER)
    refuse_mixed(report.settings.out)
    file = report.settings.out / CHAPTER
    note = json.loads(file.read_text())
    note["reads"]["pictures"] = "f" * 16
    file.write_text(json.dumps(note))
    with pytest.raises(StudyError, match=r"not of one state: 04_test \(pictures changed\)"):
        refuse_mixed(report.settings.out)


def test_a_step_that_was_called_by_hand_is_made_again_by_the_next_report(report, code):
    plan(report)
    run(report)
    live = resolve(data=str(report.settings.pictures), out=report.out)
    booking = Booking(live.settings, CHAPTER)
    booking.confirm()
    booking.book({"made": "by hand"})
    assert "by hand" in stale_steps(report.settings.out)[CHAPTER]


def test_a_step_never_runs_the_code_of_another_checkout(report, code, monkeypatch):
    plan(report)
    monkeypatch.setattr(bookings, "PACKAGE", Path("/elsewhere/dfstudy"))
    with pytest.raises(
        StudyError, match="would run the code in /elsewhere/dfstudy, and the report was asked"
    ):
        Booking(report.settings, TRAINING)


def test_another_number_of_cores_and_another_version_are_named(report):
    before = {"cores": "2", "version of torch": "2.15.0", CODE: "0" * 16}
    now = {"cores": "1", "version of torch": "2.15.1", "dfstudy/new.py": "1" * 16}
    assert differences(before, now) == [
        "cores: 2, now 1",
        f"{CODE} is not read any more",
        "dfstudy/new.py is new",
        "version of torch: 2.15.0, now 2.15.1",
    ]


def test_steps_run_with_the_study_as_it_was(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("name: mine\ntitle: As it was\ndata: {root: sample}\n")
    frozen = freeze(resolve(str(file), out=str(tmp_path / "out")))
    file.write_text("name: mine\ntitle: Edited\n")
    again = resolve(frozen.study, out=frozen.out)
    assert again == frozen and again.settings == frozen.settings
    assert again.settings.title == "As it was" and again.settings.file == file and again.settings.frozen
    assert not resolve(str(file), out=str(tmp_path / "out")).settings.frozen
    Path(frozen.study).write_text("{")
    with pytest.raises(StudyError, match="no study that a report has kept"):
        resolve(frozen.study)
