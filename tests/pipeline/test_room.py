"""A disk that is too small for a report is refused before anything is rendered, indexed or trained."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest

from dfstudy.errors import StudyError
from dfstudy.pipeline import build, preflight, room
from dfstudy.pipeline.invocation import resolve
from dfstudy.pipeline.plan import list_runs
from dfstudy.pipeline.room import expected_runs, refuse_small_disk, say_size
from dfstudy.study.study import load_study
from dfstudy.system.finished import NEEDED

SIZES = dict.fromkeys(
    ("tf_efficientnet_lite0, 64 px, 2 stages", "tf_efficientnet_lite0, 64 px, 0 stages"), 13_657_612
)


@pytest.fixture
def disk(monkeypatch):
    def has(free: float) -> None:
        monkeypatch.setattr(
            shutil, "disk_usage", lambda _: SimpleNamespace(total=free, used=0, free=int(free))
        )

    return has


def early(study, budget: bool = False) -> str:
    try:
        refuse_small_disk(study, SIZES, expected_runs(study, budget))
    except StudyError as error:
        return str(error)
    return ""


def test_the_samples_runs_are_known_before_its_images_are(tmp_path, disk):
    disk(1e9)
    told = early(load_study(out=str(tmp_path / "out")))
    # what a whole report of the sample left on a disk: 68 runs, 1.9 GB of them
    assert "68 training runs 1.8 GB" in told and "and 1.0 GB is free" in told
    assert re.search(r"it needs about 2\.\d GB", told) and "a quarter more to be sure" in told
    for way in ("make room", "OUT=", "BUDGET=20", "forgeries.train_on=off"):
        assert way in told


def test_a_disk_with_room_is_taken(tmp_path, disk):
    disk(3e9)
    assert not early(load_study(out=str(tmp_path / "out")))


def test_a_budget_asks_for_its_first_rung_alone(tmp_path, disk):
    disk(0.4e9)
    study = load_study(out=str(tmp_path / "out"))
    assert early(study) and not early(study, budget=True)
    disk(0.1e9)
    assert "1 training run " in early(study, budget=True)


def test_what_is_there_asks_for_no_room(tmp_path, disk):
    disk(0.2e9)
    study = load_study(out=str(tmp_path / "out"))
    assert early(study)
    for number in range(68):
        folder = study.out / "runs" / f"seed0-{number:016d}"
        folder.mkdir(parents=True)
        for name in NEEDED:
            (folder / name).write_text("{}\n")
        head = b'{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}'
        (folder / "best.safetensors").write_bytes(len(head).to_bytes(8, "little") + head + b"0")
    (study.pictures).mkdir()
    (study.pictures / "index.csv").touch()
    assert not early(study)
    disk(0)
    assert "page, figures and notebooks" in early(study)
    (study.out / "index.html").touch()
    assert not early(study)


def test_own_images_are_not_counted_and_a_wrong_method_is_left_to_the_index(tmp_path, disk):
    disk(0)
    own = load_study("small", data=str(tmp_path), out=str(tmp_path / "out"))
    assert "sample's images" not in early(own) and "sample's images" in early(
        load_study(out=str(tmp_path / "o"))
    )
    section = own.forgeries.model_copy(update={"train_on": "off"})
    assert early(own.model_copy(update={"forgeries": section}))


def test_the_largest_network_counts_while_it_trains(tmp_path, disk):
    study = load_study(out=str(tmp_path / "out"))
    runs = list_runs(study, room._made_up_split(study))["runs"]
    least = 3 * (2 * 13_657_612 + room.TABLES) + 4 * 13_657_612 + room.PAGE + room._sample_bytes(study)
    disk(least * 1.26)
    refuse_small_disk(study, SIZES, runs)
    disk(least * 1.24)
    with pytest.raises(StudyError, match="3 training runs"):
        refuse_small_disk(study, SIZES, runs)


def test_a_report_ends_before_it_writes_anything(tmp_path, disk, monkeypatch):
    asked = []
    monkeypatch.setattr(preflight.Preflight, "finish", lambda _: asked.append(1))
    disk(5e6)
    with pytest.raises(StudyError, match="no room for this report"):
        build.build(resolve(out=str(tmp_path / "out")))
    assert not (tmp_path / "out").exists() and not asked


def test_a_full_disk_is_told_before_anything_is_loaded(tmp_path):
    code = (
        "import shutil, sys, types\n"
        "shutil.disk_usage = lambda _: types.SimpleNamespace(free=0)\n"
        "from dfstudy.cli.main import main\n"
        "try:\n    main(['report', '--out', sys.argv[1]])\n"
        "except SystemExit as end:\n    assert end.code == 1\n"
        "assert not {'torch', 'pandas', 'dfstudy.pipeline.build'} & set(sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and "it needs at least" in done.stderr, done.stderr
    assert not (tmp_path / "out").exists()


def test_sizes_are_said_in_the_unit_that_people_use():
    assert (say_size(2_340_000_000), say_size(27_400_000)) == ("2.3 GB", "27 MB")
