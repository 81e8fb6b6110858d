"""The table of traits: measured once a content, kept, complete, and drawn in whole groups."""

from __future__ import annotations

import shutil

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfstudy.data import traits as module
from dfstudy.data.index import index_study
from dfstudy.data.traits import FAMILIES, draw_pictures, read_traits
from dfstudy.errors import StudyError

PATHS = [f"{name}/{at}.png" for name in ("real", "fake") for at in range(4)]


@pytest.fixture
def study(fill, open_study):
    return open_study(fill(PATHS))


@pytest.fixture
def measured(monkeypatch):
    """Paths in the order in which they were measured."""
    seen, original = [], module._measure
    monkeypatch.setattr(
        module, "_measure", lambda root, pair: (seen.append(pair[0]), original(root, pair))[1]
    )
    return seen


def test_every_trait_of_every_family_is_there_in_the_rows_order(study):
    rows = index_study(study, progress=False).iloc[::-1]
    table = read_traits(study, rows, progress=False)
    assert table["path"].tolist() == rows["path"].tolist()
    for family in FAMILIES.values():
        assert set(family.names) <= set(table.columns)
        assert table[[*family.values, *family.linear]].dtypes.eq("float64").all()
    names = [name for family in FAMILIES.values() for name in family.names]
    assert len(names) == len(set(names))
    assert set(table["extension"]) == {".png"} and set(table["dimensions"]) == {"37 x 53"}
    assert table["bytes_per_pixel"].tolist() == (rows["bytes"] / (37 * 53)).tolist()


def test_a_content_is_measured_once_whatever_it_is_called(study, measured):
    first = read_traits(study, index_study(study, progress=False), progress=False)
    assert len(measured) == 8
    (study.pictures / "real/0.png").rename(study.pictures / "real/zero.PNG")
    shutil.copy(study.pictures / "fake/1.png", study.pictures / "fake/copy.png")
    rows = index_study(study, progress=False)
    again = read_traits(study, rows, progress=False).set_index("path")
    assert len(measured) == 8
    assert again.loc["real/zero.PNG", "sharpness"] == first.set_index("path").loc["real/0.png", "sharpness"]
    assert again.loc["real/zero.PNG", "extension"] == ".PNG"
    assert again.loc["fake/copy.png", "noise"] == again.loc["fake/1.png", "noise"]


def test_other_code_or_a_damaged_table_measures_again(study, measured, monkeypatch):
    rows = index_study(study, progress=False)
    first = read_traits(study, rows, progress=False)
    (study.out / "data" / "traits.parquet").write_bytes(b"PAR1 cut off")
    pd.testing.assert_frame_equal(read_traits(study, rows, progress=False), first)
    monkeypatch.setattr(module, "versions", lambda *names: {"pillow": "0"})
    pd.testing.assert_frame_equal(read_traits(study, rows, progress=False), first)
    assert len(measured) == 24
    assert sorted(file.suffix for file in (study.out / "data").iterdir()).count(".parquet") == 2


def test_threads_change_no_byte(study, monkeypatch):
    rows = index_study(study, progress=False)
    tables = []
    for cores in (1, 5):
        monkeypatch.setattr("dfstudy.system.threads.count_cores", lambda cores=cores: cores)
        monkeypatch.setattr("dfstudy.system.threads.CHUNK", cores)
        (study.out / "data" / "traits.parquet").unlink(missing_ok=True)
        read_traits(study, rows, progress=False)
        tables.append((study.out / "data" / "traits.parquet").read_bytes())
    assert tables[0] == tables[1]


def test_a_file_that_changed_or_went_is_refused(study):
    rows = index_study(study, progress=False)
    shutil.copy(study.pictures / "real/1.png", study.pictures / "real/0.png")
    with pytest.raises(StudyError, match=r"real/0\.png: it changed after it was indexed"):
        read_traits(study, rows, progress=False)
    (study.pictures / "real/0.png").unlink()
    with pytest.raises(StudyError, match=r"real/0\.png: the file is missing"):
        read_traits(study, rows, progress=False)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3)), max_size=120), st.integers(1, 130))
@settings(max_examples=80, deadline=None)
def test_whole_groups_are_drawn_and_every_method_has_its_share(pairs, most):
    rows = pd.DataFrame(pairs, columns=["group", "kind"]).assign(
        path=[f"{at:03d}" for at in range(len(pairs))], group=lambda table: table["group"].astype(str)
    )
    rows["label"], rows["method"] = (rows["kind"] > 0).astype(int), "m" + rows["kind"].astype(str)
    drawn = draw_pictures(rows, 0, most)
    kept = rows["group"].isin(drawn["group"])
    assert drawn["path"].tolist() == rows.loc[kept, "path"].tolist()
    assert len(drawn) == len(rows) if len(rows) <= most else True
    assert set(drawn["method"]) == set(rows["method"])
    shuffled = draw_pictures(rows.sample(frac=1, random_state=1), 0, most)
    assert shuffled["path"].tolist() == drawn["path"].tolist()


def test_a_large_set_is_cut_and_a_rare_method_is_kept_whole():
    rows = pd.DataFrame({"path": [f"{at:05d}" for at in range(9000)]})
    rows["group"] = "g" + (rows.index // 2).astype(str)
    rows["label"] = (rows.index % 2).astype(int)
    rows["method"] = ["real" if at % 2 == 0 else "rare" if at % 200 == 1 else "usual" for at in range(9000)]
    drawn = draw_pictures(rows, 0, 1000)
    assert 1000 <= len(drawn) <= 1300
    assert drawn["method"].value_counts()["rare"] == 45
    assert draw_pictures(rows, 1, 1000)["path"].tolist() != drawn["path"].tolist()
