"""Archives of strangers: nothing in them is unpacked or run, and their study reaches what its user named."""

from __future__ import annotations

import io
import json
import re
import shutil
import stat
import struct
import zipfile
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner
from fixtures.published import check, number, unpack

from dfstudy.cli.main import main
from dfstudy.errors import StudyError
from dfstudy.pipeline.archive import container, rerun
from dfstudy.study.study import FROZEN
from dfstudy.system.kept import read_json, write_if_changed


def zipped(*entries: tuple[zipfile.ZipInfo, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as written:
        for info, content in entries:
            written.writestr(info, content)
    return stream.getvalue()


def entry(name: str, **changed) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (stat.S_IFREG | 0o644) << 16
    for key, value in changed.items():
        setattr(info, key, value)
    return info


@cache
def hostile() -> dict[str, bytes]:
    plain = zipped((entry("a"), b"a" * 100), (entry("b"), b"b" * 100))
    listed = plain.rindex(b"PK\x01\x02", 0, -22)
    end = list(struct.unpack("<4s4H2LH", plain[-22:]))
    crowded = plain[:-22] + struct.pack("<4s4H2LH", *end[:3], 65_000, 65_000, *end[5:])
    longer = struct.pack("<4s4H2LH", *end[:5], end[5] + 20, *end[6:])
    names = ["../out", "/etc/passwd", "a/../../b", "C:x", "a\\b", "a//b", "./a", "a/", "x\n", "n" * 300]
    link = entry("a", external_attr=(stat.S_IFLNK | 0o777) << 16)
    found = {f"name {name[:12]!r}": zipped((entry(name), b"")) for name in names}
    return (
        found
        | {
            "bomb": zipped((entry("a", compress_type=zipfile.ZIP_DEFLATED), bytes(5_000_000))),
            "link": zipped((link, b"/etc/passwd")),
            "overlap": plain[: listed + 42]
            + bytes(4)
            + plain[listed + 46 :],  # both entries at the first's place
            "encrypted": plain[: listed + 8] + b"\1" + plain[listed + 9 :],
            "crowded": crowded,
            "64 bits": plain[:-22] + b"PK\x06\x07" + bytes(16) + longer,
            "comment": plain[:-2] + b"\3\0abc",
            "prefix": b"#!/bin/sh\n" + plain,
            "no zip": b"\x80\x04K\x01." * 40,
        }
    )


@pytest.mark.parametrize("kind", hostile())
def test_what_a_stranger_packed_is_refused_before_it_is_read(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.zip").write_bytes(hostile()[kind])
    unlisted = kind in ("crowded", "64 bits", "comment", "prefix", "no zip")  # before the list is in memory
    said = "is no archive" if unlisted else r"a\.zip(?! holds no SHA256SUMS)"
    with pytest.raises(StudyError, match=rf"{said}(.|\n)*next step"):
        check(tmp_path / "a.zip")
    assert [file.name for file in tmp_path.iterdir()] == ["a.zip"]


def test_a_list_that_names_places_or_a_file_twice_is_damaged(tmp_path):
    line = "0" * 64 + "  "
    (tmp_path / "SHA256SUMS").write_text(f"{line}../x\n{line}a\n{line}a\nnonsense\n")
    found = check(tmp_path)
    assert found.changed == [f"SHA256SUMS, line {n}" for n in (1, 3, 4)] and found.missing == ["a"]
    (tmp_path / "SHA256SUMS").unlink()
    with pytest.raises(StudyError, match="holds no SHA256SUMS"):
        check(tmp_path)


def test_a_name_that_is_no_text_is_damage(tmp_path):
    """The name stands twice, and the one beside the file is not read with the list."""
    name = "SHA256SUMS"
    packed = bytearray(zipped((entry(name), b"")))
    packed[6:8] = struct.pack("<H", 0x800)  # names are UTF-8
    packed[30] = 0xAC
    (tmp_path / "a.zip").write_bytes(packed)
    with pytest.raises(StudyError, match=f"{name} cannot be read"):
        check(tmp_path / "a.zip")


def with_frozen(folder: Path, change) -> dict:
    """The contents of an unpacked archive whose frozen study was changed by its author."""
    kept = read_json(folder / FROZEN)
    change(kept["settings"])
    with container.opened(folder) as contents:
        return dict(contents) | {FROZEN: lambda: io.BytesIO(json.dumps(kept).encode())}


def test_code_runs_only_where_the_user_named_it_and_it_is_the_archives(archive, finished_report, tmp_path):
    folder, out, faces = unpack(archive, tmp_path / "u"), tmp_path / "again", str(finished_report / "faces")
    with container.opened(folder) as contents, pytest.raises(StudyError, match="--with path/to/own code"):
        rerun.restore(contents, faces, out)
    other = tmp_path / "own code.py"
    other.write_text("raise SystemExit")
    with (
        container.opened(folder) as contents,
        pytest.raises(StudyError, match="is not the code that the arch"),
    ):
        rerun.restore(contents, faces, out, [str(other)])
    given = folder / "study" / "own" / "own code.py"
    with container.opened(folder) as contents:
        again = rerun.restore(contents, faces, out, [str(given)])
    assert again.settings.augment.policies == {"mine": f"{given}:mine"}
    assert again.settings.pictures == finished_report / "faces" and again.settings.out == out
    assert not list(tmp_path.rglob("*.executed")) and [f.name for f in tmp_path.glob("again*")] == [
        "again.yaml"
    ]
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("keep")
    with container.opened(folder) as contents, pytest.raises(StudyError, match="holds something else"):
        rerun.restore(contents, faces, tmp_path / "full", [str(given)])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda told: told["model"].update(weights="/etc/shadow"), "names the place '/etc/shadow'"),
        (lambda told: told["model"].update(weights="../x.safetensors"), "names the place"),
        (lambda told: told["model"].update(backbone="/tmp/evil.py:build"), "names the place '/tmp/evil.py'"),
        (lambda told: told["augment"].update(policies={"mine": "../evil.py:f"}), "names the place"),
        (lambda told: told.update(test_on=[{"root": "/"}]), "names the place"),
        (lambda told: told.update(test_on=[{"root": "celeb"}]), "needs celeb"),
        (lambda told: told.update(run="rm"), "is no study"),
        (lambda told: told.update(data=[]), "is no study"),
    ],
)
def test_a_strangers_study_reaches_nothing_that_was_not_named(
    change, said, archive, finished_report, tmp_path
):
    folder = unpack(archive, tmp_path / "u")
    contents = with_frozen(folder, change)
    given = [str(folder / "study" / "own" / "own code.py")]
    with pytest.raises(StudyError, match=re.escape(said)):
        rerun.restore(contents, str(finished_report / "faces"), tmp_path / "again", given)
    assert not list(tmp_path.glob("again*"))


def verify(archive: Path, finished_report: Path, out: Path, *more: str):
    given = ["--with", str(finished_report / "unpacked" / "study" / "own" / "own code.py")]
    return CliRunner().invoke(main, ["verify", str(archive), "--out", str(out), *given, *more])


def test_made_again_it_agrees_or_says_what_does_not(archive, finished_report, tmp_path, monkeypatch):
    value = {"now": 0.85}

    def build(invocation):
        file = invocation.settings.out / "numbers" / "04_test.json"
        write_if_changed(file, [number(value["now"])])

    monkeypatch.setattr(rerun, "build", build)
    data = ["--data", str(finished_report / "faces")]
    done = verify(archive, finished_report, tmp_path / "again", *data)
    assert done.exit_code == 0 and "1 are identical" in done.output, done.output
    assert "made again agrees" in done.output
    value["now"] = 0.95
    done = verify(archive, finished_report, tmp_path / "again", *data)
    assert done.exit_code == 3 and "outside: test.auc" in done.output and "does not agree" in done.output
    done = verify(archive, finished_report, tmp_path / "again")
    assert done.exit_code == 0 and "only the integrity was checked" in done.output
    done = verify(archive, finished_report, tmp_path / "other", "--data", "sample")
    assert done.exit_code == 1 and "are a folder's" in done.output


def test_other_images_are_refused_before_anything_trains(archive, finished_report, tmp_path, monkeypatch):
    monkeypatch.setattr(rerun, "build", lambda _: pytest.fail("it trained"))
    faces = tmp_path / "faces"
    shutil.copytree(finished_report / "faces", faces)
    shutil.copy(faces / "real" / "=person 0.png", faces / "real" / "=person 2.png")
    done = verify(archive, finished_report, tmp_path / "again", "--data", str(faces))
    assert done.exit_code == 1 and "1 of its 24 images are not there" in done.output
    assert "=person 2.png" in done.output


def test_numbers_of_a_stranger_are_checked(tmp_path):
    (tmp_path / "numbers").mkdir()
    no_interval = json.dumps([number(0.9) | {"low": "x"}])
    for text in ("{", "[" * 90_000, '[{"id": 1}]', "[1]", no_interval, no_interval.replace('"x"', "null")):
        (tmp_path / "numbers" / "a.json").write_text(text)
        with container.opened(tmp_path) as contents, pytest.raises(StudyError, match="no file of numbers"):
            rerun.read_numbers_of(contents)
