from __future__ import annotations

import csv
import subprocess
import sys
import threading
from pathlib import Path

import cv2
import pytest
from fixtures.patience import PATIENCE

from dfstudy.errors import StudyError
from dfstudy.portraits import folder
from dfstudy.portraits.folder import render_sample
from dfstudy.portraits.forgery import METHODS
from dfstudy.study.pictures import SamplePictures
from dfstudy.system.provenance import file_digest

SMALL = SamplePictures(identities=12, frames=2, size=48)


def contents(place: Path) -> dict[str, str]:
    return {p.relative_to(place).as_posix(): file_digest(p) for p in place.rglob("*") if p.is_file()}


def rows(place: Path) -> list[dict[str, str]]:
    with (place / "index.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def rendered(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("sample") / "pictures"
    render_sample(place, SMALL, progress=False, processes=1)
    return place


@pytest.fixture
def copy(rendered, tmp_path) -> Path:
    for path in rendered.rglob("*"):
        goal = tmp_path / "pictures" / path.relative_to(rendered)
        if path.is_dir():
            goal.mkdir(parents=True, exist_ok=True)
        else:
            goal.parent.mkdir(parents=True, exist_ok=True)
            goal.write_bytes(path.read_bytes())
    return tmp_path / "pictures"


@pytest.fixture
def counted(monkeypatch) -> list[int]:
    calls: list[int] = []
    original = folder.render_person

    def count(place: Path, settings: SamplePictures, number: int):
        calls.append(number)
        return original(place, settings, number)

    monkeypatch.setattr(folder, "render_person", count)
    return calls


def test_the_index_lists_exactly_what_lies_there(rendered):
    table = rows(rendered)
    listed = {row["path"] for row in table} | {row["mask"] for row in table if row["mask"]}
    present = set(contents(rendered)) - {"index.csv", folder.MARK}
    assert listed == present
    assert list(table[0]) == ["path", "label", "method", "group", "source", "mask", "difficulty", "variant"]
    assert [row["path"] for row in table] == sorted(row["path"] for row in table)


def test_as_many_fakes_as_reals_and_each_method_as_often(rendered):
    table = rows(rendered)
    reals = [row for row in table if row["label"] == "0"]
    assert len(reals) == SMALL.identities * SMALL.frames == len(table) // 2
    counts = [sum(row["method"] == name for row in table) for name in METHODS]
    assert len(counts) >= 2
    assert max(counts) - min(counts) <= 1


def test_a_fake_belongs_to_the_person_whose_picture_was_forged(rendered):
    by_path = {row["path"]: row for row in rows(rendered)}
    fakes = [row for row in by_path.values() if row["label"] == "1"]
    for row in fakes:
        if METHODS[row["method"]].has_source:
            source = by_path[row["source"]]
            assert source["label"] == "0"
            assert source["group"] == row["group"]
        else:
            assert row["source"] == ""
        assert row["variant"]
        assert 0 <= float(row["difficulty"]) <= 1
        picture, mask = cv2.imread(str(rendered / row["path"])), cv2.imread(str(rendered / row["mask"]), -1)
        assert picture.shape == (48, 48, 3)
        assert mask.shape == (48, 48)
        assert (mask > 127).mean() == 1 if row["method"] == "entire_synthesis" else (mask > 127).mean() < 0.7
        assert (mask > 127).mean() > 0.005
    named = [row["source"] for row in fakes if row["source"]]
    assert len(set(named)) == len(named)


def test_a_person_is_forged_by_different_families(rendered):
    """So that a family is not known by whom it shows."""
    for person in {row["group"] for row in rows(rendered)}:
        made = [row["method"] for row in rows(rendered) if row["group"] == person and row["label"] == "1"]
        assert len(set(made)) == len(made)


def test_same_bytes_for_any_number_of_processes(rendered, tmp_path):
    render_sample(tmp_path / "two", SMALL, progress=False, processes=2)
    more = SMALL.model_copy(update={"identities": 16})
    render_sample(tmp_path / "more", more, progress=False, processes=2)
    first = contents(rendered)
    assert contents(tmp_path / "two") == first
    # and a person looks the same however many others there are
    people = {path: value for path, value in first.items() if "person" in path}
    others = contents(tmp_path / "more")
    assert {path: others[path] for path in people} == people


def test_another_seed_gives_other_people(rendered, tmp_path):
    render_sample(tmp_path / "x", SMALL.model_copy(update={"seed": 1}), progress=False, processes=1)
    one, other = contents(rendered), contents(tmp_path / "x")
    pictures = [path for path in one if path.endswith(".jpg")]
    assert all(one[path] != other[path] for path in pictures)


def test_what_is_finished_is_left_alone(copy, counted):
    render_sample(copy, SMALL, progress=False, processes=1)
    assert counted == []


def test_an_interrupted_rendering_goes_on(rendered, tmp_path, monkeypatch):
    place = tmp_path / "pictures"
    original, calls = folder.render_person, []

    def stop_at_seven(where: Path, settings: SamplePictures, number: int):
        calls.append(number)
        if number == 7 and calls.count(7) == 1:
            (where / "real" / "person0007_0.jpg").write_bytes(b"half a file")
            raise KeyboardInterrupt
        return original(where, settings, number)

    monkeypatch.setattr(folder, "render_person", stop_at_seven)
    with pytest.raises(KeyboardInterrupt):
        render_sample(place, SMALL, progress=False, processes=1)
    assert not place.exists()
    render_sample(place, SMALL, progress=False, processes=1)
    assert calls == [*range(8), *range(7, 12)]
    assert contents(place) == contents(rendered)


def test_a_rendering_interrupted_under_other_settings_is_begun_afresh(rendered, tmp_path):
    partial = tmp_path / ".pictures.partial"
    partial.mkdir()
    (partial / folder.MARK).write_text('{"key": "another"}')
    (partial / "leftover.jpg").write_bytes(b"x")
    render_sample(tmp_path / "pictures", SMALL, progress=False, processes=1)
    assert contents(tmp_path / "pictures") == contents(rendered)


def test_other_settings_replace_the_pictures(copy):
    fewer = SMALL.model_copy(update={"frames": 1})
    render_sample(copy, fewer, progress=False, processes=1)
    assert len(rows(copy)) == 2 * 12
    assert len(list(copy.rglob("*.jpg"))) == 2 * 12


def test_a_lost_picture_is_rendered_again(copy, rendered):
    (copy / "real" / "person0003_1.jpg").unlink()
    render_sample(copy, SMALL, progress=False, processes=1)
    assert contents(copy) == contents(rendered)


def test_pictures_of_the_user_are_never_touched(tmp_path, counted):
    mine = tmp_path / "pictures" / "real" / "holiday.jpg"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    with pytest.raises(StudyError, match=r"holiday\.jpg") as error:
        render_sample(tmp_path / "pictures", SMALL, progress=False, processes=1)
    assert "OUT=" in error.value.hint
    assert mine.read_bytes() == b"mine"
    assert counted == []


@pytest.mark.parametrize("change", ["added", "edited"])
def test_a_marked_folder_with_the_users_work_is_not_replaced(copy, counted, change):
    file = copy / ("real/mine.jpg" if change == "added" else "index.csv")
    text = (
        b"mine" if change == "added" else (copy / "index.csv").read_bytes() + b"real/mine.jpg,0,real,me,,,\n"
    )
    file.write_bytes(text)
    with pytest.raises(StudyError, match=file.name):
        render_sample(copy, SMALL.model_copy(update={"seed": 5}), progress=False, processes=1)
    assert file.read_bytes() == text
    assert counted == []


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "pictures").write_text("notes")
    with pytest.raises(StudyError, match="is a file"):
        render_sample(tmp_path / "pictures", SMALL, progress=False, processes=1)
    assert (tmp_path / "pictures").read_text() == "notes"


def test_two_at_once_render_once(tmp_path, counted):
    place = tmp_path / "pictures"
    tasks = [threading.Thread(target=render_sample, args=(place, SMALL, False)) for _ in range(2)]
    for task in tasks:
        task.start()
    for task in tasks:
        task.join()
    assert sorted(counted) == list(range(12))
    assert len(rows(place)) == 48


def test_progress_goes_to_the_terminals_error_stream(tmp_path, capsys):
    render_sample(tmp_path / "a", SMALL, progress=True, processes=1)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "rendering the sample" in shown.err
    render_sample(tmp_path / "a", SMALL, progress=True, processes=1)
    assert capsys.readouterr().err == ""


def test_rendering_here_gives_opencv_its_threads_back(tmp_path):
    before = cv2.getNumThreads()
    render_sample(tmp_path / "a", SMALL, progress=False, processes=1)
    assert cv2.getNumThreads() == before


def test_a_mistake_in_our_code_is_not_hidden(tmp_path, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(folder, "render_person", broken)
    with pytest.raises(ZeroDivisionError):
        render_sample(tmp_path / "a", SMALL, progress=False, processes=1)
    assert not (tmp_path / "a").exists()


def test_a_script_without_a_guard_ends_with_a_word_and_does_not_hang(tmp_path):
    script = tmp_path / "mine.py"
    script.write_text(
        "from pathlib import Path\nfrom dfstudy.portraits.folder import render_sample\n"
        "from dfstudy.study.pictures import SamplePictures\n"
        f"render_sample(Path({str(tmp_path / 'faces')!r}), SamplePictures(identities=24, frames=1, size=48), "
        "False, processes=2)\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode and '__name__ == "__main__"' in done.stderr


def test_the_same_sample_beside_it_is_copied(rendered, tmp_path, counted):
    goal = tmp_path / "other" / "pictures"
    render_sample(goal, SMALL, progress=False, processes=1, beside=rendered)
    assert not counted and contents(goal) == contents(rendered)
    more = SMALL.model_copy(update={"seed": 5})
    render_sample(goal, more, progress=False, processes=1, beside=rendered)
    assert len(counted) == 12 and contents(goal) != contents(rendered)
    render_sample(tmp_path / "third" / "pictures", SMALL, False, processes=1, beside=tmp_path / "nowhere")
    assert len(counted) == 24
