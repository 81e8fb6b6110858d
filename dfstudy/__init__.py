"""dfstudy: the reproducible study of deepfake face-image detection.

Data flows one way through the rooms, top to bottom; a room imports only from rooms above it:
`study`, `data`, `augment`, `model`, `train`, `evaluate`, `report`, `cli`. Importing this package
loads none of them, so that `dfstudy --help` is quick.
"""

__version__ = "0.1.0"
