"""What validation decides when a run has been trained: the threshold and the temperature.

Takes logits and labels (fake = 1) of validation; gives a probability and a temperature. Ties are settled by a
rule, never by order. Both are taken anew whenever a finished run is read, so that another rule trains nothing
again.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import expit
from sklearn.metrics import roc_curve

TEMPERATURES = (0.05, 20.0)  # beyond these a probability is 0, 1/2 or 1 whatever the logit


def best_threshold(logits: np.ndarray, labels: np.ndarray) -> float:
    """Probability at which `probability >= threshold` means fake with the best balanced accuracy.

    Candidates are midpoints between neighbouring probabilities. Of equally good ones the nearest to 1/2
    counts, and of two equally near the lower.
    """
    probabilities = expit(logits.astype(np.float64))
    false_alarms, found, levels = roc_curve(labels, probabilities, drop_intermediate=False)
    balanced = (found + 1 - false_alarms) / 2
    below = np.append(levels[1:], 0.0)  # the next lower level; under the lowest everything is fake
    midpoints = (np.minimum(levels, 1.0) + below) / 2
    best = midpoints[balanced >= balanced.max() - 1e-12]
    return float(min(best, key=lambda level: (abs(level - 0.5), level)))


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Temperature T that makes sigmoid(logit / T) fit best: least log-loss (Guo et al., arXiv 1706.04599)."""
    exact, signs = logits.astype(np.float64), np.where(labels == 1, 1.0, -1.0)

    def log_loss(log_temperature: float) -> float:
        return float(np.logaddexp(0, -signs * exact / np.exp(log_temperature)).mean())

    low, high = np.log(TEMPERATURES)
    fit = minimize_scalar(log_loss, bounds=(low, high), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(fit.x))
