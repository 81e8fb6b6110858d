"""Starts a run that several devices share, from a notebook, the command line or a step of the report alike.

Takes a study, a seed and the run's folder; runs `dfstudy train` under Hugging Face Accelerate's launcher, one
process a device, and returns when the run is finished. The study goes along as a file in the run's folder.
Refused: more devices than this machine has, before anything starts. For several machines, start the
launcher on each of them by hand; docs/cluster.md says how.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import yaml

from dfstudy.errors import StudyError
from dfstudy.system.bound import name_signal
from dfstudy.system.kept import write_atomic

if TYPE_CHECKING:
    from dfstudy.study.study import Study


def launch(study: Study, seed: int, folder: Path) -> None:
    """Train one seed on `training.devices` devices of this machine.

    Raises:
        StudyError: too few devices, or the training failed; its own message is on the terminal by then.
    """
    devices, gpus = study.training.devices, torch.cuda.device_count()
    if gpus and gpus < devices:
        raise StudyError(
            f"training.devices is {devices}, but this machine shows {gpus} GPU{'s' * (gpus > 1)}",
            f"set training.devices: {gpus} (the batch stays {study.training.batch_size}), "
            "or check CUDA_VISIBLE_DEVICES",
        )
    file = folder / "study.yaml"
    write_atomic(file, yaml.safe_dump(study.model_dump(mode="json"), sort_keys=False).encode())
    ended = subprocess.run(launch_command(devices, file, study.out, seed), env=dict(os.environ)).returncode
    if ended:
        reason = f"it was ended by {name_signal(-ended)}" if ended < 0 else "the reason is above"
        raise StudyError(
            f"training seed {seed} on {devices} devices failed; {reason}",
            "mend it and give the same command again: it goes on from its last saved state",
        )


def launch_command(devices: int, study: Path, out: Path, seed: int) -> list[str]:
    """`accelerate launch` for processes of this machine; port 0 lets the system choose a free one."""
    launcher = [sys.executable, "-m", "dfstudy.system.bound", "accelerate.commands.launch", "--multi_gpu"]
    launcher += ["--num_processes", str(devices), "--num_machines", "1", "--main_process_port", "0"]
    launcher += ["--mixed_precision", "no", "--dynamo_backend", "no"]  # the study's own settings hold
    return [
        *launcher,
        "-m",
        "dfstudy",
        "train",
        "--study",
        str(study),
        "--out",
        str(out),
        "--seed",
        str(seed),
    ]
