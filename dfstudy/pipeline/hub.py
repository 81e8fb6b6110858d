"""Weights on the model hub: in this machine's cache, or to be had at once, without loading torch.

Takes the name of a repository; says where its weights lie in the cache, or why they cannot be had. The hub is
asked in the background, once and for a few seconds at most; nothing is downloaded. HF_HOME, HF_ENDPOINT and
HF_HUB_OFFLINE count as they do for the hub's own library. Cost: a tenth of a second, `PATIENCE` at most.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
from huggingface_hub.errors import HfHubHTTPError

from dfstudy.errors import StudyError

PATIENCE = 3.0  # seconds in which the hub has to answer, without a second try
FILE = "model.safetensors"  # as `dfstudy.model.build` calls it, which loads torch


class HubFile:
    """A repository's weights: looked for in the cache, else asked for as soon as this is made.

    Attributes:
        cached: path of the file in the cache, or empty.
    """

    def __init__(self, backbone: str, repository: str) -> None:
        self.backbone, self.repository = backbone, repository
        found = try_to_load_from_cache(repository, FILE)
        self.cached = found if isinstance(found, str) and Path(found).is_file() else ""
        self._reason = "HF_HUB_OFFLINE is set" if constants.HF_HUB_OFFLINE else f"no answer in {PATIENCE:g} s"
        self._was_reached = False
        self._until = time.monotonic() + PATIENCE
        # a thread, because looking up a name has no time limit of its own; it ends with this process
        self._asking = threading.Thread(target=self._ask, daemon=True)
        if not self.cached and not constants.HF_HUB_OFFLINE:
            self._asking.start()

    @property
    def url(self) -> str:
        """Where the file can be fetched by hand."""
        return hf_hub_url(self.repository, FILE)

    def refuse_unreachable(self) -> None:
        """Refuse weights that are not in the cache where the hub does not answer, whatever it would say.

        Raises:
            StudyError: it is offline, or nothing came back in time.
        """
        if not self.cached and self._wait() and not self._was_reached:
            raise self._missing()

    def refuse_missing(self) -> None:
        """Refuse weights that are not in the cache and that the hub does not give.

        Raises:
            StudyError: see `refuse_unreachable`, or the hub has no such file for this user.
        """
        if not self.cached and self._wait():
            raise self._missing()

    def _wait(self) -> str:
        """Why the hub does not give the file, or empty."""
        if self._asking.ident is not None:
            self._asking.join(max(0.0, self._until - time.monotonic()))
        return self._reason

    def _ask(self) -> None:
        try:
            get_hf_file_metadata(self.url, timeout=PATIENCE)
            self._was_reached, self._reason = True, ""
        except Exception as error:  # offline, proxy, rate limit, no such repository: one way out for all
            told = (str(error).strip().splitlines() or [""])[0]
            self._was_reached = isinstance(error, HfHubHTTPError)
            self._reason = f"{type(error).__name__}: {told}"[:160]

    def _missing(self) -> StudyError:
        return StudyError(
            f"weights of {self.backbone} are not in the hub's cache ({constants.HF_HUB_CACHE}), and "
            f"{constants.ENDPOINT} does not give them: {self._reason}",
            f"fetch {self.url} where there is a network, and give the file: model.weights: path/to/{FILE}; "
            "or copy the cache of a machine that has them (HF_HOME); or train without: model.weights: none",
        )


def ask_hub(backbone: str) -> HubFile | None:
    """The weights of a backbone under the name that nearly all have; None where the cache has some version.

    A backbone without a weight tag has a default that only timm knows.
    """
    cache = Path(constants.HF_HUB_CACHE)
    if "." not in backbone and any(cache.glob(f"models--timm--{backbone}.*/snapshots/*/{FILE}")):
        return None
    return HubFile(backbone, f"timm/{backbone}")
