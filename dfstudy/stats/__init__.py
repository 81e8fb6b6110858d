"""Statistics: metrics, bootstrap over groups, paired comparisons, seeds, calibration, thresholds."""
