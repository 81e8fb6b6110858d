"""A report as an archive: what goes in, what never does, and how a changed byte is found."""

from __future__ import annotations

import json
import re
import shutil
import socket
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from fixtures.published import IMAGE, check, study_of, unpack

from dfstudy.cli.main import main
from dfstudy.data.index import index_study
from dfstudy.data.split import split_study
from dfstudy.errors import StudyError
from dfstudy.pipeline.archive import container, gather, integrity, publish
from dfstudy.study.study import FROZEN, load_study
from dfstudy.system.provenance import file_digest

ROOT = Path(__file__).resolve().parents[2]


def test_an_archive_holds_the_report_and_no_image_of_a_person(archive, finished_report):
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
    assert str(finished_report).encode() not in whole and b"/old/place" not in whole
    table = files["data/split.csv"].decode().splitlines()
    assert len(table) == 25 and all(line.startswith(("fake/=", "real/=")) for line in table[1:])
    assert json.loads(files[FROZEN])["settings"]["data"]["root"] == "faces"
    assert not list(finished_report.rglob("*.executed"))


def test_both_descriptions_are_read_by_the_libraries_made_for_them(archive, finished_report, monkeypatch):
    import mlcroissant as mlc
    from rocrate.rocrate import ROCrate

    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a connection"))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("a connection"))
    folder = finished_report / "unpacked"

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


def test_cells_that_a_spreadsheet_would_take_for_formulas_are_text(finished_report):
    split = split_study(study_of(finished_report), index_study(study_of(finished_report), progress=False))
    split.rows["method"] = "=1+1"
    assert b",'=1+1," in gather.split_table(split)


def test_weights_go_only_where_they_are_asked_for(archive, finished_report, tmp_path):
    publish.publish(study_of(finished_report), tmp_path / "with.zip", weights=True)
    with zipfile.ZipFile(tmp_path / "with.zip") as more, zipfile.ZipFile(archive) as fewer:
        added = set(more.namelist()) - set(fewer.namelist())
    assert added == {"runs/k/best.safetensors", "runs/k/checkpoint.json", "runs/seed_0.json"}


def test_an_archive_has_a_limit(finished_report, monkeypatch):
    monkeypatch.setattr(container, "MOST_BYTES", 5_000)
    with pytest.raises(StudyError, match="without its weights"):
        publish.publish(study_of(finished_report), finished_report / "never.zip")
    assert not list(finished_report.glob("never*"))


def test_faces_of_people_are_refused_and_those_of_nobody_are_not(finished_report, monkeypatch):
    study = study_of(finished_report)
    shown = study.model_copy(update={"report": study.report.model_copy(update={"faces": True})})
    split = split_study(study, index_study(study, progress=False))
    with pytest.raises(StudyError, match=r"faces of people(.|\n)*make publish SET=report\.faces=false"):
        gather.gather(shown, split, finished_report / "tiny.yaml")
    sample = load_study()
    others = [{"root": "elsewhere", "name": "elsewhere"}]
    assert not gather.shows_people(sample)
    assert gather.shows_people(type(sample).model_validate(sample.model_dump() | {"test_on": others}))
    for name, content in {"a.html": IMAGE.format("webp"), "b.ipynb": '"image/jpeg"', "c.jpg": ""}.items():
        with pytest.raises(StudyError, match=f"{name} holds an image"):
            gather.refuse_photographs({name: content.encode()})
    monkeypatch.setattr(gather, "_without_photographs", bytes)
    with pytest.raises(StudyError, match=r"04_test\.ipynb holds an image"):
        gather.gather(study, split, finished_report / "tiny.yaml")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("out/numbers/04_test.json", "changed: numbers/04_test.json"),
        ("out/steps/page.json", "no finished report"),
        ("tiny.yaml", "changed: .*tiny.yaml"),
        ("own code.py", "setting augment"),
    ],
)
def test_a_report_that_is_not_as_it_was_made_is_not_published(name, said, finished_report):
    before = (finished_report / name).read_bytes()
    try:
        if name == "out/steps/page.json":
            (finished_report / name).unlink()
        else:
            (finished_report / name).write_bytes(before + b"\n")
        with pytest.raises(StudyError, match=f"{said}(.|\n)*make report"):
            publish.publish(study_of(finished_report), finished_report / "never.zip")
    finally:
        (finished_report / name).write_bytes(before)
    assert not list(finished_report.glob("never*"))


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
    same = (folder / "figures" / "roc.png").rename(tmp_path / "same.png")
    (folder / "figures" / "roc.png").symlink_to(same)
    (folder / "elsewhere").symlink_to("/")
    found = check(folder)
    assert found.changed == ["figures/roc.png", "index.html"] and found.missing == ["numbers/04_test.json"]
    assert found.added == ["elsewhere", "numbers/more\x1b[2J.json"]
    done = CliRunner().invoke(main, ["verify", str(folder)])
    assert done.exit_code == 1 and "changed: index.html" in done.output and "\x1b[2J" not in done.output
    assert "not as it was published" in done.output and "next step" in done.output


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
