"""A report whose intervals ask for videos: refused before anything is trained where images name none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dfstudy.errors import StudyError
from dfstudy.pipeline import build as room
from dfstudy.pipeline.invocation import resolve


def write_faces(folder: Path, seed: int, videos: bool) -> Path:
    """Twelve images of each class that nothing ties together; each names a video where asked."""
    noise, lines = np.random.default_rng(seed), ["path,label,video"]
    for name in ("real", "fake"):
        (folder / name).mkdir(parents=True)
        for at in range(12):
            pixels = noise.integers(0, 256, (37, 53, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{at}.png")
            lines.append(f"{name}/{at}.png,{name},{name}{at}")
    if videos:
        (folder / "index.csv").write_text("\n".join(lines))
    return folder


@pytest.mark.parametrize(
    ("own", "others", "refused"),
    [(False, True, "the test: "), (True, False, "test_on, others: "), (True, True, "")],
)
def test_videos_that_pictures_do_not_name_are_refused_before_a_step_runs(
    tmp_path, monkeypatch, own, others, refused
):
    write_faces(tmp_path / "own", 0, own)
    write_faces(tmp_path / "others", 1, others)
    text = "name: own\ntitle: T\ndata: {root: own}\ntest_on: [others]\nevaluate: {level: video}\n"
    (tmp_path / "own.yaml").write_text(text)
    began = []
    monkeypatch.setattr(room, "Preflight", lambda _: None)  # of networks; loads torch
    monkeypatch.setattr(room, "_check_first", lambda *_: {"networks": {}})
    monkeypatch.setattr(room, "write_plan", lambda *_: began.append("plan"))
    monkeypatch.setattr(room, "stale_steps", lambda *_: ["steps/page.json"])
    monkeypatch.setattr(room, "say_stale", lambda *_: [])
    monkeypatch.setattr(room, "look_ahead", lambda *_: None)
    monkeypatch.setattr(room, "_run_snakemake", _end)
    asked = resolve(str(tmp_path / "own.yaml"), out=str(tmp_path / "out"))
    with pytest.raises(StudyError) as error:
        room.build(asked)
    if refused:
        assert error.value.message.startswith(f"{refused}evaluate.level is video, but ")
        assert "set evaluate.level to group" in error.value.hint and not began
    else:
        assert error.value.message == "steps begin" and began


def _end(*_: object) -> None:
    raise StudyError("steps begin", "end here")
