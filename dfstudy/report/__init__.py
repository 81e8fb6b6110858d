"""The report: what a chapter's notebook says and shows, and how chapters become one page.

This door holds the verbs of the notebooks: figures, numbers, and sentences filled from numbers. The machine
behind it is run by the command line: `build` (index, plan, Snakemake over the map in `Snakefile`),
`execute` (one chapter), `render` (the page).
"""

from dfstudy.report.figures.style import save_figure, timing_table
from dfstudy.report.numbers import load_numbers, number_table, save_numbers, say

__all__ = ["load_numbers", "number_table", "save_figure", "save_numbers", "say", "timing_table"]
