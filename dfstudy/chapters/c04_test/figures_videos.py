"""The test video by video, in words: a table of strategies and what the chosen one comes to, for `say`.

Takes `dfstudy.chapters.c04_test.videos.Videos`; gives Markdown in which every number is an id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dfstudy.chapters.c04_test.videos import NONE, Videos

if TYPE_CHECKING:
    from dfstudy.number import Number

SPOKEN = {
    "mean": "mean of all frames",
    "median": "median of all frames",
    "max": "highest frame",
    "top_k": "mean of the three highest frames",
    "confident": "mean of the sure frames where enough agree (the DFDC's winner)",
}
HEAD = "| a video's score | AUC on validation | log-loss on validation (nats) | use |\n|---|---|---|---|\n"
HINT = " Name each frame's video in a column `video` of index.csv, or crop videos with `dfstudy faces`."


def tell_videos(videos: Videos, numbers: Mapping[str, Number]) -> str:
    """Table and sentence, or why there are none."""
    if videos.reason:
        return f"**No videos to judge:** {videos.reason}.{HINT if videos.reason == NONE else ''}"
    rows = [
        f"| {SPOKEN[name]} | {{video.validation.auc.{name}}} | {{video.validation.log_loss.{name}}} | "
        f"{'chosen' if name == videos.chosen else ''} |\n"
        for name in videos.strategies["strategy"]
    ]
    gain = numbers["test.video.auc.gain"]
    verdict = "whether videos are ranked better than single frames is inconclusive"
    if gain.low is not None and gain.low > 0:
        verdict = "videos are ranked better than single frames"
    elif gain.high is not None and gain.high < 0:
        verdict = "**videos are ranked worse than single frames**"
    return (
        f"{HEAD}{''.join(rows)}\n"
        f"The strategy with the highest validation AUC, the {SPOKEN[videos.chosen]}, gives on "
        "{test.video.videos} test videos ({test.video.frames} frames) an AUC of {test.video.auc}, a balanced "
        "accuracy of {test.video.balanced_accuracy} and a log-loss of {test.video.log_loss} nats; "
        f"{verdict} (difference of AUC {{test.video.auc.gain}})."
    )
