"""The face detector's weights: from a path, from the cache, or fetched once and checked by sha256.

Takes a path or nothing; gives the file's bytes. Order: the path given, the environment variable
DFSTUDY_FACE_WEIGHTS, the cache, the network. Refuses a file that is missing, a fetched one whose digest is
another, and says without a network which file to put where.
Cost: 0.2 MB once.

YuNet (Wu, Peng and Yu 2023, doi 10.1007/s11633-023-1423-y) as the OpenCV model zoo publishes it under the MIT
licence. The digest is that of the Git LFS pointer in opencv/opencv_zoo at the commit below.
"""

from __future__ import annotations

import hashlib
import os
import urllib.error
import urllib.request
from pathlib import Path

from dfstudy.errors import StudyError
from dfstudy.system.file_kind import no_file

NAME = "face_detection_yunet_2023mar.onnx"
URL = (
    "https://github.com/opencv/opencv_zoo/raw/966be4cb6eefc2a4f586ed0581bf4bbaa2533070/"
    f"models/face_detection_yunet/{NAME}"
)
SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
VARIABLE = "DFSTUDY_FACE_WEIGHTS"
_SECONDS = 30  # without an answer


def read_weights(path: str | Path = "") -> bytes:
    """Bytes of the detector's ONNX file.

    Args:
        path: a file of the user's own, which is not checked against `SHA256`.
    Raises:
        StudyError: there is no such file, or none could be fetched.
    """
    given = str(path) or os.environ.get(VARIABLE, "")
    if given:
        file = Path(given).expanduser()
        try:
            if kind := no_file(file):
                raise OSError(0, f"it is {kind}")
            return file.read_bytes()
        except OSError as error:
            source = "--weights" if path else VARIABLE
            raise StudyError(
                f"the face detector's weights {file} cannot be read: {error.strerror}",
                f"give the path of a YuNet file (.onnx) with {source}, or leave it out to fetch it",
            ) from None
    cached = cache_folder() / NAME
    if cached.is_file():
        data = cached.read_bytes()
        if hashlib.sha256(data).hexdigest() == SHA256:
            return data
    return _fetch(cached)


def cache_folder() -> Path:
    """Where fetched files are kept: `dfstudy` below XDG_CACHE_HOME or `~/.cache`."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "dfstudy"


def _fetch(cached: Path) -> bytes:
    elsewhere = (
        f"on a machine with a network fetch {URL} and put it here: {cached} "
        f"(or anywhere, and give --weights FILE or set {VARIABLE})"
    )
    try:
        with urllib.request.urlopen(URL, timeout=_SECONDS) as answer:
            data = answer.read()
    except (urllib.error.URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        raise StudyError(f"the face detector could not be fetched: {reason}", elsewhere) from None
    found = hashlib.sha256(data).hexdigest()
    if found != SHA256:
        raise StudyError(
            f"what {URL} gave is not the published face detector: sha256 {found}, not {SHA256}", elsewhere
        )
    cached.parent.mkdir(parents=True, exist_ok=True)
    partial = cached.with_name(f"{NAME}.{os.getpid()}")
    partial.write_bytes(data)
    partial.replace(cached)
    return data
