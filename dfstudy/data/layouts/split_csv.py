"""Tables train.csv, valid.csv, test.csv beside the images, as with 140k Real and Fake Faces.

Takes tables with a column of paths and `label_str` (real, fake) or `label`. The number in `label` means real
= 1 in the 140k set and fake = 1 elsewhere: without label_str the folders' names say which, and where they do
not, the table is refused. Gives the tables' names as splits; nothing names groups. An image that no table
names, or that two describe differently, or whose folder says otherwise, is excluded.
Sources: docs/layouts.md.
"""

from __future__ import annotations

import io
from collections.abc import Mapping

import pandas as pd

from dfstudy.data.layouts.counters import seem_frames
from dfstudy.data.layouts.folders import FolderMeaning, read_meaning
from dfstudy.data.layouts.layout import Files, Place, Reading, tabulate
from dfstudy.data.layouts.lists import ListFinder
from dfstudy.data.layouts.names import CLASS_NAMES, SPLIT_WORDS, build_aliases
from dfstudy.errors import StudyError

_PATHS = ("path", "image_path", "img_path", "filepath", "file_path", "filename", "file_name", "image")
_WORDS = ("label_str", "label_name", "class_name")


class SplitCSV:
    """140k Real and Fake Faces, and its subsets."""

    name = "tables by split"

    def read(self, files: Files) -> Reading | None:
        """Rows where a table names an image on disk; a StudyError where a label says neither."""
        tables = {file: _read_table(files, file) for file in files.named(*(f"{w}.csv" for w in SPLIT_WORDS))}
        tables = {file: table for file, table in tables.items() if table is not None}
        if not tables:
            return None
        rows = pd.concat(tables.values(), ignore_index=True)
        rows["path"] = ListFinder(files.pictures).find(rows["listed"].tolist())
        missing = int((rows["path"] == "").sum())
        rows = rows[rows["path"] != ""].drop(columns="listed").reset_index(drop=True)
        if rows.empty:
            return None
        aliases = build_aliases(files.study.data.aliases)
        meanings = {folder: read_meaning(folder, aliases) for folder in dict.fromkeys(files.folders)}
        rows["label"] = _labels(files, rows, aliases, meanings)
        places = _places(
            files, rows, meanings, " or ".join(sorted({file.rpartition("/")[2] for file in tables}))
        )
        given = sorted({place.given_split for place in places} - {""}, key=("train val test").find)
        notes = [f"listed but not there: {missing:,}"] if missing else []
        if videos := seem_frames(files.pictures):
            notes.append(f"names look like frames of {videos:,} videos: name these in an index.csv")
        names = f"given by {', '.join(sorted(file.rpartition('/')[2] for file in tables))}"
        splits = names if len(given) > 1 else "no splits given"
        return Reading(self.name, tabulate(files.pictures, places), 0, splits, "none named", "; ".join(notes))


def _read_table(files: Files, file: str) -> pd.DataFrame | None:
    """Columns listed, word, number, table, given_split; None where it is a table of something else."""
    try:
        table = pd.read_csv(io.StringIO(files.text(file)), dtype=str, keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError):
        return None
    table.columns = [str(name).strip().lower() for name in table.columns]
    paths = next((name for name in _PATHS if name in table.columns), None)
    word = next((name for name in _WORDS if name in table.columns), None)
    if paths is None or (word is None and "label" not in table.columns):
        return None
    numbers = table["label"].str.strip() if "label" in table.columns else ""
    words = table[word].str.strip().str.lower() if word else ""
    name = file.rpartition("/")[2]
    split = SPLIT_WORDS[name.lower().removesuffix(".csv")]
    return pd.DataFrame({"listed": table[paths]}).assign(
        word=words, number=numbers, table=name, given_split=split
    )


def _labels(
    files: Files, rows: pd.DataFrame, aliases: Mapping[str, int], meanings: Mapping[str, FolderMeaning]
) -> pd.Series:
    """Label of each row: its word, or what its number means by the folders that bear it.

    Raises:
        StudyError: a word or a number means neither real nor fake.
    """
    says = rows["word"].where(rows["word"] != "", rows["number"].str.lower())
    known = {word: aliases[word] for word in says.unique() if word in aliases}
    folders = pd.Series([meanings[path.rpartition("/")[0]].label for path in rows["path"]])
    for word in sorted(set(says) - known.keys()):
        meant = set(folders[(says == word) & folders.notna()])
        if len(meant) != 1:
            table = rows.loc[says == word, "table"].iloc[0]
            raise StudyError(
                f"{files.study.pictures}: {table} gives the label '{word}', "
                "and no folder says whether that is real or fake (sets differ in what 1 means)",
                "add a column label_str with real or fake to the table, or write index.csv (path,label)",
            )
        known[word] = int(meant.pop())
    if len(set(known.values())) < len(known) and set(known) == {"0", "1"}:
        raise StudyError(
            f"{files.study.pictures}: by the folders both labels, 0 and 1, mean {CLASS_NAMES[known['0']]}",
            "add a column label_str with real or fake to the tables",
        )
    return says.map(known)


def _places(
    files: Files, rows: pd.DataFrame, meanings: Mapping[str, FolderMeaning], tables: str
) -> list[Place]:
    found: dict[str, Place] = {}
    for row in rows.itertuples(index=False):
        meaning = meanings[row.path.rpartition("/")[0]]
        fake = meaning.method if meaning.label == 1 else "fake"
        place = Place(row.label, fake if row.label else "real", "", "", row.given_split)
        if meaning.label is not None and meaning.label != row.label:
            reason = f"its folder says {CLASS_NAMES[meaning.label]}, {row.table} {CLASS_NAMES[row.label]}"
            place = place._replace(error=reason)
        if found.setdefault(row.path, place) != place:
            found[row.path] = place._replace(error="two tables, or two lines, describe it differently")
    nowhere = Place(None, "", "", error=f"not in {tables}")
    return [found.get(path, nowhere) for path in files.pictures]
