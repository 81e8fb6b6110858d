"""The network's suspicions: of validation and test images alone, by the mean over seeds."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd

from dfstudy.chapters.c04_test import label_errors as room
from dfstudy.present.numbers import say
from dfstudy.study.study import load_study


def scored(part, logits, labels):
    paths = [f"{part}{at}.png" for at in range(len(logits))]
    return pd.DataFrame({"part": part, "path": paths, "label": labels, "group": paths, "logit": logits})


def test_labels_that_the_network_contradicts_are_listed(tmp_path):
    labels = [0, 0, 0, 1, 1, 1]
    runs, tables = [], []
    for shift in (-0.1, 0.1):
        train = scored("train", [9.0, -9.0], [0, 1])  # learned from: no suspicion
        val = scored("val", [-2, -2, 3 + shift, 2, 2, 2], labels)
        runs.append(SimpleNamespace(clean=pd.concat([train, val])))
        tables.append(scored("test", [-2, -2, -2, 2, 2, -4 + shift], labels).drop(columns="part"))
    number = room.suspect_labels(load_study(out=str(tmp_path)), runs, tables)
    table = pd.read_csv(tmp_path / "numbers" / room.TABLE)
    assert (number.value, number.n) == (2, 12)
    assert table["path"].tolist() == ["test5.png", "val2.png"] and table["split"].tolist() == ["test", "val"]
    assert "of 12 labels" in say(room.tell_suspects(number), [number]).data
