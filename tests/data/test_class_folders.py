"""Class folders of videos, people, methods, archives, given splits: what is read, and what is said."""

from __future__ import annotations

import pytest

from dfstudy.data.index import index_study
from dfstudy.data.index_file import layout_line
from dfstudy.data.layouts.counters import count_anew, count_on, frame_stems
from dfstudy.data.layouts.splits import read_name
from dfstudy.data.split import split_study
from dfstudy.errors import StudyError

CLASSES = ("real", "fake")


def frames(folders, number=4, start=0, ending="png"):
    return [f"{folder}/{start + at:04d}.{ending}" for folder in folders for at in range(number)]


def groups(reading):
    """Named groups: group -> labels of its images."""
    named = reading.rows[reading.rows["group"] != reading.rows["path"]]
    return named.groupby("group")["label"].unique().map(sorted).to_dict()


VIDEOS = {
    "a word and a number": ["{label}/{label}_clip{at:02d}", "{label}_clip{at:02d}"],
    "a number below a folder of frames": ["{label}/clip{at}/frames", "clip{at}"],
    "two people and a clip": ["{label}/{label}_id{at}_id1_0007", "{label}_id{at}_id1_0007"],
    "below a method": ["{label}/swap/{label}{at:03d}", "{label}{at:03d}"],
    "in given splits": ["train/{label}/{label}{at:03d}", "train/{label}{at:03d}"],
}


@pytest.mark.parametrize("names", VIDEOS.values(), ids=VIDEOS.keys())
@pytest.mark.parametrize("number", [2, 20, 45])
def test_numbered_folders_are_videos_and_never_methods(read, names, number):
    folder, group = names
    rows = [(label, at) for label in CLASSES for at in range(number)]
    reading = read(frames([folder.format(label=label, at=at) for label, at in rows]))
    found = groups(reading)
    assert set(found) == {group.format(label=label, at=at) for label, at in rows}
    assert len(set(reading.rows["method"])) == 2
    assert f"{len(found)} folders, taken as videos or people" in reading.line


@pytest.mark.parametrize("number", [2, 20, 45])
@pytest.mark.parametrize(
    "name",
    [
        "{label}_clip{at:02d}_{frame:04d}",
        "{label}{at:02d}-frame{frame}",
        "{label}_{at:03d}_054_{frame:03d}",
        "{label} {at} {frame}",
        "{label}{at}_frame{frame}_face0",
        "{label}{at}_{frame:03d}_left",
        "{label}{at} ({frame})",
        "{label}{at}_t{frame}.5s",
        "{label}v{at}_mp4-{frame}_jpg.rf.0123456789abcdef0123456789abcdef",
    ],
)
def test_names_that_share_a_stem_with_a_counter_are_videos(read, name, number):
    rows = [(label, at, frame) for label in CLASSES for at in range(number) for frame in range(12)]
    reading = read(
        [f"{label}/{name.format(label=label, at=at, frame=frame)}.png" for label, at, frame in rows]
    )
    found = groups(reading)
    assert len(found) == 2 * number and set(reading.rows["method"]) == {"real", "fake"}
    assert set(reading.rows.groupby("group").size()) == {12}
    assert f"{len(found)} names with a counter, taken as videos" in reading.line


def test_real_videos_beside_methods_of_frames(read):
    flat = [
        f"fake/{method}/{at:03d}_{frame}.png"
        for method in ("swap", "gan")
        for at in range(9)
        for frame in "0123"
    ]
    reading = read(frames([f"real/{at:03d}" for at in range(9)]) + flat)
    assert set(reading.rows["method"]) == {"real", "swap", "gan"}
    assert groups(reading) == {f"{at:03d}": [0, 1] for at in range(9)}


@pytest.mark.parametrize("flat", [False, True])
def test_a_fake_called_by_two_numbers_stays_with_the_real_videos_of_both(read, flat):
    pairs = [(f"{at:03d}", f"{at + 1:03d}") for at in range(0, 20, 2)]
    folders = [f"real/{name}" for pair in pairs for name in pair] + [f"fake/{a}_{b}" for a, b in pairs]
    pictures = frames(folders)
    if flat:
        pictures = ["_".join(path.rsplit("/", 1)) for path in pictures]
    assert groups(read(pictures)) == {f"{a}+{b}": [0, 1] for a, b in pairs}


def test_people_below_real_are_groups_and_fakes_that_lie_alike_are_no_methods(read):
    real, fake = ["anna", "ben", "carl", "dora"], ["emil", "fritz", "gina", "hans"]
    reading = read(frames([f"real/{name}" for name in real] + [f"fake/{name}" for name in fake]))
    assert set(groups(reading)) == {*real, *fake} and set(reading.rows["method"]) == {"real", "fake"}
    reading = read(frames([f"real/{name}" for name in real] + ["fake/stylegan2", "fake/ddpm"]), root="other")
    assert set(groups(reading)) == set(real) and set(reading.rows["method"]) == {"real", "stylegan2", "ddpm"}


@pytest.mark.parametrize("number", [8, 20, 45])
def test_fakes_that_lie_like_people_below_real_are_told_from_methods(read, number):
    real = [f"real/{letters(at)}" for at in range(number)]
    fake = [f"fake/{letters(100 + at)}" for at in range(number // 2)]
    reading = read(frames(real + fake))
    assert len(groups(reading)) == number + number // 2 and set(reading.rows["method"]) == {"real", "fake"}
    methods = [path for name in ("swapnet", "reenactor", "morpher") for path in frames([f"fake/{name}"], 40)]
    reading = read(frames(real) + methods, root="methods")
    assert len(groups(reading)) == number and set(reading.rows["method"]) == {
        *("real", "swapnet", "reenactor", "morpher")
    }
    assert "3 folders below fake (morpher, reenactor, swapnet) may be videos or people" in reading.line


def test_a_models_class_folders_are_no_methods(read):
    reading = read(frames(["deepfake/0_real", "deepfake/1_fake"]))
    assert set(reading.rows["method"]) == {"real", "fake"} and groups(reading) == {}


def letters(number: int) -> str:
    """A name without digits, unlike every other, as DFDC's are."""
    return "".join("abcdefghij"[int(digit)] for digit in f"{number * 7919:010d}")


def test_methods_and_sources_stay_what_they_are(read):
    fakes = ["stylegan1", "stylegan2", "stylegan3", "swap", "reenact"]
    reading = read(frames([f"fake/{name}" for name in fakes] + ["real/ffhq", "real/celeba_hq", "real/coco"]))
    assert set(reading.rows["method"]) == {"real", *fakes} and groups(reading) == {}
    assert reading.line.endswith("no splits given; groups: none named)")


PLAIN = {
    "one stem a class": [f"{label}/{label}_{at}.png" for label in CLASSES for at in range(30)],
    "numbers alone": [f"{label}/{at:05d}.png" for label in CLASSES for at in range(30)],
    "a camera's dates": [
        f"{label}/IMG_2019030{at % 3}_{at:06d}.png" for label in CLASSES for at in range(30)
    ],
    "copies in brackets": [
        f"{label}/{at:04d} ({n}).png" for label in CLASSES for at in range(9) for n in (1, 2)
    ],
    "every stem once": [f"{label}/easy_{at}_1110.png" for label in CLASSES for at in range(30)],
    "age, gender and a time": [
        f"{label}/26_{at % 2}_2_20170104023{at:06d}.png" for label in CLASSES for at in range(30)
    ],
}


@pytest.mark.parametrize("pictures", PLAIN.values(), ids=PLAIN.keys())
def test_other_names_make_no_groups(read, pictures):
    assert groups(read(pictures)) == {}


def test_what_cannot_be_told_is_said(read):
    line = read(frames(["real/indoor", "real/outdoor", "fake"])).line
    assert "2 folders below real (indoor, outdoor) may be videos or people; not taken as groups" in line
    pictures = [f"{label}/{who}_{at}.png" for label in CLASSES for who in ("ann", "bob") for at in range(12)]
    line = read(pictures, root="other").line
    assert "images below real called ann, bob with a counter may be frames of videos" in line


def test_numbered_parts_of_an_archive_are_no_videos(read):
    running = [
        path for label in CLASSES for at in range(50) for path in frames([f"{label}/{at:02d}"], 4, 4 * at)
    ]
    assert groups(read(running)) == {}
    named = frames([f"{label}/part_{at:02d}" for label in CLASSES for at in range(50)])
    assert groups(read(named, root="named")) == {}
    sizes = frames([f"{label}/{size}" for label in CLASSES for size in (128, 256)])
    assert groups(read(sizes, root="sizes")) == {}


def test_numbers_in_two_class_folders_tie_nothing(read):
    reading = read(frames([f"{label}/{at:02d}" for label in CLASSES for at in range(50)]))
    found = groups(reading)
    assert len(found) == 100 and {len(labels) for labels in found.values()} == {1}
    assert "numbers that real and fake have in common tie nothing" in reading.line


def test_frames_of_a_video_stay_on_one_side(fill, open_study):
    study = open_study(
        fill(frames([f"{label}/{label}_clip{at:02d}" for label in CLASSES for at in range(12)]))
    )
    split = split_study(study, index_study(study, progress=False))
    videos = split.rows["path"].str.rpartition("/")[0]
    assert split.rows.groupby(videos)["split"].nunique().max() == 1 and split.groups_known


def test_counters_of_folders():
    assert count_anew({"a": ["0", "1"], "b": ["0", "1"]}) and count_anew({"ann": ["ann_1", "ann_2"]})
    assert not count_anew({"a": ["x", "y"], "b": ["z", "w"]})
    assert count_on({"0": ["0", "1"], "1": ["2", "3"]}) and not count_on({"0": ["0", "1"], "1": ["0", "1"]})
    assert not count_on({"0": ["a0", "a1"], "1": ["b2", "b3"]})
    assert frame_stems(["c1_1", "c1_2", "c2_1", "c2_2", "odd"]) == ["c1", "c1", "c2", "c2", ""]


NAMES = {
    "train": (None, "train"),
    "training_real": (0, "train"),
    "test_real": (0, "test"),
    "real_train": (0, "train"),
    "fake-test": (1, "test"),
    "TrainFake": (1, "train"),
    "train_0_real": (0, "train"),
    "ai_generated_test": (1, "test"),
    "dev": (None, "val"),
    "Eval": (None, "eval"),
    "val2017": (None, "val"),
    "training set": (None, "train"),
    "test_images": (None, "test"),
    "PublicTest": (None, "test"),
    "real_videos": (0, ""),
    "trainee": (None, ""),
    "dev_patel": (None, ""),
    "train_test": (None, ""),
    "celeba_train": (None, ""),
    "realistic_train": (None, ""),
}


@pytest.mark.parametrize(("name", "meaning"), NAMES.items(), ids=NAMES.keys())
def test_a_name_is_read_where_every_word_of_it_is_known(name, meaning, open_study, tmp_path):
    from dfstudy.data.layouts.names import build_aliases

    assert read_name(name, build_aliases({})) == meaning


PARTS = {
    "compounds": (["training_{label}", "test_{label}"], "train test"),
    "WildDeepfake": (["{label}_train/1/{label}/7", "{label}_test/1/{label}/7"], "train test"),
    "dev and eval": (["train/{label}", "dev/{label}", "eval/{label}"], "train val test"),
    "eval beside test": (["train/{label}", "eval/{label}", "test/{label}"], "train val test"),
    "a foreign word in all": (["a_train/{label}", "b_test/{label}"], "train test"),
    "two that differ in the split": (["x/celeba_train/{label}", "x/celeba_test/{label}"], "train test"),
    "below the class": (["{label}/TrainSet", "{label}/TestSet"], "train test"),
}


@pytest.mark.parametrize(("folders", "splits"), PARTS.values(), ids=PARTS.keys())
def test_given_splits_are_read_under_many_names(read, folders, splits):
    for folder, split in zip(folders, splits.split(), strict=True):
        table = read(
            [path for name in folders for label in CLASSES for path in frames([name.format(label=label)])]
        )
        below = table.rows["path"].str.startswith(
            tuple(folder.format(label=label) + "/" for label in CLASSES)
        )
        assert set(table.rows.loc[below, "given_split"]) == {split} and below.sum() == 8
        assert f"given: {', '.join(splits.split())}" in table.line


@pytest.mark.parametrize("other", ["holdout/{label}", "{label}", "extra/deep/{label}/x"])
@pytest.mark.parametrize("named", [["train/{label}"], ["train/{label}", "test/{label}"], ["dev_{label}"]])
def test_a_set_of_which_some_parts_bear_a_splits_name_is_refused(read, named, other):
    folders = [name.format(label=label) for name in [*named, other] for label in CLASSES]
    with pytest.raises(StudyError, match="some parts of the set bear a split's name") as caught:
        read(frames(folders))
    assert "no split named" in caught.value.message and "exclude" in caught.value.hint


def test_one_named_part_alone_is_split_here_and_said(read):
    reading = read(frames([f"test/{label}" for label in CLASSES]))
    assert "given: test, which is split here" in reading.line


def test_a_part_that_is_excluded_is_counted_and_lets_the_rest_be_read(fill, open_study):
    root = fill(frames(["train/real", "train/fake", "test", "holdout/real"]))
    study = open_study(root, exclude=["test", "holdout"])
    table = index_study(study, progress=False)
    assert table["error"].value_counts().to_dict() == {"": 8, "left out by data.exclude": 8}
    with pytest.raises(StudyError, match=r"nothing that is read lies in 'tset'.*did you mean 'test'"):
        index_study(open_study(root, exclude=["tset"]), progress=False)
    with pytest.raises(StudyError, match="leaves nothing of"):
        index_study(open_study(root, exclude=["train", "test", "holdout"]), progress=False)


def test_a_fake_called_by_a_real_video_and_its_mark_stays_with_it(read):
    names = [f"real/{at}" for at in range(6)] + [f"fake/{at}_fake" for at in range(6)]
    assert groups(read(frames(names))) == {str(at): [0, 1] for at in range(6)}


def test_a_list_that_gives_one_part_and_leaves_the_rest_is_refused(fill, open_study):
    paths = [f"{label}/{at}.png" for label in CLASSES for at in range(9)]
    root = fill(paths)
    lines = [f"{path},{path[0] == 'f':d},{'test' if path.endswith('8.png') else ''}" for path in paths]
    (root / "index.csv").write_text("path,label,split\n" + "\n".join(lines))
    study = open_study(root)
    with pytest.raises(StudyError, match="2 images are given as test, and 16 are given as nothing"):
        split_study(study, index_study(study, progress=False))


@pytest.mark.parametrize("parts", [("training_real", "test_real"), ("real/dev", "real/eval")])
def test_folders_name_splits_beside_a_list_without_splits(fill, open_study, parts):
    paths = [
        f"{part.replace('real', label)}/{at}.png" for part in parts for label in CLASSES for at in range(3)
    ]
    root = fill(paths)
    (root / "index.csv").write_text(
        "path,label\n" + "\n".join(f"{path},{'fake' in path:d}" for path in paths)
    )
    table = index_study(open_study(root), progress=False)
    assert table["given_split"].nunique() == 2 and "test" in set(table["given_split"])


@pytest.mark.parametrize("name", ["{label}/clip{at}/{frame:03d}.png", "{label}/clip{at}_{frame:03d}.png"])
def test_a_list_without_groups_over_frames_of_videos_says_so(fill, open_study, name):
    rows = [(label, at, frame) for label in CLASSES for at in range(3) for frame in range(4)]
    paths = [name.format(label=label, at=at, frame=frame) for label, at, frame in rows]
    root = fill(paths)
    lines = [f"{path},{'fake' in path:d}" for path in paths]
    (root / "index.csv").write_text("path,label\n" + "\n".join(lines))
    index_study(open_study(root), progress=False)
    assert "names look like frames of 6 videos" in layout_line(open_study(root))
    (root / "index.csv").rename(root / "train.csv")
    index_study(open_study(root), progress=False)
    assert "names look like frames of 6 videos" in layout_line(open_study(root))
