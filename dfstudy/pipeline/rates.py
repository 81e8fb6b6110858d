"""The range test as a command: a table, a figure and a sentence about the learning rate.

Takes an invocation; leaves `seed<n>.csv` and `seed<n>.png` under `<out>/rates` and gives the suggestion in
words. Same study, images and machine: same bytes. No run, chapter or number of the report reads them.
"""

from __future__ import annotations

import io
import os

from dfstudy.pipeline.environment import steady_environment
from dfstudy.pipeline.invocation import Invocation, shown_path
from dfstudy.system.kept import write_atomic


def run_rates(invocation: Invocation, seed: int, low: float, high: float, steps: int) -> str:
    """Try learning rates from `low` to `high`; what was found, and where the files lie.

    Raises:
        StudyError: see `dfstudy.train.rate_range.try_rates`.
    """
    os.environ.update(steady_environment())
    # Imported here: the threads of torch are settled by the environment above.
    import matplotlib.pyplot as plt

    from dfstudy.chapters.c03_training.figures import draw_rate_range
    from dfstudy.data.index import index_study
    from dfstudy.data.split import split_study
    from dfstudy.train.rate_range import try_rates

    study = invocation.settings
    tried = try_rates(study, split_study(study, index_study(study)), seed, (low, high), steps)
    folder = study.out / "rates"
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / f"seed{seed}.csv"
    write_atomic(table, tried.table.to_csv(index=False, lineterminator="\n").encode())
    lines = [tried.describe(), f"every step: {shown_path(table)}"]
    if len(tried.table):
        picture = io.BytesIO()
        figure = draw_rate_range(tried)
        figure.savefig(picture, format="png", metadata={"Software": None})
        plt.close(figure)
        write_atomic(table.with_suffix(".png"), picture.getvalue())
        lines.append(f"the curve:  {shown_path(table.with_suffix('.png'))}")
    return "\n".join(lines)
