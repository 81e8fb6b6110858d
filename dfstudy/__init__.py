"""dfstudy: the reproducible study of deepfake face-image detection.

Data flows one way through the rooms, see docs/architecture.md; `dfstudy.Detector` is loaded when it is asked
for, so that `dfstudy --help` is quick.
"""

import importlib
import os
import warnings
from typing import Any

# Threads that wait spin by default, and take the cores from loader workers and other programs: on two busy
# cores a training step took 2.3 to 6 s instead of 0.4 s. Read when torch loads; changes no result.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# albumentations asks a server for updates while it is imported, unless it is told otherwise first.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

# In a notebook, huggingface_hub (brought by timm and albumentations) asks for the widgets that would draw its
# download bars; the warning would print a path of the machine into the chapter.
warnings.filterwarnings("ignore", message="IProgress not found")

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`Detector`, the one class that a user of trained runs needs."""
    if name == "Detector":
        # by name: an import statement here would make every digest of code depend on all of dfstudy
        return importlib.import_module("dfstudy.scoring.detector").Detector
    raise AttributeError(f"module 'dfstudy' has no attribute '{name}'")
