"""Two tables of scores compared: the functions' own numbers, and nothing lost or contradicted in silence."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from sklearn import metrics as sk

from dfstudy.cli.main import main
from dfstudy.errors import StudyError
from dfstudy.scoring.paired_comparison import compare_scores
from dfstudy.scoring.scores_file import read_scores
from dfstudy.stats.comparisons import auc_difference, holm, mcnemar, permutation_test
from dfstudy.stats.delong import compare_delong
from dfstudy.study.comparisons import Evaluate

SETTINGS = Evaluate(replicates=200)
HALF = (0.5, 0.5)


def made(gain=0.0, n=240, groups=True, seed=0):
    """Scores of one detector; every image's difficulty is the same whatever the gain."""
    random = np.random.default_rng(7)
    labels = np.arange(n) % 2
    logits = random.normal(2 * labels - 1, 1.5) + gain * (2 * labels - 1)
    logits += np.random.default_rng(seed).normal(0, 0.5, n)
    table = pd.DataFrame({"path": [f"{i:03d}.png" for i in range(n)], "label": labels})
    table["score"] = 1 / (1 + np.exp(-logits))
    return table.assign(group=[f"g{i // 4}" for i in range(n)]) if groups else table


@pytest.fixture
def compared(tmp_path):
    """Write two tables, read and compare them: numbers by name, and the remarks as one text."""

    def compare(first, second, thresholds=HALF, settings=SETTINGS):
        tables = []
        for name, table in (("first", first), ("second", second)):
            table.to_csv(tmp_path / f"{name}.csv", index=False)
            tables.append(read_scores(tmp_path / f"{name}.csv"))
        numbers, remarks = compare_scores(*tables, settings, thresholds)
        return {number.id.removeprefix("compare."): number for number in numbers}, " | ".join(remarks)

    return compare


@pytest.mark.parametrize("groups", [True, False])
def test_a_table_against_itself_differs_by_nothing_and_nothing_is_found(compared, groups):
    numbers, remarks = compared(made(groups=groups), made(groups=groups).sample(frac=1, random_state=0))
    for name in ("auc", "balanced_accuracy"):
        assert numbers[f"{name}.difference"].value == 0
        assert numbers[f"{name}.p"].value == numbers[f"{name}.p_holm"].value == 1
        assert (
            numbers[f"{name}.detectable"].value is None
            and "does not vary" in numbers[f"{name}.detectable"].note
        )
        assert numbers[f"first.{name}"].value == numbers[f"second.{name}"].value
    assert numbers["mcnemar.p_groups"].value == 1
    assert numbers["mcnemar.only_first"].value == numbers["mcnemar.only_second"].value == 0
    assert numbers["auc.delong.p"].value == (None if groups else 1)
    assert "score every image alike" in remarks


def test_a_better_second_table_is_found_and_the_other_way_round_it_is_worse(compared):
    one, other = made(), made(gain=1.0, seed=1)
    numbers, remarks = compared(one, other)
    back, _ = compared(other, one)
    for name in ("auc", "balanced_accuracy"):
        difference = numbers[f"{name}.difference"]
        assert 0 < difference.low < difference.value < difference.high
        assert numbers[f"{name}.p_holm"].value < 0.05
        assert 0 < numbers[f"{name}.detectable"].value < difference.value
        assert back[f"{name}.difference"].value == pytest.approx(-difference.value)
    assert numbers["mcnemar.only_second"].value > numbers["mcnemar.only_first"].value
    assert numbers["mcnemar.p_groups"].value < 0.05 and remarks == ""


def test_the_numbers_are_those_of_the_functions(compared):
    one, other = made(), made(gain=0.3, seed=1)
    numbers, _ = compared(one, other, (0.4, 0.6))
    y, first, second, units = one["label"], one["score"], other["score"], one["group"]
    expected = auc_difference(y, first, second, units, SETTINGS)
    got = numbers["auc.difference"]
    ends = [float(end) for end in (expected.value, expected.low, expected.high)]
    assert [got.value, got.low, got.high] == pytest.approx(ends)
    assert (got.n, got.groups) == (240, 60)
    p = [
        permutation_test(y, first, second, units, SETTINGS),
        permutation_test(y, first, second, units, SETTINGS, (0.4, 0.6)),
    ]
    assert [numbers[f"{name}.p"].value for name in ("auc", "balanced_accuracy")] == p
    adjusted = [numbers[f"{name}.p_holm"].value for name in ("auc", "balanced_accuracy")]
    assert adjusted == holm(p).tolist()
    for name, scores, threshold in (("first", first, 0.4), ("second", second, 0.6)):
        assert numbers[f"{name}.auc"].value == pytest.approx(sk.roc_auc_score(y, scores))
        accuracy = sk.balanced_accuracy_score(y, scores >= threshold)
        assert numbers[f"{name}.balanced_accuracy"].value == pytest.approx(accuracy)
        assert f"{threshold:g}" in numbers[f"{name}.balanced_accuracy"].note


def test_delong_and_mcnemars_own_p_are_for_independent_pictures_only(compared):
    one, other = made(groups=False), made(gain=0.5, groups=False, seed=1)
    numbers, remarks = compared(one, other)
    expected = compare_delong(one["label"], one["score"], other["score"])
    got = numbers["auc.delong.difference"]
    assert (got.value, got.low, got.high) == pytest.approx((expected.value, expected.low, expected.high))
    assert numbers["auc.delong.p"].value == pytest.approx(expected.p)
    right = [(table["score"] >= 0.5) == table["label"] for table in (one, other)]
    judged = mcnemar(*right, range(len(one)))
    assert (numbers["mcnemar.p"].value, numbers["mcnemar.p_exact"].value) == (judged.p_mid, judged.p_exact)
    assert remarks.count("nothing names groups") == 1

    # groups that are named stay known where single images are drawn
    for level in ("group", "picture"):
        settings = SETTINGS.model_copy(update={"level": level})
        related, _ = compared(made(), made(gain=0.5, seed=1), settings=settings)
        for name in ("auc.delong.difference", "auc.delong.p", "mcnemar.p", "mcnemar.p_exact"):
            assert related[name].value is None and "independent images only" in related[name].note
        assert related["mcnemar.p_groups"].value is not None


def test_pictures_of_one_table_only_are_left_out_counted_and_named(compared):
    one, other = made(), made(gain=0.5, seed=1)
    other["score"] = other["score"].astype(object)
    other.loc[20, "score"] = ""
    numbers, remarks = compared(one.iloc[2:], other.iloc[:-7])
    assert numbers["pictures"].value == 240 - 2 - 7 - 1
    assert "first: 7 of its images are not in the other table and left out: '233.png'" in remarks
    assert "and 2 more" in remarks
    assert "second: 2 of its images are not in the other table and left out: '000.png', '001.png'" in remarks
    assert "1 shared images lack a score in one table and are left out: '020.png'" in remarks
    kept = np.r_[2:20, 21:233]
    rest, _ = compared(one.iloc[kept], other.iloc[kept])
    assert rest == numbers


def test_contradictions_are_refused(compared):
    one, other = made(), made(gain=0.5, seed=1)
    with pytest.raises(StudyError, match=r"disagree about the label of 3 images, the first '000\.png'"):
        compared(one, other.assign(label=other["label"].where(other.index > 2, 1 - other["label"])))
    with pytest.raises(StudyError, match="disagree about the group of 240 images"):
        compared(one, other.assign(group="x" + other["group"]))
    with pytest.raises(StudyError, match="share 0 images"):
        compared(one, other.assign(path="x/" + other["path"]))
    with pytest.raises(StudyError, match="need a column 'video'"):
        compared(one, other, settings=SETTINGS.model_copy(update={"level": "video"}))


def test_what_belongs_together_may_be_named_in_one_table_alone(compared):
    one, other = made(), made(gain=0.5, seed=1)
    both, _ = compared(one, other)
    for pair in ((one, other.drop(columns="group")), (one.drop(columns="group"), other)):
        numbers, remarks = compared(*pair)
        assert numbers == both and "nothing names groups" not in remarks
    videos = [table.rename(columns={"group": "video"}) for table in (one, other)]
    by_video = SETTINGS.model_copy(update={"level": "video"})
    numbers, _ = compared(videos[0], videos[1].drop(columns="video"), settings=by_video)
    assert numbers["auc.p"].value == both["auc.p"].value and numbers["groups"].unit == "videos"


def test_no_threshold_one_class_and_scores_of_no_use(compared):
    one, other = made(), made(gain=0.5, seed=1)
    numbers, _ = compared(one, other, None)
    assert numbers["auc.p_holm"].value == numbers["auc.p"].value
    for name in ("second.balanced_accuracy", "balanced_accuracy.difference", "mcnemar.p"):
        assert numbers[name].value is None and numbers[name].note == "no threshold was given"
    fakes, _ = compared(*(table[table["label"] == 1] for table in (one, other)))
    for name in ("first.auc", "auc.difference", "auc.p", "auc.p_holm", "auc.detectable"):
        assert fakes[name].value is None and "lack a class" in fakes[name].note
    assert fakes["mcnemar.p_groups"].value is not None
    numbers, remarks = compared(one, other.assign(score=0.5))
    assert numbers["second.auc"].value == 0.5 and "second: all scores are equal" in remarks
    plain = [table.drop(columns="group") for table in (one, other)]
    numbers, _ = compared(plain[0].assign(score=plain[0]["label"]), plain[1].assign(score=0.5))
    assert numbers["auc.delong.p"].value is None and "variance is zero" in numbers["auc.delong.p"].note
    _, remarks = compared(one, other.assign(score=1 - other["score"]))
    assert "second: the scores run the wrong way" in remarks


def test_one_group_alone_has_neither_interval_nor_detectable_difference(compared):
    numbers, _ = compared(made().assign(group="g"), made(gain=0.5, seed=1).assign(group="g"))
    assert numbers["auc.difference"].low is None and numbers["auc.detectable"].note == "too few groups"
    assert numbers["auc.p"].value == 1


def test_the_command_compares_and_answers_mistakes(tmp_path):
    files = [tmp_path / "one.csv", tmp_path / "other.csv"]
    for file, table in zip(files, (made(), made(gain=1.0, seed=1)), strict=True):
        table.to_csv(file, index=False)
    asked = ["evaluate", str(files[0]), "--against", str(files[1]), "--replicates", "100"]

    def run(*options, status=0):
        done = CliRunner().invoke(main, [*asked, *options])
        assert done.exit_code == status, done.output
        return done.output

    said = run("--threshold", "0.5").splitlines()
    line = next(line for line in said if line.startswith("balanced_accuracy.difference "))
    assert "[" in line and "second minus first" in line
    assert any(line.startswith("second.balanced_accuracy ") and "of 0.5" in line for line in said)
    assert "of 0.7" in run("--threshold", "0.5", "--against-threshold", "0.7")
    assert "no threshold was given" in run()
    assert "next step:" in run("--against-threshold", "0.7", status=1)
    made()[["path", "label"]].to_csv(tmp_path / "truth.csv", index=False)
    pd.read_csv(files[1])[["path", "score"]].iloc[4:].to_csv(files[1], index=False)
    listed = run("--truth", str(tmp_path / "truth.csv"))
    assert "second: 4 images of the list are not in the table" in listed
