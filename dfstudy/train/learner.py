"""What a step changes: the network, its optimiser, and the moving average of its weights.

Takes the study, a place, a process group and batches; a step leaves updated weights and gives this
process's logits and its part of the loss. A step of `batch_size` images may be shared by several
processes and passed in several parts: the gradient is that of the mean over the whole step, whoever
holds its images. Random numbers of a step come from its own key. Nothing here waits for a GPU.
"""

from __future__ import annotations

import shutil
from contextlib import nullcontext
from itertools import count
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from dfstudy.data.order import sample_key
from dfstudy.errors import StudyError
from dfstudy.model.build import build_model, start_head_at_zero
from dfstudy.model.device import DeviceSetup, resolve_normalisation
from dfstudy.model.freeze import count_parameters, train_mode
from dfstudy.model.tuning import choose_trained
from dfstudy.train.protocol import build_optimiser, loss_of_each

if TYPE_CHECKING:
    from dfstudy.data.samples import Batch
    from dfstudy.model.process_group import Team
    from dfstudy.study.recipe import Training
    from dfstudy.study.study import Study

COMPILERS = ("c++", "g++", "clang++", "cl")


class Learner:
    """A network that learns, in one process of a team.

    Attributes:
        network: the trained one; its name and parameters are the same however many processes share it.
        tested: the network to validate and keep: the moving average where there is one, else `network`.
        new_layers: layers that the weights file did not fill.
        parameters: (all, trainable), with what a tuning adds.
    """

    def __init__(self, study: Study, key: int, fake_weight: float, place: DeviceSetup, team: Team) -> None:
        self.recipe, self.place, self.team, self.fake_weight = study.recipe, place, team, fake_weight
        torch.manual_seed(key)
        network = build_model(study.model)
        if not study.protocol.timm_head:
            start_head_at_zero(network)
        self.new_layers = cast("tuple[str, ...]", network.new_layers)
        choose_trained(network, study.model)
        self.parameters = count_parameters(network)
        self.normalisation = resolve_normalisation(network, study.model, study.protocol)
        moved = network.to(place.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network = team.spread(moved)
        self.optimiser = build_optimiser(self.network, self.recipe)
        self.average = self._begin_average()
        self._shared = team.wrap(self.network)
        self._compiled = _compile(self._shared) if self.recipe.compile else self._shared
        self._usual = pictures_at_once(self.recipe)

    @property
    def tested(self) -> nn.Module:
        """The network whose scores count."""
        return self.network if self.average is None else self.average.module

    def step(self, batch: Batch, rate: float, key: int, whole: int) -> tuple[Tensor, Tensor]:
        """One optimiser step.

        Args:
            batch: this process's share of the step's images, perhaps none.
            rate: learning rate.
            key: seeds dropout and the like in this step.
            whole: images of the whole step, over all processes.
        Returns:
            float32 logits of the share [n], and its part of the step's mean loss [], both detached.
        """
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        pictures = len(batch.rows)
        # the few images that end an epoch go in fewer parts: BatchNorm makes little of one image
        parts = torch.arange(pictures).tensor_split(-(-pictures // self._usual)) if pictures else ()
        done = []
        for number, part in enumerate(parts):
            rows = slice(int(part[0]), int(part[-1]) + 1)
            torch.manual_seed(sample_key(key, self.team.rank, number) if number or self.team.rank else key)
            is_last = number + 1 == len(parts)
            with nullcontext() if is_last else self.team.without_exchange(self._shared):
                done.append(self._gradient(batch.images_NHWC[rows], batch.labels[rows], whole))
        if not parts:
            done.append(self._join_without_pictures(batch))
        if self.recipe.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.clip_norm)
        self.optimiser.step()
        if self.average is not None:
            self.average.update_parameters(self.network)
        logits, losses = zip(*done, strict=True)
        return torch.cat(logits)[:pictures], torch.stack(losses).sum()

    def _gradient(self, images_NHWC: Tensor, labels: Tensor, whole: int) -> tuple[Tensor, Tensor]:
        """Add the gradient of some images' part of the mean loss; give their logits and that part."""
        labels = labels.to(self.place.device, non_blocking=True)
        logits = self._forward(images_NHWC)
        loss = loss_of_each(logits, labels, self.fake_weight).sum() / whole
        torch.autograd.backward(loss * self.team.size)  # gradients are averaged over the team
        return logits.detach(), loss.detach()

    def _forward(self, images_NHWC: Tensor) -> Tensor:
        """Logits float32 [n]; an odd number of images, as an epoch ends, is not worth compiling again."""
        network = self._compiled if len(images_NHWC) == self._usual else self._shared
        with self.place.autocast():
            logits: Tensor = network(self.normalisation(images_NHWC, self.place.device))
            return logits.flatten().float()

    def _join_without_pictures(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Take part in the process group's sums with a black image that has no weight."""
        black = batch.images_NHWC.new_zeros((1, *batch.images_NHWC.shape[1:]))
        logits = self._forward(black)
        loss = logits.sum() * 0.0
        torch.autograd.backward(loss)
        return logits.detach(), loss.detach()

    def _begin_average(self) -> AveragedModel | None:
        """Exponential moving average of weights and BatchNorm statistics (Polyak and Juditsky 1992)."""
        if not self.recipe.ema:
            return None
        average = get_ema_multi_avg_fn(self.recipe.ema)  # type: ignore[no-untyped-call]
        return AveragedModel(self.network, multi_avg_fn=average, use_buffers=True)


def refuse_lone_picture(learner: Learner, study: Study, pictures: int) -> None:
    """Refuse what BatchNorm would end in the middle: one image alone, of which it sees one value a channel.

    A small input ends at 1 x 1. Process groups never meet this: they share their moments, and one
    without images joins with a black one. The network is tried in eval, so nothing of it changes.

    Args:
        pictures: of an epoch, two or more.
    Raises:
        StudyError: a part of a step holds one image, and that is too few for this network.
    """
    if learner.team.size > 1 or _smallest_part(study.recipe, pictures) > 1:
        return
    if not _needs_two(learner, study):
        return
    recipe, model = study.recipe, study.model
    larger = (recipe.model_copy(update={"batch_size": recipe.batch_size + more}) for more in count(1))
    better = next(each.batch_size for each in larger if _smallest_part(each, pictures) > 1)
    parts = f" in {recipe.accumulate} parts" if recipe.accumulate > 1 else ""
    raise StudyError(
        f"{pictures:,} training images in steps of {recipe.batch_size}{parts} leave one image alone, and "
        f"BatchNorm of {model.network} cannot train on a single one of {model.size} px",
        f"set training.batch_size: {better}, or a larger model.size",
    )


def _smallest_part(recipe: Training, pictures: int) -> int:
    """Fewest images that a single device passes at a time in an epoch."""
    steps = {min(recipe.batch_size, pictures), pictures % recipe.batch_size} - {0}
    return min(step // -(-step // pictures_at_once(recipe)) for step in steps)


def _needs_two(learner: Learner, study: Study) -> bool:
    """Whether a BatchNorm that trains sees one value a channel of one image."""
    network, size, few = learner.network, study.model.size, []
    train_mode(network, study.model.batch_norm, study.protocol.drifting_batch_norm)
    layers = [each for each in network.modules() if isinstance(each, _BatchNorm) and each.training]
    hooks = [
        each.register_forward_pre_hook(lambda layer, given: few.append(given[0][:, 0].numel() == 1))
        for each in layers
    ]
    network.eval()
    with torch.no_grad(), learner.place.autocast():
        black = torch.zeros((1, size, size, 3), dtype=torch.uint8)
        network(learner.normalisation(black, learner.place.device))
    for hook in hooks:
        hook.remove()
    return any(few)


def pictures_at_once(recipe: Training) -> int:
    """Images that one device holds at a time: its share of a step, in parts."""
    share = -(-recipe.batch_size // recipe.devices)
    return -(-share // recipe.accumulate)


def _compile(network: nn.Module) -> nn.Module:
    if not any(shutil.which(name) for name in COMPILERS):
        raise StudyError(
            "training.compile needs a C++ compiler, and this machine has none on its path",
            "install one (the package g++), or set training.compile: false",
        )
    return cast("nn.Module", torch.compile(network, dynamic=False))
