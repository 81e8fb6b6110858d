"""Known ways in which sets of pictures lie in folders, and what is read from each.

Takes the root of a set of pictures and the paths below it; gives one row a picture: path, label, method,
group, given_split, error, and a line that confirms what was recognised (docs/layouts.md has the table).
An `index.csv` in the root decides where there is one (`index_csv.py`); else the first of the known sets
that places at least half of the pictures; else class folders. Names are matched as whole names below the
root, never above it.
"""

from dfstudy.data.layouts.folders import (
    ClassFolders,
    FolderMeaning,
    read_folders,
    read_meaning,
)
from dfstudy.data.layouts.layout import Files, Layout, Place, Reading
from dfstudy.data.layouts.names import (
    CLASS_NAMES,
    COLUMNS,
    FAKE,
    MASK_FOLDERS,
    REAL,
    build_aliases,
)
from dfstudy.data.layouts.registry import KNOWN, recognise
from dfstudy.data.layouts.splits import read_name, settle, split_pictures
from dfstudy.data.layouts.unknown import alias_hint

__all__ = [
    "CLASS_NAMES",
    "COLUMNS",
    "FAKE",
    "KNOWN",
    "MASK_FOLDERS",
    "REAL",
    "ClassFolders",
    "Files",
    "FolderMeaning",
    "Layout",
    "Place",
    "Reading",
    "alias_hint",
    "build_aliases",
    "read_folders",
    "read_meaning",
    "read_name",
    "recognise",
    "settle",
    "split_pictures",
]
