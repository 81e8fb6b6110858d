"""A cluster's profile: which one is meant, whether this machine can use it, and the clean-up after Ctrl-C.

Takes the name of a profile of this checkout (`profiles/<name>`) or the path of a copy; gives a `Cluster`,
whose options make Snakemake hand steps to it. Refuses a profile that is not there, is not readable, names
no executor, or names one that cannot work here. The jobs themselves are Snakemake's and its executor
plugin's. Cost: milliseconds.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml

from dfstudy.errors import StudyError
from dfstudy.system.provenance import project_root

PROFILES = project_root() / "profiles"
FILE = "config.yaml"
RUN_ID = re.compile(r"SLURM run ID: (\S+)")  # the name of every job of one run


@dataclass(frozen=True)
class Cluster:
    """One profile: a file with Snakemake's own options, and the executor that it names."""

    profile: Path
    executor: str

    def options(self, cores: int) -> list[str]:
        """Options for Snakemake.

        Args:
            cores: that the steps on this machine share.
        """
        return ["--profile", str(self.profile), "--local-cores", str(cores)]

    def cancel_left(self, account: str) -> None:
        """End the jobs of a stopped run that are still there.

        Snakemake cancels the jobs that it knows; one that it was just submitting, or asking after, is not
        among them.

        Args:
            account: what Snakemake wrote in that run.
        """
        run = RUN_ID.search(account)
        if run and shutil.which("scancel"):
            subprocess.run(["scancel", f"--name={run[1]}"], capture_output=True, timeout=60)


def find_cluster(name: str) -> Cluster:
    """Read the profile that is meant, and see that it can work here.

    Args:
        name: a profile of this checkout, such as `slurm`, or the path of a folder or file.
    Raises:
        StudyError: see the module.
    """
    profile = _profile_file(name)
    try:
        settings = yaml.safe_load(profile.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise StudyError(f"{profile}: not readable as YAML: {error}", "mend the line named above") from None
    executor = settings.get("executor") if isinstance(settings, dict) else None
    if not isinstance(executor, str) or "jobs" not in settings:
        raise StudyError(
            f"{profile}: a cluster's profile names its executor and the number of jobs at once",
            f"begin with a copy of {PROFILES / 'slurm'}",
        )
    plugin = f"snakemake-executor-plugin-{executor}"
    if importlib.util.find_spec(plugin.replace("-", "_")) is None:
        raise StudyError(
            f"{profile}: the executor '{executor}' is not installed", f"install it: pip install {plugin}"
        )
    if executor == "slurm" and shutil.which("sbatch") is None:
        raise StudyError(
            "there is no command sbatch here, so no job can be submitted",
            "run this on a node of the cluster that submits jobs, or leave CLUSTER= away",
        )
    return Cluster(profile, executor)


def _profile_file(name: str) -> Path:
    path = Path(name).expanduser()
    for place in (PROFILES / name, path):
        for file in (place / FILE, place):
            if file.is_file():
                return file.resolve()
    shipped = sorted(file.parent.name for file in PROFILES.glob(f"*/{FILE}"))
    raise StudyError(
        f"there is no profile '{name}' of a cluster",
        f"give {' or '.join(shipped)}, or the folder of a copy that holds {FILE}; see docs/cluster.md",
    )
