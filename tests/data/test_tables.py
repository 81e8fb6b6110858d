"""Tables that other programs wrote: the same cells in every dialect, for index.csv and for scores alike."""

from __future__ import annotations

import pandas as pd
import pytest

from dfstudy.data.index import index_study
from dfstudy.data.tables import read_cells
from dfstudy.errors import StudyError
from dfstudy.scoring.scores_file import read_scores

CELLS = [["path", "label", "score"]]
CELLS += [[f"{name}/{at}.png", str(at % 2), f"0.{at + 1}"] for at in range(6) for name in ["ab"[at % 2]]]


def written(separator=",", label=str, encoding="utf-8", before="", end="\n", quoted=False, after=""):
    """The cells as one program or another writes them."""

    def line(cells):
        cells = [f'"{cell}"' for cell in cells] if quoted else cells
        return separator.join(cells) + after + end

    rows = [CELLS[0], *([path, label(word), score] for path, word, score in CELLS[1:])]
    return (before + "".join(map(line, rows))).encode(encoding)


DIALECTS = {
    "plain": written(),
    "floats": written(label=lambda word: f"{word}.0"),
    "floats of a decimal comma": written(";", label=lambda word: f"{word},0"),
    "other numbers": written(label=lambda word: f"{word}e+00"),
    "words": written(label=lambda word: {"0": "REAL", "1": "Fake"}[word]),
    "semicolons": written(";"),
    "tabs": written("\t"),
    "a spreadsheet's mark": written(encoding="utf-8-sig"),
    "a spreadsheet's Unicode text": written("\t", encoding="utf-16"),
    "Unicode text without a mark": written("\t", encoding="utf-16-le"),
    "the same, the large end first": written(encoding="utf-16-be"),
    "bars": written("|"),
    "the line that names the separator": written(";", before="sep=;\r\n", end="\r\n"),
    "quotes around all": written(quoted=True),
    "spaces": written(", "),
    "empty cells at the ends": written(after=",,"),
    "empty lines": written(end="\n\n"),
}


@pytest.mark.parametrize("data", DIALECTS.values(), ids=DIALECTS.keys())
def test_every_dialect_says_the_same_to_index_and_evaluate(data, fill, open_study, tmp_path):
    root = fill([path for path, _, _ in CELLS[1:]])
    (root / "index.csv").write_bytes(data)
    table = index_study(open_study(root), progress=False).set_index("path")
    expected = {path: int(label) for path, label, _ in CELLS[1:]}
    assert table["label"].to_dict() == expected and set(table["error"]) == {""}
    (tmp_path / "scores.csv").write_bytes(data)
    scored = read_scores(tmp_path / "scores.csv").pictures.set_index("path")
    assert scored["label"].to_dict() == expected
    assert scored["probability"].to_dict() == {path: float(score) for path, _, score in CELLS[1:]}


def test_lines_are_counted_as_an_editor_counts_them(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text('path,note\n"a","two\nlines"\n\nb,x\n')
    assert read_cells(file, "").to_dict("list") == {
        "path": ["a", "b"],
        "note": ["two\nlines", "x"],
        "line": [2, 5],
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("path,label\na.png,0\na, b.png,1\n", "line 3: 3 cells, where the first line has 2"),
        ('path,label\n"a.png,0\n', "cannot be read: line"),
        ("path,PATH\na,b\n", "has the column 'path' twice"),
    ],
)
def test_what_is_no_table_is_refused_with_its_line(tmp_path, text, message):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(StudyError, match=message):
        read_cells(tmp_path / "a.csv", "write path,label")


def test_labels_that_are_neither_are_refused_alike(fill, open_study, tmp_path):
    root = fill(["a.png", "b.png"])
    text = "path,label,score\na.png,0,0.1\nb.png,0.5,0.2\n"
    for file in (root / "index.csv", tmp_path / "scores.csv"):
        file.write_text(text)
    for read in (
        lambda: index_study(open_study(root), progress=False),
        lambda: read_scores(tmp_path / "scores.csv"),
    ):
        with pytest.raises(StudyError, match=r"line 3: labels that say neither real nor fake: '0.5'"):
            read()


def test_a_table_without_rows_keeps_its_columns(tmp_path):
    (tmp_path / "a.csv").write_text("path,label\n")
    assert list(read_cells(tmp_path / "a.csv", "").columns) == ["path", "label", "line"]
    assert isinstance(read_cells(tmp_path / "a.csv", ""), pd.DataFrame)
