"""What is said of paired training: planted reliance is measured, and untrained networks are not judged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from scipy.stats import spearmanr

from dfstudy.chapters.c09_pretrained import pairs as room
from dfstudy.chapters.c09_pretrained.questions_pairs import answer_pairs
from dfstudy.present.numbers import say
from dfstudy.stats.aligned import align
from dfstudy.study.comparisons import Evaluate
from dfstudy.study.study import load_study

SETTINGS = Evaluate(replicates=200)


def measured(follows: float, forgery: float = 1.5, groups: int = 150) -> room.PairedTraining:
    """Shuffled training follows the properties within a label, paired training by a factor less."""
    random = np.random.default_rng(0)
    labels, units = np.tile([0, 1], groups), np.repeat(np.arange(groups), 2)
    probe = random.normal(labels - 0.5, 1)

    def tables(share):
        for _ in range(3):
            logit = forgery * labels + share * probe + random.normal(0, 1, 2 * groups)
            paths = [f"{at:04d}" for at in range(2 * groups)]
            told = {"path": paths, "label": labels, "method": "swap", "group": units.astype(str)}
            yield pd.DataFrame(told | {"probability": expit(logit)})

    return room.PairedTraining(align(list(tables(1.5))), align(list(tables(follows))), probe, 0.8)


def test_planted_reliance_is_measured():
    found = measured(0.0)
    numbers = {number.id: number for number in room.pair_numbers(found, SETTINGS)}
    labels = found.shuffled.labels
    expected = np.mean(
        [
            spearmanr(row[labels == kind], found.probe[labels == kind])[0]
            for row in found.shuffled.probabilities
            for kind in (0, 1)
        ]
    )
    assert numbers["pairs.reliance.shuffled"].value == pytest.approx(expected, abs=0.03)
    assert numbers["pairs.reliance.paired"].low < 0 < numbers["pairs.reliance.paired"].high
    assert numbers["pairs.reliance.difference"].high < 0
    assert room.verdict_of("reliance", numbers) == "improves"
    assert numbers["pairs.probe.auc"].low > 0.5 and numbers["pairs.auc.paired"].n == 300


def test_words_and_answer_follow_from_the_numbers():
    found = measured(1.5)
    numbers = room.pair_numbers(found, SETTINGS)
    told = say(room.tell_pairs(numbers), numbers).data
    assert (
        "inconclusive" in told and "0.800 of the training fakes" in told and "little to rely on" not in told
    )
    assert room.pairs_table(numbers)["verdict"].tolist() == ["inconclusive", "inconclusive"]
    gathered = type("Gathered", (), {"numbers": {number.id: number for number in numbers}})()
    assert answer_pairs(gathered)[0].verdict == "cannot tell"
    blind = room.pair_numbers(replace(found, untrained=("paired",)), SETTINGS)
    assert set(room.pairs_table(blind)["verdict"]) == {"not trained enough to tell; paired has not learned"}
    gathered.numbers = {number.id: number for number in blind}
    assert answer_pairs(gathered)[0].verdict == "not trained enough to tell"
    gathered.numbers = {}
    assert answer_pairs(gathered) == []


def test_a_study_that_asks_for_no_pairs_says_so(capsys, tmp_path):
    assert room.show_pairs(load_study("sample", out=str(tmp_path)), None) == []


def test_the_probe_ranks_the_test_by_what_training_images_taught(monkeypatch, tmp_path):
    rows = pd.DataFrame({"path": [f"{at:03d}" for at in range(300)], "label": np.tile([0, 1], 150)})
    rows = rows.assign(method="swap", group=rows["path"], split=np.repeat(["train", "val", "test"], 100))
    monkeypatch.setattr(
        room,
        "read_traits",
        lambda study, rows, progress: rows[["path"]].assign(
            size=rows["label"] * 5.0 + np.arange(len(rows)) % 5
        ),
    )
    monkeypatch.setattr(room, "every_trait", lambda: room_family())
    table = rows.iloc[200:].assign(probability=0.5)
    test = align([table])
    split = type("S", (), {"rows": rows})()
    ranks = room._probe(load_study("sample", out=str(tmp_path)), split, test, False)
    assert ranks[test.labels == 1].min() > ranks[test.labels == 0].max()


def room_family():
    from dfstudy.data.traits import Family

    return Family("", values=("size",))
