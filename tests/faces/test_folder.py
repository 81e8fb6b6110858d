"""A folder of clips and photographs to a folder of crops: what is written, listed, refused, continued."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from dfstudy.cli.main import main
from dfstudy.data.images import read_picture
from dfstudy.data.index import index_study
from dfstudy.errors import StudyError
from dfstudy.faces.find import clip_faces, find_faces
from dfstudy.faces.folder import crop_folder
from dfstudy.faces.outcome import summarise
from dfstudy.faces.settings import FaceSettings, read_settings
from dfstudy.faces.sources import list_sources, unlike_names
from dfstudy.faces.table import spot_of
from dfstudy.faces.unchanged import is_unchanged

from .conftest import RED, RedFinder, draw

SMALL = FaceSettings(frames=4, size=48, smallest=20)


def moving(count: int, rise: int = 0) -> list:
    """A face that goes to the right, and a smaller one that comes for a while."""
    return [[(20 + 2 * at, 40 - rise, 20, 30)] + [(130, 10, 8, 12)] * (4 <= at < 10) for at in range(count)]


@pytest.fixture
def folder(write_clip, tmp_path) -> Path:
    """Two originals, fakes of them that are 2 px wider or lie elsewhere, and files that make trouble."""
    root = tmp_path / "videos"
    write_clip(root / "real/id0_0001.mkv", moving(24))
    wider = [draw([(round((20 + 2 * at) * 162 / 160), 40, 21, 30)], 162) for at in range(24)]
    write_clip(root / "fake/id0_id7_0001.mkv", wider)
    write_clip(root / "real/id1_0001.mkv", moving(24))
    write_clip(root / "fake/id1_id7_0001.mkv", [[(120, 80, 20, 30)]] * 24)
    forged = [draw(frame) for frame in moving(15)]
    for at, picture in enumerate(forged):  # a mouth of another colour
        picture[60:66, 25 + 2 * at : 35 + 2 * at] = 0
    write_clip(root / "fake/id1_id8_0001.mkv", forged)
    write_clip(root / "real/nobody.mkv", [[]] * 8)
    write_clip(root / "real/night.mkv", [draw([], grey=4)] * 8)
    write_clip(root / "fake/tiny.mkv", [[(40, 40, 8, 12)]] * 8)
    (root / "real/empty.mp4").write_bytes(b"")
    photos = {"real/two.png": [(60, 40, 20, 30), (5, 5, 14, 20)], "real/lies.png": [(60, 40, 30, 20)]}
    for name, faces in photos.items():
        cv2.imwrite(str(root / name), draw(faces)[..., ::-1])
    (root / "fake/broken.jpg").write_bytes(b"no image")
    return root


def crop(root: Path, target: Path, open_study, settings=SMALL, finder=None, **more):
    study = open_study(root)
    return crop_folder(study, target, settings, finder or RedFinder(), progress=False, **more)


def digests(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def table(target: Path, name: str = "index.csv") -> pd.DataFrame:
    return pd.read_csv(target / name, dtype=str, keep_default_na=False)


def test_crops_and_their_index(folder, tmp_path, open_study):
    done = crop(folder, tmp_path / "out", open_study)
    rows = table(tmp_path / "out")
    assert done.crops == len(rows) == len(set(rows["path"])) and done.files == 12
    main = rows[rows["source"] == "real/id0_0001.mkv"]
    assert main["frame"].tolist() == ["3", "9", "15", "21"]
    assert main["seconds"].tolist() == ["0.375", "1.125", "1.875", "2.625"]
    assert main["left"].astype(float).tolist() == [26, 38, 50, 62]
    assert set(main["group"]) == {"id0"} and set(main["box_from"]) == {"own"}
    for row in main.to_dict("records"):
        pixels = read_picture(tmp_path / "out" / row["path"])
        assert pixels.shape == (48, 48, 3)
        assert np.abs(pixels[10:38, 16:32].astype(int) - RED).max() < 30  # red in the middle, RGB not BGR
        spot = spot_of(row)
        assert spot.face.box[2:] == (20, 30) and spot.frame == int(row["frame"])
    indexed = index_study(open_study(tmp_path / "out"), progress=False)
    assert set(indexed["error"]) == {""} and len(indexed) == len(rows)
    assert indexed.set_index("path")["group"].to_dict() == rows.set_index("path")["group"].to_dict()
    assert "next step: make report DATA=" in summarise(done)


def test_a_fake_is_cropped_where_its_original_is(folder, tmp_path, open_study):
    crop(folder, tmp_path / "out", open_study)
    rows = table(tmp_path / "out").set_index(["source", "frame"])
    real, fake = rows.loc["real/id0_0001.mkv"], rows.loc["fake/id0_id7_0001.mkv"]
    assert set(fake["box_from"]) == {"original"} and set(fake["original"]) == {"real/id0_0001.mkv"}
    assert fake.index.tolist() == real.index.tolist() and set(fake["group"]) == {"id0"}
    assert (fake["crop_side"] == real["crop_side"]).all() and (fake["crop_top"] == real["crop_top"]).all()
    shift = fake["left"].astype(float) - real["left"].astype(float) * 162 / 160
    assert shift.abs().max() < 0.01
    # a fake whose face is elsewhere finds its own, and says so; a shorter one gives the frames that it has
    assert set(rows.loc["fake/id1_id7_0001.mkv"]["box_from"]) == {"own"}
    assert set(rows.loc["fake/id1_id7_0001.mkv"]["left"]) == {"120.00"}
    assert rows.loc["fake/id1_id8_0001.mkv"].index.tolist() == ["3", "9"]
    aside = table(tmp_path / "out", "set_aside.csv").groupby("source")["reason"].agg("; ".join)
    assert "lie elsewhere" in aside["fake/id1_id7_0001.mkv"]
    assert "2 frames are missing" in aside["fake/id1_id8_0001.mkv"]


def test_what_is_set_aside_and_why(folder, tmp_path, open_study):
    done = crop(folder, tmp_path / "out", open_study)
    aside = table(tmp_path / "out", "set_aside.csv")
    reasons = aside.groupby("source")["reason"].agg(lambda texts: "; ".join(dict.fromkeys(texts)))
    expected = {
        "real/nobody.mkv": "no face found",
        "real/night.mkv": "no face found, the image is dark",
        "fake/tiny.mkv": "too small: the crop would be smaller than 20 px",
        "real/empty.mp4": "the file is empty",
        "fake/broken.jpg": "not an image, or its header is damaged",
        "real/two.png": "other faces: 1 less prominent, not cropped",
        "real/id0_0001.mkv": "other faces: 1 less prominent, not cropped",
    }
    assert {source: reasons[source] for source in expected} == expected
    assert sum(done.reasons.values()) == len(aside) and done.reasons["too small"] == 4
    page = (tmp_path / "out/contact_sheet.html").read_text()
    assert page.count("<img alt=") == 10 and "too small" in page and "://" not in page


def test_all_faces_can_be_kept(folder, tmp_path, open_study):
    settings = SMALL.model_copy(update={"keep": "all", "smallest": 10, "frames": 12})
    crop(folder, tmp_path / "out", open_study, settings)
    rows = table(tmp_path / "out")
    assert rows[rows["source"] == "real/two.png"]["path"].tolist() == ["real/two.png", "real/two_face2.png"]
    assert set(rows[rows["source"] == "real/two.png"]["group"]) == {"real/two.png"}
    second = rows[(rows["source"] == "real/id0_0001.mkv") & (rows["face"] == "2")]
    assert second["frame"].tolist() == ["5", "7", "9"] and set(second["faces"]) == {"2"}


def test_what_lies_on_its_side_is_turned(folder, write_clip, tmp_path, open_study):
    root = tmp_path / "turned"
    upright = [draw(frame) for frame in moving(24)]
    write_clip(root / "real/a.mkv", upright)
    write_clip(root / "fake/a.mkv", [np.ascontiguousarray(np.rot90(picture)) for picture in upright])
    crop(root, tmp_path / "out", open_study)
    rows = table(tmp_path / "out")
    assert rows.groupby("source")["turn"].unique().map(list).to_dict() == {
        "fake/a.mkv": ["90"],
        "real/a.mkv": ["0"],
    }
    for name in table(tmp_path / "out")["path"].map(lambda path: Path(path).name).unique():
        one, other = (
            read_picture(tmp_path / "out" / label / "a" / name).astype(int) for label in ("real", "fake")
        )
        assert np.abs(one - other)[2:-2, 2:-2].mean() < 6
    crop(folder, tmp_path / "photos", open_study)
    assert table(tmp_path / "photos").set_index("path").loc["real/lies.png", "turn"] == "90"


def test_interrupted_and_many_threads_give_the_same_bytes(folder, tmp_path, open_study):
    whole = RedFinder()
    crop(folder, tmp_path / "one", open_study, finder=whole, workers=1)
    crop(folder, tmp_path / "many", open_study, workers=3)
    stopped = RedFinder(fail_at=whole.looks * 3 // 4)
    with pytest.raises(KeyboardInterrupt):
        crop(folder, tmp_path / "again", open_study, finder=stopped, workers=1)
    assert not (tmp_path / "again").exists()
    rest = RedFinder()
    crop(folder, tmp_path / "again", open_study, finder=rest, workers=2)
    assert 0 < rest.looks < whole.looks
    assert digests(tmp_path / "one") == digests(tmp_path / "many") == digests(tmp_path / "again")
    nothing = RedFinder(fail_at=1)
    assert crop(folder, tmp_path / "again", open_study, finder=nothing).crops == len(table(tmp_path / "one"))


def test_nothing_of_a_user_is_written_over(folder, tmp_path, open_study):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine.txt").write_text("mine")
    with pytest.raises(StudyError, match="is not empty"):
        crop(folder, tmp_path / "full", open_study)
    for target in (folder, folder / "faces", folder.parent):
        with pytest.raises(StudyError, match="inside one another"):
            crop(folder, target, open_study)
    crop(folder, tmp_path / "out", open_study)
    before = digests(tmp_path / "out")
    with pytest.raises(StudyError, match="other files, settings"):
        crop(folder, tmp_path / "out", open_study, SMALL.model_copy(update={"margin": 2.0}))
    (tmp_path / "out/index.csv").write_text("changed")
    with pytest.raises(StudyError, match="changed since"):
        crop(folder, tmp_path / "out", open_study)
    assert (tmp_path / "full/mine.txt").read_text() == "mine"
    assert digests(tmp_path / "out").keys() == before.keys()


def test_a_folder_without_classes_has_no_labels(folder, tmp_path, open_study):
    root = tmp_path / "plain"
    root.mkdir()
    shutil.copy(folder / "real/id0_0001.mkv", root / "a.mkv")
    shutil.copy(folder / "real/two.png", root / "a.png")
    done = crop(root, tmp_path / "out", open_study, SMALL.model_copy(update={"kind": "jpeg"}))
    rows = table(tmp_path / "out")
    assert set(rows["label"]) == {""} and not done.labelled and "labels stay empty" in done.line
    assert rows["path"].tolist() == [f"a.mkv/{n:06d}.jpg" for n in (3, 9, 15, 21)] + ["a.png.jpg"]
    (root / "real").mkdir()
    shutil.copy(folder / "real/two.png", root / "real/b.png")
    with pytest.raises(StudyError, match="say neither real nor fake"):
        list_sources(open_study(root))


def test_a_list_in_the_folder_decides(folder, tmp_path, open_study):
    root = tmp_path / "listed"
    root.mkdir()
    for name in ("a", "b"):
        shutil.copy(folder / "real/id0_0001.mkv", root / f"{name}.mkv")
    (root / "index.csv").write_text("path,label,method,group,split\na.mkv,0,,g,train\nb.mkv,1,swap,g,train\n")
    crop(root, tmp_path / "out", open_study)
    rows = table(tmp_path / "out").drop_duplicates("source").set_index("source")
    kept = ["label", "method", "group", "split"]
    assert rows.loc["b.mkv", kept].tolist() == ["fake", "swap", "g", "train"]
    assert rows.loc["a.mkv", kept].tolist() == ["real", "real", "g", "train"]


def test_names_never_collide():
    paths = ["a.png", "a.jpg", "A.mp4", "b.png", "c.jpg.png", "c.jpg", "d/a.png", "d.mp4", "b_face2.png"]
    names = unlike_names(paths)
    assert len({name.lower() for name in names.values()}) == len(paths) and names["b.png"] == "b"
    assert names["d.mp4"] == "d.mp4" and names["b_face2.png"] == "b_face2.png"


def test_crops_of_two_sources_never_meet(write_clip, tmp_path, open_study):
    root = tmp_path / "set"
    write_clip(root / "real/a.mkv", [[(60, 40, 20, 30)]] * 8)
    (root / "real/a").mkdir()
    pair = draw([(60, 40, 20, 30), (5, 5, 20, 28)])[..., ::-1]
    for name in ("real/a/000000.png", "real/b.png", "real/b_face2.png", "fake/b.jpg"):
        (root / name).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(root / name), pair)
    done = crop(root, tmp_path / "out", open_study, SMALL.model_copy(update={"keep": "all", "frames": 8}))
    rows = table(tmp_path / "out")
    assert done.crops == len(rows) == len(set(rows["path"].str.lower())) == 8 + 4 * 2
    assert len(list((tmp_path / "out").rglob("*.png"))) == 16


def test_no_face_at_all_and_no_file_at_all(write_clip, tmp_path, open_study):
    (tmp_path / "none").mkdir()
    with pytest.raises(StudyError, match="neither videos"):
        crop(tmp_path / "none", tmp_path / "out", open_study)
    write_clip(tmp_path / "empty/a.mkv", [[]] * 4)
    with pytest.raises(StudyError, match="4 times no face found"):
        crop(tmp_path / "empty", tmp_path / "out", open_study)
    with pytest.raises(StudyError, match="there is no folder"):
        crop(tmp_path / "nowhere", tmp_path / "out", open_study)


def test_from_python(folder, finder):
    faces = find_faces(read_picture(folder / "real/two.png"), finder)
    assert [face.box for face in faces] == [(60, 40, 20, 30), (5, 5, 14, 20)]
    crops = list(clip_faces(folder / "real/id0_0001.mkv", finder, SMALL))
    assert [crop.spot.frame for crop in crops] == [3, 9, 15, 21]
    assert all(crop.pixels.shape == (48, 48, 3) for crop in crops)


def test_settings_out_of_range_are_all_named():
    with pytest.raises(StudyError, match=r"frames 0: .*; margin 9.0: "):
        read_settings({"frames": 0, "margin": 9.0, "size": 224})
    assert read_settings({"size": 224}).size == 224


def test_the_command_ends_a_mistake_with_the_next_step(folder, tmp_path):
    def run(*arguments):
        return CliRunner().invoke(main, ["faces", str(folder), str(tmp_path / "out"), *arguments])

    for arguments, words in (
        (["--frames", "0"], "frames 0"),
        (["--weights", str(tmp_path / "nowhere.onnx")], "cannot be read"),
    ):
        done = run(*arguments)
        assert done.exit_code == 1 and words in done.output
        assert done.output.rstrip().splitlines()[-1].startswith("  next step:")
    assert not (tmp_path / "out").exists()


def test_extracted_frames_borrow_their_originals_boxes(tmp_path, open_study):
    root = tmp_path / "frames"
    for name, left in (("real/ff_youtube_071", 60), ("fake/ff_Deepfakes_071_054", 64)):
        (root / name).mkdir(parents=True)
        for at in range(3):
            cv2.imwrite(str(root / name / f"{at:04d}.png"), draw([(left + at, 40, 20, 30)])[..., ::-1])
    done = crop(root, tmp_path / "out", open_study)
    rows = table(tmp_path / "out")
    assert done.borrowed == 3 and rows["box_from"].tolist() == ["own"] * 3 + ["original"] * 3
    assert rows["left"].tolist() == ["60.00", "61.00", "62.00"] * 2


def people(left: tuple[int, int, int], right: tuple[int, int, int], right_width: int = 20) -> np.ndarray:
    """Two faces, whose mouths have these colours; the left one is the larger."""
    picture = draw([(20, 30, 30, 45), (110, 50, right_width, 30)])
    picture[60:68, 28:42] = left
    picture[70:76, 113 : 110 + right_width - 3] = right
    return picture


OPEN, SHUT = (40, 20, 20), (225, 60, 60)


@pytest.mark.parametrize("codec", ["FFV1", "MJPG", "mp4v"])
def test_an_untouched_face_of_a_fake_is_no_fake(write_clip, tmp_path, open_study, codec):
    """Of two people one is forged, once the larger and once the smaller."""
    root, suffix = tmp_path / "in", ".mkv" if codec == "FFV1" else ".avi"
    write_clip(root / f"real/071{suffix}", [people(SHUT, SHUT)] * 12, codec=codec)
    write_clip(root / f"fake/071_054{suffix}", [people(OPEN, SHUT)] * 12, codec=codec)
    write_clip(root / f"real/112{suffix}", [people(SHUT, SHUT)] * 12, codec=codec)
    write_clip(root / f"fake/112_100{suffix}", [people(SHUT, OPEN)] * 12, codec=codec)
    for keep, found in (("all", {"071_054": "1", "112_100": "2"}), ("main", {"071_054": "1"})):
        settings = SMALL.model_copy(update={"keep": keep, "frames": 3})
        crop(root, tmp_path / keep, open_study, settings)
        rows, aside = table(tmp_path / keep), table(tmp_path / keep, "set_aside.csv")
        fakes = rows[rows["label"] == "fake"]
        assert fakes.groupby("source")["face"].agg(set).to_dict() == {
            f"fake/{name}{suffix}": {face} for name, face in found.items()
        }
        assert (fakes["source"].value_counts() == 3).all()
        unchanged = aside[aside["reason"].str.startswith("unchanged")]
        assert len(unchanged) == (6 if keep == "all" else 3) and (unchanged["frame"] != "").all()
    assert aside["reason"].str.contains("try --keep all").sum() == 1
    assert (rows["label"] == "real").sum() == 6  # the originals lose nothing


def test_untouched_faces_of_photographs_are_no_fakes(tmp_path, open_study):
    for name, picture in {
        "real/ff_youtube_071": people(SHUT, SHUT),
        "fake/ff_Deepfakes_071_054": people(OPEN, SHUT),
    }.items():
        (tmp_path / "in" / name).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "in" / name / "0001.png"), picture[..., ::-1])
    settings = SMALL.model_copy(update={"keep": "all", "kind": "jpeg"})
    crop(tmp_path / "in", tmp_path / "out", open_study, settings)
    rows = table(tmp_path / "out")
    assert rows.groupby("label")["face"].agg("".join).to_dict() == {"fake": "1", "real": "12"}


def test_where_nothing_tells_which_face_is_forged_it_is_said(write_clip, tmp_path, open_study):
    write_clip(tmp_path / "in/real/a.mkv", [[(60, 40, 20, 30)]] * 8)
    write_clip(tmp_path / "in/fake/b.mkv", [people(SHUT, OPEN)] * 8)
    write_clip(tmp_path / "in/fake/c.mkv", [[(60, 40, 20, 30)]] * 8)
    done = crop(tmp_path / "in", tmp_path / "out", open_study)
    aside = table(tmp_path / "out", "set_aside.csv")
    said = aside[aside["reason"].str.startswith("not known which of several faces is forged: 2 people")]
    assert said["source"].tolist() == ["fake/b.mkv"]
    assert done.reasons["not known which of several faces is forged"] == 1


@pytest.mark.parametrize(("one", "other"), [(95, 95), (95, 70), (75, 50)])
def test_compression_changes_no_face_and_a_mouth_does(texture, one, other):
    def written(pixels, quality):
        return cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 1)

    for seed in range(8):
        plain = cv2.resize(texture(seed, 128, 128), (256, 256), interpolation=cv2.INTER_CUBIC)
        forged = plain.copy()
        forged[170:210, 90:166] = (forged[170:210, 90:166] * 0.85).astype(np.uint8)
        original = written(plain, one)
        assert is_unchanged(written(plain, other), original)
        assert not is_unchanged(written(forged, other), original)
        assert not is_unchanged(cv2.resize(written(forged, other), (200, 200)), original)
    rough = plain.astype(int) + np.random.default_rng(0).normal(0, 16, plain.shape)
    assert not is_unchanged(np.clip(rough, 0, 255).astype(np.uint8), plain)
