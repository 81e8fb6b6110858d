"""Statistics: metrics, bootstrap over groups, paired comparisons, seeds, calibration, words of verdicts."""
