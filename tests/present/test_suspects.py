"""The table of suspicious labels: what becomes a correction of index.csv."""

from __future__ import annotations

from random import Random

import pandas as pd
from PIL import Image

from dfstudy.data.index import index_study
from dfstudy.present.suspects import suspect_images, write_suspects
from dfstudy.study.study import load_study


def test_rows_become_corrections(tmp_path):
    folder = tmp_path / "faces"
    folder.mkdir()
    names = [f"{'=' * (at == 2)}{at}.png" for at in range(6)]
    for at, name in enumerate(names):
        Image.frombytes("RGB", (48, 48), Random(at).randbytes(48 * 48 * 3)).save(folder / name)
    rows = pd.DataFrame({"path": names, "label": [0, 0, 0, 1, 1, 1], "split": "train"})
    suspects = suspect_images(rows, [0.1, 0.1, 0.7, 0.25, 0.9, 0.6])
    assert suspects["path"].tolist() == [names[2], names[3]] and suspects["rank"].tolist() == [1, 2]
    study = load_study(data=str(folder), out=str(tmp_path / "out"))
    write_suspects(study, "some.csv", suspects)
    table = pd.read_csv(tmp_path / "out" / "numbers" / "some.csv", keep_default_na=False)
    assert table["path"].tolist() == ["./=2.png", "3.png"]  # no formula
    corrected = rows.set_index("path").drop(index=names[2:4])[["label"]].assign(exclude=["", "no", "0", ""])
    corrected.loc["./=2.png"] = [table["suggested"][0], ""]
    corrected.loc["3.png"] = [table["label"][1], "blurred"]
    corrected.to_csv(folder / "index.csv")
    index = index_study(study, progress=False).set_index("path")
    assert index.loc["=2.png", "label"] == 1 and index.loc["3.png", "error"].startswith(
        "index.csv leaves it out"
    )
    assert (index["error"] != "").sum() == 1
