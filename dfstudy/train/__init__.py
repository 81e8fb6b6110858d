"""Training: one run a seed, found by its content, resumed where it stopped, or begun."""

from dfstudy.train.run import Run, load_run, train, train_all

__all__ = ["Run", "load_run", "train", "train_all"]
