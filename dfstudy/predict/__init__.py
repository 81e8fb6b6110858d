"""A finished run on images, clean or corrupted: one table of scores, kept beside the run."""
