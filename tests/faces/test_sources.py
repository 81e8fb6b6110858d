"""Folders of videos read as the known sets are: label, method, group, split and original of each file."""

from __future__ import annotations

import json
import os
import sys

import pytest

from dfstudy.errors import StudyError
from dfstudy.faces.jobs import TOGETHER, plan_jobs
from dfstudy.faces.sources import Source, list_sources


@pytest.fixture
def listed(tmp_path, open_study):
    """Empty files under these names, and side files; what was read, by path."""

    def read(paths, side_files=None, **data):
        root = tmp_path / "set"
        for path in paths:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).touch()
        for name, content in (side_files or {}).items():
            (root / name).write_text(json.dumps(content))
        sources = list_sources(open_study(root, **data))
        return {source.path: source for source in sources.files}, sources

    return read


def test_faceforensics(listed):
    original = "original_sequences/youtube/c23/videos/054.mp4"
    fake = "manipulated_sequences/Deepfakes/c23/videos/054_071.mp4"
    mask = "manipulated_sequences/Deepfakes/masks/videos/054_071.mp4"
    lone = "manipulated_sequences/Face2Face/c23/videos/123_456.mp4"
    splits = {"train.json": [["054", "071"]], "val.json": [], "test.json": [["123", "456"]]}
    files, sources = listed([original, fake, mask, lone], splits)
    assert "FaceForensics++" in sources.line and set(files) == {original, fake, lone}
    assert files[fake].original == original and files[lone].original == ""
    assert (files[fake].label, files[fake].method, files[fake].split) == (1, "Deepfakes", "train")
    assert files[fake].group == files[original].group == "054+071" and files[lone].split == "test"


def test_celeb_df(listed):
    original, fake = "Celeb-real/id0_0007.mp4", "Celeb-synthesis/id0_id3_0007.mp4"
    files, sources = listed([original, fake, "YouTube-real/00001.mp4"])
    assert "Celeb-DF" in sources.line and files[fake].original == original
    assert files[fake].group == files[original].group == "id0" and files["YouTube-real/00001.mp4"].label == 0


def test_dfdc(listed):
    facts = {
        "aaa.mp4": {"label": "REAL", "split": "train"},
        "bbb.mp4": {"label": "FAKE", "split": "train", "original": "aaa.mp4"},
    }
    files, sources = listed(["part_0/aaa.mp4", "part_0/bbb.mp4"], {"part_0/metadata.json": facts})
    assert "DFDC" in sources.line and files["part_0/bbb.mp4"].original == "part_0/aaa.mp4"
    assert files["part_0/aaa.mp4"].group == files["part_0/bbb.mp4"].group == "aaa"


def test_class_folders_take_the_aliases_of_the_study(listed):
    with pytest.raises(StudyError, match="neither real nor fake"):
        listed(["real/a.mp4", "odd/b.mp4"])
    files, _ = listed(["real/a.mp4", "odd/b.mp4"], aliases={"fake": ["odd"]})
    assert files["odd/b.mp4"].label == 1 and files["odd/b.mp4"].group == "odd/b.mp4"


def test_formats_that_are_not_read_are_listed(listed):
    files, sources = listed(["real/a.mp4", "fake/b.heic", "fake/c.mov", "fake/notes.txt", "fake/.hidden.mp4"])
    assert set(files) == {"real/a.mp4", "fake/c.mov"}
    assert sources.set_aside == {"fake/b.heic": "format .heic is not read: convert it to PNG or JPEG"}


def test_links_that_lead_nowhere_are_listed(listed, tmp_path):
    (tmp_path / "set" / "real").mkdir(parents=True)
    (tmp_path / "set" / "real" / "gone.mp4").symlink_to("nowhere.mp4")
    (tmp_path / "set" / "real" / "loop.png").symlink_to("loop.png")
    files, sources = listed(["real/a.mp4", "fake/b.mp4"])
    assert set(files) == {"real/a.mp4", "fake/b.mp4"}
    assert sources.set_aside.pop("real/gone.mp4") == "the file is missing"
    assert sources.set_aside.pop("real/loop.png").startswith("the file cannot be read (")
    assert not sources.set_aside


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take no such names")
def test_names_that_are_not_utf8_are_listed(listed, tmp_path):
    folder = os.fsencode(tmp_path / "set")
    os.makedirs(folder + b"/se\xf1or")  # noqa: PTH103
    for name in (b"/caf\xe9.mp4", b"/se\xf1or/a.png", b"/caf\xe9.heic", b"/caf\xe9.txt"):
        open(folder + name, "wb").close()  # noqa: PTH123
    with pytest.raises(StudyError, match=r"none of 3 files can be read; the first, caf\\xe9\.heic: the name"):
        listed([])
    files, sources = listed(["real/a.mp4", "fake/b.mp4"])
    assert set(files) == {"real/a.mp4", "fake/b.mp4"}
    assert set(sources.set_aside) == {r"caf\xe9.mp4", r"se\xf1or/a.png", r"caf\xe9.heic"}
    assert all("convmv" in reason for reason in sources.set_aside.values())


def test_jobs_hold_every_source_once():
    clips = [Source(f"real/{at}.mp4", f"real/{at}", 5, 0, True) for at in range(3)]
    clips.append(Source("fake/a.mp4", "fake/a", 5, 0, True, original="real/1.mp4"))
    pictures = [Source(f"real/{at}.png", f"real/{at}.png", 5, 0, False) for at in range(TOGETHER + 1)]
    files = sorted([*clips, *pictures], key=lambda source: source.path)
    jobs = plan_jobs(files)
    assert sorted(source.path for job in jobs for source in job.sources) == [file.path for file in files]
    assert len({job.number for job in jobs}) == len(jobs) == 4 + 2
    (borrowing,) = [job for job in jobs if job.originals]
    ((path, number),) = borrowing.originals.items()
    assert path == files[number].path == "real/1.mp4"


def test_frames_that_somebody_extracted(listed, faceforensics):
    files, _ = listed(faceforensics)
    tied = {path: source.original for path, source in files.items() if source.original}
    assert len(tied) == 12 and all(path.startswith("manipulated") for path in tied)
    fake = "manipulated_sequences/NeuralTextures/c23/images/071_054/0001.png"
    assert tied[fake] == "original_sequences/youtube/c23/images/071/0001.png"
    jobs = plan_jobs(list(files.values()))
    assert [len(job.sources) for job in jobs] == [10, 12]
    assert set(jobs[1].originals.values()) == {jobs[0].number} and not jobs[0].originals


def test_what_the_study_excludes_is_set_aside_and_other_files_are_counted(listed):
    kept = ["train/real/a.mp4", "train/fake/b.mp4"]
    left = ["holdout/real/c.mp4", "holdout/d.png", "holdout/e.gif"]
    other = ["readme.md", "train/real/notes.txt", "train/real/noending", ".DS_Store", ".git/config"]
    masks = ["train/fake/masks/b.png", "train/fake/masks/c.png"]
    files, sources = listed([*kept, *left, *other, *masks], exclude=["./holdout/"])
    assert set(files) == set(kept)
    assert sources.set_aside == dict.fromkeys(left, "left out by data.exclude")
    assert sources.others == {".md": 1, ".txt": 1, "": 1, "hidden": 2, "in mask folders": 2}
    with pytest.raises(StudyError, match="nothing that is read lies in 'tset'"):
        listed(kept, exclude=["tset"])
