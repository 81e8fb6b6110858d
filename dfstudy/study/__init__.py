"""The study file: every setting with its meaning, its range and its default, checked when it is read."""
