"""Tables made outside: the right numbers, or a clear error; and out and in again, bit for bit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from sklearn import metrics as sk

from dfstudy.cli.main import main
from dfstudy.errors import StudyError
from dfstudy.scoring.scores import describe, evaluate_scores
from dfstudy.scoring.scores_file import read_scores, write_scores
from dfstudy.stats import measures as testing
from dfstudy.study.comparisons import Evaluate

SETTINGS = Evaluate(replicates=100)


def made(n=120, seed=0, groups=True):
    random = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    table = pd.DataFrame({"path": [f"{i:03d}.png" for i in range(n)], "label": labels})
    table["score"] = 1 / (1 + np.exp(-random.normal(2 * labels - 1, 1.5)))
    return table.assign(group=[f"g{i // 4}" for i in range(n)]) if groups else table


@pytest.fixture
def judged(tmp_path):
    """Write a table, read and judge it: numbers by name, and the remarks as one text."""

    def judge(table, threshold=None, truth=None, settings=SETTINGS):
        file = tmp_path / "scores.csv"
        file.write_text(table) if isinstance(table, str) else table.to_csv(file, index=False)
        if truth is not None:
            truth.to_csv(tmp_path / "truth.csv", index=False)
        read = read_scores(file, None if truth is None else tmp_path / "truth.csv")
        numbers, remarks = evaluate_scores(read, settings, threshold)
        return {number.id.removeprefix("test."): number for number in numbers}, " | ".join(remarks)

    return judge


def test_numbers_are_scikit_learns_and_those_of_the_test_chapter(judged):
    table = made()
    numbers, remarks = judged(table, threshold=0.6)
    y, s = table["label"], table["score"]
    assert numbers["auc"].value == pytest.approx(sk.roc_auc_score(y, s))
    assert numbers["average_precision"].value == pytest.approx(sk.average_precision_score(y, s))
    assert numbers["log_loss"].value == pytest.approx(sk.log_loss(y, s))
    assert numbers["balanced_accuracy"].value == pytest.approx(sk.balanced_accuracy_score(y, s >= 0.6))
    assert "at the given threshold of 0.6" in numbers["accuracy"].note and remarks == ""
    own = table.rename(columns={"score": "probability"}).assign(method=np.where(y == 1, "fake", "real"))
    chapter = {n.id.removeprefix("test."): n for n in testing.test_numbers([own], [0.6], SETTINGS)}
    assert set(chapter) == set(numbers)
    for name, number in chapter.items():
        assert (number.value, number.low, number.high) == (
            numbers[name].value,
            numbers[name].low,
            numbers[name].high,
        )


@pytest.mark.parametrize("kind", ["random", "perfect", "inverted", "constant"])
def test_scores_of_every_quality(judged, kind):
    table, random = made(), np.random.default_rng(1)
    label = table["label"].to_numpy(float)
    scores = {"random": random.random(120), "perfect": label, "inverted": 1 - label, "constant": 0.3}
    numbers, remarks = judged(table.assign(score=scores[kind]), threshold=0.5)
    area = numbers["auc"]
    expected = {"random": area.value, "perfect": 1, "inverted": 0, "constant": 0.5}[kind]
    assert area.value == expected and 0 <= area.low <= area.value <= area.high <= 1
    assert ("run the wrong way" in remarks) == (kind == "inverted")
    assert ("all scores are equal" in remarks) == (kind == "constant")
    if kind == "random":
        assert area.low < 0.5 < area.high
    if kind == "perfect":
        assert numbers["brier"].value == 0 and 0.8 < area.low < 1  # 30 groups promise no more


def test_scores_missing_and_infinite_count_against_coverage(judged):
    table = made()
    table["score"] = table["score"].astype(object)
    table.loc[[3, 4, 5], "score"] = ["", "nan", "inf"]
    numbers, remarks = judged(table)
    assert numbers["coverage"].value == pytest.approx(117 / 120) and numbers["coverage"].n == 120
    rest = table.drop([3, 4, 5]).astype({"score": float})
    assert numbers["auc"].value == pytest.approx(sk.roc_auc_score(rest["label"], rest["score"]))
    assert "3 of 120 images have no score" in remarks and "1 scores are infinite" in remarks


def test_a_list_of_all_pictures_finds_the_missing_rows(judged):
    table = made()
    numbers, remarks = judged(table.iloc[10:][["path", "score"]].sample(frac=1), truth=table)
    assert numbers["coverage"].value == pytest.approx(110 / 120) and numbers["auc"].groups == 28
    assert "10 images of the list are not in the table" in remarks
    alone, _ = judged(table.iloc[10:])
    assert (alone["auc"].value, alone["auc"].low) == (numbers["auc"].value, numbers["auc"].low)


def test_scores_outside_the_unit_are_ranked_only(judged):
    table = made()
    plain, _ = judged(table)
    logits, remarks = judged(table.assign(score=np.log(table["score"] / (1 - table["score"]))), threshold=0.0)
    assert logits["auc"].value == pytest.approx(plain["auc"].value)
    for name in ("log_loss", "brier", "ece", "accuracy_at_half"):
        assert logits[name].value is None and logits[name].note == "the scores are no probabilities"
    assert logits["accuracy"].value == pytest.approx(plain["accuracy_at_half"].value)
    assert plain["accuracy"].value is None and plain["accuracy"].note == "no threshold was given"
    assert "outside 0..1" in remarks


def test_words_spaces_separators_and_a_byte_order_mark(judged):
    lines = [
        "\ufeffPath;Label;Score",
        *(f" {p} ;{'Fake' if y else 'genuine'};{s!r}" for p, y, s, *_ in made().values),
    ]
    numbers, _ = judged("\r\n".join(lines))
    plain, _ = judged(made())
    assert numbers["auc"].value == plain["auc"].value


def test_no_groups_is_said_and_methods_have_their_numbers(judged):
    numbers, remarks = judged(made(groups=False))
    assert numbers["auc"].groups == 120 and "each image counts as independent" in remarks
    method = np.where(made()["label"] == 1, np.where(np.arange(120) % 4 == 1, "swap", "GAN 2"), "")
    named, _ = judged(made().assign(method=method))
    assert {"auc.method.swap", "auc.method.gan_2"} <= set(named)
    assert "sensitivity.method.swap" not in named  # no threshold, no verdicts
    assert "sensitivity.method.swap" in judged(made().assign(method=method), threshold=0.5)[0]


def test_one_class_says_so(judged):
    numbers, _ = judged(made().query("label == 1"), threshold=0.5)
    assert numbers["auc"].value is None and "lack a class" in numbers["auc"].note
    assert numbers["sensitivity"].value is not None


def test_repeated_rows_count_once_and_are_said(judged):
    table = made()
    numbers, remarks = judged(pd.concat([table, table.iloc[:7]]))
    assert numbers["pictures"].value == 120 and "7 rows repeat" in remarks


HEAD = "path,label,score\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        (HEAD, "holds no row"),
        ("path,label,scores\na,0,1\n", r"no column 'score' \(did you mean 'scores'\?\)"),
        ("path,score\na,1\n", "no column 'label'"),
        (HEAD + "a,0,0.1\nb,maybe,0.2\n", "line 3: labels that say neither real nor fake: 'maybe'"),
        (HEAD + "a,0,0.1\nb,,0.2\n", "line 3: labels"),
        (HEAD + "a,0,0.1\nb,1,high\n", "line 3: scores that are no numbers: 'high'"),
        (HEAD + "a,0,0.1\na,0,0.2\n", "lines 2, 3: 'a' is there with different contents"),
        (HEAD + "a,0,0.1\na,1,0.1\n", "different contents"),
        (HEAD + "a,0,\nb,1,nan\n", "no image has a score"),
        (HEAD + ",0,0.4\n", "line 2: no path"),
        ("path,label,score,score\na,0,1,1\n", "the column 'score' twice"),
        ("path;label;score\na;0;0,5\nb;1;0,7\n", "no numbers: '0,5'"),
        (HEAD + "a,0,0.1,7\nb,1,0.2,7\n", "line 2: 4 cells, where the first line has 3"),
    ],
)
def test_what_cannot_be_judged_is_refused_with_its_lines(judged, text, words):
    with pytest.raises(StudyError, match=words):
        judged(text)


def test_the_list_contradicts(judged):
    table = made()
    with pytest.raises(StudyError, match="disagree about the label of 120 images"):
        judged(table.assign(label=1 - table["label"]), truth=table)
    with pytest.raises(StudyError, match="1 of its images are not in"):
        judged(table, truth=table.iloc[1:])


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_out_and_in_again_keeps_every_bit(tmp_path, predictions, ending):
    file = tmp_path / f"predictions{ending}"
    write_scores(predictions[0], file)
    read = read_scores(file)
    columns = ["path", "label", "method", "group", "probability"]
    pd.testing.assert_frame_equal(
        read.pictures[columns], predictions[0][columns], check_exact=True, check_dtype=False
    )
    with pytest.raises(StudyError, match="exists already"):
        write_scores(predictions[0], file)
    with pytest.raises(StudyError, match=r"neither \.csv nor"):
        write_scores(predictions[0], tmp_path / "x.json")


def test_files_that_are_none(tmp_path):
    with pytest.raises(StudyError, match="there is no file"):
        read_scores(tmp_path / "none.csv")
    (tmp_path / "x.parquet").write_bytes(b"no table")
    with pytest.raises(StudyError, match="cannot be read"):
        read_scores(tmp_path / "x.parquet")


def test_the_command_prints_numbers_and_remarks_and_ends_by_status(tmp_path):
    file = tmp_path / "scores.csv"
    made(groups=False).to_csv(file, index=False)
    done = CliRunner().invoke(main, ["evaluate", str(file), "--replicates", "100", "--threshold", "0.5"])
    assert done.exit_code == 0, done.output
    line = next(line for line in done.output.splitlines() if line.startswith("auc "))
    assert "[" in line and "100 resamples" not in line
    assert "note: 95 % interval over 100 resamples of groups (Student's interval)" in done.output
    assert "note: nothing names groups" in done.output
    file.write_text("path,label\na,1\n")
    done = CliRunner().invoke(main, ["evaluate", str(file)])
    assert done.exit_code == 1 and "next step:" in done.output and "no column 'score'" in done.output


def test_lines_for_a_terminal_line_up(judged):
    numbers, _ = judged(made())
    lines = describe(list(numbers.values()), ["a remark"]).splitlines()
    assert len(lines) == len(numbers) + 3 and lines[-1] == "note: a remark"
    assert "not defined" in next(line for line in lines if line.startswith("accuracy "))
