"""The report: what a chapter's notebook says and shows, and how chapters become one page.

Two doors, because a notebook needs matplotlib and the command line must not wait for it. Notebooks import
`save_figure` and `timing_table` from `dfstudy.report.figures.style`, and `save_numbers`, `load_numbers` and
`say` from `dfstudy.report.numbers`. The command line imports `dfstudy.report.build`, which runs the map of
the study (`Snakefile`): chapters by `execute`, the page by `render`.
"""
