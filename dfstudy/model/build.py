"""A timm network with one logit, weights from nowhere, a package, the hub or a file; or one of your own.

Takes `study.Model`; gives a module that maps float32 [N, 3, S, S] to logits [N, 1]. Refuses an unknown
backbone or weight tag (with near matches), weights that do not fit, a size the network
cannot take, and a hub that cannot be reached: never random weights in place of pretrained ones.
Cost: seconds for a large network; a download where `weights: hub` is new on this machine.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import timm
import torch
from huggingface_hub import hf_hub_download
from safetensors import SafetensorError
from safetensors.torch import load_file
from timm.models import get_pretrained_cfg
from torch import nn

from dfstudy.errors import StudyError, near_match
from dfstudy.model.foreign import fit_weights
from dfstudy.model.own import build_own
from dfstudy.model.packaged import read_packaged
from dfstudy.study.own_code import read_own

if TYPE_CHECKING:
    from dfstudy.study.recipe import Model

# A training's file often holds its weights one or two levels down, beside the state of an optimiser.
CONVERT = (
    "python -c \"import sys, torch, safetensors.torch as s; t = torch.load(sys.argv[1], map_location='cpu', "
    "weights_only=True); n = ('state_dict', 'model_state_dict', 'model', 'net'); "
    "t = next((t[k] for k in n if isinstance(t.get(k), dict)), t); "
    's.save_file({k: v.contiguous().clone() for k, v in t.items() if torch.is_tensor(v)}, sys.argv[2])" '
    "OLD.pth NEW.safetensors"
)
HUB_FILE = "model.safetensors"  # the name that every timm repository on the hub uses


def build_model(settings: Model) -> nn.Module:
    """Build the network; layers without given weights draw from torch's global generator, so seed it.

    `network.new_layers` names the weights that the source did not give: the classifier, where it was
    made for other classes, or everything with `weights: none`.
    """
    if own := read_own(settings.backbone):
        network = build_own(settings, own)
        network.new_layers = ("all",)
        if settings.weights != "none":
            network.new_layers = load_weights(network, Path(settings.weights))
        return network
    _check_backbone(settings.backbone)
    if settings.weights == "hub":
        overlay = {"file": str(_hub_weights(settings.backbone)), "custom_load": False}
        network = _create(settings, pretrained=True, pretrained_cfg_overlay=overlay)
        network.new_layers = classifier_keys(network)
    else:
        network = _create(settings)
        network.new_layers = ("all",)
        if settings.weights == "package":
            given = read_packaged(settings.backbone, list(network.state_dict()))
            network.new_layers = _load(network, given, settings.backbone)
        elif settings.weights != "none":
            network.new_layers = load_weights(network, Path(settings.weights))
    _check_size(network, settings)
    return network


def load_weights(network: nn.Module, file: Path) -> tuple[str, ...]:
    """Load a .safetensors file into the network; `network.weights_note` says what was done for it to fit.

    Returns:
        The classifier's keys where the file has none, or one of another shape, which is left out; else ().
    Raises:
        StudyError: no such file, not safetensors, or what `fit_weights` refuses.
    """
    return _load(network, _read_weights(file), str(file))


def start_head_at_zero(network: nn.Module) -> None:
    """Set a new classifier's weights and bias to zero: every image starts at probability one half.

    A classifier that came with the weights stays, and so does a network of the user's own. timm draws a
    single logit of an EfficientNet from U(-1, 1) (`timm.models._efficientnet_builder`: the range is
    1 / sqrt(fan_out), and fan_out is 1), so that its first loss is 3 to 5.

    Args:
        network: of `build_model`.
    """
    new = classifier_keys(network) if network.new_layers == ("all",) else network.new_layers
    own = dict(network.named_parameters())
    with torch.no_grad():
        for key in new:
            own[key].zero_()


def _load(network: nn.Module, given: dict[str, torch.Tensor], source: str) -> tuple[str, ...]:
    """Load tensors as `fit_weights` brings them to the network; returns the classifier's new keys."""
    fitted = fit_weights(given, network.state_dict(), classifier_keys(network), source)
    network.load_state_dict(fitted.tensors, strict=False)
    network.weights_note = fitted.note
    return fitted.new


def _check_backbone(backbone: str) -> None:
    if not timm.is_model(backbone):
        name = backbone.split(".")[0]
        raise StudyError(
            f"model.backbone: timm {timm.__version__} has no network '{backbone}'"
            f"{near_match(name, timm.list_models())}",
            f"list its networks: python -c \"import timm; print(timm.list_models('*{name[:6]}*'))\"",
        )
    name, _, tag = backbone.partition(".")
    tags = [full.partition(".")[2] for full in timm.list_models(f"{name}.*", pretrained=True)]
    if tag and tag not in tags:
        raise StudyError(
            f"model.backbone: {name} has no weight tag '{tag}'{near_match(tag, tags)}",
            f"name one of its tags after the dot: {', '.join(tags)}" if tags else "leave the tag out",
        )


def _create(settings: Model, **weights: object) -> nn.Module:
    options = dict(settings.options)
    if get_pretrained_cfg(settings.backbone).fixed_input_size:
        options.setdefault("img_size", settings.size)  # transformers lay out their positions for one size
    try:
        return timm.create_model(settings.backbone, num_classes=1, in_chans=3, **options, **weights)
    except (TypeError, RuntimeError, ValueError, AssertionError) as error:
        raise StudyError(
            f"timm cannot build {settings.backbone} at {settings.size} px with options {options}: {error}",
            "change model.size or model.options in the study file",
        ) from error


def _check_size(network: nn.Module, settings: Model) -> None:
    network.eval()
    try:
        with torch.no_grad():
            shape = tuple(network(torch.zeros(1, 3, settings.size, settings.size)).shape)
    except (RuntimeError, ValueError, AssertionError) as error:
        raise StudyError(
            f"{settings.backbone} does not take images of {settings.size} px: {error}",
            "set model.size to a size it takes, often a multiple of 32",
        ) from error
    if shape != (1, 1):
        raise StudyError(
            f"{settings.backbone} gives an output of shape {shape} instead of one logit",
            "choose a classification network as model.backbone",
        )


def _hub_weights(backbone: str) -> Path:
    """The weight file of a backbone's tag, from this machine's cache or downloaded."""
    known = get_pretrained_cfg(backbone)
    if not known.hf_hub_id:
        where = f"are published only at {known.url}" if known.url else "were never published"
        raise StudyError(
            f"weights of {backbone} {where}, and not as safetensors on the hub",
            "use model.weights: none, or convert them and give the .safetensors file as model.weights",
        )
    try:
        return Path(hf_hub_download(known.hf_hub_id, HUB_FILE))
    except Exception as error:  # offline, proxy, rate limit, no such repository: one way out for all
        raise StudyError(
            f"weights of {backbone} cannot be had from the hub ({type(error).__name__})",
            f"fetch https://huggingface.co/{known.hf_hub_id}/resolve/main/{HUB_FILE} where there is a "
            "network, and name the file in the study: model.weights: path/to/model.safetensors",
        ) from error


def _read_weights(file: Path) -> dict[str, torch.Tensor]:
    if not file.is_file():
        raise StudyError(
            f"model.weights: there is no file {file}",
            "give none, hub, or the path of a .safetensors file, counted from the study file",
        )
    try:
        return load_file(file)
    except SafetensorError as error:
        raise StudyError(
            f"model.weights: {file} is not a safetensors file ({error})",
            f"convert it once: {CONVERT}",
        ) from None


def classifier_keys(network: nn.Module) -> tuple[str, ...]:
    """Names of the last layer's weights and bias; none where timm does not name that layer."""
    names = getattr(network, "pretrained_cfg", {}).get("classifier") or ()  # an own network names none
    names = (names,) if isinstance(names, str) else names
    own = network.state_dict()
    return tuple(key for name in names for key in (f"{name}.weight", f"{name}.bias") if key in own)
