"""Which images make a pair, and which trainings are asked for."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from dfstudy.data.split import Split
from dfstudy.study.comparisons import Pairs
from dfstudy.study.recipe import Augment
from dfstudy.study.study import load_study
from dfstudy.variants.pairs import PAIRED, SHUFFLED, pair_rows, paired_share, why_no_pairs
from dfstudy.variants.registry import PAIRS, RUNS, list_variants

# path, label, group, source
ROWS = [
    ("a.png", 0, "one", ""),
    ("b.png", 0, "one", ""),
    ("x.png", 1, "one", "a.png"),  # names its source
    ("y.png", 1, "one", ""),  # any real of the group that no fake names
    ("z.png", 1, "two", "gone.png"),  # names what is not there, and has no real in its group
    ("c.png", 0, "three", ""),
]


def split_of(rows=ROWS) -> Split:
    table = pd.DataFrame(
        [
            {
                "path": path,
                "sha256": path,
                "label": label,
                "group": group,
                "method": "swap" if label else "real",
            }
            | {"split": part, "notes": json.dumps({"source": source}) if source else ""}
            for part in ("train", "val")
            for path, label, group, source in (
                rows if part == "train" else [(f"v{r[0]}", *r[1:]) for r in rows]
            )
        ]
    )
    return Split(table, table.iloc[:0], None, "f" * 64, True, (), table.iloc[:0])


@pytest.fixture
def study(tmp_path):
    study = load_study("sample", out=str(tmp_path))
    return study.model_copy(update={"pairs": Pairs(measured=True, seeds=2)})


def test_a_source_makes_a_pair_else_the_group():
    pair = pair_rows(split_of()).part("train").set_index("path")["pair"]
    assert pair["x.png"] == pair["a.png"] == "source/a.png"
    assert pair["y.png"] == pair["b.png"] == "group/one" and pair["z.png"] == "group/two"
    assert paired_share(pair_rows(split_of())) == pytest.approx(2 / 3)
    other = [(*row[:3], "b.png" if row[0] == "x.png" else row[3]) for row in ROWS]
    assert (
        len(
            {
                split_of().fingerprint,
                pair_rows(split_of()).fingerprint,
                pair_rows(split_of(other)).fingerprint,
            }
        )
        == 3
    )


def test_both_ways_differ_in_the_split_alone_and_the_shuffled_one_is_the_studys_own(study):
    shuffled, paired = list_variants(study, split_of(), PAIRS)
    assert (shuffled.name, paired.name) == (SHUFFLED, PAIRED) and shuffled.study == paired.study
    (main,) = list_variants(study, split_of(), RUNS)
    assert shuffled.identity(0) == main.identity(0) != paired.identity(0)
    assert len(paired.study.training.seeds) == min(2, len(study.training.seeds))


def test_why_nothing_is_paired(study):
    assert list_variants(study.model_copy(update={"pairs": Pairs()}), split_of(), PAIRS) == []
    apart = [(path, label, path, "") for path, label, _, _ in ROWS]
    assert "shares a group" in why_no_pairs(study, split_of(apart))
    forged = study.model_copy(update={"augment": Augment(policy="self_blend")})
    assert "made of a real image" in why_no_pairs(forged, split_of())
    assert list_variants(forged, split_of(), PAIRS) == []
