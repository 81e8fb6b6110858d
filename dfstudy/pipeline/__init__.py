"""The report as steps: planned, run where something changed, and put on one page."""
