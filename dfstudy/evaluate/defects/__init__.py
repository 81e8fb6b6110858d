"""The audit of the recorded protocol: what each defect costs and by how much it flatters.

Takes a study and its split; gives an `Audit` and its `Number`s. Cost: trainings that are not there yet.
"""

from dfstudy.evaluate.defects.effect import Audit, Effect
from dfstudy.evaluate.defects.measure import measure_defects, run_defects
from dfstudy.evaluate.defects.numbers import defect_numbers

__all__ = ["Audit", "Effect", "defect_numbers", "measure_defects", "run_defects"]
