"""The index: what is found, read once and read again only where it changed, and its fingerprint."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys

import pandas as pd
import pyarrow.parquet as pq
import pytest
from PIL import Image

from dfstudy.data import images, index_file
from dfstudy.data.images import read_picture
from dfstudy.data.index import index_study
from dfstudy.data.split import set_aside, split_study
from dfstudy.errors import StudyError

PATHS = [f"{label}/{at}.png" for label in ("real", "fake") for at in range(4)]
CONTRACT = ["path", "label", "method", "group", "video", "given_split", "pipeline", "sha256", "bytes"]
CONTRACT += ["width", "height", "format", "phash", "pixels", "error", "mask", "notes"]


@pytest.fixture
def study(fill, open_study):
    return open_study(fill(PATHS))


@pytest.fixture
def reads(monkeypatch):
    """Paths of the files that were read, in sorted order on each look."""
    seen = []
    original = images.read_bytes

    def read(path):
        seen.append(os.path.basename(os.path.dirname(path)) + "/" + os.path.basename(path))  # noqa: PTH119,PTH120
        return original(path)

    monkeypatch.setattr(images, "read_bytes", read)
    return seen


def fingerprint(study) -> dict:
    return json.loads((study.out / "data" / "fingerprint.json").read_text())


def test_one_row_a_picture_sorted_by_path(study):
    table = index_study(study, progress=False)
    assert list(table.columns) == CONTRACT
    assert table["path"].tolist() == sorted(PATHS)
    assert str(table["label"].dtype) == "Int8"
    for row in table.itertuples():
        data = (study.pictures / row.path).read_bytes()
        assert row.sha256 == hashlib.sha256(data).hexdigest()
        assert row.bytes == len(data)
        assert read_picture(study.pictures / row.path).shape == (row.height, row.width, 3)
    assert set(table["format"]) == {"PNG"} and set(table["error"]) == {""}
    assert fingerprint(study)["pictures"] == 8 and fingerprint(study)["set_aside"] == 0


def test_a_second_look_reads_nothing_and_gives_the_same(study, reads):
    first = index_study(study, progress=False)
    assert len(reads) == 8
    pd.testing.assert_frame_equal(index_study(study, progress=False), first)
    assert len(reads) == 8


def test_only_what_changed_is_read_again(study, reads, fill):
    index_study(study, progress=False)
    before = fingerprint(study)
    reads.clear()
    shutil.copy(study.pictures / "real/0.png", study.pictures / "real/1.png")
    (study.pictures / "fake/0.png").unlink()
    shutil.copy(study.pictures / "fake/1.png", study.pictures / "fake/9.png")
    table = index_study(study, progress=False).set_index("path")
    assert sorted(reads) == ["fake/9.png", "real/1.png"]
    assert table.loc["real/1.png", "sha256"] == table.loc["real/0.png", "sha256"]
    assert "fake/0.png" not in table.index and "fake/9.png" in table.index
    assert fingerprint(study)["fingerprint"] != before["fingerprint"]


def test_touching_files_changes_no_fingerprint_and_not_its_file(study, reads):
    index_study(study, progress=False)
    file = study.out / "data" / "fingerprint.json"
    os.utime(file, ns=(1, 1))
    for path in PATHS:
        os.utime(study.pictures / path, ns=(10**18, 10**18))
    reads.clear()
    index_study(study, progress=False)
    assert len(reads) == 8
    assert file.stat().st_mtime_ns == 1


def test_an_unchanged_set_leaves_its_table_alone_and_mends_its_summary(study, monkeypatch):
    first = index_study(study, progress=False)
    table, summary = (study.out / "data" / name for name in ("index.parquet", "fingerprint.json"))
    text = summary.read_text()
    os.utime(table, ns=(1, 1))
    for damage in (lambda: summary.write_text("{}"), summary.unlink):  # stopped between the two files
        damage()
        pd.testing.assert_frame_equal(index_study(study, progress=False), first)
        assert table.stat().st_mtime_ns == 1 and summary.read_text() == text
    monkeypatch.setattr(index_file, "_writer", lambda: b"another version")
    index_study(study, progress=False)
    assert table.stat().st_mtime_ns > 1 and summary.read_text() == text


def test_what_could_not_be_read_is_tried_again(study):
    (study.pictures / "real" / "later.png").symlink_to(study.out.parent / "later.png")
    assert (index_study(study, progress=False)["error"] != "").sum() == 1
    shutil.copy(study.pictures / "real/0.png", study.out.parent / "later.png")
    assert set(index_study(study, progress=False)["error"]) == {""}


def test_a_new_label_changes_the_fingerprint_without_reading(study, reads):
    index_study(study, progress=False)
    before = fingerprint(study)
    lines = [f"{path},{int(path.startswith('fake'))},swap" for path in PATHS]
    (study.pictures / "index.csv").write_text("path,label,method\n" + "\n".join(lines))
    reads.clear()
    index_study(study, progress=False)
    assert reads == []
    assert fingerprint(study)["fingerprint"] != before["fingerprint"]


def test_a_picture_left_out_first_is_read_when_it_is_listed(study):
    lines = [f"{path},{int(path.startswith('fake'))}" for path in PATHS]
    listing = study.pictures / "index.csv"
    listing.write_text("path,label\n" + "\n".join(lines[:-1]))
    assert index_study(study, progress=False)["error"].tolist().count("not in index.csv") == 1
    listing.write_text("path,label\n" + "\n".join(lines))
    table = index_study(study, progress=False)
    assert set(table["error"]) == {""} and (table["sha256"] != "").all() and (table["width"] == 37).all()


def test_another_decoder_or_a_damaged_index_reads_all_again(study, reads, monkeypatch):
    first = index_study(study, progress=False)
    monkeypatch.setattr(index_file, "versions", lambda *names: {"pillow": "0"})
    index_study(study, progress=False)
    assert len(reads) == 16
    (study.out / "data" / "index.parquet").write_bytes(b"PAR1 cut off")
    pd.testing.assert_frame_equal(index_study(study, progress=False), first)
    assert len(reads) == 24


def test_the_same_pictures_elsewhere_have_the_same_fingerprint(study, fill, open_study, tmp_path):
    index_study(study, progress=False)
    first = fingerprint(study)
    other = open_study(fill(PATHS, root="elsewhere/below"))
    other = other.model_copy(update={"out": tmp_path / "second"})
    index_study(other, progress=False)
    assert fingerprint(other) == first


def test_no_partial_file_stays_behind(study):
    index_study(study, progress=False)
    assert sorted(file.name for file in (study.out / "data").iterdir()) == [
        "fingerprint.json",
        "index.parquet",
    ]


def test_what_is_no_picture_of_the_set_is_passed_over(study):
    for name in ("real/._0.png", ".hidden/1.png", "__MACOSX/real/0.png", "Masks/0.png", "real/notes.txt"):
        (study.pictures / name).parent.mkdir(parents=True, exist_ok=True)
        (study.pictures / name).write_bytes(b"x")
    assert index_study(study, progress=False)["path"].tolist() == sorted(PATHS)


def test_pictures_in_unread_formats_are_set_aside_by_name(study):
    for name in ("real/phone.HEIC", "fake/moving.gif"):
        (study.pictures / name).write_bytes(b"x")
    table = index_study(study, progress=False).set_index("path")["error"]
    assert table["real/phone.HEIC"] == "format .heic is not read: convert it to PNG or JPEG"
    assert table["fake/moving.gif"] == "format .gif is not read: convert it to PNG or JPEG"


def test_links_are_followed_but_not_for_ever(study, fill):
    elsewhere = fill(["a.png", "b.png"], root="elsewhere")
    (study.pictures / "fake" / "linked").symlink_to(elsewhere)
    (study.pictures / "real" / "up").symlink_to(study.pictures)
    (study.pictures / "real" / "broken.png").symlink_to("nowhere.png")
    table = index_study(study, progress=False).set_index("path")
    assert {"fake/linked/a.png", "fake/linked/b.png"} <= set(table.index)
    assert table.loc["real/broken.png", "error"] == "the file is missing"
    assert len(table) == 11


def test_a_link_to_itself_is_a_file_that_cannot_be_read(study):
    for name in ("real/loop.png", "real/loop"):
        (study.pictures / name).symlink_to(study.pictures / name)
    table = index_study(study, progress=False).set_index("path")
    assert table.loc["real/loop.png", "error"].startswith("the file cannot be read (")
    assert len(table) == 9


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take no such names")
def test_names_that_are_not_utf8_are_set_aside(study):
    """Old archives unpack on Linux with the bytes of their makers' alphabets as names."""
    folder = os.fsencode(study.pictures)
    for name in (b"real/caf\xe9.png", b"fake/se\xf1or/0.png", b"fake/caf\xe9.HEIC"):
        os.makedirs(os.path.dirname(folder + b"/" + name), exist_ok=True)  # noqa: PTH103,PTH120
        shutil.copy(study.pictures / "real/0.png", folder + b"/" + name)
    for name in (b"fake/list\xe9.txt", b"real/0.caf\xe9"):
        shutil.copy(study.pictures / "real/0.png", folder + b"/" + name)
    wrong = {r"real/caf\xe9.png", r"fake/se\xf1or/0.png", r"fake/caf\xe9.HEIC"}
    for _ in range(2):  # read, and then taken from the last index
        table = index_study(study, progress=False).set_index("path")
        assert set(table.index) == {*PATHS, *wrong}
        assert set(table.index[table["error"] != ""]) == wrong
        assert table.loc[sorted(wrong), "error"].str.startswith("the name is not UTF-8: rename it").all()
    listing = study.pictures / "index.csv"
    listing.write_text("path,label\n" + "\n".join(f"{path},{int(path[0] == 'f')}" for path in PATHS))
    table = index_study(study, progress=False).set_index("path")
    assert set(table.loc[table["error"].str.startswith("the name is not UTF-8")].index) == wrong


def test_other_content_of_the_same_size_and_time_is_read(study):
    before = index_study(study, progress=False).set_index("path")
    file = study.pictures / "real/0.png"
    facts, data = file.stat(), file.read_bytes()
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    after = index_study(study, progress=False).set_index("path")
    assert after.loc["real/0.png", "bytes"] == before.loc["real/0.png", "bytes"]
    assert after.loc["real/0.png", "sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()


def test_an_index_with_fewer_columns_is_made_anew(study, reads):
    first = index_study(study, progress=False)
    file = study.out / "data" / "index.parquet"
    pq.write_table(pq.read_table(file).drop_columns(["ctime_ns"]), file)
    assert pq.read_schema(file).metadata[b"reader"] == index_file._reader()
    pd.testing.assert_frame_equal(index_study(study, progress=False), first)
    assert len(reads) == 16


def test_results_inside_the_folder_are_no_pictures(study):
    inside = study.model_copy(update={"out": study.pictures / "report"})
    index_study(inside, progress=False)
    (inside.out / "real").mkdir()
    shutil.copy(study.pictures / "real/0.png", inside.out / "real/0.png")
    assert len(index_study(inside, progress=False)) == 8
    with pytest.raises(StudyError, match="is to hold the results"):
        index_study(study.model_copy(update={"out": study.pictures}), progress=False)


def test_missing_empty_and_one_sided_folders_are_refused(fill, open_study, tmp_path):
    with pytest.raises(StudyError, match=r"there is no folder .*nowhere"):
        index_study(open_study(tmp_path / "nowhere"), progress=False)
    empty = fill([])
    empty.mkdir()
    with pytest.raises(StudyError, match=r"holds no images .* it holds no file at all"):
        index_study(open_study(empty), progress=False)
    (empty / "clip.mp4").write_bytes(b"x")
    with pytest.raises(StudyError, match=r"it holds 1 \.mp4"):
        index_study(open_study(empty), progress=False)
    with pytest.raises(StudyError, match="the folders name 2 fake images and no other") as caught:
        index_study(open_study(fill(["fake/1.png", "fake/2.png"])), progress=False)
    assert "add images that are real" in caught.value.hint


def test_broken_files_are_set_aside_with_reasons_and_the_rest_goes_on(study):
    whole = (study.pictures / "real/0.png").read_bytes()
    broken = {
        "real/empty.png": b"",
        "real/cut.jpg": whole[:90],
        "fake/text.bmp": b"hello",
        "fake/two.png": b"x",
    }
    for path, data in broken.items():
        (study.pictures / path).write_bytes(data)
    for _ in range(2):  # read, and then taken from the last index
        table = index_study(study, progress=False)
        assert set(table.loc[table["error"] != "", "path"]) == set(broken)
    split = split_study(study, table)
    assert len(split.rows) == 8 and len(split.set_aside) == 4
    listed = set_aside(split.set_aside)
    assert listed.columns.tolist() == ["reason", "images", "first examples"]
    assert listed["images"].sum() == 4
    assert listed.iloc[0].tolist() == [
        "not an image, or its header is damaged",
        2,
        "fake/text.bmp, fake/two.png",
    ]
    kept = fingerprint(study)
    assert (kept["pictures"], kept["set_aside"]) == (8, 4)
    assert kept["layout"].startswith("layout: class folders (12 images")


def test_warnings_of_decoders_do_not_reach_the_user(study, recwarn):
    Image.new("RGB", (9, 9)).save(study.pictures / "real" / "odd.tif")
    data = (study.pictures / "real" / "odd.tif").read_bytes()
    (study.pictures / "real" / "odd.tif").write_bytes(data[:60])
    index_study(study, progress=False)
    assert not recwarn.list


def test_the_door_is_light():
    code = "import sys, dfstudy.data; print({'torch', 'timm', 'albumentations'} & set(sys.modules))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"
    )


def test_real_sets_are_read_whole(shared_data, open_study):
    table = index_study(open_study(shared_data / "ffhq_methods"), progress=False)
    assert table.groupby("label").size().to_dict() == {0: 2200, 1: 1398}
    assert set(table["error"]) == {""}
