"""Names as long as a file system takes them, wherever one gets longer."""

from __future__ import annotations

import os

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfstudy.data.names import MOST_BYTES, fit_name, fit_path
from dfstudy.data.reencode import reencode
from dfstudy.faces.folder import crop_folder
from dfstudy.faces.settings import FaceSettings
from dfstudy.number import name_methods
from dfstudy.system.kept import write_atomic

from ..faces.conftest import RedFinder, draw


@given(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=300))
def test_a_name_fits_and_stays_itself_where_it_does(stem):
    fitted = fit_name(stem, "_face2.png")
    assert len(os.fsencode(fitted)) <= MOST_BYTES and fitted.endswith("_face2.png")
    assert fit_path(f"a/b/{stem}", "_face2.png") == f"a/b/{fitted}"
    if len(os.fsencode(stem)) <= MOST_BYTES - 10:
        assert fitted == f"{stem}_face2.png"


def test_two_long_names_stay_unlike():
    names = {fit_name("a" * 254 + end, ".png") for end in "xyz"}
    assert len(names) == 3


def long(suffix: str, letter: str = "a") -> str:
    return letter * (255 - len(suffix)) + suffix


@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_reencode_writes_the_longest_names(open_study, tmp_path, kind):
    random = np.random.default_rng(0)
    names = [long(".png"), long(".jpg"), long(".bmp"), long(".png", "b")]
    names += ["é" * 125 + ".png"]
    for folder in ("real", "fake"):
        (tmp_path / "set" / folder).mkdir(parents=True)
        for name in names:
            pixels = random.integers(0, 256, (70, 80, 3), np.uint8)
            data = cv2.imencode(name[-4:], pixels)[1].tobytes()
            (tmp_path / "set" / folder / name).write_bytes(data)
    target = tmp_path / long("", "t")
    done = reencode(open_study(tmp_path / "set"), target, kind=kind, progress=False)
    assert done.written == 10 and done.left_out.empty
    assert len([path for path in target.rglob("*/*") if path.suffix in (".png", ".jpg")]) == 10


def test_a_path_that_no_folder_can_hold_costs_one_picture(open_study, tmp_path):
    random = np.random.default_rng(0)
    deep = "/".join(["d" * 250] * 14)  # 3,514 bytes, and the target's own path comes before
    for name in ("real/a.png", "real/b.png", "fake/a.png", f"fake/{deep}/b.png"):
        file = tmp_path / "s" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(file), random.integers(0, 256, (70, 80, 3), np.uint8))
    target = tmp_path / "/".join(["t" * 250] * 3)
    done = reencode(open_study(tmp_path / "s"), target, progress=False)
    assert done.written == 3
    assert done.left_out["reason"].tolist() == ["the path is too long in the new folder"]


def test_faces_of_the_longest_names(open_study, tmp_path):
    for name in (long(".png"), long(".bmp"), "short.png"):
        (tmp_path / "in").mkdir(exist_ok=True)
        picture = draw([(20, 20, 30, 40), (100, 30, 24, 34)])
        (tmp_path / "in" / name).write_bytes(cv2.imencode(name[-4:], picture[..., ::-1])[1].tobytes())
    settings = FaceSettings(keep="all", smallest=20, size=40)
    target = tmp_path / long("", "t")
    done = crop_folder(open_study(tmp_path / "in"), target, settings, RedFinder(), progress=False)
    assert (done.files, done.used, done.crops) == (3, 3, 6)
    assert len(list(target.glob("*.png"))) == 6


def test_a_table_of_a_long_name_is_written_in_one_step(tmp_path):
    write_atomic(tmp_path / long(".csv"), b"a,b\n")
    assert [file.name for file in tmp_path.iterdir()] == [long(".csv")]


def test_a_method_of_a_long_name_gets_a_short_part_of_an_id():
    slugs = name_methods(["m" * 255, "m" * 254, "short"])
    assert all(len(slug) < 110 for slug in slugs) and len(slugs) == 3
