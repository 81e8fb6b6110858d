"""Networks: built by name, frozen by stage, placed on a device, kept with a description of themselves."""

from dfstudy.model.build import build_model, load_weights, start_head_at_zero
from dfstudy.model.checkpoint import LABEL_MAP, load_checkpoint, read_checkpoint, save_checkpoint
from dfstudy.model.device import (
    Normalisation,
    Place,
    choose_place,
    find_place,
    predict_logits,
    resolve_normalisation,
)
from dfstudy.model.freeze import count_parameters, freeze, train_mode
from dfstudy.model.team import ALONE, Team, join_team, launched

__all__ = [
    "ALONE",
    "LABEL_MAP",
    "Normalisation",
    "Place",
    "Team",
    "build_model",
    "choose_place",
    "count_parameters",
    "find_place",
    "freeze",
    "join_team",
    "launched",
    "load_checkpoint",
    "load_weights",
    "predict_logits",
    "read_checkpoint",
    "resolve_normalisation",
    "save_checkpoint",
    "start_head_at_zero",
    "train_mode",
]
