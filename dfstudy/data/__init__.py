"""Pictures: what there is, what it is called, what it looks like as an array, and who trains on it.

Takes a study; gives the index of its pictures, the split into training, validation and test, and single
decoded pictures. The loader (`dfstudy.data.loader`) is a door of its own, as it needs torch, and so are the
traits that chapter 01 audits (`dfstudy.data.traits`): another way of measuring them trains nothing again.
"""

from dfstudy.data.duplicates import count_duplicates, find_duplicates
from dfstudy.data.images import PictureError, read_picture
from dfstudy.data.index import index_study
from dfstudy.data.index_file import layout_line
from dfstudy.data.split import Split, prove_disjoint, set_aside, split_study

__all__ = [
    "PictureError",
    "Split",
    "count_duplicates",
    "find_duplicates",
    "index_study",
    "layout_line",
    "prove_disjoint",
    "read_picture",
    "set_aside",
    "split_study",
]
