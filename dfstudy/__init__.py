"""dfstudy: the reproducible study of deepfake face-image detection.

Data flows one way through the rooms, top to bottom; a room imports only from rooms above it:
`study`, `data`, `augment`, `model`, `train`, `evaluate`, `report`, `cli`. Importing this package
loads none of them, so that `dfstudy --help` is quick.
"""

import warnings

# In a notebook, huggingface_hub (brought by timm and albumentations) asks for the widgets that would draw its
# download bars; the warning would print a path of the machine into the chapter.
warnings.filterwarnings("ignore", message="IProgress not found")

__version__ = "0.1.0"
