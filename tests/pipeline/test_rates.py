"""`dfstudy rates`: a table, a curve and a sentence, equal every time, and nothing that the report reads."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from dfstudy.cli.main import main


@pytest.fixture
def tiny(tmp_path: Path) -> list[str]:
    """Options of a study of 12 rendered people."""
    settings = {
        "name": "tiny",
        "title": "A tiny study",
        "data": {"sample": {"identities": 12, "frames": 2, "size": 48}},
        "model": {"backbone": "test_efficientnet", "size": 48},
        "training": {"batch_size": 8, "workers": 0, "seeds": [4, 0]},
    }
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(settings))
    return ["--study", str(tmp_path / "tiny.yaml"), "--out", str(tmp_path / "out")]


def test_it_writes_a_table_and_a_curve_and_says_what_it_found(tiny, tmp_path):
    asked = ["rates", *tiny, "--low", "1e-5", "--high", "1", "--steps", "20"]
    written = []
    for _ in range(2):
        done = CliRunner().invoke(main, asked, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        assert "suggest" in done.stdout.lower() and "seed4.csv" in done.stdout and "seed4.png" in done.stdout
        files = sorted((tmp_path / "out" / "rates").iterdir())
        written.append({file.name: file.read_bytes() for file in files})
    assert written[0] == written[1] and set(written[0]) == {"seed4.csv", "seed4.png"}
    table = pd.read_csv(tmp_path / "out" / "rates" / "seed4.csv")
    assert len(table) <= 20 and table["rate"].iloc[0] == 1e-5 and table.notna().all(axis=None)
    assert not (tmp_path / "out" / "runs").exists()


def test_impossible_rates_end_with_the_next_step(tiny):
    done = CliRunner().invoke(main, ["rates", *tiny, "--low", "1", "--high", "0.1"])
    assert done.exit_code == 1 and "do not rise" in done.output and "next step: give" in done.output
