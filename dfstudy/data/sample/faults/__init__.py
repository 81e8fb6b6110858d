"""Planted faults: a set with one known mistake in it, to see whether an audit finds the mistake.

Takes a finished folder of pictures with an `index.csv`, the name of a fault, a strength 0..1 and a seed;
leaves a new folder with the fault planted, its `index.csv`, and `fault.json`, which says what was planted
where. `without_trace` makes the folder to plant into: pictures whose labels say nothing. `shortcuts` are what
ought not tell the label, `relations` what pictures share: copies, videos, names of groups, wrong labels.
"""

from dfstudy.data.sample.faults.plant import FAULTS, Planted, plant, without_trace

__all__ = ["FAULTS", "Planted", "plant", "without_trace"]
