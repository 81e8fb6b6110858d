"""Which video a fake was made from, and the groups that keep both together."""

from __future__ import annotations

from dfstudy.faces.pairs import Clip, find_originals, name_groups

FF = [
    "manipulated_sequences/Deepfakes/c23/videos/071_054.mp4",
    "manipulated_sequences/Deepfakes/c23/videos/054_071.mp4",
]


def clips(reals, fakes, groups=()) -> list[Clip]:
    groups = dict(groups)
    listed = [(path, 0) for path in reals] + [(path, 1) for path in fakes]
    return [Clip(path, label, groups.get(path, path)) for path, label in listed]


def test_names_of_the_known_sets():
    reals = [
        "real/ffpp_youtube_519.mp4",
        "real/celebdf_id0_0000.mp4",
        "real/id12_0003.avi",
        "real/02__exit_phone.mp4",
    ]
    fakes = {
        "fake/ffpp_Deepfakes_519_515.mp4": reals[0],
        "fake/celebdf_id0_id1_0000.mp4": reals[1],
        "fake/id12_id3_0003.mp4": reals[2],
        "fake/02_15__exit_phone__ABCD1234.mp4": reals[3],
        "fake/id1_id3_0003.mp4": None,
        "fake/ffpp_Deepfakes_515_519.mp4": None,
    }
    listed = clips(reals, fakes)
    originals = find_originals(listed)
    assert originals == {fake: real for fake, real in fakes.items() if real}
    groups = name_groups(listed, originals)
    assert groups[reals[0]] == "515+519"
    assert groups["fake/ffpp_Deepfakes_515_519.mp4"] == groups["fake/ffpp_Deepfakes_519_515.mp4"] == "515+519"
    assert groups[reals[1]] == groups["fake/celebdf_id0_id1_0000.mp4"] == "id0"
    assert groups["fake/02_15__exit_phone__ABCD1234.mp4"] == groups[reals[3]] == "actor 02"


def test_numbered_files_of_another_set_are_no_pairs():
    listed = clips(["real/clip_001.mp4", "real/b.mp4"], ["fake/clip_700_800.mp4", "fake/clip_001.mp4"])
    originals = find_originals(listed)
    assert originals == {}
    assert name_groups(listed, originals) == {clip.path: clip.path for clip in listed}


def test_of_two_compressions_the_same_one():
    reals = [f"original_sequences/youtube/{quality}/videos/071.mp4" for quality in ("c40", "c23", "raw")]
    layout = dict.fromkeys([*reals, *FF], "054+071")
    originals = find_originals(clips(reals, FF, layout))
    assert originals == {FF[0]: reals[1]}
    assert set(name_groups(clips(reals, FF, layout), originals).values()) == {"054+071"}


def test_dfdc_names_its_originals_in_a_file():
    listed = clips(["a/xkfliqnmwt.mp4"], ["a/qeumxirsme.mp4", "a/other.mp4"],
                   {"a/xkfliqnmwt.mp4": "xkfliqnmwt", "a/qeumxirsme.mp4": "xkfliqnmwt"})  # fmt: skip
    originals = find_originals(listed)
    assert originals == {"a/qeumxirsme.mp4": "a/xkfliqnmwt.mp4"}
    assert name_groups(listed, originals)["a/qeumxirsme.mp4"] == "xkfliqnmwt"


def test_without_labels_nothing_is_tied():
    listed = [Clip(path, None, path) for path in ("id0_0000.mp4", "id0_id1_0000.mp4")]
    assert find_originals(listed) == {} and len(set(name_groups(listed, {}).values())) == 2
