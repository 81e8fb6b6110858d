"""What the steps of a report ask for: cores, memory, time and GPUs.

Takes a study and the site where its steps run; gives the `Needs` of a step. On this machine they are its
cores and the GPUs that it has. On a cluster they come from the study alone, because the node that plans is
not the one that trains; a profile changes each of them under the name of the rule (`set-threads`,
`set-resources`). There every step that works with a network asks for the same number of cores: on a
processor that number is part of a run's key, and a chapter that had fewer would not find the run. Cost: none.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from dfstudy.study.recipe import Training

if TYPE_CHECKING:
    from dfstudy.chapters.base import Chapter
    from dfstudy.study.study import Study

CORES_A_DEVICE = 8  # one for the network, the others read images, where the study leaves it open
DEVICE_MB = 6_000  # torch, a network with its gradients, and batches on their way to a GPU
WORKER_MB = 1_500  # a loader process: the libraries again, and the batches that it has ready
# needs of a chapter that works with trained networks
NETWORKS = {"runs", "policies", "forgeries", "defects", "tuning", "pairs", "curve", "leakage"}
METER = 2 * 60  # minutes for the leakage estimate, which takes a few on two cores
DAY = 24 * 60  # minutes; a run that is ended then goes on from there


class Needs(NamedTuple):
    """Cores, memory in MB, time in minutes and GPUs of one step, all on one node."""

    threads: int
    mem_mb: int
    runtime: int
    gpu: int
    nodes: int = 1


@dataclass(frozen=True)
class Site:
    """Where the steps of a report run.

    Attributes:
        cores, gpus: those of this machine that steps share; a cluster's are not known here.
        cluster: steps that work with a network are jobs of a cluster, the others run here.
    """

    cores: int
    gpus: int
    cluster: bool = False

    def training(self, study: Study) -> Needs:
        """One training run: all devices that the study gives it."""
        devices = study.training.devices
        return self._network(study, DAY, devices if self.cluster else min(devices, self.gpus))

    def leakage(self, study: Study) -> Needs:
        """The small trainings of the leakage estimate, on one device whatever the study takes."""
        return self._network(_on_one_device(study), METER, 1 if self.cluster else min(1, self.gpus))

    def chapter(self, study: Study, chapter: Chapter) -> Needs:
        """One chapter: a device where it uses the trained networks."""
        minutes = min(2 * -(-chapter.timeout // 60), DAY)  # the time-out is a cell's, and two may be slow
        if "leakage" in chapter.needs:  # as many cores as the estimate had, or its runs are not found
            study = _on_one_device(study)
        if NETWORKS & set(chapter.needs):
            return self._network(study, minutes, 1 if self.cluster else min(1, self.gpus))
        # a step that measures durations has the machine for itself
        alone = any(name.startswith("timing_") for name in chapter.figures)
        return Needs(self.cores if alone else 1, DEVICE_MB, minutes, 0)

    def _network(self, study: Study, minutes: int, gpus: int) -> Needs:
        devices, workers = study.training.devices, study.training.workers
        threads = study.training.threads
        cores_a_device = CORES_A_DEVICE if workers == "auto" else workers + 1
        memory = DEVICE_MB + WORKER_MB * (cores_a_device - 1)
        if self.cluster:
            cores = devices * cores_a_device
        else:  # runs of a few threads each stand side by side
            cores = self.cores if gpus or threads == "auto" else min(threads, self.cores)
        return Needs(cores, devices * memory, minutes, gpus)


def _on_one_device(study: Study) -> Study:
    return study.model_copy(update={"training": Training(threads=study.training.threads)})


def count_gpus() -> int:
    """GPUs that the driver shows, without loading torch; 0 without a driver."""
    return len(gpu_names())


def gpu_names() -> list[str]:
    """Name of each GPU that the driver shows; none without a driver."""
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return re.findall(r"^GPU \d+: (.+?)(?: \(UUID.*)?$", listed.stdout, re.MULTILINE)
