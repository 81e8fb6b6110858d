"""What counts as independent: a group, an identity, a video, or each image by itself.

Takes a table with one row an image and a level; gives the unit of every image, as the bootstrap draws it.
`group` is what the split keeps whole and is always there. `video` is a column that some layouts and index.csv
fill; `identity` only a table made elsewhere can have, so no study takes it. Where a column is missing, or
empty for some image, that is refused: an image without a known video is not a video of its own.
Cost: one pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dfstudy.errors import StudyError

if TYPE_CHECKING:
    from dfstudy.study.comparisons import Evaluate

UNITS = {"group": "groups", "identity": "identities", "video": "videos", "picture": "images"}


def by_group(settings: Evaluate) -> Evaluate:
    """The settings with level `group`, for statistics of tables that name nothing else."""
    return settings.model_copy(update={"level": "group"})


def refuse_unnamed(tested: Mapping[str, pd.DataFrame], level: str) -> None:
    """Refuse, before anything is trained, a study's level that its images do not name.

    Args:
        tested: images, as `units_of` takes them, by what the message calls them.

    Raises:
        StudyError: some image names no unit of that level.
    """
    for title, pictures in tested.items():
        try:
            units_of(pictures, level)
        except StudyError as error:
            raise StudyError(
                f"{title}: evaluate.level is {level}, but {error.message}",
                f"set evaluate.level to group, or fill a column {level} of their index.csv",
            ) from None


def units_of(pictures: pd.DataFrame, level: str) -> NDArray[np.str_]:
    """[n] the independent unit of each image.

    Args:
        pictures: with the columns path and group, and identity or video where the level wants them.
        level: a key of `UNITS`.

    Raises:
        StudyError: the table has no such column, or it is empty for some image.
    """
    column = "path" if level == "picture" else level
    if column not in pictures.columns:
        have = [name for name in UNITS if name in pictures.columns]
        raise StudyError(
            f"intervals over {UNITS[level]} need a column '{column}', which these images lack",
            f"set evaluate.level to {' or '.join([*have, 'picture'])}, or add the column to the table",
        )
    units = pictures[column]
    empty = units.isna() | (units.astype(str).str.strip() == "")
    if empty.any():
        raise StudyError(
            f"{int(empty.sum()):,} of {len(units):,} images name no {column}, the first "
            f"{pictures.loc[empty, 'path'].iloc[0]}",
            f"fill the column '{column}', or set evaluate.level to group",
        )
    named: NDArray[np.str_] = units.to_numpy(str)
    return named
