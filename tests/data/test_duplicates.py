"""Duplicates: copies, both labels, near-duplicates, and the groups they join, as comparing all pairs says."""

from __future__ import annotations

from itertools import permutations

import cv2
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dfstudy.data import duplicates as module
from dfstudy.data.duplicates import EXACT, NEAR, count_duplicates, find_duplicates, find_links, join_groups
from dfstudy.data.hash_search import FARTHEST
from dfstudy.data.images import read_picture
from dfstudy.data.index import index_study
from dfstudy.data.phash import hash_bits, perceptual_hash
from dfstudy.data.split import COPY, split_study
from dfstudy.portraits.folder import render_sample
from dfstudy.study.pictures import SamplePictures


def make_rows(drawn: list[tuple[int, str, int, int]]) -> pd.DataFrame:
    """Rows of (content, group, label, bits of the hash that are set, from the left; -1 is flat)."""
    table = []
    for at, (content, group, label, ones) in enumerate(drawn):
        looks = "" if ones < 0 else f"{((1 << ones) - 1) << (256 - ones):064x}"
        row = {
            "path": f"{at:05d}.png",
            "group": group,
            "label": label,
            "phash": looks,
            "sha256": str(content),
        }
        table.append(
            row | {"pixels": f"{content:08x}", "width": 37, "height": 53, "given_split": "", "error": ""}
        )
    return pd.DataFrame(table).astype({"label": "Int8"})


_drawn = st.lists(
    st.tuples(st.integers(0, 30), st.sampled_from([f"group {at}" for at in range(10)]), st.integers(0, 1)),
    min_size=1,
    max_size=40,
).flatmap(
    # One content looks the same everywhere; looks of different contents lie near, far, or are missing.
    lambda rows: st.lists(st.integers(-1, 250), min_size=31, max_size=31).map(
        lambda looks: [(content, group, label, looks[content]) for content, group, label in rows]
    )
)


def slow_groups(drawn: list[tuple[int, str, int, int]], distance: int) -> list[str]:
    """Spread the smallest name over whatever shares group, content or looks, until nothing moves."""
    labels: dict[int, set[int]] = {}
    for content, _, label, _ in drawn:
        labels.setdefault(content, set()).add(label)

    def tied(one, other) -> bool:
        if one[1] == other[1]:
            return True
        if len(labels[one[0]]) > 1 or len(labels[other[0]]) > 1:  # excluded
            return False
        flat = min(one[3], other[3]) < 0
        return one[0] == other[0] or (0 < distance >= abs(one[3] - other[3]) and not flat)

    names = [group for _, group, _, _ in drawn]
    for _ in drawn:
        names = [min(names[j] for j, other in enumerate(drawn) if tied(one, other)) for one in drawn]
    return names


@settings(max_examples=100, deadline=None)
@given(_drawn, st.sampled_from([0, 1, 15, 16, 31]))
def test_joined_groups_are_the_connected_components(drawn, distance):
    rows = make_rows(drawn)
    links = find_links(rows, distance)
    both = rows.groupby("sha256")["label"].transform("nunique") > 1
    links = links[~both[links["first"]].to_numpy()]
    assert list(join_groups(rows, links)) == slow_groups(drawn, distance)


@settings(max_examples=60, deadline=None)
@given(_drawn, st.randoms(use_true_random=False), st.sampled_from([3, 2**21]))
def test_links_are_the_least_forest_in_any_order_and_in_any_parts(drawn, random, reduce):
    rows = make_rows(drawn)
    kept, module._REDUCE = module._REDUCE, reduce
    try:
        table = find_duplicates(rows.sample(frac=1, random_state=random.randrange(1000)))
    finally:
        module._REDUCE = kept
    pd.testing.assert_frame_equal(table, find_duplicates(rows))
    # Kruskal over all pairs, slowly.
    single = rows.groupby("sha256")["label"].transform("nunique") == 1
    leads = rows[single & (rows["phash"] != "") & ~rows["sha256"].duplicated()]
    copies = find_links(rows, 0)
    names = join_groups(rows, copies[single[copies["first"]].to_numpy()]).to_dict()
    bits = dict(zip(leads.index, hash_bits(leads["phash"]), strict=True))
    off = {(a, b): int(np.bitwise_count(bits[a] ^ bits[b]).sum()) for a in bits for b in bits if a < b}
    expected = []
    for distance, a, b in sorted((off[pair], *pair) for pair in off if off[pair] <= 31):
        if names[a] != names[b]:
            expected.append((rows["path"][b], rows["path"][a], distance))
            names = {at: names[a] if name == names[b] else name for at, name in names.items()}
    near = table[table["kind"] == NEAR]
    assert list(near[["path", "other", "distance"]].itertuples(index=False, name=None)) == expected


def test_the_table_says_what_a_pair_is():
    rows = make_rows(
        [
            (1, "a", 0, 40),
            (1, "b", 0, 40),  # a copy in another group
            (2, "c", 1, 45),  # near it, under the other label
            (3, "d", 0, 200),
            (3, "d", 1, 200),  # one image under both labels
            (4, "e", 0, -1),
            (5, "f", 0, -1),  # flat: nothing ties it to the other
            (6, "g", 0, 77),  # 32 bits from the third
        ]
    )
    rows["given_split"] = ["test", "train", "train", "val", "train", "", "", ""]
    table = find_duplicates(rows)
    assert table.to_numpy().tolist() == [
        ["00001.png", "00000.png", "exact", 0, True, False, "train and test"],
        ["00004.png", "00003.png", "exact", 0, False, True, "train and val"],
        ["00002.png", "00000.png", "near", 5, False, False, "train and test"],
    ]
    assert find_duplicates(rows, distance=0)["kind"].tolist() == [EXACT] * 2
    assert find_duplicates(rows.iloc[5:]).empty and find_duplicates(rows.iloc[:0]).empty
    joined = rows.assign(group=["a", "a", "a", "d", "d", "e", "f", "g"])
    assert count_duplicates(table, joined) == {
        "copies": 1,
        "both_labels": 1,
        "near": 1,
        "near_labels": 1,
        "given_splits": 3,
        "joined_groups": 1,
        "largest_joined": 3,
        "flat": 2,
    }


def test_of_equally_near_pairs_the_first_joins():
    nodes = np.array([0, 1, 0, 1, 2])
    pairs = [(5, 2, 3), (5, 0, 1), (5, 0, 3), (6, 3, 4), (6, 1, 4)]
    for order in permutations(pairs):
        assert module._joining(np.array(order).T, nodes).T.tolist() == [[5, 0, 1], [6, 1, 4]]


def test_a_chain_of_frames_is_one_group_and_many_near_pairs_are_few_links():
    rows = make_rows([(at, f"frame {at:03d}", at % 2, at) for at in range(250)])
    links = find_links(rows)
    assert len(links) == 249 and (links["distance"] == 1).all()
    assert join_groups(rows, links).nunique() == 1


def save(folder, pictures: dict[str, np.ndarray], **settings) -> None:
    for name, pixels in pictures.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / name, **settings)


@pytest.fixture
def planted(tmp_path, texture, open_study):
    """Twenty images a class and part, and every kind of duplicate among them."""
    folder = tmp_path / "pictures"
    pictures = {
        f"{part}/{label}/{at:02d}.png": texture(1000 * place + at)
        for place, (part, label) in enumerate((p, n) for p in ("train", "test") for n in ("real", "fake"))
        for at in range(20)
    }
    first = pictures["test/real/00.png"]
    pictures["train/fake/source.png"] = cv2.resize(pictures["train/real/05.png"], None, fx=0.5, fy=0.5)
    pictures["train/real/brighter.png"] = np.clip(pictures["train/real/06.png"] * 1.1, 0, 255).astype(
        np.uint8
    )
    pictures["train/real/copy.png"] = pictures["train/real/07.png"]
    pictures["test/real/copy.png"] = pictures["test/real/01.png"]
    ramp = np.repeat(np.arange(106, dtype=np.uint8)[:, None] // 8, 74 * 3, axis=1).reshape(106, 74, 3)
    for at in range(6):
        pictures[f"train/{('real', 'fake')[at % 2]}/flat{at}.png"] = ramp + np.uint8(10 + at)
    save(folder, pictures)
    save(folder, {"train/real/leak.jpg": first}, quality=60)
    # The same pixels under the other label, in a file that is not the same.
    save(folder, {"train/fake/both.png": pictures["train/real/08.png"]}, compress_level=0)
    return open_study(folder)


def test_planted_duplicates_are_found_and_dealt_with(planted):
    split = split_study(planted, index_study(planted, progress=False))
    found = {(row.path, row.other): row for row in split.duplicates.itertuples()}
    assert {pair: (row.kind, row.same_label, row.splits) for pair, row in found.items()} == {
        ("train/real/08.png", "train/fake/both.png"): (EXACT, False, "train"),
        ("train/real/copy.png", "train/real/07.png"): (EXACT, True, "train"),
        ("test/real/copy.png", "test/real/01.png"): (EXACT, True, "test"),
        ("train/real/05.png", "train/fake/source.png"): (NEAR, False, "train"),
        ("train/real/brighter.png", "train/real/06.png"): (NEAR, True, "train"),
        ("train/real/leak.jpg", "test/real/00.png"): (NEAR, True, "train and test"),
    }
    assert split.set_aside.set_index("path")["error"].to_dict() == {
        "train/real/08.png": "the same image is under real and under fake",
        "train/fake/both.png": "the same image is under real and under fake",
        "train/real/copy.png": COPY,
        "train/real/leak.jpg": "it, or an image of its group, has a near-duplicate in the given test set",
    }
    rows = split.rows.set_index("path")
    for one, other in (
        ("train/real/05.png", "train/fake/source.png"),
        ("train/real/brighter.png", "train/real/06.png"),
        ("test/real/copy.png", "test/real/01.png"),  # the given test set keeps what it has
    ):
        assert rows.loc[one, ["group", "split"]].tolist() == rows.loc[other, ["group", "split"]].tolist()
    assert (split.rows["group"].value_counts() > 1).sum() == 3
    assert not split.groups_known
    counts = count_duplicates(split.duplicates, split.rows)
    assert counts["given_splits"] == 1 and counts["largest_joined"] == 2 and counts["flat"] == 6


def test_any_number_of_threads_finds_the_same(planted, tmp_path, monkeypatch):
    tables = []
    for threads in (1, 5):
        monkeypatch.setattr("dfstudy.system.threads.count_cores", lambda threads=threads: threads)
        study = planted.model_copy(update={"out": tmp_path / f"{threads}"})
        tables.append(find_duplicates(index_study(study, progress=False)))
    pd.testing.assert_frame_equal(*tables)


def test_the_study_decides_how_near_is_near(planted):
    table = index_study(planted, progress=False)
    data = planted.data.model_copy(update={"near_duplicates": 0})
    split = split_study(planted.model_copy(update={"data": data}), table)
    assert set(split.duplicates["kind"]) == {EXACT}
    assert "train/real/leak.jpg" in set(split.part("train")["path"]) | set(split.part("val")["path"])


def test_rendered_people_are_told_apart(tmp_path, open_study):
    """18 people, 3 shots each and their forgeries: the hash joins those of one person alone."""
    folder = tmp_path / "portraits"
    render_sample(folder, SamplePictures(identities=18, frames=3, size=64), progress=False)
    named = index_study(open_study(folder), progress=False)
    assert (named["phash"] != "").all()
    person = named.set_index("path")["group"]
    table = find_duplicates(named.assign(group=named["path"]))
    assert len(table) > 10  # a fake and its source
    strangers = table[table["path"].map(person).to_numpy() != table["other"].map(person).to_numpy()]
    assert strangers.empty


def test_real_people_are_farther_than_two_steps(shared_data):
    """The claim beside the distance: different faces differ in more than twice the bits of duplicates."""
    files = sorted((shared_data / "openforensics_7k" / "Train" / "Real").iterdir())[:400]
    bits = hash_bits(perceptual_hash(read_picture(file)) for file in files)
    apart = np.bitwise_count(bits[:, None] ^ bits[None]).sum(axis=2, dtype=int)
    assert apart[np.triu_indices(400, 1)].min() > 2 * FARTHEST
