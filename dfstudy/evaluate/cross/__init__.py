"""Cross-forgery: networks that learned some forgery methods, tested on every one.

Takes the arms of a comparison; gives what they say about the test pictures, the matrix of arms and methods
with intervals, and its numbers.
"""

from dfstudy.evaluate.cross.cost import cost_numbers, without_convolutions
from dfstudy.evaluate.cross.matrix import DIFFERENCES, QUANTITIES, Cross, cross_matrix
from dfstudy.evaluate.cross.numbers import cross_numbers
from dfstudy.evaluate.cross.outcome import Outcome, network_models, run_arms

__all__ = [
    "DIFFERENCES",
    "QUANTITIES",
    "Cross",
    "Outcome",
    "cost_numbers",
    "cross_matrix",
    "cross_numbers",
    "network_models",
    "run_arms",
    "without_convolutions",
]
