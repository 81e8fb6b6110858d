"""`dfstudy score`: a table, a file that grows and is gone on with, and an exit status that can be trusted."""

from __future__ import annotations

import csv
import io
import json
import os

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image

import dfstudy
from dfstudy.cli.main import main
from dfstudy.faces.face import Face
from dfstudy.faces.finder import FaceFinder
from dfstudy.scoring import inputs
from dfstudy.scoring.scores_file import read_scores


@pytest.fixture
def run(tmp_path, make_run):
    return make_run(tmp_path / "runs" / "seed0-key")


@pytest.fixture
def folder(tmp_path, write_noise):
    """Seventy images, one broken file among them."""
    pictures = tmp_path / "pictures"
    write_noise(pictures / "b", 60)
    write_noise(pictures / "a", 9)
    (pictures / "a" / "05x.jpg").write_bytes(b"no image")
    return pictures


def score(*arguments: object, status: int):
    done = CliRunner().invoke(main, ["score", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == status, done.output
    return done


def test_a_table_says_what_it_means_and_one_line_what_failed(run, folder):
    done = score(folder, "--run", run, status=1)
    lines = done.stdout.splitlines()
    at = lines.index("verdict score  path")
    assert "false alarms" in " ".join(lines[:at]) and "Not evidence about a person" in lines[at - 1]
    rows = lines[at + 1 :]
    assert len(rows) == 70 and [row.split("/")[-1][:4] for row in rows[4:7]] == ["04.p", "05.p", "05x."]
    assert rows[6].startswith("-       -      ") and rows[6].endswith("header is damaged")
    expected = [
        f"{one.verdict:<8}{one.probability:<7.3f}{one.name}"
        for one in dfstudy.Detector.load(run).stream(sorted((folder / "b").iterdir()))
    ]
    assert rows[10:] == expected
    assert done.stderr.splitlines()[-1] == "1 of 70 could not be scored"
    assert "could not" not in score(folder / "b", "--run", run, status=0).stderr


def test_csv_and_json_lines_hold_every_bit(run, folder):
    expected = list(dfstudy.Detector.load(run).stream([folder / "b" / "00.png", folder / "a" / "05x.jpg"]))
    files = (folder / "b" / "00.png", folder / "a" / "05x.jpg", "--run", run, "--format")
    printed = score(*files, "csv", status=1)
    good, bad = csv.DictReader(io.StringIO(printed.stdout))
    assert (float(good["score"]), float(good["logit"])) == (expected[0].probability, expected[0].logit)
    assert (good["verdict"], good["kind"], good["frames"]) == (expected[0].verdict, "picture", "1")
    assert bad["score"] == bad["logit"] == "" and bad["error"] == expected[1].error
    assert "Not evidence" in printed.stderr
    good, bad = map(json.loads, score(*files, "jsonl", status=1).stdout.splitlines())
    assert (good["score"], good["logit"]) == (expected[0].probability, expected[0].logit)
    assert bad["score"] is None and bad["path"] == (folder / "a" / "05x.jpg").as_posix()


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_going_on_ends_with_the_same_bytes(run, folder, tmp_path, kind):
    out = tmp_path / f"scores.{kind}"
    assert "69 scored in" in score(folder, "--run", run, "--out", out, status=1).stdout
    whole = out.read_bytes()
    lines = whole.splitlines(keepends=True)
    for kept in (whole, b"".join(lines[:30]), b"".join(lines[:30]) + lines[30][:7], lines[0][:5], b""):
        out.write_bytes(kept)
        done = score(folder, "--run", run, "--out", out, status=1)
        assert out.read_bytes() == whole
        assert "69 scored in" in done.stdout and "1 of 70 could not be scored" in done.stderr
    # the broken file is tried again, and is still told by the status; without it all is well
    (tmp_path / "clean").mkdir()
    clean = tmp_path / "clean" / f"scores.{kind}"
    score(folder / "b", "--run", run, "--out", clean, status=0)


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_what_failed_is_tried_again_and_takes_its_place(run, folder, tmp_path, kind):
    out, broken = tmp_path / f"scores.{kind}", folder / "a" / "05x.jpg"
    said = score(folder, "--run", run, "--out", out, status=1).stderr
    assert said.splitlines()[-1].startswith("next step: mend the cause and give the same command again")
    before = out.read_bytes()
    # what is not named is neither tried nor lost, and says nothing about what is
    done = score(folder / "b", "--run", run, "--out", out, status=0)
    assert out.read_bytes() == before and "1 in " in done.stderr and "were not named now" in done.stderr
    broken.write_bytes((folder / "a" / "05.png").read_bytes())
    done = score(folder, "--run", run, "--out", out, status=0)
    assert "70 scored in" in done.stdout and "could not be scored" not in done.stderr
    fresh = tmp_path / f"fresh.{kind}"
    score(folder, "--run", run, "--out", fresh, status=0)
    assert out.read_bytes() == fresh.read_bytes() != before
    # killed before the new row took its place: both stand there
    row = next(line for line in fresh.read_bytes().splitlines(keepends=True) if b"05x" in line)
    out.write_bytes(before + row + row[:9])
    assert "70 scored in" in score(folder, "--run", run, "--out", out, status=0).stdout
    assert out.read_bytes() == fresh.read_bytes()
    assert not list(tmp_path.glob("*.partial"))


def test_a_row_keeps_what_is_not_ours_and_a_link_stays_one(run, folder, tmp_path):
    kept, out = tmp_path / "kept.jsonl", tmp_path / "scores.jsonl"
    out.symlink_to(kept)
    score(folder, "--run", run, "--out", out, status=1)
    lines = kept.read_text().splitlines(keepends=True)
    lines[0] = lines[0].replace("}", ',  "mine": "\u00fc"}')
    kept.write_text("".join(lines))
    (folder / "a" / "05x.jpg").write_bytes((folder / "a" / "05.png").read_bytes())
    score(folder, "--run", run, "--out", out, status=0)
    assert out.is_symlink() and kept.read_text().startswith(lines[0])


def test_a_name_of_two_lines_keeps_them(run, folder, tmp_path):
    (folder / "a" / "05x.jpg").rename(folder / "a" / "05x\ny.jpg")
    out = tmp_path / "scores.csv"
    score(folder, "--run", run, "--out", out, status=1)
    before = out.read_bytes()
    score(folder, "--run", run, "--out", out, status=1)
    assert out.read_bytes() == before and len(pd.read_csv(out)) == 70


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_name_that_is_not_utf8_is_gone_on_with(run, folder, tmp_path, kind):
    (folder / "b" / "00.png").rename(folder / "b" / os.fsdecode(b"caf\xe9\r.png"))
    out = tmp_path / f"scores.{kind}"
    score(folder / "b", "--run", run, "--out", out, status=0)
    before = out.read_bytes()
    done = score(folder / "b", "--run", run, "--out", out, status=0)
    assert "60 are in" in done.stderr and out.read_bytes() == before


def test_a_picture_named_twice_has_one_row(run, folder, tmp_path):
    out = tmp_path / "scores.csv"
    paths = (folder / "b", folder / "b" / "00.png", folder / "b" / "59.png", folder / "a" / "00.png")
    score(*paths, "--run", run, "--out", out, status=0)
    assert len(pd.read_csv(out)) == pd.read_csv(out)["path"].nunique() == 61
    assert len(score(*paths, "--run", run, "--format", "csv", status=0).stdout.splitlines()) == 62


def test_nothing_that_is_there_is_overwritten(run, folder, tmp_path, make_run):
    out = tmp_path / "scores.csv"
    score(folder / "b", "--run", run, "--out", out, status=0)
    other = make_run(tmp_path / "other", seed=1)
    before = out.read_bytes()
    assert "another run" in score(folder, "--run", other, "--out", out, status=1).stderr
    for name, content in {
        "notes.csv": b"my notes",
        "table.csv": b"path,score\na,1\n",
        "notes.jsonl": b"my notes",
        "list.jsonl": b"[1]\n",
        "binary.csv": b"\xff\xfe\n",
    }.items():
        (tmp_path / name).write_bytes(content)
        said = score(folder, "--run", run, "--out", tmp_path / name, status=1).stderr
        assert "nothing is overwritten" in said and (tmp_path / name).read_bytes() == content
    assert out.read_bytes() == before
    assert ".csv nor .jsonl" in score(folder, "--run", run, "--out", tmp_path / "x.txt", status=1).stderr


def test_evaluate_reads_what_score_wrote(run, folder, tmp_path):
    out = tmp_path / "scores.csv"
    score(folder, "--run", run, "--out", out, status=1)
    paths = pd.read_csv(out)["path"]
    pd.DataFrame({"path": paths, "label": np.arange(70) % 2}).to_csv(tmp_path / "truth.csv", index=False)
    table = read_scores(out, tmp_path / "truth.csv")
    assert table.probabilities and table.pictures["probability"].isna().sum() == 1
    scores = {one.name: one.probability for one in dfstudy.Detector.load(run).stream(paths)}
    read = table.pictures.set_index("path")["probability"].to_dict()
    assert {path: one for path, one in read.items() if one == one} == {
        path: one for path, one in scores.items() if one is not None
    }


def test_videos_need_a_finder_and_are_scored_with_one(run, tmp_path, monkeypatch):
    import cv2

    class Finder:
        key = "all"

        def find(self, picture, turn=None):
            height, width = picture.shape[:2]
            return [
                Face((width / 4, height / 4, width / 2, height / 2), ((width / 2, height / 2),) * 5, 0.95)
            ]

    clip = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*"FFV1"), 8, (240, 200))
    for number in range(6):
        writer.write(np.random.default_rng(number).integers(0, 256, (200, 240, 3), np.uint8))
    writer.release()
    said = score(clip, "--run", run, status=1).stdout
    assert "a video is scored by its faces: give --find-faces" in said
    monkeypatch.setattr(FaceFinder, "load", lambda weights, score: Finder())
    said = score(clip, "--run", run, "--find-faces", "--frames", 3, status=0).stdout
    assert said.splitlines()[-1].endswith("clip.avi  (3 frames)") and "the mean of its frames'" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--run", "nowhere"], "there is no folder nowhere"),
        (["--out", "a.csv", "--format", "csv"], "leave one of them out"),
        (["--frames", "3"], "add --find-faces"),
        (["--find-faces", "--frames", "0"], "frames 0"),
        (["--strategy", "best"], "no strategy is called 'best'"),
    ],
)
def test_mistakes_are_answered(arguments, words, run, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = score(folder, "--run", run, *arguments, status=1).stderr
    assert words in said and "next step:" in said and not (tmp_path / "a.csv").exists()


def test_an_empty_folder_and_a_missing_path_are_answered(run, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "no image or video lies in" in score(tmp_path / "empty", "--run", run, status=1).stderr
    assert "no file or folder" in score(tmp_path / "gone.png", "--run", run, status=1).stderr


@pytest.mark.parametrize("out", [(), ("--out", "scores.csv"), ("--format", "jsonl")])
def test_one_missing_file_does_not_keep_the_others_from_being_scored(run, folder, monkeypatch, tmp_path, out):
    monkeypatch.chdir(tmp_path)
    closed = folder / "closed"
    closed.mkdir()
    listing = os.scandir

    def refuse(path):
        if str(path) == str(closed):  # root may list whatever the permissions say
            raise PermissionError(13, "Permission denied")
        return listing(path)

    monkeypatch.setattr(inputs.os, "scandir", refuse)
    good = [folder / "b" / "00.png", folder / "b" / "01.png"]
    named = [good[0], tmp_path / "gone.png", closed, tmp_path / f"{300 * 'a'}.png", good[1]]
    done = score(*named, "--run", run, *out, status=1)
    said = done.output + (tmp_path / "scores.csv").read_text() if "--out" in out else done.output
    assert "the file is missing" in said and "the folder cannot be listed (Permission denied)" in said
    assert "File name too long" in said
    assert "3 of 5 could not be scored" in said and all(path.as_posix() in said for path in good)


def test_a_name_that_would_command_a_terminal_is_printed_as_text(run, folder):
    name = "b/\x1b[31mred\n\r\u202e.png"
    (folder / "b" / "00.png").rename(folder / name)
    assert r"b/\x1b[31mred\n\r\u202e.png" in score(folder / "b", "--run", run, status=0).stdout
    for kind, read in {
        "csv": lambda text: [row["path"] for row in csv.DictReader(io.StringIO(text, newline=""))],
        "jsonl": lambda text: [json.loads(line)["path"] for line in text.split("\n")[:-1]],
    }.items():
        done = score(folder / "b", "--run", run, "--format", kind, status=0)
        assert f"{folder}/{name}" in read(done.stdout_bytes.decode())


def test_what_is_passed_over_is_counted_and_a_format_that_is_not_read_is_named(run, folder, tmp_path):
    for name in ("notes.txt", "b/table.csv", "b/more.csv", "noending", ".DS_Store", "masks/00.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"x")
    Image.new("RGB", (40, 40), "red").save(folder / "moving.gif")
    for more in ((), ("--out", tmp_path / "scores.csv"), ("--format", "jsonl")):
        done = score(folder, "--run", run, *more, status=1)
        assert (
            "also there, and not scored: 2 .csv, 1 without ending, 1 .txt, 1 hidden, 1 in mask" in done.stderr
        )
        assert "format .gif is not read: convert it to PNG or JPEG" in done.output
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").touch()
    assert "there is 1 .txt" in score(tmp_path / "other", "--run", run, status=1).stderr
