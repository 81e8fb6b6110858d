"""Environment variables under which a step gives the same bytes, set before its Python starts.

Gives dictionaries to add to a process's environment. Nothing is imported for it, so that the command line
stays quick.
"""

from __future__ import annotations

import os
from pathlib import Path

from dfstudy.system.provenance import PACKAGE, project_root

# of launchers of teams, of Snakemake and of matplotlib
FOREIGN = {"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK", "MASTER_ADDR", "MASTER_PORT"}
FOREIGN |= {"SNAKEMAKE_PROFILE", "MATPLOTLIBRC", "MPLBACKEND", "DFSTUDY_STAGING"}
FOREIGN_START = ("ACCELERATE_", "TORCHELASTIC_")


def steady_environment() -> dict[str, str]:
    """Variables under which the same inputs give the same bytes, whatever the shell had set.

    The number of threads changes the order of floating-point sums, so it is every core of the machine
    for each step, however many steps run side by side. A checkout's own package comes first for every
    Python below this one, whatever checkout its environment was installed from.
    """
    try:
        threads = str(len(os.sched_getaffinity(0)))
    except AttributeError:  # not on every system
        threads = str(os.cpu_count() or 1)
    limits = ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "VECLIB_MAXIMUM", "GOTO")
    return {
        "PYTHONHASHSEED": "0",
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # deterministic matrix products on CUDA
        "NO_ALBUMENTATIONS_UPDATE": "1",  # importing it asks the network otherwise
        "JUPYTER_PREFER_ENV_PATH": "1",
        **{f"{name}_NUM_THREADS": threads for name in limits},
        **_own_code(),
    }


def _own_code() -> dict[str, str]:
    root = str(PACKAGE.parent)
    if str(project_root()) != root:  # installed alone: it is found anyway
        return {}
    others = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return {"PYTHONPATH": os.pathsep.join([root, *(each for each in others if each not in ("", root))])}


def steps_environment() -> dict[str, str]:
    """The whole environment of a report's steps: this process's, without what would change a result.

    A shell inside a batch job, a user's matplotlib and a profile of Snakemake's are other people's settings.
    """
    inherited = {k: v for k, v in os.environ.items() if k not in FOREIGN and not k.startswith(FOREIGN_START)}
    return {**inherited, **steady_environment()}


def kernel_environment(cache: Path) -> dict[str, str]:
    """The above, with folders of its own for IPython and matplotlib, so that no user's start-up file,
    style or history reaches a chapter. `cache` outlives the chapter: it holds matplotlib's font list.
    """
    folders = {"IPYTHONDIR": cache / "ipython", "MPLCONFIGDIR": cache / "matplotlib"}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    return {
        **steady_environment(),
        **{name: str(folder) for name, folder in folders.items()},
        "MATPLOTLIBRC": str(folders["MPLCONFIGDIR"]),  # no file there: matplotlib's own settings
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",  # plt.show() reaches the page's check
        "PYTHONFAULTHANDLER": "1",  # a crash leaves its stack in the kernel's log
    }
