"""What a network makes of an image before its classifier, as one row of numbers: features of frozen stages.

Takes a timm network and numbers of its stages, counted from 0 as timm's `forward_intermediates` counts them:
the resolutions of a convolutional network, the blocks of a transformer. Gives a module from float32
[N, 3, S, S] to float32 [N, columns]. A stage gives the mean and the standard deviation of each channel over
the image; where the network has a class token, that token and the mean of the image's tokens. At the end
stands what the classifier itself would take. Refused with `StudyError`: a stage that the network does not
have, and a network that timm gives no stages of (in timm 1.0.31 all 98 families give theirs).
Cost: one forward pass without gradients; pooling adds a few per cent.

Early stages keep what forensics looks at and what a classifier of objects throws away: texture, noise, edges
of a blend. So two are taken beside the end by default: the last but two and the last but one of resolutions
(a pixel of theirs stands for 8 and 16 of the image), and the blocks at a half and at three quarters of a
transformer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from dfstudy.errors import StudyError

HEAD = "head"  # what the classifier takes

Stages = Literal["auto"] | Sequence[int]


class Columns(NamedTuple):
    """Columns of one kind: `blocks.2 mean`, and how many."""

    name: str
    width: int


class PooledStages(nn.Module):
    """The network up to its classifier, in eval, with stages pooled.

    Attributes:
        stages: numbers of those that are taken, rising.
        columns: what the columns hold, in their order.
    """

    def __init__(self, network: nn.Module, size: int, stages: Stages = "auto") -> None:
        """Pool stages of a network.

        Args:
            network: of `build_model`.
            size: side of its input, pixels.
            stages: their numbers; `auto` takes the two of the module's text.

        Raises:
            StudyError: the network has no such stages.
        """
        super().__init__()
        self.network = network.eval()
        known = list(getattr(network, "feature_info", []))
        if not hasattr(network, "forward_intermediates") or not known:
            raise _no_stages(network)
        self.stages = tuple(_choose(known) if stages == "auto" else sorted(set(stages)))
        outside = [stage for stage in self.stages if not 0 <= stage < len(known)]
        if outside:
            raise StudyError(
                f"{type(network).__name__} has no stage {outside[0]}: timm counts {len(known)} from 0",
                f"name stages from 0 to {len(known) - 1}",
            )
        # the last one is asked for as well: some networks end where the last that is asked for ends
        self._asked = sorted({*self.stages, len(known) - 1})
        self._prefixed = getattr(network, "num_prefix_tokens", 0) > 0
        self._has_class_token = self._prefixed and getattr(network, "cls_token", None) is not None
        self.columns = self._name_columns([str(known[stage]["module"]) for stage in self.stages], size)

    @property
    def width(self) -> int:
        """Columns of a row."""
        return sum(each.width for each in self.columns)

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """float32 [N, columns]."""
        return torch.cat(self._parts(x_NCHW), dim=1)

    def _parts(self, x_NCHW: Tensor) -> list[Tensor]:
        prefix = {"return_prefix_tokens": True} if self._prefixed else {}
        last, found = self.network.forward_intermediates(x_NCHW, indices=self._asked, **prefix)
        by_stage = dict(zip(self._asked, found, strict=True))
        parts = [part for stage in self.stages for part in self._pool(by_stage[stage])]
        head = self.network.forward_head(last, pre_logits=True)
        return [*parts, head.float().flatten(1)]

    def _pool(self, found: Tensor | tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Two rows a stage, float32 [N, channels] each."""
        space, prefix = found if isinstance(found, tuple) else (found, None)
        flat = space.float().flatten(2)  # [N, channels, places]
        if self._has_class_token and prefix is not None:
            return prefix[:, 0].float(), flat.mean(2)
        deviation, mean = torch.std_mean(flat, dim=2, correction=0)
        return mean, deviation

    def _name_columns(self, modules: Sequence[str], size: int) -> tuple[Columns, ...]:
        kinds = ("class token", "mean of tokens") if self._has_class_token else ("mean", "deviation")
        names = [f"{module} {kind}" for module in modules for kind in kinds] + [HEAD]
        try:
            with torch.no_grad():
                parts = self._parts(torch.zeros(1, 3, size, size))
        except (RuntimeError, ValueError, AttributeError, TypeError, AssertionError) as error:
            raise _no_stages(self.network) from error
        return tuple(Columns(name, part.shape[1]) for name, part in zip(names, parts, strict=True))


def weights_digest(network: nn.Module) -> str:
    """sha256 over names, shapes and bytes of all tensors but the classifier's, which features do not pass."""
    names = network.pretrained_cfg.get("classifier") or ()
    left_out = tuple(f"{name}." for name in ((names,) if isinstance(names, str) else names))
    found = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        if not name.startswith(left_out):
            found.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
            found.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return found.hexdigest()


def _choose(known: Sequence[dict[str, object]]) -> list[int]:
    """Numbers of two stages, where there are so many."""
    count = len(known)
    if len({stage["reduction"] for stage in known}) > 1:
        chosen = {count - 3, count - 2}
    else:
        chosen = {count // 2 - 1, 3 * count // 4 - 1}
    return sorted(stage for stage in chosen if stage >= 0)


def _no_stages(network: nn.Module) -> StudyError:
    return StudyError(
        f"timm gives no stages of {type(network).__name__}, so its features cannot be taken",
        "choose another backbone, or another size of its input",
    )
