"""Tables of scores that another tool made: read, checked, and written in the same form.

Takes a CSV (comma, semicolon or tab; UTF-8) or parquet file with columns path, label and score, and where
known method, group, identity and video (docs/predictions.md); optionally a second one that lists the
images which were to be scored. Gives a `ScoredTable` in the columns of `predict`. An image without a
number, and one that was to be scored and is not in the table, is kept as failed and counted. Refused, with
the lines: no such columns, labels that mean nothing, scores that are words, one path with two scores, a label
or an image that the list contradicts. Cost: one pass over the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet

from dfstudy.data.columns import TABLE
from dfstudy.data.layouts.names import CLASS_NAMES, FAKE, build_aliases
from dfstudy.data.tables import LINE, as_text, read_cells, read_labels
from dfstudy.errors import StudyError, near_match
from dfstudy.stats.units import UNITS
from dfstudy.system.file_kind import no_file
from dfstudy.system.kept import write_atomic

DESCRIPTION = ("method", "group", "identity", "video", *TABLE)
NOT_SCORED = frozenset({"", "nan", "na", "n/a", "none", "null", "-nan", "<na>"})
ENDLESS = frozenset({"inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"})
SCHEMA = f"path,label,score and optionally {','.join(DESCRIPTION)}; see docs/predictions.md"
MOST_ROWS = 50_000_000  # of a parquet file
MOST_NAMED = 5  # lines or paths that a message names
NO_GROUPS = "nothing names groups: each image counts as independent, which is too sure if any are related"


@dataclass(frozen=True)
class ScoredTable:
    """Scores with what they are scores of.

    Attributes:
        pictures: a row an image, sorted by path: path, label (0 real, 1 fake), method, group; identity,
            video and pipeline where given; and probability: the score as read, NaN where there is none.
        probabilities: True where every score lies in 0..1.
        remarks: what a reader must know, one sentence each.
    """

    pictures: pd.DataFrame
    probabilities: bool
    remarks: tuple[str, ...]


def read_scores(file: Path, truth: Path | None = None) -> ScoredTable:
    """Read and check a table of scores.

    Args:
        file: .csv, .tsv, .txt or .parquet.
        truth: a table of all images that were to be scored, with path and label, and where known method,
            group, identity and video; it then says what is what, and `file` may hold path and score alone.

    Raises:
        StudyError: the file is no such table.
    """
    table = _read_table(file, ["path", "score"] if truth else ["path", "label", "score"])
    remarks: list[str] = []
    table["probability"] = _scores(file, table, remarks)
    if "label" in table.columns:
        table["label"] = _labels(file, table)
    table = _once(file, table, remarks)
    if truth is not None:
        table = _join(file, table, truth, remarks)
    described = _describe(table, remarks)
    finite = described["probability"].dropna()
    if finite.empty:
        raise StudyError(f"{file}: no image has a score", "look at how the scores were written")
    outside = int(((finite < 0) | (finite > 1)).sum())
    if outside:
        remarks.append(
            f"{outside:,} scores lie outside 0..1, so they are no probabilities: only their order, and "
            "verdicts at a threshold that you give, are judged"
        )
    if finite.min() == finite.max():
        remarks.append("all scores are equal, so nothing is distinguished")
    return ScoredTable(described, not outside, tuple(remarks))


def write_scores(predictions: pd.DataFrame, file: Path) -> None:
    """Write a table of `predict` in the documented schema; CSV or parquet, by the file's ending.

    Raises:
        StudyError: the file exists, or its ending is neither.
    """
    columns = [name for name in DESCRIPTION if name in predictions.columns]
    table = predictions[["path", "label"]].assign(score=predictions["probability"])
    table = pd.concat([table, predictions[columns]], axis=1)
    if file.exists():
        raise StudyError(f"{file} exists already", "give a new name; nothing is overwritten")
    if file.suffix == ".parquet":
        write_atomic(file, table.to_parquet(index=False))
    elif file.suffix == ".csv":
        # 17 digits, as repr writes them, bring back every bit
        safe = table.map(lambda cell: as_text(cell) if isinstance(cell, str) else cell)
        write_atomic(file, safe.to_csv(index=False, lineterminator="\n").encode())
    else:
        raise StudyError(f"{file}: neither .csv nor .parquet", "choose one of these endings")


def _read_table(file: Path, needed: list[str]) -> pd.DataFrame:
    """Known columns as stripped text, and `line`, the row's line in a CSV."""
    if not file.exists():
        raise StudyError(f"there is no file {file}", "give the path of a .csv or .parquet table of scores")
    if file.suffix not in (".csv", ".tsv", ".txt", ".parquet"):
        raise StudyError(
            f"{file} cannot be read: its ending is '{file.suffix}'",
            "save it as comma-separated UTF-8 text or as parquet",
        )
    example = f"it needs the columns {SCHEMA}"
    table = _read_parquet(file) if file.suffix == ".parquet" else read_cells(file, example)
    if "score" not in table.columns and "probability" in table.columns:
        table = table.rename(columns={"probability": "score"})  # as `predict` calls it
    for name in needed:
        if name not in table.columns:
            found = ", ".join(table.columns.drop(LINE))
            near = near_match(name, table.columns)
            raise StudyError(f"{file} has no column '{name}'{near}; it has: {found}", f"it needs {SCHEMA}")
    known = [name for name in ("path", "label", "score", *DESCRIPTION) if name in table.columns]
    table = table[[*known, LINE]]
    table = table[(table[known] != "").any(axis=1)]
    if table.empty:
        raise StudyError(f"{file} holds no row", f"it needs {SCHEMA}")
    if (table["path"] == "").any():
        raise StudyError(f"{file}, {_lines(table[table['path'] == ''])}: no path", "name every image")
    return table.reset_index(drop=True)


def _read_parquet(file: Path) -> pd.DataFrame:
    """As `read_cells`; a row's line is its number, as if a header stood above."""
    try:
        if kind := no_file(file):
            raise ValueError(f"it is {kind}")
        # a few kilobytes can unpack to any number of rows
        if (rows := pyarrow.parquet.read_metadata(file).num_rows) > MOST_ROWS:
            raise ValueError(f"it has {rows:,} rows, where at most {MOST_ROWS:,} are read")
        table = pd.read_parquet(file)
        table.columns = [str(name).strip().lower() for name in table.columns]
        known = ("path", "label", "score", "probability", *DESCRIPTION)
        for name in table.columns.intersection(known):
            if table[name].map(pd.api.types.is_list_like).any():
                raise ValueError(f"a cell of '{name}' holds a list")
    except Exception as error:  # what a damaged file raises is up to the reader
        reason = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
        raise StudyError(
            f"{file} cannot be read: {reason}", "save it as comma-separated UTF-8 text or as parquet"
        ) from None
    repeated = table.columns[table.columns.duplicated()]
    if len(repeated):
        raise StudyError(f"{file} has the column '{repeated[0]}' twice", "remove or rename one of them")
    # repr keeps every bit of a float; a missing cell is an empty text
    cells = {
        name: ["" if pd.isna(v) else str(v).strip() for v in table[name]] for name in table if name in known
    }
    return pd.DataFrame(cells, dtype=str).assign(**{LINE: np.arange(len(table)) + 2})


def _scores(file: Path, table: pd.DataFrame, remarks: list[str]) -> pd.Series:
    words = table["score"].str.lower()
    numbers = pd.to_numeric(words.where(~words.isin(NOT_SCORED | ENDLESS)), errors="coerce")
    wrong = numbers.isna() & ~words.isin(NOT_SCORED | ENDLESS)
    if wrong.any():
        examples = ", ".join(f"'{word}'" for word in table.loc[wrong, "score"].unique()[:MOST_NAMED])
        raise StudyError(
            f"{file}, {_lines(table[wrong])}: scores that are no numbers: {examples}",
            "write a number with a decimal point, or leave the cell empty where there is none",
        )
    # Python's own float reads back every bit, in every version of pandas
    exact = [float(word) if known else np.nan for word, known in zip(words, numbers.notna(), strict=True)]
    found = pd.Series(exact, index=table.index, dtype="float64")
    endless = words.isin(ENDLESS) | np.isinf(found)  # a number of more digits than a float holds
    if endless.any():
        remarks.append(f"{int(endless.sum()):,} scores are infinite and count as failed")
    return found.mask(endless)


def _labels(file: Path, table: pd.DataFrame) -> pd.Series:
    labels = read_labels(table["label"], build_aliases({}))
    if labels.isna().any():
        bad = table[labels.isna()]
        values = ", ".join(f"'{word}'" for word in bad["label"].unique()[:MOST_NAMED])
        raise StudyError(
            f"{file}, {_lines(bad)}: labels that say neither real nor fake: {values}",
            "write 0 or real, 1 or fake",
        )
    return labels.astype("int64")


def _once(file: Path, table: pd.DataFrame, remarks: list[str]) -> pd.DataFrame:
    """One row a path; repeated rows that say the same are left out, and said."""
    same = [name for name in table.columns if name not in ("line", "score")]
    kept = table.drop_duplicates(same)
    twice = kept[kept["path"].duplicated(keep=False)]
    if len(twice):
        raise StudyError(
            f"{file}, {_lines(twice)}: '{twice['path'].iloc[0]}' is there with different contents",
            "keep one row an image",
        )
    if len(kept) < len(table):
        remarks.append(f"{len(table) - len(kept):,} rows repeat another word for word and count once")
    return kept


def _join(file: Path, table: pd.DataFrame, truth: Path, remarks: list[str]) -> pd.DataFrame:
    """Rows of the list, in its words, with the scores of the table; NaN where it has none."""
    asked = _read_table(truth, ["path", "label"])
    asked["label"] = _labels(truth, asked)
    asked = _once(truth, asked.drop(columns="score", errors="ignore"), [])
    extra = table[~table["path"].isin(asked["path"])]
    if len(extra):
        raise StudyError(
            f"{file}: {len(extra):,} of its images are not in {truth}, the first '{extra['path'].iloc[0]}'",
            "write paths in both files alike, or give the list that these scores belong to",
        )
    columns = [name for name in ("path", "probability", "label") if name in table.columns]
    both = asked.merge(table[columns], on="path", how="left", suffixes=("", "_told"))
    if "label_told" in both:
        differs = both["label_told"].notna() & (both["label_told"] != both["label"])
        if differs.any():
            raise StudyError(
                f"{file} and {truth} disagree about the label of {int(differs.sum()):,} images, the first "
                f"'{both.loc[differs, 'path'].iloc[0]}'",
                "fake is 1 and real is 0: see whether one of the two files has them the other way round",
            )
    absent = len(asked) - len(table)
    if absent:
        remarks.append(f"{absent:,} images of the list are not in the table and count as failed")
    return both


def _describe(table: pd.DataFrame, remarks: list[str]) -> pd.DataFrame:
    """The columns of `predict`, with what is not given filled in."""
    table = table.assign(**{name: "" for name in ("method", "group") if name not in table.columns})
    names = table["label"].map(CLASS_NAMES)
    table["method"] = table["method"].where((table["method"] != "") & (table["label"] == FAKE), names)
    if (table["group"] == "").all():
        table["group"] = table["path"]
        remarks.append(NO_GROUPS)
    elif (table["group"] == "").any():
        count = int((table["group"] == "").sum())
        table["group"] = table["group"].where(table["group"] != "", table["path"])
        remarks.append(f"{count:,} images name no group and are one each")
    further = [name for name in (*UNITS, *TABLE) if name in table.columns and name != "group"]
    failed = int(table["probability"].isna().sum())
    if failed:
        remarks.append(f"{failed:,} of {len(table):,} images have no score: all numbers are without them")
    return table[["path", "label", "method", "group", *further, "probability"]].sort_values(
        "path", ignore_index=True
    )


def _lines(rows: pd.DataFrame) -> str:
    named = ", ".join(str(line) for line in rows["line"].iloc[:MOST_NAMED])
    more = f" and {len(rows) - MOST_NAMED:,} more" if len(rows) > MOST_NAMED else ""
    return f"line{'s' * (len(rows) > 1)} {named}{more}"
