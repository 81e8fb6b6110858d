"""Networks: built by name, frozen by stage, placed on a device, kept with a description of themselves."""

from dfstudy.model.build import build_model, load_weights
from dfstudy.model.checkpoint import LABEL_MAP, load_checkpoint, read_checkpoint, save_checkpoint
from dfstudy.model.device import Normalisation, Place, choose_place, predict_logits, resolve_normalisation
from dfstudy.model.freeze import count_parameters, freeze, train_mode

__all__ = [
    "LABEL_MAP",
    "Normalisation",
    "Place",
    "build_model",
    "choose_place",
    "count_parameters",
    "freeze",
    "load_checkpoint",
    "load_weights",
    "predict_logits",
    "read_checkpoint",
    "resolve_normalisation",
    "save_checkpoint",
    "train_mode",
]
