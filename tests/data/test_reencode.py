"""Re-encoding: all alike, nothing lost from the index, nothing written over, shortcuts of the file gone."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image, ImageCms

from dfstudy.cli.main import main
from dfstudy.data.columns import NOTES
from dfstudy.data.images import read_picture
from dfstudy.data.index import index_study
from dfstudy.data.reencode import NOT_WRITTEN, _names, reencode, summarise
from dfstudy.data.traits import FAMILIES, read_traits
from dfstudy.errors import StudyError


def save(file, side=(80, 100), kind="JPEG", seed=0, **settings):
    pixels = np.random.default_rng(seed).integers(0, 256, (*side, 3), dtype=np.uint8)
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file, kind, **settings)


@pytest.fixture
def mixed(tmp_path):
    """Reals are JPEG with EXIF, fakes larger PNG; one broken, one too small, two names that collide."""
    folder = tmp_path / "set"
    exif = Image.Exif()
    exif[0x010F] = "maker"
    for at in range(4):
        save(folder / f"real/{at}.jpg", seed=at, quality=75, exif=exif)
        save(folder / f"fake/swap/{at}.png", (120, 90), "PNG", seed=10 + at)
    save(folder / "fake/swap/0.jpg", seed=20)
    save(folder / "fake/swap/small.png", (40, 40), "PNG", seed=21)
    (folder / "fake/swap/broken.png").write_bytes(b"x")
    return folder


def test_all_are_alike_and_the_index_carries_over(mixed, open_study, tmp_path):
    done = reencode(open_study(mixed), tmp_path / "alike", progress=False)
    assert done.written == 9 and done.alike.side == 80
    reasons = done.left_out.set_index("path")["reason"]
    assert set(reasons.index) == {"fake/swap/small.png", "fake/swap/broken.png"}
    assert "smaller than 80 px" in reasons["fake/swap/small.png"]
    assert pd.read_csv(tmp_path / "alike" / NOT_WRITTEN).values.tolist() == done.left_out.values.tolist()
    assert "next step: make report DATA=" in summarise(done)
    study = open_study(tmp_path / "alike")
    rows = index_study(study, progress=False)
    assert set(rows["error"]) == {""} and rows["method"].value_counts().to_dict() == {"swap": 5, "real": 4}
    table = read_traits(study, rows, progress=False)
    for family in ("container", "compression", "geometry"):
        names = FAMILIES[family].names
        assert (table[names].nunique(dropna=False) == 1).all(), family
    assert table.iloc[0][["quality", "subsampling", "exif"]].tolist() == [95, "1x1,1x1,1x1", "no"]
    assert set(rows["path"]) >= {"fake/swap/0.jpg.jpg", "fake/swap/0.png.jpg", "real/0.jpg"}


def test_the_square_in_the_middle_is_kept_as_it_is(open_study, tmp_path):
    for name in ("real", "fake"):
        save(tmp_path / "set" / name / "0.png", (70, 90), "PNG", seed=len(name))
        save(tmp_path / "set" / name / "1.png", (140, 160), "PNG", seed=9)
    reencode(open_study(tmp_path / "set"), tmp_path / "alike", kind="png", progress=False)
    before = read_picture(tmp_path / "set/real/0.png")
    assert np.array_equal(read_picture(tmp_path / "alike/real/0.png"), before[:, 10:80])
    large = read_picture(tmp_path / "set/real/1.png")[:, 10:150].astype(float)
    means = large.reshape(70, 2, 70, 2, 3).mean(axis=(1, 3))
    assert np.abs(read_picture(tmp_path / "alike/real/1.png") - means).max() <= 0.51


def test_groups_methods_and_splits_of_a_list_are_carried_over(open_study, tmp_path):
    lines = ["path,label,method,group,split,camera,source"]
    for at in range(6):
        label, part = at % 2, ("train", "test")[at // 4]
        save(tmp_path / "set" / f"{at}.png", kind="PNG", seed=at)
        camera = ("", "tele, long", "=wide")[at // 2]
        lines.append(f'{at}.png,{label},{"gan" if label else "real"},g{at // 2},{part},"{camera}",s{at // 2}')
    (tmp_path / "set/index.csv").write_text("\n".join(lines))
    before = index_study(open_study(tmp_path / "set"), progress=False)
    reencode(open_study(tmp_path / "set"), tmp_path / "alike", progress=False)
    after = index_study(open_study(tmp_path / "alike"), progress=False)
    same = ["label", "method", "group", "given_split", NOTES]
    assert before[NOTES][2] == '{"camera": "tele, long", "source": "s1"}'
    assert before[same].astype(str).values.tolist() == after[same].astype(str).values.tolist()


def test_a_profile_becomes_srgb(open_study, tmp_path):
    flat = Image.new("RGB", (80, 80), (180, 60, 60))
    flat.paste((20, 20, 20), (0, 0, 80, 20))
    # XYZ shown as if it were RGB: any honest conversion moves the colours
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for name, profile in [("real", srgb), ("fake", b"no profile")]:
        (tmp_path / "set" / name).mkdir(parents=True)
        flat.save(tmp_path / "set" / name / "0.png", icc_profile=profile)
    reencode(open_study(tmp_path / "set"), tmp_path / "alike", kind="png", progress=False)
    for name in ("real", "fake"):
        file = tmp_path / "alike" / name / "0.png"
        assert np.abs(read_picture(file)[20:].astype(int) - (180, 60, 60)).max() <= 1
        assert "icc_profile" not in Image.open(io.BytesIO(file.read_bytes())).info


def test_nothing_is_written_over_or_into_the_pictures(mixed, open_study, tmp_path):
    study = open_study(mixed)
    for target in (mixed, mixed / "alike", tmp_path):
        with pytest.raises(StudyError, match="inside one another"):
            reencode(study, target, progress=False)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note.txt").write_text("mine")
    with pytest.raises(StudyError, match="is not empty"):
        reencode(study, tmp_path / "full", progress=False)
    with pytest.raises(StudyError, match=r"no real image is 110 px"):
        reencode(study, tmp_path / "alike", side=110, progress=False)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["full", "set"]
    (tmp_path / "empty").mkdir()
    assert reencode(study, tmp_path / "empty", side=70, progress=False).written == 9


def test_names_never_collide():
    paths = ["a.png", "a.jpg", "A.webp", "b.png", "b.png.jpg", "c/a.png"]
    names = _names(paths, ".jpg")
    assert len({name.lower() for name in names}) == len(paths) and names[3] == "b.jpg"
    assert _names(["a.jpg.jpg", "a.png", "a.jpg"], ".jpg").count("a.jpg.jpg") == 1


def test_the_command_says_what_it_did(mixed, tmp_path):
    done = CliRunner().invoke(main, ["reencode", str(mixed), str(tmp_path / "alike"), "--size", "64"])
    assert done.exit_code == 0 and "9 images written as JPEG of quality 95, 64 x 64 px" in done.output
    again = CliRunner().invoke(main, ["reencode", str(mixed), str(tmp_path / "alike")])
    assert again.exit_code == 1 and "next step: give a new folder" in again.output
