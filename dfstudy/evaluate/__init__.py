"""Evaluation: predictions of finished runs, metrics, and how sure they are.

Takes runs and their split, or tables of predictions; gives `Number`s and the tables that figures draw. The
audits of the pictures (`dfstudy.evaluate.shortcuts`, `.leakage`) are doors of their own, for chapter 01.
"""

from dfstudy.evaluate.against import compare_scores
from dfstudy.evaluate.aligned import align
from dfstudy.evaluate.arms import list_arms
from dfstudy.evaluate.augmentation import augmentation_numbers
from dfstudy.evaluate.corrupted import predict_corrupted
from dfstudy.evaluate.cross import (
    cost_numbers,
    cross_matrix,
    cross_numbers,
    network_models,
    run_arms,
    without_convolutions,
)
from dfstudy.evaluate.curves import chosen_points, find_mistakes, reliability, roc_band, seed_curves
from dfstudy.evaluate.elsewhere import elsewhere_numbers, test_elsewhere
from dfstudy.evaluate.examples import choose_examples
from dfstudy.evaluate.explain import explain
from dfstudy.evaluate.intervals import Interval, group_interval
from dfstudy.evaluate.meaning import calibrate, meaning_numbers, risk_curve
from dfstudy.evaluate.metrics import auc
from dfstudy.evaluate.pointing import explain_numbers
from dfstudy.evaluate.policies import (
    compare_policies,
    control_numbers,
    policy_numbers,
    run_controls,
    run_policies,
)
from dfstudy.evaluate.predict import predict
from dfstudy.evaluate.published import published_models, published_numbers
from dfstudy.evaluate.robustness import measure_robustness, robustness_numbers
from dfstudy.evaluate.scores import evaluate_scores
from dfstudy.evaluate.scores_file import read_scores, write_scores
from dfstudy.evaluate.testing import number_by_method, test_numbers
from dfstudy.evaluate.training import training_numbers
from dfstudy.evaluate.videos import measure_videos
from dfstudy.evaluate.weighted import MetricUndefined
from dfstudy.number import Number

__all__ = [
    "Interval",
    "MetricUndefined",
    "Number",
    "align",
    "auc",
    "augmentation_numbers",
    "calibrate",
    "choose_examples",
    "chosen_points",
    "compare_policies",
    "compare_scores",
    "control_numbers",
    "cost_numbers",
    "cross_matrix",
    "cross_numbers",
    "elsewhere_numbers",
    "evaluate_scores",
    "explain",
    "explain_numbers",
    "find_mistakes",
    "group_interval",
    "list_arms",
    "meaning_numbers",
    "measure_robustness",
    "measure_videos",
    "network_models",
    "number_by_method",
    "policy_numbers",
    "predict",
    "predict_corrupted",
    "published_models",
    "published_numbers",
    "read_scores",
    "reliability",
    "risk_curve",
    "robustness_numbers",
    "roc_band",
    "run_arms",
    "run_controls",
    "run_policies",
    "seed_curves",
    "test_elsewhere",
    "test_numbers",
    "training_numbers",
    "without_convolutions",
    "write_scores",
]
