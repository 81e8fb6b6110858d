"""Every benchmark runs, says what it promises, and keeps a table; sizes are tiny and numbers mean nothing."""

from __future__ import annotations

import json
import sys
import time
from functools import partial
from importlib import import_module
from pathlib import Path

import pandas as pd
import pytest
import torch

FOLDER = Path(__file__).parent
SAID = {  # what each table is there for
    "bookkeeping": "duplicates and split, 300 rows, clips named",
    "bootstrap": "plain loop / ours, groups of 4",
    "compile": "waiting for the compiler",
    "end_to_end": "ours, 1 workers, decoded kept / held batch",
    "features": "extraction / network alone",
    "frozen": "measured / expected",
    "index": "cold / nothing changed",
    "loader": "ours, 1 workers, decoded kept / recorded",
    "memory": "peak of together, decoded kept",
    "score": "stream into a table / network alone",
    "train_step": "time of ours / timm, channels_last",
}


@pytest.fixture(autouse=True)
def as_a_script(monkeypatch):
    """Benchmarks import each other as scripts of one folder do; torch's settings are put back."""
    monkeypatch.syspath_prepend(FOLDER)
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "")
    # its own compiler takes half a minute; which one is called does not matter to the script
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    yield
    torch.set_num_threads(before[0])
    torch.use_deterministic_algorithms(before[1])


def read_table(folder: Path) -> pd.DataFrame:
    (file,) = folder.glob("*.csv")
    assert file.stem.startswith(("cpu", "nvidia")) and f"torch{torch.__version__[:4]}" in file.stem
    return pd.read_csv(file).set_index("quantity")


def test_every_benchmark_is_tried_here():
    assert {file.stem.removeprefix("bench_") for file in FOLDER.glob("bench_*.py")} == set(SAID)


@pytest.mark.parametrize("name", SAID)
def test_a_benchmark_runs_and_keeps_its_table(name, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "argv", [name, "--quick", "--out", str(tmp_path)])
    import_module(f"bench_{name}").main()
    table = read_table(tmp_path)
    assert set(table["benchmark"]) == {"machine", name}
    assert table.loc["torch", "value"] == torch.__version__.partition("+")[0]
    row = table.loc[SAID[name]]
    assert float(row["value"]) > 0 or name == "compile"
    assert float(row["low"]) <= float(row["value"]) <= float(row["high"])


def test_the_gpu_script_runs_without_one(monkeypatch, tmp_path):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    small = "--device cpu --backbone test_resnet --size 64 --side 96 --pictures 48 --recorded 8 --repeats 1"
    assert import_module("gpu").main([*small.split(), "--batch", "16", "--out", str(tmp_path)]) == 0
    told = json.loads((tmp_path / "gpu.json").read_text())
    assert all(told["exactness"].values()) and len(told["exactness"]) == 7
    rows = {row["quantity"] for row in told["rows"]}
    for variant in ("ours, eager", "ours, compiled, not exact"):
        assert f"{variant}, decoded kept / recorded loop" in rows
    assert "time of a step of ours, compiled / not exact" in rows
    assert "time of a step" in (tmp_path / "gpu.txt").read_text()
    assert "are kept in memory" in told["speed, batch 16"]["cache"]
    table = read_table(tmp_path)
    assert rows == set(table.index) and set(table["benchmark"]) == {"machine", "gpu_batch16"}


def test_a_part_that_fails_is_told_and_the_others_go_on(monkeypatch, tmp_path):
    gpu = import_module("gpu")
    monkeypatch.setattr(gpu, "check_exactness", lambda *_: {"bytes": True})
    monkeypatch.setattr(gpu, "measure_speed", lambda *_: 1 / 0)
    assert gpu.main(["--device", "cpu", "--pictures", "2", "--out", str(tmp_path)]) == 1
    told = json.loads((tmp_path / "gpu.json").read_text())
    assert told["exactness"] == {"bytes": True}
    assert told["speed, batch 64"] == {"failed": "ZeroDivisionError: division by zero"}


def test_a_comparison_of_bytes_can_fail(monkeypatch, tmp_path):
    gpu = import_module("gpu")
    monkeypatch.setattr(gpu, "check_exactness", lambda *_: {"bytes": False})
    monkeypatch.setattr(gpu, "measure_speed", lambda *_: {})
    assert gpu.main(["--device", "cpu", "--pictures", "2", "--out", str(tmp_path)]) == 1


def test_without_a_gpu_the_next_step_is_said(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert import_module("gpu").main([]) == 2
    assert "--device cpu tries the script without one" in capsys.readouterr().out


def test_the_busy_share_is_what_the_driver_says(tmp_path, monkeypatch):
    driver = tmp_path / "nvidia-smi"
    driver.write_text("#!/bin/sh\nfor share in 0 7 90 100 '[N/A]'; do echo $share; done\nexec sleep 60\n")
    driver.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with import_module("busy").BusyShare("cuda") as busy:
        time.sleep(0.5)
    assert busy.percent == 95
    with import_module("busy").BusyShare("cpu") as busy:
        pass
    assert busy.percent is None
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with import_module("busy").BusyShare("cuda") as busy:
        pass
    assert busy.percent is None


def test_works_take_turns_and_a_table_keeps_what_others_measured(tmp_path, capsys):
    measure = import_module("measure")
    turns = []
    works = {name: partial(turns.append, name) for name in "ab"}
    seconds = measure.interleave(works, repeats=2, warm=1)
    assert turns == ["a", "b"] * 3 and [len(times) for times in seconds.values()] == [2, 2]
    given = measure.parse("").parse_args(["--out", str(tmp_path)])
    for name, values in (("one", [4.0, 1.0, 2.0]), ("two", [5.0]), ("one", [3.0])):
        table = measure.Table(name)
        assert table.ratio("quotient", values, [2.0] * len(values)) == sorted(values)[len(values) // 2] / 2
        table.keep(given)
    kept = read_table(tmp_path)
    assert kept.loc["quotient", "value"].astype(float).tolist() == [1.5, 2.5]
    assert "one: quotient: 1 ratio (0.5 to 2)" in capsys.readouterr().out


def test_a_trial_run_keeps_nothing(tmp_path, monkeypatch):
    measure = import_module("measure")
    monkeypatch.setattr(measure, "project_root", lambda: tmp_path)
    table = measure.Table("one")
    table.add("quantity", [1.0], "s")
    table.keep(measure.parse("").parse_args(["--quick"]))
    assert list(tmp_path.iterdir()) == []
    table.keep(measure.parse("").parse_args([]))
    assert [file.parent for file in tmp_path.rglob("*.csv")] == [tmp_path / "reports" / "bench"]
