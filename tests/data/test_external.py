"""Images of other folders: which may be scored, and which the networks have seen."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from dfstudy.data.external import BOTH, SEEN, SEEN_COPY, find_elsewhere, fingerprint_files
from dfstudy.data.index import index_study
from dfstudy.data.split import COPY, split_study
from dfstudy.data.subsample import thin_groups
from dfstudy.errors import StudyError
from dfstudy.study.comparisons import OtherPictures


@pytest.fixture
def write(tmp_path, texture):
    """Write images `{path: seed}`, unlike each other where their seeds differ; returns the folder."""

    def make(folder: str, pictures: dict[str, int]) -> Path:
        for name, seed in pictures.items():
            file = tmp_path / folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(file), texture(seed))
        return tmp_path / folder

    return make


OWN = {
    f"{kind}/{at}.png": 100 * label + at for label, kind in enumerate(("real", "fake")) for at in range(12)
}
OTHERS = {
    f"{kind}/{at}.png": 1000 + 100 * label + at
    for label, kind in enumerate(("real", "fake"))
    for at in range(6)
}


@pytest.fixture
def look(write, open_study):
    """Study `own`, whose split is made, tested on the given folders."""

    def find(*others: OtherPictures, own=OWN, most: int = 2000, **data):
        study = open_study(write("own", own), **data)
        settings = study.evaluate.model_copy(update={"elsewhere_pictures": most})
        study = study.model_copy(update={"test_on": list(others), "evaluate": settings})
        split = split_study(study, index_study(study, progress=False))
        return study, split, find_elsewhere(study, split, progress=False)

    return find


def other(folder: Path, **more) -> OtherPictures:
    return OtherPictures(root=str(folder), **more)


def test_a_folder_is_read_like_the_studys_own_and_kept_beside_it(look, write):
    folder = write("Faces II", OTHERS)
    study, split, [found] = look(other(folder))
    assert (found.name, found.slug, found.root) == ("Faces II", "faces_ii", folder)
    assert list(found.rows["path"]) == sorted(OTHERS) and found.usable == 12 and not found.given
    assert found.rows["label"].tolist() == [1] * 6 + [0] * 6 and len(found.set_aside) == 0
    assert list(found.rows["group"]) == sorted(OTHERS)
    assert found.checked_against == split.fingerprint
    [slug] = fingerprint_files(study)
    assert slug == "faces_ii" and (study.out / "elsewhere" / slug / "data" / "fingerprint.json").is_file()


def test_what_the_networks_learned_from_is_set_aside_with_its_group(look, write, texture):
    """A copy and a changed copy of training images, one of a test image, and the group of the second."""
    folder = write("others", OTHERS)
    own = write("own", OWN)
    _, split, _ = look()
    learned = split.rows[split.rows["split"] != "test"]["path"]
    tested = split.part("test")["path"].iloc[0]
    shutil.copy(own / learned.iloc[0], folder / "fake/copy.png")
    near = cv2.imread(str(own / learned.iloc[1])).astype(int)
    cv2.imwrite(str(folder / "real/near.png"), np.clip(near + 4, 0, 255).astype("uint8"))
    shutil.copy(own / tested, folder / "real/tested.png")
    lines = [f"{path},{path.split('/')[0]},{'clip' if path in ('real/near.png', 'fake/3.png') else path}"
             for path in (*OTHERS, "fake/copy.png", "real/near.png", "real/tested.png")]  # fmt: skip
    (folder / "index.csv").write_text("path,label,group\n" + "\n".join(lines))
    _, _, [found] = look(other(folder))
    reasons = found.set_aside.set_index("path")["error"].to_dict()
    assert reasons == {"fake/copy.png": SEEN_COPY, "real/near.png": SEEN, "fake/3.png": SEEN}
    assert found.seen == 3 and "real/tested.png" in set(found.rows["path"])
    # nothing is searched for but copies where the study says so
    _, _, [found] = look(other(folder), near_duplicates=0)
    assert list(found.set_aside["path"]) == ["fake/copy.png"]


def test_copies_and_pictures_under_both_labels_are_set_aside(look, write):
    twice = {**OTHERS, "real/again.png": OTHERS["real/0.png"], "fake/both.png": OTHERS["real/1.png"]}
    _, _, [found] = look(other(write("others", twice)))
    reasons = found.set_aside.set_index("path")["error"].to_dict()
    # of two equal images the one that comes first in order of name stays
    assert reasons == {"real/again.png": COPY, "fake/both.png": BOTH, "real/1.png": BOTH}
    assert found.seen == 0 and found.usable == len(twice) - 3


@pytest.mark.parametrize(
    ("parts", "taken"),
    [(("train", "val", "test"), "test"), (("Train", "Validation"), "Validation"), (("test",), "test")],
)
def test_the_official_test_part_is_taken(look, write, parts, taken):
    pictures = {
        f"{part}/{kind}/{at}.png": 2000 + 100 * p + 10 * k + at
        for p, part in enumerate(parts)
        for k, kind in enumerate(("real", "fake"))
        for at in range(3)
    }
    _, _, [found] = look(other(write("others", pictures)))
    assert set(found.rows["path"]) == {path for path in pictures if path.startswith(f"{taken}/")}
    assert found.given == (len(parts) > 1)


def test_a_large_folder_is_thinned_by_whole_groups_and_more_keep_fewer(look, write):
    folder = write("others", OTHERS)
    (folder / "index.csv").write_text(
        "path,label,group\n" + "\n".join(f"{path},{path[:4]},g{path[5]}" for path in OTHERS)
    )
    _, _, [some] = look(other(folder), most=7)
    assert len(some.rows) == 6 and some.usable == 12 and some.rows["group"].value_counts().eq(2).all()
    assert set(thin_groups(some.rows, 4, 0)["path"]) <= set(some.rows["path"])


def test_a_rare_class_is_drawn_or_told_not_to_be(look, write):
    rare = {f"fake/{at}.png": 3000 + at for at in range(30)} | {"real/0.png": 4000}
    folder = write("others", rare)
    with pytest.raises(StudyError, match=r"none of the 1 images drawn is (real|fake); of all 31 usable ones"):
        look(other(folder), most=1)
    _, _, [both] = look(other(folder), most=2)
    assert set(both.rows["label"]) == {0, 1}
    _, _, [found] = look(other(folder), most=0)
    assert len(found.rows) == 31


def test_names_aliases_and_layouts_are_those_of_the_entry(look, write):
    pictures = {path.replace("real", "camera"): seed for path, seed in OTHERS.items()}
    folder = write("others", pictures)
    _, _, [found] = look(other(folder, name="Cameras", aliases={"real": ["camera"]}, layout="class folders"))
    assert found.slug == "cameras" and found.rows["label"].sum() == 6
    with pytest.raises(StudyError, match=r"(?s)test_on, others: .*camera: 6 images") as caught:
        look(other(folder))
    assert "its entry of test_on" in caught.value.hint


def test_folders_that_cannot_be_used_are_refused(look, write, tmp_path):
    with pytest.raises(StudyError, match=r"test_on, gone: there is no folder") as caught:
        look(other(tmp_path / "gone"))
    assert "take it out of test_on" in caught.value.hint
    with pytest.raises(StudyError, match="the study's own images"):
        look(other(tmp_path / "own"))
    _, split, _ = look()
    learned = split.rows[(split.rows["split"] != "test") & (split.rows["label"] == 1)]["path"]
    copied = {path: OWN[path] for path in learned} | {"real/0.png": 7000}
    with pytest.raises(StudyError, match=r"test_on, copied: no fake image is left.*copy of a training"):
        look(other(write("copied", copied)))
