"""A report as an archive: what goes in, what never does, what a changed byte and a stranger's file meet."""

from __future__ import annotations

import io
import json
import re
import shutil
import socket
import stat
import struct
import sys
import zipfile
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from dfstudy.cli.main import main
from dfstudy.data.index import index_study
from dfstudy.data.split import split_study
from dfstudy.errors import StudyError
from dfstudy.pipeline.archive import container, gather, integrity, publish, rerun
from dfstudy.pipeline.frozen import freeze
from dfstudy.pipeline.invocation import resolve
from dfstudy.pipeline.plan import PAGE, READS
from dfstudy.pipeline.reads import Present
from dfstudy.pipeline.seal import seal_study
from dfstudy.study.study import FROZEN, load_study
from dfstudy.system.kept import read_json, write_if_changed
from dfstudy.system.provenance import file_digest

ROOT = Path(__file__).resolve().parents[2]
PAGE_TEXT = '<h1>x</h1><th scope="row">Rendered</th><td class="lines">2026-11-29 20:41 +0000</td>'
OWN_CODE = "open(__file__ + '.executed', 'w')\ndef mine(size):\n    return []\n"
STUDY = """
name: tiny
title: Faces of the test
data: {root: ./faces, near_duplicates: 0, card: {origin: 'made up: noise', licence: CC0-1.0}}
augment: {policies: {mine: 'own code.py:mine'}}
report: {faces: false}
"""
IMAGE = "data:image/{};base64,AAAA"


def cell(tag: str, text: str) -> dict:
    output = {"output_type": "display_data", "data": {"text/html": text}, "metadata": {}}
    return {"cell_type": "code", "metadata": {"tags": [tag]}, "source": [], "outputs": [output]}


def number(value: float, name: str = "test.auc") -> dict:
    return {"id": name, "value": value, "low": 0.8, "high": 0.9, "n": 12, "unit": "", "note": ""}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A finished report of twelve noisy images, whose steps never ran; its study names code of its author."""
    home = tmp_path_factory.mktemp("home")
    random = np.random.default_rng(0)
    for at in range(24):
        file = home / "faces" / ("real", "fake")[at % 2] / f"=person {at}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(file), random.integers(0, 255, (40, 40, 3), dtype=np.uint8))
    (home / "own code.py").write_text(OWN_CODE)
    (home / "tiny.yaml").write_text(STUDY)
    out = home / "out"
    asked = resolve(str(home / "tiny.yaml"), "", str(out))
    split = split_study(asked.settings, index_study(asked.settings, progress=False))
    seal_study(asked.settings, split)
    freeze(asked)
    moved = cell("injected-parameters", "from /old/place/out and " + str(home))
    moved["source"] = ['out = "/old/place/out"\n']
    photograph, chart = cell("", IMAGE.format("jpeg")), cell("", IMAGE.format("png"))
    notebook = {"cells": [moved, photograph, chart, cell("try-it", "a map of a face")], "metadata": {}}
    texts = {
        "index.html": PAGE_TEXT,
        "numbers/04_test.json": json.dumps([number(0.85)]),
        "figures/roc.png": "chart",
        "figures/faces.jpg": "\xff\xd8\xff photograph",
        "notebooks/04_test.ipynb": json.dumps(notebook),
    }
    weights = {"best.safetensors": "weights", "checkpoint.json": "{}", "model_card.md": "card"}
    others = {"runs/seed_0.json": '{"key": "k"}', "figures/stray.png": "of the user's own"}
    for name, text in (texts | others | {f"runs/k/{name}": text for name, text in weights.items()}).items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(text.encode("latin-1"))
    reads = Present(asked.settings).of(["setting augment"])
    files = {name: file_digest(out / name) for name in texts}
    write_if_changed(out / PAGE, {"files": files, "reads": reads, "after": {}})
    step = {"note": PAGE, "title": "The page", "reads": reads, "after": []}
    write_if_changed(out / READS, {"steps": [step]})
    return home


@pytest.fixture(scope="module")
def archive(made):
    """Published without any connection: both libraries name contexts on the web."""
    with pytest.MonkeyPatch.context() as patch:

        def refuse(*_, **__):
            raise AssertionError("a connection")

        for name in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, name, refuse)
        for name in ("create_connection", "getaddrinfo"):
            patch.setattr(socket, name, refuse)
        publish.publish(study_of(made), made / "tiny.zip")
        first = (made / "tiny.zip").read_bytes()
        publish.publish(study_of(made), made / "tiny.zip")
        assert first == (made / "tiny.zip").read_bytes()
        told = unpack(made / "tiny.zip", made / "unpacked")
        check_metadata(told)
    return made / "tiny.zip"


def study_of(home: Path):
    return resolve(str(home / "tiny.yaml"), "", str(home / "out")).settings


def unpack(archive: Path, folder: Path) -> Path:
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder)
    return folder


def check(place: Path) -> integrity.Integrity:
    with container.opened(place) as contents:
        return integrity.check_integrity(place, contents)


def check_metadata(folder: Path) -> None:
    import mlcroissant as mlc
    from rocrate.rocrate import ROCrate

    dataset = mlc.Dataset(folder / "croissant.json")
    rows = list(dataset.records("images"))
    assert len(rows) == 24 and {row["images/label"] for row in rows} == {0, 1}
    told = dataset.metadata
    assert told.data_collection == "made up: noise" and told.license == ["CC0-1.0"]
    assert "consent: not stated" in str(told.personal_sensitive_information) and told.data_social_impact
    crate = ROCrate(folder)
    listed = {entity.id.replace("%20", " "): entity for entity in crate.data_entities}
    there = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert there - set(listed) == {"SHA256SUMS", "ro-crate-metadata.json"} and set(listed) <= there
    assert all(entity["sha256"] == file_digest(folder / name) for name, entity in listed.items())
    assert crate.root_dataset["license"] == "not stated" and str(crate.datePublished).startswith("2026-11-29")


def test_an_archive_holds_the_report_and_no_image_of_a_person(archive, made):
    with zipfile.ZipFile(archive) as opened:
        files = {name: opened.read(name) for name in opened.namelist()}
    wanted = (
        "README.md SHA256SUMS croissant.json data/fingerprint.json data/split.csv figures/roc.png index.html"
    )
    wanted += " notebooks/04_test.ipynb numbers/04_test.json requirements.lock ro-crate-metadata.json"
    wanted += " runs/k/model_card.md study/frozen.json study/seal.json study/sealed.json study/study.yaml"
    assert sorted(files) == sorted([*wanted.split(), "study/own/own code.py"])
    cells = json.loads(files["notebooks/04_test.ipynb"])["cells"]
    assert [len(each["outputs"]) for each in cells] == [1, 0, 1, 0]
    whole = b"".join(files.values())
    assert b"image/jpeg" not in whole and b"\xff\xd8\xff" not in whole and b"IHDR" not in whole
    assert str(made).encode() not in whole and b"/old/place" not in whole
    table = files["data/split.csv"].decode().splitlines()
    assert len(table) == 25 and all(line.startswith(("fake/=", "real/=")) for line in table[1:])
    assert json.loads(files[FROZEN])["settings"]["data"]["root"] == "faces"
    assert not list(made.rglob("*.executed"))


def test_cells_that_a_spreadsheet_would_take_for_formulas_are_text(made):
    split = split_study(study_of(made), index_study(study_of(made), progress=False))
    split.rows["method"] = "=1+1"
    assert b",'=1+1," in gather.split_table(split)


def test_weights_go_only_where_they_are_asked_for(archive, made, tmp_path):
    publish.publish(study_of(made), tmp_path / "with.zip", weights=True)
    with zipfile.ZipFile(tmp_path / "with.zip") as more, zipfile.ZipFile(archive) as fewer:
        added = set(more.namelist()) - set(fewer.namelist())
    assert added == {"runs/k/best.safetensors", "runs/k/checkpoint.json", "runs/seed_0.json"}


def test_faces_of_people_are_refused_and_those_of_nobody_are_not(made):
    study = study_of(made)
    shown = study.model_copy(update={"report": study.report.model_copy(update={"faces": True})})
    split = split_study(study, index_study(study, progress=False))
    with pytest.raises(StudyError, match=r"faces of people(.|\n)*make publish SET=report\.faces=false"):
        gather.gather(shown, split, made / "tiny.yaml")
    sample = load_study()
    others = [{"root": "elsewhere", "name": "elsewhere"}]
    assert not gather.shows_people(sample)
    assert gather.shows_people(type(sample).model_validate(sample.model_dump() | {"test_on": others}))
    for name, content in {"a.html": IMAGE.format("webp"), "b.ipynb": '"image/jpeg"', "c.jpg": ""}.items():
        with pytest.raises(StudyError, match=f"{name} holds an image"):
            gather.refuse_photographs({name: content.encode()})


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("out/numbers/04_test.json", "changed: numbers/04_test.json"),
        ("out/steps/page.json", "no finished report"),
        ("tiny.yaml", "changed: .*tiny.yaml"),
        ("own code.py", "setting augment"),
    ],
)
def test_a_report_that_is_not_as_it_was_made_is_not_published(name, said, made):
    before = (made / name).read_bytes()
    try:
        if name == "out/steps/page.json":
            (made / name).unlink()
        else:
            (made / name).write_bytes(before + b"\n")
        with pytest.raises(StudyError, match=f"{said}(.|\n)*make report"):
            publish.publish(study_of(made), made / "never.zip")
    finally:
        (made / name).write_bytes(before)
    assert not list(made.glob("never*"))


def test_every_changed_byte_is_found_and_its_file_named(archive, tmp_path):
    whole = archive.read_bytes()
    assert check(archive).is_intact
    with zipfile.ZipFile(archive) as opened:
        start = opened.start_dir
        places = [(info.header_offset + 30 + len(info.filename), info) for info in opened.infolist()]
    inside = {at + info.file_size // 2: info.filename for at, info in places if info.file_size}
    around = [at - step for at, info in places for step in (1, 10, 20, 30)]  # of local headers
    listed = range(start, len(whole), 11)
    flipped, copy = 0, tmp_path / "flipped.zip"
    for at in [*inside, *around, *listed, *range(len(whole) - 22, len(whole))]:
        copy.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        try:
            found = check(copy)
        except StudyError as error:
            assert str(copy) in str(error) or integrity.MANIFEST in str(error)
            assert inside.get(at, integrity.MANIFEST) == integrity.MANIFEST
        else:
            assert not found.is_intact and found.lines(), at
            named = " ".join(found.lines())
            assert at not in inside or inside[at] in named or inside[at] == integrity.MANIFEST
        flipped += 1
    for other in (whole[:-1], whole + b"\0", b"\0" + whole, whole[: len(whole) // 2], b"", b"PK"):
        copy.write_bytes(other)
        with pytest.raises(StudyError):
            check(copy)
    assert flipped > 200


def test_a_moved_archive_and_an_unpacked_one_verify_and_name_what_differs(archive, tmp_path):
    shutil.copy(archive, tmp_path / "renamed by a mail program.bin")
    told = check(tmp_path / "renamed by a mail program.bin")
    folder = unpack(archive, tmp_path / "unpacked")
    again = check(folder)
    assert told.is_intact and again.is_intact and told.fingerprint == again.fingerprint
    (folder / "index.html").write_bytes((folder / "index.html").read_bytes()[:-1] + b"!")
    (folder / "numbers" / "04_test.json").unlink()
    (folder / "numbers" / "more\x1b[2J.json").write_text("{}")
    (folder / "figures" / "roc.png").unlink()
    (folder / "figures" / "roc.png").symlink_to("/etc/hostname")
    (folder / "elsewhere").symlink_to("/")
    found = check(folder)
    assert found.changed == ["figures/roc.png", "index.html"] and found.missing == ["numbers/04_test.json"]
    assert found.added == ["elsewhere", "numbers/more\x1b[2J.json"]
    done = CliRunner().invoke(main, ["verify", str(folder)])
    assert done.exit_code == 1 and "changed: index.html" in done.output and "\x1b[2J" not in done.output
    assert "not as it was published" in done.output and "next step" in done.output


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
            "64 bits": plain[:-22] + b"PK\x06\x07" + bytes(16) + plain[-22:],
            "comment": plain[:-2] + b"\3\0abc",
            "prefix": b"#!/bin/sh\n" + plain,
            "no zip": b"\x80\x04K\x01." * 40,
        }
    )


@pytest.mark.parametrize("kind", hostile())
def test_what_a_stranger_packed_is_refused_before_it_is_read(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.zip").write_bytes(hostile()[kind])
    with pytest.raises(StudyError, match=r"a\.zip(.|\n)*next step"):
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


def with_frozen(folder: Path, change) -> dict:
    """The contents of an unpacked archive whose frozen study was changed by its author."""
    kept = read_json(folder / FROZEN)
    change(kept["settings"])
    with container.opened(folder) as contents:
        return dict(contents) | {FROZEN: lambda: io.BytesIO(json.dumps(kept).encode())}


def test_code_runs_only_where_the_user_named_it_and_it_is_the_archives(archive, made, tmp_path):
    folder, out, faces = unpack(archive, tmp_path / "u"), tmp_path / "again", str(made / "faces")
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
    assert again.settings.pictures == made / "faces" and again.settings.out == out
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
def test_a_strangers_study_reaches_nothing_that_was_not_named(change, said, archive, made, tmp_path):
    folder = unpack(archive, tmp_path / "u")
    contents = with_frozen(folder, change)
    given = [str(folder / "study" / "own" / "own code.py")]
    with pytest.raises(StudyError, match=re.escape(said)):
        rerun.restore(contents, str(made / "faces"), tmp_path / "again", given)
    assert not list(tmp_path.glob("again*"))


def verify(archive: Path, made: Path, out: Path, *more: str):
    given = ["--with", str(made / "unpacked" / "study" / "own" / "own code.py")]
    return CliRunner().invoke(main, ["verify", str(archive), "--out", str(out), *given, *more])


def test_made_again_it_agrees_or_says_what_does_not(archive, made, tmp_path, monkeypatch):
    value = {"now": 0.85}

    def build(invocation):
        file = invocation.settings.out / "numbers" / "04_test.json"
        write_if_changed(file, [number(value["now"])])

    monkeypatch.setattr(rerun, "build", build)
    data = ["--data", str(made / "faces")]
    done = verify(archive, made, tmp_path / "again", *data)
    assert done.exit_code == 0 and "1 are identical" in done.output, done.output
    assert "made again agrees" in done.output
    value["now"] = 0.95
    done = verify(archive, made, tmp_path / "again", *data)
    assert done.exit_code == 3 and "outside: test.auc" in done.output and "does not agree" in done.output
    done = verify(archive, made, tmp_path / "again")
    assert done.exit_code == 0 and "only the integrity was checked" in done.output
    done = verify(archive, made, tmp_path / "other", "--data", "sample")
    assert done.exit_code == 1 and "are a folder's" in done.output


def test_other_images_are_refused_before_anything_trains(archive, made, tmp_path, monkeypatch):
    monkeypatch.setattr(rerun, "build", lambda _: pytest.fail("it trained"))
    faces = tmp_path / "faces"
    shutil.copytree(made / "faces", faces)
    shutil.copy(faces / "real" / "=person 0.png", faces / "real" / "=person 2.png")
    done = verify(archive, made, tmp_path / "again", "--data", str(faces))
    assert done.exit_code == 1 and "1 of its 24 images are not there" in done.output
    assert "=person 2.png" in done.output


@pytest.mark.skipif(sys.platform == "win32", reason="names that Windows does not hold")
def test_numbers_of_a_stranger_are_checked(tmp_path):
    (tmp_path / "numbers").mkdir()
    for text, said in (("{", "no JSON"), ("[" * 90_000, "no JSON"), ('[{"id": 1}]', "no file of numbers")):
        (tmp_path / "numbers" / "a.json").write_text(text)
        with container.opened(tmp_path) as contents, pytest.raises(StudyError, match=said):
            rerun.read_numbers_of(contents)


def test_the_container_file_copies_what_there_is_and_makes_the_report():
    text = (ROOT / "Containerfile").read_text().replace("\\\n", " ")
    lines = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    kinds = [words[0] for words in lines]
    assert set(kinds) <= {"FROM", "RUN", "WORKDIR", "COPY", "ENTRYPOINT", "CMD"}
    assert lines[0] == ["FROM", "python:3.11-slim"] and kinds[-2:] == ["ENTRYPOINT", "CMD"]
    copied = [name for words in lines if words[0] == "COPY" for name in words[1:-1]]
    assert {"Makefile", "requirements.lock", "pyproject.toml", "dfstudy", "notebooks"} <= set(copied)
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert json.loads(" ".join(lines[-2][1:])) == ["make"] and json.loads(" ".join(lines[-1][1:])) == [
        "report"
    ]
    verbs = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    made = [words[words.index("make") + 1] for words in lines if words[1:2] == ["make"]]
    assert made == ["environment"] and {"environment", "report"} <= set(verbs)
