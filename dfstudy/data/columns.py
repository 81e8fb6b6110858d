"""What is known of an image before it is opened: each column of the index and of `index.csv`, declared once.

The index, its fingerprint, `index.csv`, predictions and tables of scores take their lists of columns from
here. A column that `index.csv` may bring is added to `TABLE`, and described in docs/layouts.md and README.md,
which a test holds to it.
"""

from __future__ import annotations

LAYOUT = ("label", "method", "group", "video", "given_split")  # what every layout says, in this order
TABLE = ("pipeline",)  # text that only index.csv says; empty elsewhere, and part of the fingerprint
MASK = "mask"  # path of a mask, which only index.csv says; it has a fingerprint of its own
NOTES = "notes"  # JSON of all its further columns, with a fingerprint of its own: subgroups of the test
# of a split, never of a file, and part of its fingerprint: what a fake and a real of one batch share
PAIR = "pair"
SPLIT = "split"  # what index.csv calls `given_split`

# what a reader may write into index.csv beside path and label; of `dfstudy faces` are source and frame
OPTIONAL = ("method", "group", "video", SPLIT, MASK, *TABLE)
UNSAID = dict.fromkeys((*TABLE, MASK, NOTES), "")  # where nothing but index.csv could have said it
