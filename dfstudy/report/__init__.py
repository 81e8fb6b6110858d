"""The report: what a chapter's notebook says and shows, and how chapters become one page.

This door holds the verbs of the notebooks: saving numbers and figures, and sentences filled from numbers.
Running chapters and writing the page are doors of their own (`build`, `execute`, `render`), so that a
change there re-runs no chapter.
"""

import pandas as pd

from dfstudy.report.figures.style import save_figure, timing_table
from dfstudy.report.numbers import load_numbers, number_table, save_numbers, say

pd.set_option("display.max_colwidth", None)  # a table in a report is not cut off at 50 letters

__all__ = ["load_numbers", "number_table", "save_figure", "save_numbers", "say", "timing_table"]
